"""What KerasTuner notes of a search on disk: written whole, and set aside where it is damaged."""

import os
from pathlib import Path

from keras_tuner.src import utils
from keras_tuner.src.distribute.utils import has_chief_oracle, is_chief_oracle

from digitlib.artifacts import from_root, write_json
from digitlib.safekeeping import is_json, set_aside

# KerasTuner's own leaves an empty file where it is killed, or the disk is full.
utils.save_json = write_json


def set_damaged_notes_aside(folder: Path) -> None:
    """Rename what KerasTuner cannot read again, and say so.

    A worker looks at its own file only; the others are the chief's. Without what was noted of the
    search or of one of its trials, the search begins anew. It makes the same choices, whose fits
    are found in their checkpoints.
    """
    role = os.environ.get("KERASTUNER_TUNER_ID", "tuner0")
    own, shared = folder / f"{role}.json", folder / "oracle.json"
    files = [shared, *sorted(folder.glob("trial_*/trial.json"))]
    if has_chief_oracle() and not is_chief_oracle():
        files = []
    lost = [file for file in files if file.exists() and not is_json(file)]
    damaged = lost + [own] * (own.exists() and not is_json(own))
    for file in damaged:
        print(f"{from_root(file)} is damaged: it is now called {set_aside(file).name}.", flush=True)
    if lost:
        print(
            "The search begins anew; fits that are in a checkpoint are not made again.", flush=True
        )
        for file in (own, shared):
            file.unlink(missing_ok=True)
