"""Notebooks as jobs of a Slurm cluster: is it there, why a job failed, and none left behind.

Snakemake's own executor plugin submits the jobs and watches them. All of a profile have names that
begin alike, so that those of a run that was killed can be found and ended.
"""

import contextlib
import hashlib
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from digitlib.artifacts import from_root, project_root
from digitlib.extras import need

NOTE = ".jobs"  # a file in a folder of results: the name of the run whose jobs write there
DEFAULTS = Path(__file__).with_suffix(".yaml")
PATIENCE = 60  # seconds that a cancelled job may take to end
# What ends a job, as Slurm writes it into the job's log or gives it as its state, and what helps.
ENDS = {
    r"exceeded memory limit|oom.kill|OUT_OF_MEMORY": (
        "needed more memory than it had asked for",
        "Ask for more in your SITE file, as in set-resources: {rule}: mem_mb: 16000.",
    ),
    r"DUE TO TIME LIMIT|TIMEOUT": (
        "took longer than it had asked for",
        "Ask for more in your SITE file, as in set-resources: {rule}: runtime: 48h.",
    ),
    r"NODE FAILURE|NODE_FAIL|BOOT_FAIL": (
        "lost its machine",
        "The same command goes on from what was saved.",
    ),
    r"CANCELLED|PREEMPTED": (
        "was cancelled",
        "The same command goes on from what was saved.",
    ),
}
LIBRARY = re.compile(r".*(?:libcu\w+|libnvidia|CUDA_ERROR|Unable to initialize backend 'cuda').*")


class ClusterError(RuntimeError):
    """There is no cluster to use; the message says why and what to do."""


@contextlib.contextmanager
def jobs_of(profile: str, executor: str, site: str, folders: Sequence[Path]) -> Iterator[list[str]]:
    """Snakemake's options for a cluster, with no job but this run's own writing to ``folders``.

    Jobs that a killed run left are ended first, those of this run at the end of the block.

    Args:
        profile: whose run it is.
        executor: ``slurm``, or ``local``, which needs no options.
        site: the file of a person's own settings, in Snakemake's words; "" for none.
        folders: what jobs write to, of this profile and of those it builds on.

    Raises:
        ClusterError: when Slurm is not here, does not answer, or the file is not there.
    """
    options: list[str] = []
    if executor == "slurm":
        _check(site)
        own = ["--profile", str(Path(site).absolute())] if site else []
        options = ["--profile", str(DEFAULTS), *own, "--slurm-jobname-prefix", _name(profile)]
    _end_jobs(folders)
    if executor == "slurm":
        for folder in folders:
            (folder / NOTE).write_text(_name(profile), encoding="utf-8")
    try:
        yield options
    finally:
        _end_jobs(folders)


def launcher(profile: str, cores: int, site: str) -> list[str]:
    """What makes a command a job of the cluster and waits for it; it goes before the command.

    The job asks for what the site's file gives all jobs, and those of the rule ``training``.
    """
    from humanfriendly import parse_timespan  # as Snakemake does

    given = (yaml.safe_load(Path(site).read_text(encoding="utf-8")) or {}) if site else {}
    asked = {"mem_mb": 8000, "runtime": "24h"} | given.get("default-resources", {})
    asked |= given.get("set-resources", {}).get("training", {})
    runtime = str(asked["runtime"])
    minutes = int(runtime) if runtime.isdecimal() else round(parse_timespan(runtime) / 60)
    where = {"slurm_partition": "partition", "slurm_account": "account", "qos": "qos"}
    return [
        *("srun", "--ntasks=1", f"--cpus-per-task={cores}", f"--mem={asked['mem_mb']}"),
        *(f"--time={max(1, minutes)}", f"--job-name={_name(profile)}"),
        *(f"--{option}={asked[name]}" for name, option in where.items() if name in asked),
    ]


