"""What a network is shown in an epoch: images, and the answers it should give."""

import keras
import numpy as np

from digitlib.datasets import Dataset
from digitlib.learning.recipe import Recipe
from digitlib.synthetic.nondigits import draw_nondigits
from digitlib.synthetic.strokes import draw_digits

HARDEST = 0.6  # of the digits in an epoch of hard-example mining; the others are drawn


def epoch_of(
    train: Dataset, recipe: Recipe, epoch: int, difficulty: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The images of one epoch, in its order, and the answers to them.

    Args:
        train: the real digits.
        recipe: how many real digits an epoch has, how many drawn ones, how many non-digits.
        epoch: its number, from 0; with the recipe's seed it fixes all that is drawn.
        difficulty: (N,), the cross-entropy of each real digit when it was last judged.

    Returns:
        uint8 (M, 28, 28, 1), and shares (M, 10): of the label, or equal ones for a non-digit.
    """
    train = _with_hard_examples(train, recipe, epoch, difficulty)
    assert train.labels is not None
    random = np.random.default_rng([recipe.seed, epoch])
    images, answers = [train.images], [keras.utils.to_categorical(train.labels, 10)]
    digits, nondigits = recipe.extra(len(train))
    if digits:
        labels = random.integers(0, 10, digits).astype(train.labels.dtype)
        images.append(draw_digits(labels, random))
        answers.append(keras.utils.to_categorical(labels, 10))
    if nondigits:
        images.append(draw_nondigits(nondigits, train.images, train.labels, random))
        answers.append(np.full((nondigits, 10), 0.1, answers[0].dtype))
    order = random.permutation(sum(map(len, images)))
    return np.concatenate(images)[order, ..., None], np.concatenate(answers)[order]


def _with_hard_examples(
    train: Dataset, recipe: Recipe, epoch: int, difficulty: np.ndarray
) -> Dataset:
    """The hardest digits, and others drawn anew, as many as the recipe has in this epoch."""
    count = recipe.real(len(train), epoch)
    if count == len(train):
        return train
    order = np.argsort(-difficulty, kind="stable")
    hardest, others = np.split(order, [round(HARDEST * count)])
    random = np.random.default_rng([recipe.seed, epoch])
    drawn = random.choice(others, count - len(hardest), replace=False)
    return train.take(np.concatenate([hardest, drawn]))
