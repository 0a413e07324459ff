"""A ladder of experiments: each step adds one change to all before it (an ablation study)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import keras

from digitlib.datasets import Dataset
from digitlib.learning import architectures, augmentation, training
from digitlib.learning.recipe import Recipe, Row

Score = TypeVar("Score")
# Steps that are no variation of the pictures: an option of the network, and one of the recipe.
SMOOTHING, DRAWN = "smoothing", "drawn"


def strengths(ladder: Sequence[str]) -> dict[str, float]:
    """Steps as they are written, such as ``["shift 1.5", "drawn 0.3"]``: strength by name."""
    return {name: float(strength) for name, strength in (step.split() for step in ladder)}


def variations(ladder: Sequence[str]) -> dict[str, float]:
    """Those of the steps that vary pictures: the arguments of ``augmentation.build``."""
    steps = strengths(ladder).items()
    return {name: strength for name, strength in steps if name not in (SMOOTHING, DRAWN)}


def climb(
    ladder: Sequence[str],
    seeds: Sequence[int],
    train: Dataset,
    validation: Dataset,
    recipe: Recipe,
    architecture: str,
    options: Mapping[str, Any],
    score: Callable[[keras.Model, list[Row]], Score],
    checkpoint_dir: str | Path,
) -> list[list[Score]]:
    """Fit a network without any step, then with one more step at a time, with every seed.

    Args:
        ladder: the steps, each a name and a strength. ``smoothing`` is an option of the network,
            ``drawn`` the recipe's ``synthetic_share``; the others are ``augmentation.build``'s.
        train, validation: as for ``training.fit``; equal for all.
        recipe: how every network is fitted; its seed is replaced.
        architecture, options: the network, as for ``architectures.build``.
        score: given each fitted network, with the weights of its best epoch, and its history.
        checkpoint_dir: a finished fit is kept there, and an unfinished one is gone on with.

    Returns:
        For the network without any step and for each step: the scores, one per seed.
    """

    def fit(steps: Sequence[str], seed: int) -> Score:
        chosen = strengths(steps)
        extra = {SMOOTHING: chosen[SMOOTHING]} if SMOOTHING in chosen else {}
        network = architectures.build(architecture, seed=seed, **{**options, **extra})
        own = replace(recipe, seed=seed, synthetic_share=chosen.get(DRAWN, 0.0))
        vary = augmentation.build(seed, **variations(steps))
        name = "-".join(f"{name}{strength:g}" for name, strength in chosen.items()) or "none"
        folder = Path(checkpoint_dir) / f"{name}-seed-{seed}"
        history = training.fit(network, train, validation, own, vary, folder, lambda *_: None)
        return score(network, history)

    return [[fit(ladder[:count], seed) for seed in seeds] for count in range(len(ladder) + 1)]
