"""Search for better settings of notebook 03 with KerasTuner, by trial.

A *space* says which settings may vary and how; a *trial* fits the network once with one choice of
them. KerasTuner's oracles choose, ``training.fit`` fits. Trials are kept on disk, so a search that
was killed goes on, even in the middle of a trial. With KerasTuner's environment variables set
(``KERASTUNER_TUNER_ID`` and the oracle's address), several processes share one search.
"""

import contextlib
import hashlib
import io
import json
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import keras_tuner
import yaml
from keras_tuner import Oracle, oracles
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.engine.trial import Trial
from sklearn.exceptions import ConvergenceWarning

from digitlib.artifacts import kept_epoch, resolve, writing
from digitlib.datasets import Dataset, load_dataset, split
from digitlib.learning import training
from digitlib.learning.search_notes import set_damaged_notes_aside
from digitlib.quiet import quiet

SEARCHES = {
    "random": oracles.RandomSearchOracle,
    "bayesian": oracles.BayesianOptimizationOracle,
    "hyperband": oracles.HyperbandOracle,
    "grid": oracles.GridSearchOracle,
}
MEASURED = ("val_accuracy", "val_loss", "seconds", "parameters")

#: What notebook 04 searches where nothing is said: the network ``convnet``, and how it is fitted.
SPACE = {
    "architecture_options.filters": [8, 12, 16],
    "architecture_options.depth": {"min": 2, "max": 4},
    "architecture_options.kernel": [3, 5],
    "architecture_options.dropout": {"min": 0.0, "max": 0.5, "step": 0.1},
    "learning_rate": {"min": 0.0005, "max": 0.01, "sampling": "log"},
    "schedule": ["constant", "cosine"],
    "label_smoothing": [0.0, 0.05, 0.1],
    "augmentation_strength": {"min": 0.0, "max": 1.5, "step": 0.25},
}
#: Settings of notebook 03 for digitnet, and for a search whatever does not vary.
RECIPE = {
    "architecture": "digitnet",
    "augmentation": {"rotation": 10, "zoom": 0.1, "shift": 1.5},
    "batch_size": 32,
    "optimizer": "adam",
    "learning_rate": 0.002,
    "schedule": "cosine",
    "warmup_epochs": 1.0,
}

Space = Mapping[str, Sequence | Mapping]
Report = Callable[[dict], None]


class TuningError(RuntimeError):
    """A search that cannot be made, or whose trials all failed."""


def hyperparameters(space: Space) -> keras_tuner.HyperParameters:
    """A search space as KerasTuner has it.

    Args:
        space: by the name of a setting either a list of its values, or ``{min, max}`` with
            ``step`` or ``sampling: log`` for numbers in between. ``architecture_options.width``
            names an entry of a setting, ``augmentation_strength`` multiplies all of them.

    Raises:
        TuningError: naming the entry that is neither.
    """
    declared = keras_tuner.HyperParameters()
    if not space:
        raise TuningError("the search space is empty: nothing varies")
    for name, choices in space.items():
        try:
            if isinstance(choices, Mapping):
                ends = choices["min"], choices["max"]
                number = declared.Int if all(isinstance(x, int) for x in ends) else declared.Float
                number(name, *ends, choices.get("step"), choices.get("sampling", "linear"))
            else:
                declared.Choice(name, list(choices))
        except (KeyError, TypeError, ValueError) as fault:
            raise TuningError(
                f"search space, {name}: {choices!r} is no list of values and no {{min, max}} "
                f"with step or sampling ({fault})"
            ) from None
    return declared


def settings(base: Mapping, chosen: Mapping) -> dict:
    """The settings of one trial: those of notebook 03, with what was chosen put in.

    Args:
        base: parameters of notebook 03.
        chosen: values by name, as in a space; KerasTuner's own (``tuner/…``) are left out.
    """
    result = dict(base)
    for name, value in chosen.items():
        if name == "augmentation_strength":
            strengths = result.get("augmentation", {}).items()
            result["augmentation"] = {kind: round(value * one, 4) for kind, one in strengths}
        elif "." in name:
            whole, part = name.split(".", 1)
            result[whole] = {**result.get(whole, {}), part: value}
        elif not name.startswith("tuner/"):
            result[name] = value
    return result


