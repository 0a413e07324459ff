"""What executed notebooks made: noted when one has ended, and looked at before the next run.

Snakemake knows what is missing or older than what it is made of. A model that was damaged since,
and files that are dated in the future, it takes for up to date, or stumbles over.
"""

import os
import time
from collections.abc import Iterable
from itertools import count
from pathlib import Path

from digitlib.artifacts import (
    CARD_FILE,
    LINE_MODEL,
    NUMBERS,
    TRAINING,
    from_root,
    write_json,
)
from digitlib.safekeeping import checksum, checksums, is_json, set_aside, whole_json

DONE = ".done"  # the folder of a run that has a note of each notebook
BY_HAND = "by-hand"  # the folders of models that a person trained into a profile's folder
MODELS = {TRAINING: "model", NUMBERS: LINE_MODEL}  # which folder a notebook makes


def note(done: Path, executed: Path) -> None:
    """Write that a notebook has ended well: when, and the checksums of its metrics and its model.

    The executed copy is no product of a rule (it is kept when a run fails); this says that it
    changed.
    """
    made = checksums(done.parents[1] / MODELS[done.name]) if done.name in MODELS else {}
    known = {"executed": executed.stat().st_mtime_ns, "model": made}
    write_json(done, known | {"metrics": _checksum_of_metrics(done)})


def set_changed_aside(profile_dir: Path) -> None:
    """Set aside what is not as `make run` made it, and say so; without its note it is made again.

    Those files of a model that are damaged get another name. A model with a card of its own was
    trained by hand, and is moved as a whole. Metrics that were written by hand are replaced.
    """
    for done in sorted(profile_dir.rglob(f"{DONE}/*")):
        noted = _noted(done)
        changed = done.name in MODELS and _set_model_aside(
            done.parents[1] / MODELS[done.name], noted["model"], profile_dir
        )
        metrics = done.parents[1] / "metrics" / f"{done.name}.json"
        if noted["metrics"] and noted["metrics"] != _checksum_of_metrics(done) and metrics.exists():
            print(f"{from_root(metrics)} was written by hand since: it is made again.", flush=True)
            changed = True
        if changed:
            done.unlink()


def _set_model_aside(folder: Path, made: dict[str, str], profile_dir: Path) -> bool:
    """Whether anything of a model had to be set aside."""
    found = checksums(folder)
    if made.get(CARD_FILE) != found.get(CARD_FILE) and is_json(folder / CARD_FILE):
        mine = next(f for i in count(1) if not (f := profile_dir / f"{BY_HAND}-{i}").exists())
        mine.mkdir()
        folder.rename(mine / folder.name)
        moved = (
            f"{from_root(folder)} was trained by hand: it is now {from_root(mine / folder.name)}"
        )
        print(f"{moved}, and the profile's own is made again.", flush=True)
        return True
    for name in sorted(made):
        if name in found and found[name] != made[name]:
            aside, file = set_aside(folder / name), from_root(folder / name)
            print(f"{file} is damaged: it is now called {aside.name}, and made again.", flush=True)
    return any(found.get(name) != made[name] for name in made)


def _checksum_of_metrics(done: Path) -> str:
    """The checksum of the metrics that a notebook wrote; "" where there are none."""
    metrics = done.parents[1] / "metrics" / f"{done.name}.json"
    return checksum(metrics) if metrics.exists() else ""


def remove_empty_copies(profile_dir: Path) -> None:
    """Remove the executed copies that Snakemake made, empty, where a step ended without its own."""
    for copy in profile_dir.rglob("*.ipynb"):
        if not copy.stat().st_size:
            copy.unlink()


def _noted(done: Path) -> dict:
    """The checksums in a note; none where an earlier version wrote it, or it is damaged."""
    noted = whole_json(done)
    return {"model": {}, "metrics": ""} | (noted if isinstance(noted, dict) else {})


def date_back(files: Iterable[Path]) -> None:
    """Give files that are dated in the future today's date, and say so.

    Snakemake discards what is older than what it was made of.
    """
    late = [file for file in files if file.stat().st_mtime > time.time()]
    for file in late:
        os.utime(file)
    if late:
        more = f" and {len(late) - 1} more" if len(late) > 1 else ""
        print(f"Dated in the future, and now today: {from_root(late[0])}{more}.", flush=True)
