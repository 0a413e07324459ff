"""Judge a finished model: what it reads rightly, what it mistakes, and how sure it is.

Labels and predictions are integers (N,), 0 to 9; probabilities are (N, 10), each row summing to
one; images are uint8 (N, 28, 28).
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.special import softmax
from sklearn import metrics

from digitlib.datasets import Dataset
from digitlib.measuring.calibration import (
    brier_score,
    expected_calibration_error,
    negative_log_likelihood,
)
from digitlib.measuring.intervals import wilson_interval
from digitlib.measuring.statistics import accuracy

DIGITS = np.arange(10)


def summary(labels: np.ndarray, logits: np.ndarray, temperature: float) -> dict[str, float]:
    """Accuracy and calibration on one part of the data.

    Args:
        labels: (N,).
        logits: (N, 10), uncalibrated.
        temperature: from the model's card.

    Returns:
        What ``accuracy`` gives, and ece_percent, ece_percent_uncalibrated (0 to 100), nll,
        nll_uncalibrated (nats) and brier (0 to 2).
    """
    before, after = softmax(logits, axis=1), softmax(logits / temperature, axis=1)
    return accuracy(labels, after.argmax(axis=1)) | {
        "ece_percent": 100 * expected_calibration_error(labels, after),
        "ece_percent_uncalibrated": 100 * expected_calibration_error(labels, before),
        "nll": negative_log_likelihood(labels, after),
        "nll_uncalibrated": negative_log_likelihood(labels, before),
        "brier": brier_score(labels, after),
    }


def per_class(labels: np.ndarray, predicted: np.ndarray) -> list[dict[str, float]]:
    """Precision, recall and F1 of each digit.

    Returns:
        Ten rows: digit; support (how many there are); precision_percent (how often it was one when
        read as one; 0 if it never was); recall_percent (how often one was read as one) with
        Wilson's interval recall_low_percent and recall_high_percent; f1_percent, the harmonic mean
        of the two.
    """
    scores = metrics.precision_recall_fscore_support(
        labels, predicted, labels=DIGITS, zero_division=0
    )
    rows = []
    for digit, precision, recall, f1, support in zip(DIGITS, *scores, strict=True):
        low, high = wilson_interval(round(recall * support), int(support))
        row = {"digit": int(digit), "support": int(support), "precision_percent": 100 * precision}
        row |= {"recall_percent": 100 * recall, "recall_low_percent": 100 * low}
        row |= {"recall_high_percent": 100 * high, "f1_percent": 100 * f1}
        rows.append({k: v if isinstance(v, int) else float(v) for k, v in row.items()})
    return rows


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Counts (10, 10): row is the label, column the answer."""
    return metrics.confusion_matrix(labels, predicted, labels=DIGITS)


def confusions(matrix: np.ndarray) -> list[tuple[int, int, int]]:
    """(label, answer, count) of every mistake in a confusion matrix, the commonest first."""
    wrong = [(i, j, int(matrix[i, j])) for i in DIGITS for j in DIGITS if i != j and matrix[i, j]]
    return sorted(((int(i), int(j), n) for i, j, n in wrong), key=lambda row: (-row[2], row))


def worst_mistakes(labels: np.ndarray, probabilities: np.ndarray, limit: int = 16) -> np.ndarray:
    """Where the misread digits are, those read with the highest confidence first: (≤ limit,)."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    surest = np.argsort(-probabilities[wrong].max(axis=1), kind="stable")
    return wrong[surest][:limit]


def label_issues(labels: np.ndarray, probabilities: np.ndarray) -> list[dict[str, float]]:
    """Samples whose label is probably wrong, the likeliest first.

    Confident learning (Northcutt, Jiang and Chuang 2021, doi:10.1613/jair.1.12125): a sample
    belongs to digit j when its probability of j is at least the mean that samples labelled j have;
    of several such j the most probable. Where that is not its label, the label is suspect.

    Args:
        labels: (N,), as given.
        probabilities: calibrated, best of samples the model did not learn from.

    Returns:
        Rows: index, label, suggested, and the probability of each: label_probability,
        suggested_probability. Sorted by label_probability, lowest first.
    """
    labels = np.asarray(labels)
    usual = np.array([probabilities[labels == j, j].mean() if j in labels else 2 for j in DIGITS])
    sure = np.where(probabilities >= usual, probabilities, -1.0)
    suggested = sure.argmax(axis=1)
    suspect = np.flatnonzero((sure.max(axis=1) >= 0) & (suggested != labels))
    rows = [
        {
            "index": int(i),
            "label": int(labels[i]),
            "suggested": int(suggested[i]),
            "label_probability": float(probabilities[i, labels[i]]),
            "suggested_probability": float(probabilities[i, suggested[i]]),
        }
        for i in suspect
    ]
    return sorted(rows, key=lambda row: row["label_probability"])


def suspect_labels(
    parts: Mapping[str, Dataset], probabilities: Mapping[str, np.ndarray]
) -> list[dict[str, float | str]]:
    """``label_issues`` of several parts of the data; each row also names its ``part``."""
    rows = [
        {"part": name} | row
        for name, part in parts.items()
        for row in label_issues(np.asarray(part.labels), probabilities[name])
    ]
    return sorted(rows, key=lambda row: row["label_probability"])


def change_brightness(images: np.ndarray, factor: float = 1.0, offset: float = 0.0) -> np.ndarray:
    """Pixels times ``factor`` plus ``offset``, rounded and kept within 0 to 255: uint8."""
    return np.clip(np.rint(images * np.float32(factor) + offset), 0, 255).astype(np.uint8)


def under_brightness(
    classify: Callable[[np.ndarray], np.ndarray],
    digits: Dataset,
    factors: Sequence[float],
    offsets: Sequence[float],
) -> list[dict[str, object]]:
    """Accuracy at each factor and at each offset of ``change_brightness``, one at a time.

    Args:
        classify: images → probabilities, such as ``Recognizer.classify``.

    Returns:
        Rows: change ("factor" or "offset"), value, and what ``accuracy`` gives.
    """
    changes = [("factor", value) for value in factors] + [("offset", value) for value in offsets]
    rows = []
    for change, value in changes:
        probabilities = classify(change_brightness(digits.images, **{change: value}))
        found = accuracy(np.asarray(digits.labels), probabilities.argmax(axis=1))
        rows.append({"change": change, "value": float(value)} | found)
    return rows
