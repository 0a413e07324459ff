"""Run a Snakefile, here or on a cluster, and tell a person what it does.

Whatever it starts here is ended with it.
"""

import argparse
import contextlib
import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from digitlib.artifacts import project_root, resolve
from digitlib.pipeline import slurm
from digitlib.pipeline.narration import narrate
from digitlib.pipeline.processes import PATIENCE, end_orphans, only_run

EXECUTORS = "local", "slurm"
CORES_OF_A_JOB = 4  # on a cluster, unless a person says otherwise


@dataclass(frozen=True)
class Place:
    """Where a workflow's jobs run.

    Attributes:
        executor: ``local`` for this machine, ``slurm`` for a cluster.
        cores: of this machine, or of each job of a cluster.
        site: a file with Snakemake's settings for the cluster; "" for none.
    """

    executor: str = "local"
    cores: int = 1
    site: str = ""

    @staticmethod
    def add_options(parser: argparse.ArgumentParser) -> None:
        """Let a command line name one."""
        cores = f"how many to use, or all; on a cluster, of each job ({CORES_OF_A_JOB})"
        parser.add_argument("--cores", default="all", help=cores)
        parser.add_argument("--executor", default="local", choices=EXECUTORS, help="who runs it")
        parser.add_argument("--site", default="", help="settings for the cluster, a file")

    @classmethod
    def from_options(cls, parser: argparse.ArgumentParser, chosen: argparse.Namespace) -> Self:
        """The one that is named; ends the program where its cores are no number."""
        if chosen.cores == "all":
            cores = CORES_OF_A_JOB if chosen.executor == "slurm" else os.cpu_count() or 1
        elif chosen.cores.isdigit() and int(chosen.cores) > 0:
            cores = int(chosen.cores)
        else:
            parser.error(f"CORES is {chosen.cores}; use a number from 1 up, or all")
        return cls(chosen.executor, cores, chosen.site)


@contextlib.contextmanager
def workflow(
    name: str, folders: Sequence[Path], place: Place
) -> Iterator[Callable[[Path, Sequence[str]], int]]:
    """Hold folders for one run; gives what brings up to date what a Snakefile makes.

    That takes the Snakefile, which finds ``executor`` and ``cores`` in its ``config``, and more
    options of Snakemake, its ``--config`` last. It returns Snakemake's exit code.

    Args:
        name: of the run, in the names of its jobs.
        folders: what is written to.
        place: where its jobs run.

    Raises:
        BeingWritten: when another run holds one of the folders.
        ClusterError: when there is no cluster, or it does not answer.
        OSError: when the project cannot be written.
    """
    with (
        only_run(folders),
        slurm.jobs_of(name, place.executor, place.site, folders) as on_cluster,
    ):
        state = resolve(".snakemake")
        state.mkdir(exist_ok=True)
        if not os.access(state, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(state))

        def run(snakefile: Path, options: Sequence[str]) -> int:
            command = [
                *(sys.executable, "-m", "snakemake", "--snakefile", str(snakefile)),
                *("--directory", str(project_root())),
                *(on_cluster or ["--cores", str(place.cores)]),
                *("--keep-going", "--rerun-incomplete", "--quiet", "host", "progress"),
                # The lock above replaces Snakemake's, which outlives a killed process.
                *("--nolock", "--scheduler", "greedy"),
                # Models are compared by content too, not by age.
                *("--max-checksum-file-size", str(2**30)),
                *(*options, f"executor={place.executor}", f"cores={place.cores}"),
            ]
            return _run(command, folders[0])

        yield run


def _run(command: list[str], folder: Path) -> int:
    """Run Snakemake to its end, and end what it leaves behind in a folder."""
    environment = os.environ | {
        "DIGITLIB_ROOT": str(project_root()),
        "PYTHONIOENCODING": "utf-8",  # whatever the terminal has
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    process = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        # Ctrl-C comes to this process alone, which then ends all others at once and silently.
        start_new_session=True,
    )
    # Read beside waiting: what outlives Snakemake would keep the pipe open.
    reader = threading.Thread(target=narrate, args=[process.stdout], daemon=True)
    reader.start()
    code = process.wait()
    end_orphans(folder)
    reader.join(PATIENCE)
    return code
