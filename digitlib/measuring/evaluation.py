"""Judge a finished model: what it reads correctly, what it mistakes, and how sure it is.

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
    graded,
    negative_log_likelihood,
)
from digitlib.measuring.intervals import wilson_interval
from digitlib.measuring.statistics import accuracy


def summary(labels: np.ndarray, logits: np.ndarray, temperature: float) -> dict[str, float]:
    """Accuracy and calibration on one part of the data, at the temperature of the model's card.

    The ``logits`` (N, 10) are uncalibrated.

    Returns:
        What ``accuracy`` gives, and ece_percent, ece_percent_uncalibrated (0 to 100), nll,
        nll_uncalibrated (nats) and brier (0 to 2).
    """
    before, after = softmax(logits, axis=1), softmax(logits / temperature, axis=1)
    return accuracy(labels, after.argmax(axis=1)) | {
        "ece_percent": 100 * expected_calibration_error(*graded(labels, after)),
        "ece_percent_uncalibrated": 100 * expected_calibration_error(*graded(labels, before)),
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
        labels, predicted, labels=range(10), zero_division=0
    )
    rows = []
    for digit, precision, recall, f1, support in zip(range(10), *scores, strict=True):
        low, high = wilson_interval(round(recall * support), int(support))
        shares = {"precision": precision, "recall": recall, "recall_low": low}
        shares |= {"recall_high": high, "f1": f1}
        percent = {f"{name}_percent": 100 * float(share) for name, share in shares.items()}
        rows.append({"digit": digit, "support": int(support)} | percent)
    return rows


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Counts (10, 10): row is the label, column the answer."""
    return metrics.confusion_matrix(labels, predicted, labels=range(10))


def confusions(matrix: np.ndarray) -> list[tuple[int, int, int]]:
    """(label, answer, count) of every mistake in a confusion matrix, the commonest first."""
    wrong = matrix * (1 - np.eye(10, dtype=int))
    rows = [(int(i), int(j), int(wrong[i, j])) for i, j in np.argwhere(wrong)]
    return sorted(rows, key=lambda row: -row[2])


def confused_pairs(matrix: np.ndarray) -> list[tuple[int, int, int]]:
    """(a, b, count) of the digits a < b that are taken for each other, the commonest first."""
    return confusions(np.triu(matrix + matrix.T))


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

    The probabilities should be calibrated, and best of samples the model did not learn from.

    Returns:
        Rows: index, label, suggested, and the probability of each: label_probability,
        suggested_probability. Sorted by label_probability, lowest first.
    """
    usual = [probabilities[labels == j, j].mean() if j in labels else 2 for j in range(10)]
    sure = np.where(probabilities >= np.array(usual), probabilities, -1.0)
    rows = []
    for i in np.flatnonzero((sure.max(axis=1) >= 0) & (sure.argmax(axis=1) != labels)):
        label, suggested = int(labels[i]), int(sure[i].argmax())
        row = {"index": int(i), "label": label, "suggested": suggested}
        own, other = float(probabilities[i, label]), float(probabilities[i, suggested])
        rows.append(row | {"label_probability": own, "suggested_probability": other})
    return sorted(rows, key=lambda row: row["label_probability"])


def suspect_labels(
    parts: Mapping[str, Dataset], probabilities: Mapping[str, np.ndarray]
) -> list[dict[str, float | str]]:
    """``label_issues`` of several parts of the data; each row also names its ``part``."""
    rows = [
        {"part": name} | row
        for name, part in parts.items()
        for row in label_issues(part.known_labels(), probabilities[name])
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
        classify: images → probabilities or logits, such as ``Recognizer.logits``.

    Returns:
        Rows: change ("factor" or "offset"), value, and what ``accuracy`` gives.
    """
    changes = [("factor", value) for value in factors] + [("offset", value) for value in offsets]
    rows = []
    for change, value in changes:
        answers = classify(change_brightness(digits.images, **{change: value})).argmax(axis=1)
        found = accuracy(digits.known_labels(), answers)
        rows.append({"change": change, "value": float(value)} | found)
    return rows
