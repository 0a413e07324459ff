"""Run a profile's notebooks through Snakemake; this is what ``make run`` starts.

    python -m digitlib.pipeline.run --profile quick --cores 2 --seeds 3

It can be killed at any moment and started again. A lock on the profile's folder, which the system
gives back when its holder dies, admits one run at a time; whatever an earlier run left behind
(Snakemake, a notebook, its kernel) is ended before anything is written.
"""

import argparse
import contextlib
import fcntl
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from digitlib.artifacts import project_root, resolve
from digitlib.pipeline import profiles, tracking
from digitlib.pipeline.dependencies import PACKAGE
from digitlib.pipeline.parameters import ParameterError

MARK = "DIGITLIB_RUN"  # every process of a run inherits it, so that orphans can be told apart
PATIENCE = 10  # seconds that a killed process may take to disappear
# What Snakemake says besides what it runs and why. A failed notebook tells its own error.
CHATTER = re.compile(
    r"$|\[\w{3} \w{3} +\d|\[IPKernelApp\] WARNING|Assuming unrestricted|Building DAG|Using shell"
    r"|Select jobs|Execute \d+ jobs|Complete log|Elapsed time|Error in rule|RuleException"
    r"|CalledProcessError in|Command 'set -euo|Exiting because|WorkflowError:$|At least one job"
    r"|Reasons:"
)


class AlreadyRunning(RuntimeError):
    """Another live run holds the profile."""


def run(profile: str, cores: str = "all", seeds: int = 1, dry_run: bool = False) -> int:
    """Bring a profile's outputs up to date, or only say how; return Snakemake's exit code.

    Raises:
        ParameterError: before anything runs, when a parameter file does not fit its notebook.
        AlreadyRunning: when another run of the profile (or of one it builds on) is alive.
    """
    profiles.check(profile)
    names = sorted(_with_all_below(profile))
    folders = [resolve(f"outputs/{name}") for name in names]
    with contextlib.ExitStack() as held:
        for folder in folders:
            held.enter_context(_only_run(folder))
        code = _snakemake(profile, cores, seeds, folders, dry_run)
        for name in names if not dry_run else []:
            tracking.remember(name, finished=name == profile and code == 0)
        return code


def end_orphans(folder: Path) -> int:
    """End every process that an earlier run in ``folder`` left behind; their number."""
    spared = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}

    def is_orphan(process: psutil.Process) -> bool:
        alive = process.pid not in spared and process.info["status"] != psutil.STATUS_ZOMBIE
        marked = (process.info["environ"] or {}).get(MARK, "").split(os.pathsep)
        return alive and str(folder) in marked

    ended = 0
    # One of them may start another before it ends: look again.
    while orphans := list(filter(is_orphan, psutil.process_iter(["environ", "status"]))):
        for orphan in orphans:
            with contextlib.suppress(psutil.NoSuchProcess):
                orphan.kill()
        psutil.wait_procs(orphans, timeout=PATIENCE)
        ended += len(orphans)
    return ended


def _with_all_below(profile: str) -> set[str]:
    return {profile}.union(*map(_with_all_below, profiles.built_on(profile)))


