"""Gather what the runs of a profile measured: for its report, and for the README."""

from dataclasses import dataclass
from pathlib import Path

from digitlib import artifacts
from digitlib.artifacts import EVALUATION, ROBUSTNESS, TRAINING
from digitlib.reading.models import checksum
from digitlib.reporting.findings.words import from_to
from digitlib.reporting.published import CLAIMS


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
    others = [artifacts.load_metrics(other) for other in (folder / "runs").glob("seed-*")]
    seeds = [m for m in others if TRAINING in m and EVALUATION in m] or [metrics]
    seeds.sort(key=lambda m: (m[TRAINING]["seed"] != card["seed"], m[TRAINING]["seed"]))
    folds = [m[TRAINING] for m in others if m.get(TRAINING, {}).get("fold", -1) >= 0]
    folds.sort(key=lambda training: training["fold"])
    compared = [
        {"seed": m[TRAINING]["seed"]} | row
        for m in seeds
        for row in m[EVALUATION].get("comparison", [])
    ]
    return Run(folder, card, metrics, [_row(m) for m in seeds], folds, compared)


def judges(metrics: dict, model_dir: str | Path) -> bool:
    """Whether the metrics of notebook 05 or 06 are of the model in this folder."""
    return metrics.get("model_sha256") == checksum(model_dir)


def _row(metrics: dict[str, dict]) -> dict:
    training, test = metrics[TRAINING], metrics[EVALUATION]["test"]
    return {
        "seed": training["seed"],
        "epochs": training["epochs"],
        "training_minutes": training["training_seconds"] / 60,
        "validation_percent": training["validation"]["accuracy_percent"],
        "test_percent": test["accuracy_percent"],
    } | {key: test[key] for key in ("low_percent", "high_percent", "ece_percent")}


def beside_published(run: Run) -> list[dict]:
    """This run and the published systems' own claims, as rows for a table or a figure."""
    own = {
        "name": f"this run ({run.card['architecture']['name']})",
        "own": True,
        "measured_on": f"{run.test['n']:,} test digits of {run.card['dataset']}, held back",
    } | {key: run.test[key] for key in ("accuracy_percent", "low_percent", "high_percent")}
    return [own, *(claim._asdict() for claim in CLAIMS)]


def robustness_lines(metrics: dict[str, dict]) -> list[str]:
    """How a model read corrupted digits, and how it doubted non-digits; [] if not measured."""
    if ROBUSTNESS not in metrics:
        return []
    measured = metrics[ROBUSTNESS]
    apart = measured["auroc"]
    alphabets = "letters and signs that do not look like digits"
    kind = "drawn by this project's generator" if apart["drawn"] else alphabets
    sets, together = measured["sets"], measured.get("one_hand", {})
    gained = [_as_one_hand(name, sets[name], again) for name, again in together.items()]
    one_hand = (
        "**As one hand**: this is how accuracy changes when each writer's digits are read "
        f"together: {'; '.join(gained)}."
    )
    return [
        *([one_hand] if gained else []),
        f"**Corruptions**: {measured['corruption_mean_percent']:.1f} % are read correctly on "
        f"average over {len(measured['corruptions_percent'])} corruptions at the severity of "
        f"MNIST-C, each of {measured['corruptions'][0]['n']:,} test digits. For the corruptions "
        "that resemble nothing in the training, the mean is "
        f"{measured['corruption_mean_not_trained_percent']:.1f} %.",
        f"**Out-of-distribution inputs**: confidence separates {apart['digits']:,} digits from "
        f"{apart['non_digits']:,} non-digits ({kind}) with an area under the ROC curve of "
        f"{apart['auroc']:.3f} ({apart['low']:.3f} to {apart['high']:.3f}). "
        f"Of the digits in all sets, {measured['accepted_digits_percent']:.1f} % are accepted, of "
        f"the non-digits {measured['accepted_nondigits_percent']:.1f} %.",
    ]


def _as_one_hand(name: str, alone: dict, together: dict) -> str:
    """How accurate a set is read each digit by itself, and all digits of a writer together."""
    all_of_them, worst = (
        from_to(alone[key], together[key], 1) for key in ("accuracy_percent", "worst_percent")
    )
    return f"on {name} it {all_of_them} (for the worst writer it {worst})"


def provenance_lines(run: Run) -> dict[str, str]:
    """What has to be the same for the same numbers to come out."""
    card, training = run.card, run.metrics[TRAINING]
    return {
        "commit": card["commit"] or "not a checkout",
        "data (SHA-256)": card["sha256"],
        "seed": str(card["seed"]),
        "parameters": f"params/{run.folder.name}",
        "versions": ", ".join(" ".join(one) for one in card["versions"].items()),
        "machine": card["machine"],
        "training took": f"{training['training_seconds'] / 60:.1f} minutes, "
        f"{training['epochs']} epochs",
    }