def _check(site: str) -> None:
    try:
        need("cluster", "snakemake_executor_plugin_slurm")
    except ModuleNotFoundError as missing:
        raise ClusterError(str(missing)) from None
    if shutil.which("sbatch") is None:
        raise ClusterError(
            "Slurm is not here: there is no command sbatch. Start this on a machine from which "
            "jobs are submitted, or leave out EXECUTOR=slurm to run here."
        )
    _ask("sinfo", "--noheader")
    if site and not Path(site).is_file():
        raise ClusterError(f"SITE is {site}, which is no file; docs/running.md shows one")


def _name(profile: str) -> str:
    """What a profile's jobs are called; in another checkout they are called otherwise."""
    place = hashlib.sha256(str(project_root()).encode()).hexdigest()[:8]
    return f"digitlib-{place}-{re.sub('[^A-Za-z0-9_-]', '-', profile)}"[:50]


def _end_jobs(folders: Sequence[Path]) -> None:
    """Cancel the jobs that write to folders, as noted there, and wait until they have ended."""
    notes = [folder / NOTE for folder in folders if (folder / NOTE).exists()]
    names = tuple({note.read_text(encoding="utf-8") for note in notes})
    ended: set[str] = set()
    deadline = time.monotonic() + PATIENCE
    try:
        while left := _jobs(names) if names else []:
            if time.monotonic() > deadline:
                raise ClusterError(f"Slurm does not end these jobs: {', '.join(left)}")
            if new := set(left) - ended:
                _ask("scancel", *sorted(new))
                ended |= new
            time.sleep(1)
    except ClusterError as fault:
        raise ClusterError(
            f"{fault}\nJobs of an earlier run may still write to {from_root(notes[0].parent)}. If "
            f"none does, delete {from_root(notes[0])}."
        ) from None
    if ended:
        print(f"Ended what was left in the queue (Slurm jobs: {len(ended)}).", flush=True)
    for note in notes:
        note.unlink()


def _jobs(names: tuple[str, ...]) -> list[str]:
    """The numbers of the jobs of runs with such names that wait, run or end just now."""
    told = _ask("squeue", "--me", "--noheader", "--format", "%i %j").splitlines()
    named = (line.split(maxsplit=1) for line in told if line.strip())
    # Snakemake's plugin adds an identifier of 36 signs to the names of its jobs.
    mine = re.compile(rf"({'|'.join(map(re.escape, names))})(_[0-9a-f-]{{36}})?\s*")
    return [number for number, name in named if mine.fullmatch(name)]


def _ask(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError) as fault:
        said = (getattr(fault, "stderr", "") or str(fault)).strip().splitlines()
        raise ClusterError(
            f"Slurm does not answer ({command[0]}: {said[-1] if said else fault}). Try again when "
            "it does, or leave out EXECUTOR=slurm to run here."
        ) from None
    return done.stdout


def explain(rule: str, step: str, job: str, state: str, log: Path) -> str:
    """Why a job failed, in a sentence with its log and what helps.

    Args:
        rule, step: the Snakefile's rule, and what it was to do.
        job: its number.
        state: Slurm's word for how it ended.
        log: what it printed.
    """
    told = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    where = f"Slurm job {job}; its log is {from_root(log)}"
    for sign, (what, remedy) in ENDS.items():
        if re.search(sign, f"{told}\n{state}"):
            return f"{step} {what} ({where}). {remedy.format(rule=rule)}"
    if found := LIBRARY.search(told):
        return (
            f"{step} failed ({where}): {found[0].strip()[:200]}\nIts machine lacks a library of "
            "the graphics card. Ask for one that has it, or leave KERAS_BACKEND out."
        )
    # What the notebook said of its error: those lines have its name before them.
    said = [line for line in told.splitlines() if " │ " in line]
    start = next((i for i, line in enumerate(said) if " failed" in line), len(said))
    return "\n".join([f"{step} failed ({where}).", *said[start:]])
