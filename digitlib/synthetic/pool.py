"""Simulated pictures that are drawn ahead, by processes of their own."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, Self

import cv2

from digitlib.children import end_with_parent

Calls = list[tuple]  # the arguments of each call of what draws


class Pool:
    """Draws pictures. Use it in a ``with`` statement, which ends its processes.

    Args:
        draw: what draws them; it is sent to the processes once.
        wanted: what is wanted one after another: the calls that each of them takes.
        processes: how many draw; one a core by default. 0 draws here, when asked.
        ahead: how many are drawn before they are asked for.
    """

    def __init__(
        self,
        draw: Callable[..., Any],
        wanted: Sequence[Calls],
        processes: int | None = None,
        ahead: int = 1,
    ):
        self._draw, self._wanted, self._ahead = draw, wanted, ahead
        self._processes = (os.cpu_count() or 1) if processes is None else processes
        self._pool: ProcessPoolExecutor | None = None
        self._begun: dict[int, list[Future]] = {}

    def __enter__(self) -> Self:
        if self._processes:
            self._pool = ProcessPoolExecutor(
                self._processes, get_context("spawn"), initializer=_start, initargs=(self._draw,)
            )
        return self

    def __exit__(self, *_: Any) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def get(self, number: int) -> list:
        """What the calls gave, in order; those that come next are drawn meanwhile.

        What was not begun ahead is drawn here: the first, while the processes start.
        """
        if self._processes:
            assert self._pool is not None, "use the pool in a `with` statement"
            for one in range(number + 1, min(number + 1 + self._ahead, len(self._wanted))):
                if one not in self._begun:
                    calls = self._wanted[one]
                    self._begun[one] = [self._pool.submit(_run, *call) for call in calls]
        if number in self._begun:
            return [call.result() for call in self._begun.pop(number)]
        return [self._draw(*call) for call in self._wanted[number]]


def in_chunks(size: int, epochs: int, seed: int, chunk: int) -> list[Calls]:
    """For each epoch, calls that draw ``size`` pictures: how many in one go, and the seed."""
    counts = [min(chunk, size - at) for at in range(0, size, chunk)]
    # NumPy takes [1, 0] and [1] for one seed, so no seed ends with a 0.
    return [
        [(count, [seed, epoch, part]) for part, count in enumerate(counts, 1)]
        for epoch in range(epochs)
    ]


_draw: Callable[..., Any]


def _start(draw: Callable[..., Any]) -> None:
    """Begin a process that draws; it gives way to the fit."""
    global _draw
    _draw = draw
    end_with_parent()
    cv2.setNumThreads(1)
    if hasattr(os, "nice"):
        os.nice(5)


def _run(*call: Any) -> Any:
    return _draw(*call)
