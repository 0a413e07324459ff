"""Gather what the runs of a profile measured: for its report, and for the README."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from digitlib import artifacts
from digitlib.artifacts import EVALUATION, ROBUSTNESS, TRAINING
from digitlib.measuring.statistics import accuracy, over_seeds
from digitlib.reading.models import checksum
from digitlib.reporting.published import CLAIMS

# A run's rows as a reader sees them.
COLUMNS = {
    "training_minutes": "training (minutes)",
    "validation_percent": "validation (%)",
    "test_percent": "test (%)",
    "low_percent": "from (%)",
    "high_percent": "to (%)",
    "ece_percent": "calibration error (%)",
}


@dataclass(frozen=True)
class Run:
    """A profile's outputs.

    Attributes:
        folder: where they are.
        card: the card of its model.
        metrics: what each notebook saved, by notebook.
        rows: one per seed; the profile's own first.
        folds: what each fold of a cross-validation saved, in order; [] without one.
        compared: one per seed and other reader: its paired test on the same test digits.
    """

    folder: Path
    card: dict
    metrics: dict[str, dict]
    rows: list[dict]
    folds: list[dict]
    compared: list[dict]

    @property
    def test(self) -> dict:
        """Accuracy and calibration of the profile's own model on the test images."""
        return self.metrics[EVALUATION]["test"]


def read_run(output_dir: str | Path) -> Run:
    """Read a finished run.

    Raises:
        ArtifactError: when its training or evaluation is missing.
    """
    folder = artifacts.resolve(output_dir)
    card = artifacts.load_card(folder / "model")
    metrics = artifacts.load_metrics(folder)
    for name in (TRAINING, EVALUATION):
        if name not in metrics:
            raise artifacts.ArtifactError(
                f"{folder / 'metrics' / name}.json is missing: run notebooks/{name}.ipynb first, "
                f"or the whole profile with `make run PROFILE={folder.name}`"
            )
    for name in (EVALUATION, ROBUSTNESS):
        if name in metrics and not judges(metrics[name], folder / "model"):
            raise artifacts.ArtifactError(
                f"{folder / 'metrics' / name}.json judges another model than the one in "
                f"{folder / 'model'}: run notebooks/{name}.ipynb again, or, to have the "
                f"profile's own model back, delete that folder and `make run PROFILE={folder.name}`"
            )
    others = sorted((folder / "runs").glob("seed-*"), key=lambda p: _number(p.name))
    found = [artifacts.load_metrics(other) for other in others]
    whole = [m for m in found if TRAINING in m and EVALUATION in m] or [metrics]
    whole.sort(key=lambda m: m[TRAINING]["seed"] != card["seed"])
    compared = [
        {"seed": m[TRAINING]["seed"]} | row
        for m in whole
        for row in m[EVALUATION].get("comparison", [])
    ]
    return Run(folder, card, metrics, list(map(_row, whole)), _folds(found), compared)


def judges(metrics: dict, model_dir: str | Path) -> bool:
    """Whether the metrics of notebook 05 or 06 are of the model in this folder."""
    return metrics.get("model_sha256") == checksum(model_dir)


def _folds(found: list[dict[str, dict]]) -> list[dict]:
    trained = [m[TRAINING] for m in found if TRAINING in m]
    return sorted((t for t in trained if t.get("fold", -1) >= 0), key=lambda t: t["fold"])


def cross_validation(folds: Sequence[dict]) -> dict:
    """What the folds of a cross-validation say together.

    Args:
        folds: the metrics of each, with ``out_of_fold`` answers.

    Returns:
        percent (accuracy of each fold), spread (see ``over_seeds``; its interval takes folds for
        independent, which they are not quite: any two share most of what they learnt from), overall
        (accuracy of all out-of-fold answers, with Wilson's interval).
    """
    label, answer = (
        np.concatenate([fold["out_of_fold"][key] for fold in folds]) for key in ("label", "answer")
    )
    percent = [fold["validation"]["accuracy_percent"] for fold in folds]
    return {"percent": percent, "spread": over_seeds(percent), "overall": accuracy(label, answer)}


def _number(name: str) -> int:
    return int(name.split("-")[1])


def _row(metrics: dict[str, dict]) -> dict:
    training, test = metrics[TRAINING], metrics[EVALUATION]["test"]
    return {
        "seed": training["seed"],
        "epochs": training["epochs"],
        "training_minutes": training["training_seconds"] / 60,
        "validation_percent": training["validation"]["accuracy_percent"],
        "test_percent": test["accuracy_percent"],
        "low_percent": test["low_percent"],
        "high_percent": test["high_percent"],
        "ece_percent": test["ece_percent"],
    }


def over_all_seeds(compared: list[dict]) -> list[dict]:
    """For each other reader, the mean difference over the seeds, in points, with its interval."""
    names = dict.fromkeys(row["name"] for row in compared)
    differences = {
        name: [row["difference_percent"] for row in compared if row["name"] == name]
        for name in names
    }
    return [{"name": name} | over_seeds(values) for name, values in differences.items()]


