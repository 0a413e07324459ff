"""A small hyperparameter search: a project that makes it, and what it found."""

import json
import shutil
from pathlib import Path

from miniature import CHECKOUT


def small_search(root: Path) -> Path:
    """A root with notebooks, and a profile ``small`` that searches bundled digits."""
    shutil.copytree(CHECKOUT / "notebooks", root / "notebooks")
    (root / "params" / "small").mkdir(parents=True)
    (root / "params" / "small" / "04_hyperparameter_tuning.yaml").write_text(
        "space: {architecture_options.filters: [2, 3, 4, 5, 6, 7]}\n"
        "search: grid\ntrials: 6\nepochs: 12\ntrain_limit: 256\n"
    )
    return root


def accuracies(root: Path) -> dict[int, float]:
    """The validation accuracy of each trial, by what it tried; all of them are finished."""
    found = {}
    for file in root.glob("outputs/small/checkpoints/*/trial_*/trial.json"):
        trial = json.loads(file.read_text())
        assert trial["status"] == "COMPLETED"
        filters = trial["hyperparameters"]["values"]["architecture_options.filters"]
        assert filters not in found
        found[filters] = trial["score"]
    return found
