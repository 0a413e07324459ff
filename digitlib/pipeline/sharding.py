"""Read many pictures in parts, in parallel here or on a cluster, into one table.

    python -m digitlib.pipeline.sharding run scans/ scans.csv --shards 8

``make predict`` starts it. Each part is a table that goes on where it was stopped, as a whole one
does (`reading.batch`); together they are the table that one process would have written. Until that
is there, they are in a folder beside it.
"""

import argparse
import shutil
import sys
import time
from pathlib import Path

from digitlib.artifacts import ArtifactError, read_json, write_json, writing
from digitlib.children import end_with_parent
from digitlib.pipeline.dependencies import PACKAGE
from digitlib.pipeline.environment import prepare
from digitlib.pipeline.slurm import ClusterError
from digitlib.pipeline.workflow import Place, workflow
from digitlib.pixels.digit_files import DataError
from digitlib.reading.batch import identity_of, predict
from digitlib.reading.models import PRETRAINED
from digitlib.reading.sources import Part, open_source
from digitlib.safekeeping import BeingWritten

SNAKEFILE = PACKAGE / "pipeline/sharding.smk"
JOB = "job.json"  # in the folder of the parts: what is read, by what, into what
OFTEN = 10  # seconds between two lines about a part


def make_table(pictures: Path, table: Path, shards: int, model_dir: Path, place: Place) -> int:
    """Read ``pictures`` in so many parts into a table; Snakemake's exit code.

    Raises:
        DataError: when they cannot be read from, or the table is there already.
        ArtifactError: when there is no model.
        BeingWritten: when another process makes this table.
        ClusterError: when there is no cluster, or it does not answer.
    """
    if table.is_dir():
        raise DataError(f"{table} is a folder; name a file for the table")
    if table.exists():
        raise DataError(f"{table} is there already; name another file, or remove it")
    source, folder = open_source(pictures), table.with_name(table.name + ".parts")
    for note in source.notes:
        print(note, file=sys.stderr)
    job = {
        "pictures": str(pictures),
        "table": str(table),
        "model": str(model_dir),
        "shards": shards,
        "identity": identity_of(source, model_dir),
    }
    folder.mkdir(parents=True, exist_ok=True)
    with workflow(f"predict-{table.stem}", [folder], place) as run_snakefile:
        if (folder / JOB).exists() and read_json(folder / JOB) != job:
            print(f"{folder} has parts of another table: they are made anew.", flush=True)
            for part in folder.glob("*.csv*"):
                part.unlink()
        write_json(folder / JOB, job)
        code = run_snakefile(SNAKEFILE, ["--configfile", str(folder / JOB), "--config"])
    if not code:
        shutil.rmtree(folder)
    return code


def read_part(job_file: Path, number: int, workers: int) -> None:
    """Read one part into its table, beside the job's file."""
    job, told = read_json(job_file), time.monotonic()
    part = Part(open_source(job["pictures"]), number, job["shards"])

    def progress(done: int, n: int) -> None:
        nonlocal told
        if time.monotonic() > told + OFTEN:
            told = time.monotonic()
            print(f"part {number} │ {done:,} of {n:,}", flush=True)

    predict(part, job_file.with_name(f"{number}.csv"), job["model"], workers, progress)


def join_parts(job_file: Path) -> None:
    """Write the whole table from those of all parts."""
    job = read_json(job_file)
    with writing(job["table"]) as unfinished, unfinished.open("wb") as whole:
        for number in range(1, job["shards"] + 1):
            with job_file.with_name(f"{number}.csv").open("rb") as part:
                heading = part.readline()
                whole.write(heading if number == 1 else b"")
                shutil.copyfileobj(part, whole)


def main() -> None:
    """``run``, ``part`` or ``join``; see ``--help``."""
    parser = argparse.ArgumentParser(prog="python -m digitlib.pipeline.sharding")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="read pictures into a table")
    run.add_argument("pictures", help="a folder, a zip file, or a file of digits")
    run.add_argument("table", help="the file to write, CSV")
    run.add_argument("--shards", type=int, default=8, help="parts")
    run.add_argument("--model", default=str(PRETRAINED), help="folder of another model")
    Place.add_options(run)
    part = commands.add_parser("part", help="read one part of a job")
    part.add_argument("job", type=Path)
    part.add_argument("number", type=int)
    part.add_argument("--workers", type=int, default=1)
    join = commands.add_parser("join", help="make the table of a job's parts")
    join.add_argument("job", type=Path)
    chosen = parser.parse_args()
    prepare()
    try:
        if chosen.command == "part":
            end_with_parent()
            read_part(chosen.job, chosen.number, chosen.workers)
        elif chosen.command == "join":
            join_parts(chosen.job)
        else:
            if not chosen.pictures or not chosen.table:
                parser.error("name what to read and the table to write: INPUT=scans/ TABLE=t.csv")
            if chosen.shards < 1:
                parser.error(f"SHARDS is {chosen.shards}; use a number from 1 up")
            pictures, table, model = (
                Path(name).expanduser().absolute()
                for name in (chosen.pictures, chosen.table, chosen.model)
            )
            place = Place.from_options(parser, chosen)
            if make_table(pictures, table, chosen.shards, model, place):
                sys.exit("Not everything was read (see above). The same command goes on there.")
            print(f"written: {chosen.table}")
    except (DataError, ArtifactError, BeingWritten, ClusterError) as fault:
        sys.exit(str(fault))
    except OSError as fault:
        sys.exit(f"{fault.filename}: {fault.strerror}")
    except KeyboardInterrupt:
        sys.exit("\nStopped. The same command goes on from here.")


if __name__ == "__main__":
    main()
