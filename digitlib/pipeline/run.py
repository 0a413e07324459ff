"""Run a profile's notebooks through Snakemake; this is what ``make run`` starts.

    python -m digitlib.pipeline.run --profile quick --cores 2 --seeds 3

It can be killed at any moment and started again. A lock on the profile's folder, which the system
gives back when its holder dies, admits one run at a time; whatever an earlier run left behind
(Snakemake, a notebook, its kernel) is ended before anything is written.
"""

import argparse
import contextlib
import errno
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

from digitlib.artifacts import project_root, resolve
from digitlib.pipeline import products, profiles, tracking
from digitlib.pipeline.dependencies import PACKAGE
from digitlib.pipeline.environment import prepare
from digitlib.pipeline.parameters import ParameterError
from digitlib.pipeline.processes import PATIENCE, end_orphans, only_run
from digitlib.safekeeping import BeingWritten

# What Snakemake says besides what it runs and why. A failed notebook tells its own error.
CHATTER = re.compile(
    r"$|\[\w{3} \w{3} +\d|\[IPKernelApp\] WARNING|Assuming unrestricted|Building DAG|Using shell"
    r"|Select jobs|Execute \d+ jobs|Complete log|Elapsed time|Error in rule|RuleException"
    r"|CalledProcessError in|Command 'set -euo|Exiting because|WorkflowError:$|At least one job"
    r"|Reasons:"
)


def run(profile: str, cores: str = "all", seeds: int = 1, dry_run: bool = False) -> int:
    """Bring a profile's outputs up to date, or only say how; return Snakemake's exit code.

    Raises:
        ParameterError: before anything runs, when a parameter file does not fit its notebook.
        BeingWritten: when another run of the profile (or of one it builds on) is alive.
        OSError: when the project cannot be written.
    """
    profiles.check(profile)
    names = sorted(_with_all_below(profile))
    folders = [resolve(f"outputs/{name}") for name in names]
    with only_run(folders):
        _make_ready(names, folders)
        code = _snakemake(profile, cores, seeds, folders, dry_run)
        for folder in folders:
            products.remove_empty_copies(folder)
        for name in names if not dry_run else []:
            tracking.remember(name, finished=name == profile and code == 0)
        return code


def _make_ready(names: list[str], folders: list[Path]) -> None:
    """See to what Snakemake would stumble over."""
    state = resolve(".snakemake")
    state.mkdir(exist_ok=True)
    if not os.access(state, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(state))
    for folder in folders:
        products.set_changed_aside(folder)
    read = [PACKAGE, *folders, *(resolve(f"params/{name}") for name in names)]
    products.date_back(file for folder in read for file in folder.rglob("*") if file.is_file())


def _with_all_below(profile: str) -> set[str]:
    return {profile}.union(*map(_with_all_below, profiles.built_on(profile)))


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
        "DIGITLIB_ROOT": str(root),
        "PYTHONIOENCODING": "utf-8",  # whatever the terminal has
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
            _say(f"▸ {step} – {_reason(line.removeprefix('Reason: '))}")
        elif not chatter:
            _say(line)


def _say(line: str) -> None:
    """Print, and go on where nobody reads it any more: a full pipe would stop the run."""
    with contextlib.suppress(OSError):
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
    prepare()
    try:
        code = run(chosen.profile, chosen.cores, chosen.seeds, chosen.dry_run)
    except (ParameterError, BeingWritten) as fault:
        sys.exit(str(fault))
    except OSError as fault:
        sys.exit(
            f"{fault.filename}: {fault.strerror}. A run writes to outputs/ and .snakemake/ in "
            f"{project_root()}; see that it can."
        )
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
