"""What a network is fitted to: the pictures of each epoch with their answers, and who judges it.

`DigitTask` is about single digits. The fit itself knows nothing of them, so that the line network
(`line_task`) is trained by the same code.
"""

import os
from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import Any, Self

import keras
import numpy as np
from scipy.special import log_softmax

from digitlib.datasets import Dataset
from digitlib.learning.layers import Tensor
from digitlib.learning.recipe import Recipe
from digitlib.synthetic.nondigits import draw_beside
from digitlib.synthetic.pool import Pool, in_chunks

HARDEST = 0.6  # of the digits in an epoch of hard-example mining; the others are drawn
REJUDGE = 5  # epochs between two searches for the hard digits
REDRAW = 4  # epochs that drawn pictures serve for: drawing them takes as long as learning does
AHEAD = 2  # times that they are drawn before they are asked for, each by a process of its own
DRAWN_HERE = 2000  # pictures that are drawn sooner than a process has started


class Task:
    """What a fit asks of the pictures it learns from.

    Use it in a ``with`` statement, which ends the processes that draw.

    Attributes:
        identity: all that the pictures depend on, as JSON has it.
        loss: of the answers and what the network says, as Keras takes it.
        is_right: of the same, 1 or 0 for each picture.
        examples: how many real pictures there are whose difficulty is kept.
        pool: draws pictures ahead.
    """

    identity: dict
    loss: Callable[[Tensor, Tensor], Tensor]
    is_right: Callable[[Tensor, Tensor], Tensor]
    examples = 0
    pool: Pool

    def __enter__(self) -> Self:
        self.pool.__enter__()
        return self

    def __exit__(self, *of: Any) -> None:
        self.pool.__exit__(*of)

    def size(self, epoch: int) -> int:
        """How many pictures an epoch has, counted from 0."""
        raise NotImplementedError

    def pictures(self, epoch: int, difficulty: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The pictures of an epoch in its order, with a last axis of 1, and the answers to them.

        `difficulty` (examples,) is the loss of each real picture when it was last judged.
        """
        raise NotImplementedError

    def judge(self, network: keras.Model) -> tuple[np.ndarray, np.ndarray]:
        """Of each validation picture the loss, and whether it is read correctly; both (N,)."""
        raise NotImplementedError

    def difficulty(self, network: keras.Model, epoch: int) -> np.ndarray | None:
        """The loss of each real picture, where it is to be found out before this epoch."""
        return None


class DrawnTask(Task):
    """Learn from simulated pictures, which are new in each epoch.

    Args:
        draw: draws so many pictures from a seed.
        count: how many an epoch has.
        epochs: how many there are.
        seed: fixes all pictures.
        chunk: pictures that are drawn in one go.
        processes: how many draw; one a core by default.
    """

    def __init__(
        self,
        draw: Callable[..., list],
        count: int,
        epochs: int,
        seed: int,
        chunk: int,
        processes: int | None,
    ):
        self._count = count
        self.pool = Pool(draw, in_chunks(count, epochs, seed, chunk), processes)

    def size(self, epoch: int) -> int:
        """How many pictures an epoch has."""
        return self._count

    def drawn(self, epoch: int) -> list:
        """What was drawn for an epoch."""
        return list(chain.from_iterable(self.pool.get(epoch)))


class DigitTask(Task):
    """Read single digits.

    Args:
        train: the real digits to learn from.
        validation: those that judge each epoch.
        recipe: how many real digits an epoch has, how many drawn ones, how many non-digits, and
            how labels are smoothed.
    """

    loss = keras.losses.CategoricalCrossentropy(True)

    def __init__(self, train: Dataset, validation: Dataset, recipe: Recipe):
        self.train, self.validation, self.recipe = train, validation, recipe
        self.identity = {"sha256": [train.sha256, validation.sha256]}
        self.examples = len(train)
        self.loss = keras.losses.CategoricalCrossentropy(
            True, label_smoothing=recipe.label_smoothing
        )
        self._kept: Any = None
        self._wanted = list(dict.fromkeys(map(self._beside, range(recipe.epochs))))
        many = any(digits + nondigits > DRAWN_HERE for digits, nondigits, _ in self._wanted)
        draw = partial(draw_beside, train.images, train.known_labels())
        calls = [[one] for one in self._wanted]
        self.pool = Pool(draw, calls, min(AHEAD, os.cpu_count() or 1) if many else 0, AHEAD)

    def size(self, epoch: int) -> int:
        """How many pictures an epoch has."""
        real = self.recipe.real(len(self.train), epoch)
        return real + sum(self._beside(epoch)[:2])

    def pictures(self, epoch: int, difficulty: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The images of an epoch, in its order, and the answers to them.

        Args:
            epoch: its number, from 0; with the recipe's seed it fixes all that is drawn. Drawn
                pictures serve for `REDRAW` epochs.
            difficulty: (N,), the cross-entropy of each real digit when it was last judged.

        Returns:
            uint8 (M, 28, 28, 1), and shares (M, 10): of the label, or equal ones for a non-digit.
        """
        real = _with_hard_examples(self.train, self.recipe, epoch, difficulty)
        images, labels = real.images, real.known_labels()
        if any(self._beside(epoch)[:2]):  # features of a backbone have nothing drawn beside
            drawn, theirs = self._drawn(epoch)
            images, labels = np.concatenate([images, drawn]), np.concatenate([labels, theirs])
        order = np.random.default_rng([self.recipe.seed, epoch]).permutation(len(images))
        answers = np.vstack([np.eye(10), np.full(10, 0.1)]).astype(np.float32)  # -1: the last
        return images[order, ..., None], answers[labels[order]]

    def _drawn(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """What `draw_beside` gives for an epoch; kept as long as it serves."""
        beside = self._beside(epoch)
        if self._kept is None or self._kept[0] != beside:
            [drawn] = self.pool.get(self._wanted.index(beside))
            self._kept = beside, drawn
        return self._kept[1]

    def _beside(self, epoch: int) -> tuple[int, int, tuple[int, int]]:
        """How many digits and non-digits are drawn for an epoch, and by which seed."""
        extra = self.recipe.extra(self.recipe.real(len(self.train), epoch))
        return *extra, (self.recipe.seed, epoch // REDRAW)

    def judge(self, network: keras.Model) -> tuple[np.ndarray, np.ndarray]:
        """Cross-entropy in nats of each validation digit, and whether it is read correctly."""
        return _judge(network, self.validation)

    @staticmethod
    def is_right(answers: Tensor, said: Tensor) -> Tensor:
        """1 or 0 for each image: a digit counts when it is read correctly, a non-digit when unsure.

        ``answers`` are (N, 10) shares that sum to one, ``said`` are logits (N, 10).
        """
        right = keras.ops.equal(keras.ops.argmax(answers, -1), keras.ops.argmax(said, -1))
        unsure = keras.ops.max(keras.ops.softmax(said), -1) < 0.5
        is_digit = keras.ops.max(answers, -1) > 0.5
        return keras.ops.cast(keras.ops.where(is_digit, right, unsure), "float32")

    def difficulty(self, network: keras.Model, epoch: int) -> np.ndarray | None:
        """The cross-entropy of each real digit, every few epochs of hard-example mining."""
        mining = self.recipe.real(len(self.train), epoch) < len(self.train)
        return _judge(network, self.train)[0] if mining and epoch % REJUDGE == 1 else None


def logits(network: keras.Model, images: np.ndarray) -> np.ndarray:
    """What ``network`` makes of uint8 (N, 28, 28): float32 (N, 10), or its features (N, …)."""
    pixels = images[..., None]
    chunks = range(0, len(pixels), 256)
    return np.concatenate([network.predict_on_batch(pixels[i : i + 256]) for i in chunks])


def _judge(network: keras.Model, digits: Dataset) -> tuple[np.ndarray, np.ndarray]:
    said = log_softmax(logits(network, digits.images), axis=1)
    return -said[np.arange(len(digits)), digits.labels], said.argmax(axis=1) == digits.labels


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