def oracle(kind: str, space: Space, trials: int, epochs: int, seed: int = 0) -> Oracle:
    """The oracle that chooses each trial's settings, by KerasTuner.

    Args:
        kind: ``random``; ``bayesian`` (a Gaussian process over what was tried); ``hyperband`` (many
            short trials, the best of which are fitted anew with more epochs; Li et al. 2018, arXiv
            1603.06560); ``grid``.
        trials: at most this many; ``hyperband`` makes as many as ``epochs`` asks for.
        epochs: of the longest trial.
    """
    if kind not in SEARCHES:
        raise TuningError(f"search is {kind!r}; use {', '.join(SEARCHES)}")
    limits = {"max_epochs": epochs} if kind == "hyperband" else {"max_trials": trials}
    if kind == "bayesian":
        limits["num_initial_points"] = min(trials, max(3, len(space)))
    return SEARCHES[kind](
        objective=keras_tuner.Objective("val_accuracy", "max"),
        hyperparameters=hyperparameters(space),
        seed=seed + 1,  # it takes 0 for "any"
        max_consecutive_failed_trials=10**9,  # failures are recorded, and never end the search
        **limits,
    )


class Search(BaseTuner):
    """Trials of notebook 03's settings on one training and validation part.

    Args:
        chooser: see ``oracle``.
        base: settings that do not vary.
        folder: where trials are kept; a search found there goes on.
        report: called with the row of every trial that ends here; see ``search``.
    """

    def __init__(
        self, chooser: Oracle, base: Mapping, folder: str | Path, report: Report | None = None
    ) -> None:
        folder = resolve(folder)
        self.base, self.report = base, report
        set_damaged_notes_aside(folder)
        with quiet(), contextlib.redirect_stdout(io.StringIO()):  # that it goes on is in the rows
            super().__init__(chooser, directory=str(folder.parent), project_name=folder.name)
        # KerasTuner goes on only with what a tuner of the same name began, and would make the last
        # trial again though it ended.
        if self.oracle is chooser and (folder / "oracle.json").exists() and not chooser.trials:
            chooser.reload()
        chooser._retry_queue = [
            name for name in chooser._retry_queue if chooser.trials[name].status == "RUNNING"
        ]
        chooser.verbose = 0

    def run_trial(self, trial: Trial, train: Dataset, validation: Dataset) -> dict[str, float]:
        """Fit once; called by ``search(train, validation)``."""
        values = trial.hyperparameters.values
        chosen = settings(self.base, values)
        chosen["epochs"] = values.get("tuner/epochs", chosen["epochs"])
        folder = Path(self.get_trial_dir(trial.trial_id)) / "checkpoints"
        network, history = training.fit_settings(
            chosen, train, validation, folder, report=lambda *_: None
        )
        measured = history[kept_epoch(history)] | {
            "seconds": sum(row["seconds"] for row in history),
            "parameters": network.count_params(),
        }
        return {name: measured[name] for name in MEASURED}

    def pre_create_trial(self) -> None:
        """KerasTuner's hook before it chooses."""
        time.sleep(0.05)  # where others are awaited, KerasTuner asks again at once

    def on_trial_end(self, trial: Trial) -> None:
        """KerasTuner's hook after each trial, failed ones too."""
        super().on_trial_end(trial)
        if self.report:
            self.report(_row(self.oracle.get_trial(trial.trial_id)))

    def search(self, train: Dataset, validation: Dataset) -> list[dict]:
        """Make the trials that are still to be made; a row for each trial, in their order.

        Each has trial, status, val_accuracy (a share), val_loss (nats), seconds, parameters, fault
        (why it failed, else ""), and the chosen values by name.

        Raises:
            TuningError: when every trial failed, with the last reason.
        """
        with warnings.catch_warnings():
            # Of the process that models what was tried; it chooses all the same.
            warnings.simplefilter("ignore", ConvergenceWarning)
            super().search(train, validation)
        # A worker's oracle is the chief's, and knows no trials itself.
        trials = getattr(self.oracle, "trials", {})
        found = [_row(trials[name]) for name in sorted(trials)]
        if found and not any(row["status"] == "COMPLETED" for row in found):
            raise TuningError(f"all {len(found)} trials failed; the last: {found[-1]['fault']}")
        return found


