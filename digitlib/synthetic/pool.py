"""Simulated pictures for one epoch after another, drawn ahead by processes of their own."""

import os
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain
from multiprocessing import get_context
from typing import Any, Self

import cv2

from digitlib.children import end_with_parent

# Draws so many pictures from a seed.
Draw = Callable[[int, list[int]], list]


class Pool:
    """Draws pictures. Use it in a ``with`` statement, which ends its processes.

    Args:
        draw: what draws them; it is sent to the processes once.
        size: how many pictures an epoch has.
        epochs: how many there are; none is drawn beyond.
        seed: fixes all pictures.
        chunk: pictures that are drawn in one go, from a seed of their own.
        processes: how many draw; one a core by default.
    """

    def __init__(
        self,
        draw: Draw,
        size: int,
        epochs: int,
        seed: int,
        chunk: int,
        processes: int | None = None,
    ):
        self._draw, self._chunk = draw, chunk
        self.size, self._epochs, self._seed = size, epochs, seed
        self._processes = processes or os.cpu_count()
        self._pool: ProcessPoolExecutor | None = None
        self._ahead: dict[int, list[Future]] = {}

    def __enter__(self) -> Self:
        self._pool = ProcessPoolExecutor(
            self._processes, get_context("spawn"), initializer=_start, initargs=(self._draw,)
        )
        return self

    def __exit__(self, *_: Any) -> None:
        assert self._pool is not None
        self._pool.shutdown(cancel_futures=True)

    def epoch(self, number: int) -> list:
        """The pictures of an epoch, counted from 0; those of the next one are drawn meanwhile."""
        for ahead in range(number, min(number + 2, self._epochs)):
            if ahead not in self._ahead:
                self._ahead[ahead] = self._begin(ahead)
        return list(chain.from_iterable(part.result() for part in self._ahead.pop(number)))

    def _begin(self, epoch: int) -> list[Future]:
        assert self._pool is not None, "use the pool in a `with` statement"
        counts = [min(self._chunk, self.size - at) for at in range(0, self.size, self._chunk)]
        return [
            # NumPy takes [1, 0] and [1] for one seed, so no seed ends with a 0.
            self._pool.submit(_run, count, [self._seed, epoch, part])
            for part, count in enumerate(counts, 1)
        ]


_draw: Draw


def _start(draw: Draw) -> None:
    """Begin a process that draws; it gives way to the fit."""
    global _draw
    _draw = draw
    end_with_parent()
    cv2.setNumThreads(1)
    if hasattr(os, "nice"):
        os.nice(5)


def _run(count: int, seed: list[int]) -> list:
    return _draw(count, seed)
