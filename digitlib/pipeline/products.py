"""What executed notebooks made: noted when one has ended, and looked at before the next run.

Snakemake knows what is missing or older than what it is made of. A model that was damaged since,
and files that are dated in the future, it takes for up to date, or stumbles over.
"""

import os
import time
from collections.abc import Iterable
from pathlib import Path

from digitlib.artifacts import (
    CARD_FILE,
    LINE_MODEL,
    NUMBERS,
    TRAINING,
    from_root,
    read_json,
    write_json,
)
from digitlib.safekeeping import checksums, is_json, set_aside

DONE = ".done"  # the folder of a run that has a note of each notebook
MODELS = {TRAINING: "model", NUMBERS: LINE_MODEL}  # which folder a notebook makes


def note(done: Path, executed: Path) -> None:
    """Write that a notebook has ended well: when, and the checksums of the model it made.

    The executed copy is no product of a rule (it is kept when a run fails); this says that it
    changed.
    """
    made = checksums(done.parents[1] / MODELS[done.name]) if done.name in MODELS else {}
    write_json(done, {"executed": executed.stat().st_mtime_ns, "model": made})


def set_damaged_models_aside(profile_dir: Path) -> None:
    """Rename those files of a profile's models that are not as they were made, and say so.

    Without the note of its notebook, Snakemake makes the model again. A model that has got a card
    of its own since was made by hand, and stays.
    """
    for done in (d for name in MODELS for d in profile_dir.rglob(f"{DONE}/{name}")):
        folder = done.parents[1] / MODELS[done.name]
        made, found = _noted(done), checksums(folder)
        if made.get(CARD_FILE) != found.get(CARD_FILE) and is_json(folder / CARD_FILE):
            continue
        for name, _ in sorted(made.items() - found.items()):
            if name in found:
                aside, file = set_aside(folder / name), from_root(folder / name)
                print(f"{file} is damaged: it is now called {aside.name}, and made again.")
            done.unlink(missing_ok=True)


def remove_empty_copies(profile_dir: Path) -> None:
    """Remove the executed copies that Snakemake made, empty, where a step ended without its own."""
    for copy in profile_dir.rglob("*.ipynb"):
        if not copy.stat().st_size:
            copy.unlink()


def _noted(done: Path) -> dict[str, str]:
    """The checksums in a note; {} where it has none."""
    noted = read_json(done) if is_json(done) else None
    return noted["model"] if isinstance(noted, dict) else {}  # an earlier version's is a number


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
