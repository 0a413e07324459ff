"""How far to trust a count of correctly read digits, or a handful of repeated runs."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from digitlib.measuring.intervals import wilson_interval


def accuracy(labels: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """The share of digits read correctly, with Wilson's interval.

    Labels and predictions are integers (N,), 0 to 9.

    Returns:
        n, correct (counts); accuracy_percent, low_percent, high_percent (0 to 100; 95 % interval).

    Raises:
        ValueError: when the lengths differ or there are no digits.
    """
    labels, predicted = np.asarray(labels), np.asarray(predicted)
    if labels.shape != predicted.shape or not len(labels):
        raise ValueError(
            f"labels {labels.shape} and predictions {predicted.shape} must be equally many, and "
            "at least one"
        )
    n, correct = len(labels), int(np.sum(labels == predicted))
    low, high = wilson_interval(correct, n)
    return {
        "n": n,
        "correct": correct,
        "accuracy_percent": 100 * correct / n,
        "low_percent": 100 * low,
        "high_percent": 100 * high,
    }


def worst_by_chance(misread: int, n: int, share: float, groups: int = 10) -> float:
    """How often the worst of several equally hard groups does as badly as this one by chance.

    The worst is always found; that it is far behind may be no more than having looked for it.

    Args:
        misread: mistakes among the ``n`` of the worst group.
        share: of mistakes in all groups together, 0 to 1.
        groups: how many there are, taken to be of one size.

    Returns:
        The probability, 0 to 1, of at least so many mistakes in at least one of them (binomial).
    """
    return float(1 - stats.binom.cdf(misread - 1, n, share) ** groups)


def over_seeds(values: ArrayLike) -> dict[str, float | None]:
    """Mean and spread of one number, in any unit, over runs that differ in their seed alone.

    Returns:
        n, mean, sd (sample standard deviation, divisor n - 1), low and high (Student's 95 %
        interval of the mean; Student 1908, doi:10.2307/2331554), all in the unit of ``values``;
        sd, low and high are None for a single run, which tells nothing of spread.
    """
    runs = np.asarray(values, float)
    n, mean = len(runs), float(runs.mean())
    if n == 1:
        return {"n": n, "mean": mean, "sd": None, "low": None, "high": None}
    sd = float(runs.std(ddof=1))
    half = float(stats.t.ppf(0.975, n - 1)) * sd / n**0.5
    return {"n": n, "mean": mean, "sd": sd, "low": mean - half, "high": mean + half}


def differences_over_seeds(compared: Sequence[Mapping]) -> list[dict]:
    """For each other reader, what ``over_seeds`` gives of the differences, in points.

    Args:
        compared: rows of ``comparison.paired_test``, each with the other reader's name; one per
            seed and reader.
    """
    points: dict[str, list[float]] = {}
    for row in compared:
        points.setdefault(row["name"], []).append(row["difference_percent"])
    return [{"name": name} | over_seeds(values) for name, values in points.items()]


def cross_validation(folds: Sequence[dict]) -> dict:
    """What the folds of a cross-validation say together.

    Args:
        folds: the metrics of each, with ``out_of_fold`` answers.

    Returns:
        percent (accuracy of each fold), spread (see ``over_seeds``; its interval takes folds for
        independent, which they are not quite: any two share most of what they learnt from), overall
        (accuracy of all out-of-fold answers, with Wilson's interval).
    """
    label, answer = (
        np.concatenate([fold["out_of_fold"][key] for fold in folds]) for key in ("label", "answer")
    )
    percent = [fold["validation"]["accuracy_percent"] for fold in folds]
    return {"percent": percent, "spread": over_seeds(percent), "overall": accuracy(label, answer)}


def rungs(names: Sequence[str], results: Sequence[Sequence[float]]) -> list[dict]:
    """What each step of a ladder of experiments bought.

    Args:
        names: of the steps, the first without any change.
        results: for each step one value per seed, the seeds in the same order, in any unit.

    Returns:
        Rows: step, mean, sd (over the seeds), bought (mean difference to the step before, paired
        by seed), bought_low and bought_high (its 95 % interval; None for a single seed).
    """
    rows = []
    for i, (name, values) in enumerate(zip(names, results, strict=True)):
        spread = over_seeds(values)
        bought = over_seeds(np.subtract(values, results[i - 1])) if i else {}
        row = {"step": name, "mean": spread["mean"], "sd": spread["sd"]}
        row |= {"bought": bought.get("mean"), "bought_low": bought.get("low")}
        rows.append(row | {"bought_high": bought.get("high")})
    return rows


def clearly_bought(rows: Sequence[Mapping]) -> list[str]:
    """The steps among ``rungs`` whose gain is above zero with its whole interval."""
    return [row["step"] for row in rows[1:] if (row["bought_low"] or 0) > 0]
