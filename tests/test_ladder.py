"""Ladders of experiments: every step reaches the part of a fit that it names, and only adds."""

import numpy as np
import pytest

from digitlib.datasets import Dataset
from digitlib.learning import ladder
from digitlib.learning.recipe import Recipe
from digitlib.measuring import statistics

STEPS = ["shift 1.5", "drawn 0.5", "smoothing 0.125"]


def test_steps_are_told_from_variations_of_pictures():
    assert ladder.strengths(STEPS) == {"shift": 1.5, "drawn": 0.5, "smoothing": 0.125}
    assert ladder.variations(STEPS) == {"shift": 1.5}
    with pytest.raises(ValueError, match="not enough values"):
        ladder.strengths(["shift"])


def test_each_step_keeps_those_before_it(monkeypatch, tmp_path):
    """Protects the ablation: between two rows of its table one thing has changed."""
    digits = Dataset("x", np.zeros((4, 28, 28), np.uint8), np.arange(4, dtype=np.uint8), "x")
    fits = []

    def fit(network, train, validation, recipe, augmentation, folder, report):
        smooth = any(type(layer).__name__ == "Smoothing" for layer in network.layers)
        varied = augmentation is not None
        fits.append((folder.name, varied, recipe.synthetic_share, smooth, recipe.seed))
        return [{"val_accuracy": 0.5}]

    monkeypatch.setattr(ladder.training, "fit", fit)
    scores = ladder.climb(
        STEPS, [0, 7], digits, digits, Recipe(epochs=1), "digitnet", {"width": 4},
        lambda network, history: history[-1]["val_accuracy"], tmp_path,
    )  # fmt: skip
    assert scores == [[0.5, 0.5]] * 4
    assert fits[::2] == [
        ("none-seed-0", False, 0, False, 0),
        ("shift1.5-seed-0", True, 0, False, 0),
        ("shift1.5-drawn0.5-seed-0", True, 0.5, False, 0),
        ("shift1.5-drawn0.5-smoothing0.125-seed-0", True, 0.5, True, 0),
    ]
    assert {seed for *_, seed in fits} == {0, 7}


def test_only_a_gain_whose_whole_interval_is_above_zero_is_clear():
    names, results = ["none", "a", "b"], [[80.0, 90.0], [81.0, 91.0], [80.0, 95.0]]
    assert statistics.clearly_bought(statistics.rungs(names, results)) == ["a"]
    alone = statistics.rungs(names, [[80.0], [90.0], [95.0]])
    assert statistics.clearly_bought(alone) == []
