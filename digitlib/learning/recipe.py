"""How a network is fitted: a recipe, and what follows from it after each epoch."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

from digitlib.artifacts import kept_epoch

OPTIMIZERS = ("adam", "adamw", "sgd")
SCHEDULES = ("constant", "cosine", "plateau")

Row = dict[str, float]


@dataclass(frozen=True)
class Recipe:
    """How a network is fitted.

    Attributes:
        epochs: at most this many.
        batch_size: pictures a step.
        optimizer: ``adam``, ``adamw`` or ``sgd``.
        learning_rate: its highest value.
        momentum: of ``sgd``.
        weight_decay: of ``adamw``.
        clip_norm: greatest length of the gradient of all weights together; 0 for any.
        schedule: ``constant``; ``cosine`` falls to ``final_rate`` over the epochs before
            ``swa_epochs`` (Loshchilov and Hutter 2017); ``plateau`` multiplies by
            ``plateau_factor`` whenever the validation accuracy has not risen for
            ``plateau_patience`` epochs.
        final_rate: of ``cosine``; it stays there while weights are averaged.
        warmup_epochs: the rate rises linearly from zero over these (``cosine`` only).
        early_stopping: stop after this many epochs without a better validation accuracy; 0 never.
        target_accuracy: stop when validation accuracy reaches this share; 0 never.
        label_smoothing: share of the label spread over all classes (Szegedy et al. 2016).
        synthetic_share: digits by drawn hands (``numerals.draw_digits``), as a share of the real
            ones.
        nondigit_share: pictures of no digit (``nondigits.draw_nondigits``), as a share of the real
            ones; their answer is that every digit is as likely.
        hard_example_share: each epoch after the first has this share of the real digits. Three
            fifths of them are the hardest ones, the others are drawn from the rest (hard-example
            mining, after Shrivastava, Gupta and Girshick 2016, arXiv:1604.03540, who choose within
            a batch). 1 learns from all digits.
        swa_epochs: stochastic weight averaging (Izmailov et al. 2018, arXiv:1803.05407): the
            network is the mean of the weights of so many last epochs. It reads like several
            networks that vote, and costs as much as one.
        seed: fixes order, dropout, augmentation and drawn digits.
    """

    epochs: int = 10
    batch_size: int = 128
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    momentum: float = 0.0
    weight_decay: float = 0.0
    clip_norm: float = 0.0
    schedule: str = "constant"
    final_rate: float = 0.0
    warmup_epochs: float = 0.0
    plateau_factor: float = 0.5
    plateau_patience: int = 5
    early_stopping: int = 0
    target_accuracy: float = 0.0
    label_smoothing: float = 0.0
    synthetic_share: float = 0.0
    nondigit_share: float = 0.0
    hard_example_share: float = 1.0
    swa_epochs: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, known in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is {getattr(self, name)!r}; use {', '.join(known)}")
        if self.epochs < 1 or self.batch_size < 1:
            raise ValueError("epochs and batch_size must be 1 or more")
        if not 0 < self.hard_example_share <= 1:
            raise ValueError(
                f"hard_example_share is {self.hard_example_share}: above 0, and 1 for all digits"
            )
        if not 0 <= self.swa_epochs < self.epochs:
            raise ValueError(
                f"swa_epochs is {self.swa_epochs} of {self.epochs} epochs; average fewer of them"
            )
        if self.swa_epochs and self.schedule == "cosine" and not self.final_rate:
            raise ValueError("swa_epochs at a rate of 0 average nothing: give a final_rate above 0")

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """The recipe among the settings of notebook 03; other settings are ignored."""
        own = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in settings.items() if name in own})

    def real(self, n: int, epoch: int) -> int:
        """How many of ``n`` real digits an epoch (counted from 0) has."""
        return n if epoch == 0 else math.ceil(self.hard_example_share * n)

    def extra(self, n: int) -> tuple[int, int]:
        """How many drawn digits an epoch has beside ``n`` real ones, and how many non-digits."""
        return round(self.synthetic_share * n), round(self.nondigit_share * n)


def should_stop(history: Sequence[Row], recipe: Recipe) -> bool:
    """Whether early stopping or the target accuracy ends the fit here."""
    if not history:
        return False
    reached = 0 < recipe.target_accuracy <= history[-1]["val_accuracy"]
    since_best = len(history) - 1 - kept_epoch(history)
    return reached or 0 < recipe.early_stopping <= since_best


def plateau_rate(history: Sequence[Row], recipe: Recipe) -> float:
    """The learning rate after ``history``: reduced at each plateau of validation accuracy."""
    rate, best, waited = recipe.learning_rate, -math.inf, 0
    for row in history:
        waited = 0 if row["val_accuracy"] > best else waited + 1
        best = max(best, row["val_accuracy"])
        if waited == recipe.plateau_patience:
            rate, waited = rate * recipe.plateau_factor, 0
    return rate
