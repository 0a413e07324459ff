"""How long answers take: one picture at a time, and many at once."""

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

Answer = Callable[[np.ndarray], object]
BATCHES = (1, 32, 1024)
ROUNDS = 5


def compare(
    answers: Mapping[str, Answer], images: np.ndarray, seconds: float = 1.0
) -> dict[str, dict[str, float]]:
    """Time several ways of answering side by side, in turns, so that a busy moment hits them all.

    Args:
        answers: by name, what takes uint8 (N, 28, 28) and answers for all of them.
        images: uint8 (N, 28, 28) with N of 1024 or more; what is asked.
        seconds: spent on each way of answering in each of the rounds, about.

    Returns:
        By name: p50_ms and p99_ms of a single picture, with asked (how many that was), and
        per_second for each batch size, the median of the rounds.
    """
    for answer in answers.values():  # whatever compiles, compiles now
        for batch in BATCHES:
            answer(images[:batch])
    # By name and batch size, a list of durations for each round.
    times: dict[str, dict[int, list[list[float]]]]
    times = {name: {batch: [] for batch in BATCHES} for name in answers}
    for _ in range(ROUNDS):
        for name, answer in answers.items():
            for batch, rounds in times[name].items():
                # Most of it on single pictures: p99 takes many of them.
                share = 0.6 if batch == 1 else 0.2
                rounds.append(_times(answer, images, batch, share * seconds))
    return {name: _summary(by_batch) for name, by_batch in times.items()}


def _times(answer: Answer, images: np.ndarray, batch: int, seconds: float) -> list[float]:
    """Durations of calls with other pictures each time: at least 3, at most 200."""
    spent: list[float] = []
    while len(spent) < 3 or (sum(spent) < seconds and len(spent) < 200):
        start = len(spent) * batch % (len(images) - batch + 1)
        asked = images[start : start + batch]
        before = time.perf_counter()
        answer(asked)
        spent.append(time.perf_counter() - before)
    return spent


def _summary(times: Mapping[int, Sequence[Sequence[float]]]) -> dict:
    single = 1e3 * np.concatenate(times[1])
    p50, p99 = np.percentile(single, [50, 99]).tolist()
    per_second = {
        str(batch): float(np.median([batch / np.mean(spent) for spent in rounds]))
        for batch, rounds in times.items()
    }
    return {"p50_ms": p50, "p99_ms": p99, "asked": len(single), "per_second": per_second}