@contextlib.contextmanager
def _only_run(folder: Path) -> Iterator[None]:
    """Hold ``folder`` for this process, with nothing of an earlier run alive in it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise AlreadyRunning(
                f"{folder.name} is already running (pid {lock.read().strip()}); "
                "wait for it, or stop it with Ctrl-C in its terminal"
            ) from None
        lock.truncate(0)
        print(os.getpid(), file=lock, flush=True)
        if ended := end_orphans(folder):
            print(f"Ended what an earlier run left behind (processes: {ended}).", flush=True)
        try:
            yield
        finally:
            end_orphans(folder)


def _snakemake(profile: str, cores: str, seeds: int, folders: list[Path], dry_run: bool) -> int:
    root = project_root()
    command = [
        *(sys.executable, "-m", "snakemake", "--snakefile", PACKAGE.parent / "Snakefile"),
        *("--directory", root, "--cores", cores, "--config", f"profile={profile}"),
        *(f"seeds={seeds}", "--keep-going", "--rerun-incomplete", "--quiet", "host", "progress"),
        # The lock above replaces Snakemake's, which outlives a killed process.
        *("--nolock", "--scheduler", "greedy"),
        # Models are compared by content too, not by age.
        *("--max-checksum-file-size", str(2**30)),
        *(["--dry-run"] if dry_run else []),
    ]
    environment = os.environ | {
        MARK: os.pathsep.join(map(str, folders)),
        "DIGITLIB_ROOT": str(root),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    process = subprocess.Popen(
        list(map(str, command)),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        # Ctrl-C comes to this process alone, which then ends all others at once and silently.
        start_new_session=True,
    )
    # Read beside waiting: a notebook that outlives Snakemake would keep the pipe open.
    reader = threading.Thread(target=_show, args=[process.stdout], daemon=True)
    reader.start()
    code = process.wait()
    end_orphans(folders[0])
    reader.join(PATIENCE)
    return code


def _show(lines: Iterable[str]) -> None:
    """Print Snakemake's lines: each step with its reason in one line, its own chatter left out."""
    step, chatter = "", False
    for line in map(str.rstrip, lines):
        # Indented lines belong to the block above them.
        chatter = bool(CHATTER.match(line)) or (chatter and line.startswith(" "))
        if found := re.match(r"Job \d+: (.*)", line):
            step = found[1]
        elif line.startswith("Reason: "):
            print(f"▸ {step} – {_reason(line.removeprefix('Reason: '))}", flush=True)
        elif not chatter:
            print(line, flush=True)


def _reason(text: str) -> str:
    """Snakemake's reason without hidden files, and with two names where it gives all."""
    told = {}
    for part in text.split("; "):
        kind, _, files = part.partition(": ")
        if kind.startswith("Params"):  # the checksum of its cells, or its settings
            kind, files = "the notebook or its settings changed", ""
        elif kind.startswith("Missing output"):
            kind, files = "not made yet", ""
        names = [f for f in sorted(files.split(", ")) if f and "/.done/" not in f]
        more = f" and {len(names) - 2} more" if len(names) > 2 else ""
        told[kind[:1].lower() + kind[1:]] = ", ".join(names[:2]) + more
    if len(told) > 1:  # said by the other reason already
        told.pop("input files updated by another job", None)
    return "; ".join(f"{kind}: {names}" if names else kind for kind, names in told.items())


def main(arguments: list[str] | None = None) -> None:
    """Run from the command line; the exit code is not zero unless everything succeeded."""
    parser = argparse.ArgumentParser(prog="python -m digitlib.pipeline.run")
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--cores", default="all", help="how many to use, or all")
    parser.add_argument("--seeds", type=int, default=1, help="how many to train")
    parser.add_argument("--dry-run", action="store_true", help="only say what would run, and why")
    chosen = parser.parse_args(arguments)
    if chosen.cores != "all" and not (chosen.cores.isdigit() and int(chosen.cores) > 0):
        parser.error(f"CORES is {chosen.cores}; use a number from 1 up, or all")
    if chosen.seeds < 1:
        parser.error(f"SEEDS is {chosen.seeds}; use a number from 1 up")
    for told in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(told) != signal.SIG_IGN:  # as under nohup
            signal.signal(told, lambda number, _: sys.exit(128 + number))
    try:
        code = run(chosen.profile, chosen.cores, chosen.seeds, chosen.dry_run)
    except (ParameterError, AlreadyRunning) as fault:
        sys.exit(str(fault))
    except KeyboardInterrupt:
        sys.exit("\nStopped. The same command goes on from here.")
    if code:
        sys.exit("Not everything succeeded (see above). The same command resumes there.")
    if not chosen.dry_run:
        folder = resolve(f"outputs/{chosen.profile}")
        page = folder / "index.html"
        print(f"{chosen.profile} is up to date: {page if page.exists() else folder}")


if __name__ == "__main__":
    main()
