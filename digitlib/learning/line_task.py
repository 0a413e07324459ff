"""Read lines: simulated ones to learn from, CTC as the loss, and how many are read rightly.

CTC (connectionist temporal classification, Graves et al. 2006, doi:10.1145/1143844.1143891) needs
no more than what a line says. It adds up all ways in which the network's columns can say it, each
column a character or a blank.

Drawing lines takes about as long as learning from them, so processes of their own draw those of
the next epoch meanwhile.
"""

import os
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from typing import Any, Self

import keras
import numpy as np

from digitlib.datasets import Dataset
from digitlib.learning.layers import Tensor
from digitlib.learning.tasks import Task
from digitlib.pixels.line_images import ALPHABET
from digitlib.synthetic.lines import Line, Simulation, as_seen, draw_lines

CHUNK = 1280  # lines that are drawn in one go
AHEAD = 1  # epochs whose lines are drawn ahead
VALIDATION = 2048  # lines that judge an epoch
LONGEST = 32  # tokens of a line


class LineTask(Task):
    """Read simulated lines. Use it in a ``with`` statement, which ends its processes.

    Args:
        train, validation: the digits that lines to learn from, and lines to judge by, are made of.
        simulation: what lines are like.
        lines: how many an epoch has.
        seed: fixes all lines.
        processes: how many draw lines; all cores by default.
    """

    loss = keras.losses.CTC()

    def __init__(
        self,
        train: Dataset,
        validation: Dataset,
        simulation: Simulation,
        lines: int,
        seed: int,
        processes: int | None = None,
    ):
        self.lines, self.seed = lines, seed
        self.identity = {
            "sha256": train.sha256,
            "simulation": asdict(simulation),
            "lines": lines,
            "seed": seed,
        }
        self._train, self._simulation = train, simulation
        self._processes = processes or os.cpu_count()
        self._pool: ProcessPoolExecutor | None = None
        self._drawn: dict[int, list[Future]] = {}
        self.validation = _answered(
            draw_lines(
                validation.images, validation.known_labels(), VALIDATION, [seed, 1], simulation
            )
        )

    def __enter__(self) -> Self:
        self._pool = ProcessPoolExecutor(
            self._processes,
            get_context("spawn"),
            initializer=_start,
            initargs=(self._train.images, self._train.known_labels(), self._simulation),
        )
        return self

    def __exit__(self, *_: Any) -> None:
        assert self._pool is not None
        self._pool.shutdown(cancel_futures=True)

    def size(self, epoch: int) -> int:
        """How many lines an epoch has."""
        return self.lines

    def pictures(self, epoch: int, difficulty: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lines uint8 (N, 48, 256, 1), and what they say: int32 (N, 32), see `encode`."""
        for number in range(epoch, epoch + 1 + AHEAD):
            if number not in self._drawn:
                self._drawn[number] = self._draw(number)
        parts = [future.result() for future in self._drawn.pop(epoch)]
        images, answers = (np.concatenate(part) for part in zip(*parts, strict=True))
        return images, answers

    def _draw(self, epoch: int) -> list[Future]:
        assert self._pool is not None, "use the task in a `with` statement"
        counts = [min(CHUNK, self.lines - at) for at in range(0, self.lines, CHUNK)]
        seeds = [[self.seed, 0, epoch, chunk] for chunk in range(len(counts))]
        return [self._pool.submit(_chunk, *given) for given in zip(counts, seeds, strict=True)]

    def judge(self, network: keras.Model) -> tuple[np.ndarray, np.ndarray]:
        """CTC loss in nats of each validation line, and whether it is read rightly."""
        images, answers = self.validation
        said = line_logits(network, images)
        losses = keras.ops.convert_to_numpy(keras.losses.CTC(reduction=None)(answers, said))
        return losses, keras.ops.convert_to_numpy(self.is_right(answers, said)) > 0

    @staticmethod
    def is_right(answers: Tensor, said: Tensor) -> Tensor:
        """1 or 0 for each line: whether the likeliest class of each column spells the answer."""
        ops = keras.ops
        answers = ops.cast(answers, "int32")
        path = ops.cast(ops.argmax(said, -1), "int32")
        before = ops.pad(path[:, :-1], [[0, 0], [1, 0]])
        spoken = ops.logical_and(path != 0, path != before)
        place = ops.cumsum(ops.cast(spoken, "int32"), axis=1)
        length = ops.sum(ops.cast(answers != 0, "int32"), axis=1)
        last = answers.shape[1] - 1
        wanted = ops.take_along_axis(answers, ops.clip(place - 1, 0, last), axis=1)
        alike = ops.all(ops.logical_or(ops.logical_not(spoken), path == wanted), axis=1)
        return ops.cast(ops.logical_and(alike, place[:, -1] == length), "float32")


def line_logits(network: keras.Model, images: np.ndarray) -> np.ndarray:
    """What ``network`` makes of uint8 (N, 48, W, 1): float32 (N, W / 4, classes)."""
    chunks = range(0, len(images), 128)
    return np.concatenate([network.predict_on_batch(images[i : i + 128]) for i in chunks])


def encode(tokens: str) -> np.ndarray:
    """Tokens of `ALPHABET` as the network's classes: int32 (32,), 0 after the last of them."""
    codes = np.zeros(LONGEST, np.int32)
    codes[: len(tokens)] = [1 + ALPHABET.index(token) for token in tokens]
    return codes


def _answered(lines: list[Line]) -> tuple[np.ndarray, np.ndarray]:
    return as_seen(lines)[..., None], np.stack([encode(line.tokens) for line in lines])


_given: tuple[np.ndarray, np.ndarray, Simulation]


def _start(images: np.ndarray, labels: np.ndarray, simulation: Simulation) -> None:
    """Begin a process that draws lines; it gives way to the fit."""
    global _given
    _given = images, labels, simulation
    if hasattr(os, "nice"):
        os.nice(5)


def _chunk(count: int, seed: list[int]) -> tuple[np.ndarray, np.ndarray]:
    images, labels, simulation = _given
    return _answered(draw_lines(images, labels, count, seed, simulation))