def beside_published(run: Run) -> list[dict]:
    """This run and the published systems' own claims, as rows for a table or a figure."""
    own = {
        "name": f"this run ({run.card['architecture']['name']})",
        "own": True,
        "measured_on": f"{run.test['n']:,} test digits of {run.card['dataset']}, held back",
    } | {key: run.test[key] for key in ("accuracy_percent", "low_percent", "high_percent")}
    claims = [
        {
            "name": claim.system,
            "accuracy_percent": claim.accuracy_percent,
            "measured_on": claim.measured_on,
        }
        for claim in CLAIMS
    ]
    return [own, *claims]


def elsewhere(metrics: dict[str, dict]) -> list[str]:
    """What was measured besides sets of digits: corruptions, and non-digits; [] if nothing was."""
    if ROBUSTNESS not in metrics:
        return []
    measured = metrics[ROBUSTNESS]
    apart = measured["auroc"]
    kind = (
        "drawn by this project's generator"
        if apart["drawn"]
        else "of alphabets, without those that can be read as digits"
    )
    return [
        f"**Corruptions**: {measured['corruption_mean_percent']:.1f} % are read rightly on average "
        f"over {len(measured['corruptions_percent'])} corruptions at the severity of MNIST-C, each "
        f"of {measured['corruptions'][0]['n']:,} test digits. Over the corruptions that the "
        "training did not vary in any form it is "
        f"{measured['corruption_mean_not_trained_percent']:.1f} %.",
        f"**Out-of-distribution inputs**: {apart['digits']:,} digits and {apart['non_digits']:,} "
        f"pictures of other characters ({kind}) are told apart by confidence. The area under the "
        f"ROC curve is {apart['auroc']:.3f} ({apart['low']:.3f} to {apart['high']:.3f}). "
        f"{measured['accepted_digits_percent']:.1f} % of all sets' digits are accepted, and "
        f"{measured['accepted_nondigits_percent']:.1f} % of the other characters.",
    ]


def card_lines(card: dict) -> dict[str, str]:
    """A model's card for a reader: what it is, what it was made from, what it is for."""
    recipe, validation = card["recipe"], card["validation_metrics"]
    options = ", ".join(f"{k} {v}" for k, v in card["architecture"]["options"].items())
    variations = ", ".join(f"{k} {v}" for k, v in card["augmentation"].items())
    averaged = recipe.get("swa_epochs")
    return {
        "reads": "one handwritten digit in a 28×28 picture, ink bright on black",
        "network": card["architecture"]["name"] + (f" ({options})" if options else ""),
        "size": f"{card['parameters']:,} parameters, {card['multiply_adds'] / 1e6:.1f} million "
        "multiply-adds a digit",
        "trained on": card["source"],
        "variations": variations or "none",
        "drawn digits": f"{drawn:.0%} as many as real ones, by a generator of pen strokes"
        if (drawn := recipe["synthetic_share"])
        else "none",
        "shown what is no digit": f"{others:.0%} as many as digits: letters, scribbles"
        if (others := recipe.get("nondigit_share"))
        else "no",
        "epochs": f"after the first of {hard:.0%} of the digits, the hardest among them"
        if (hard := recipe.get("hard_example_share", 1)) < 1
        else "of all digits",
        "looks at a picture": "three times: as it is, a pixel up, a pixel down"
        if card.get("test_time_augmentation")
        else "once",
        "recipe": f"{recipe['optimizer']}, learning rate {recipe['learning_rate']:g} "
        f"({recipe['schedule']}), batches of {recipe['batch_size']}, at most {recipe['epochs']} "
        f"epochs{f', the last {averaged} averaged' if averaged else ''}, {card['precision']}",
        "chosen on": f"{validation['n']:,} validation digits, of which it reads "
        f"{validation['accuracy_percent']:.2f} % "
        f"({validation['low_percent']:.2f} to {validation['high_percent']:.2f} %)",
        "temperature": f"{card['temperature']:.3f}",
        "accepts from": f"confidence {card['threshold']:.2f}",
        "not for": "letters, several digits at once, or decisions nobody looks at again",
    }


def provenance_lines(run: Run) -> dict[str, str]:
    """What has to be the same for the same numbers to come out."""
    card, training = run.card, run.metrics[TRAINING]
    return {
        "commit": card["commit"] or "not a checkout",
        "data (SHA-256)": card["sha256"],
        "seed": str(card["seed"]),
        "parameters": f"params/{run.folder.name}",
        "versions": ", ".join(f"{k} {v}" for k, v in card["versions"].items()),
        "machine": card["machine"],
        "training took": f"{training['training_seconds'] / 60:.1f} minutes, "
        f"{training['epochs']} epochs",
    }
