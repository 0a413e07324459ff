"""Simulated lines for one epoch after another, drawn ahead by processes of their own."""

import os
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain
from multiprocessing import get_context
from typing import Any, Self

import cv2
import numpy as np

from digitlib.children import end_with_parent
from digitlib.synthetic.lines import Line, Simulation, draw_lines

CHUNK = 1280  # lines that are drawn in one go


class LinePool:
    """Draws lines. Use it in a ``with`` statement, which ends its processes.

    Args:
        images, labels: the digits that lines are made of; see `lines.draw_lines`.
        simulation: what lines are like.
        lines: how many an epoch has.
        epochs: how many there are; none is drawn beyond.
        seed: fixes all lines.
        processes: how many draw; one a core by default.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        simulation: Simulation,
        lines: int,
        epochs: int,
        seed: int,
        processes: int | None = None,
    ):
        self._given = images, labels, simulation
        self._lines, self._epochs, self._seed = lines, epochs, seed
        self._processes = processes or os.cpu_count()
        self._pool: ProcessPoolExecutor | None = None
        self._ahead: dict[int, list[Future]] = {}

    def __enter__(self) -> Self:
        self._pool = ProcessPoolExecutor(
            self._processes, get_context("spawn"), initializer=_start, initargs=self._given
        )
        return self

    def __exit__(self, *_: Any) -> None:
        assert self._pool is not None
        self._pool.shutdown(cancel_futures=True)

    def epoch(self, number: int) -> list[Line]:
        """The lines of an epoch, counted from 0; those of the next one are drawn meanwhile."""
        for ahead in range(number, min(number + 2, self._epochs)):
            if ahead not in self._ahead:
                self._ahead[ahead] = self._begin(ahead)
        return list(chain.from_iterable(part.result() for part in self._ahead.pop(number)))

    def _begin(self, epoch: int) -> list[Future]:
        assert self._pool is not None, "use the pool in a `with` statement"
        counts = [min(CHUNK, self._lines - at) for at in range(0, self._lines, CHUNK)]
        return [
            # NumPy takes [1, 0] and [1] for one seed, so no seed ends with a 0.
            self._pool.submit(_draw, count, [self._seed, epoch, chunk])
            for chunk, count in enumerate(counts, 1)
        ]


_given: tuple[np.ndarray, np.ndarray, Simulation]


def _start(images: np.ndarray, labels: np.ndarray, simulation: Simulation) -> None:
    """Begin a process that draws lines; it gives way to the fit."""
    global _given
    _given = images, labels, simulation
    end_with_parent()
    cv2.setNumThreads(1)
    if hasattr(os, "nice"):
        os.nice(5)


def _draw(count: int, seed: list[int]) -> list[Line]:
    images, labels, simulation = _given
    return draw_lines(images, labels, count, seed, simulation)