def prepare(
    given: Mapping, report: Report | None = None
) -> tuple[Search, tuple[Dataset, Dataset, Dataset]]:
    """The search that notebook 04's parameters describe.

    Args:
        given: those parameters; {} as ``space`` or ``recipe`` stands for ``SPACE`` or ``RECIPE``.
        report: as for ``Search``.

    Returns:
        The search, and three parts of the data: digits that its trials learn from, digits that
        judge the trials, and digits for comparing the winner, on which nothing was chosen.
    """
    given = dict(given) | {"space": given["space"] or SPACE, "recipe": given["recipe"] or RECIPE}
    train, judges, comparison = three_parts(given["dataset"], given["validation"])
    few = train.first(given["train_limit"])
    fixed = {name: given[name] for name in ("architecture", "epochs")}
    base = given["recipe"] | fixed
    if given["recipe"].get("architecture") != given["architecture"]:
        base |= {"architecture_options": {}}  # those of another network mean nothing here
    what = {name: given[name] for name in ("search", "space", "epochs", "seed")}
    folder = search_dir(given["output_dir"], what, base, few.sha256, len(few))
    chooser = oracle(*(given[x] for x in ("search", "space", "trials", "epochs", "seed")))
    return Search(chooser, base, folder, report), (few, judges, comparison)


def three_parts(spec: str, validation: float) -> tuple[Dataset, Dataset, Dataset]:
    """Digits to train on, digits that judge trials, and digits that compare the winner.

    The held-out digits are halved for the last two. The training part is that of notebook 03 with
    the same ``validation``.
    """
    train, held_out = split(load_dataset(spec, "train"), validation)
    return train, *split(held_out, 0.5)


def search_dir(output_dir: str | Path, *identity: object) -> Path:
    """The folder of a search's trials; another search, by any of its settings, has another."""
    text = json.dumps(identity, sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return resolve(output_dir) / "checkpoints" / f"04-{digest[:8]}"


def _row(trial: Trial) -> dict:
    known, values = trial.metrics, trial.hyperparameters.values
    fault = (trial.message or "").strip().splitlines()
    return (
        {"trial": int(trial.trial_id), "status": trial.status}
        | {name: known.get_last_value(name) if known.exists(name) else None for name in MEASURED}
        | {"fault": fault[-1] if fault else ""}
        | {name: value for name, value in values.items() if not name.startswith("tuner/")}
    )


def print_trial(row: Mapping) -> None:
    """One line a trial, that reads well in a notebook and a terminal."""
    reached = f"failed: {row['fault']}"
    if row["status"] == "COMPLETED":
        reached = f"{row['val_accuracy']:7.2%} {row['seconds']:6.1f} s"
    known = ("trial", "status", *MEASURED, "fault")
    chosen = {name.split(".")[-1]: value for name, value in row.items() if name not in known}
    said = ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in chosen.items()
    )
    print(f"trial {row['trial']:3d}  {reached}  {said}", flush=True)


def write_parameters(file: str | Path, chosen: Mapping) -> Path:
    """Write settings as a parameter file for notebook 03."""
    plain = json.loads(json.dumps(chosen, default=lambda value: value.item()))
    with writing(file) as unfinished:
        unfinished.write_text(yaml.safe_dump(plain, sort_keys=False), encoding="utf-8")
    return resolve(file)
