"""How well a finished reader does on data unlike its own: unseen writers, corruptions, non-digits.

Digits of one writer resemble each other, so a hundred of them say less than a hundred digits by a
hundred people. Intervals here resample writers, not digits, where writers are known.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import recall_score

from digitlib.datasets import Dataset
from digitlib.measuring.calibration import (
    calibration_error_by_chance,
    expected_calibration_error,
    graded,
)
from digitlib.measuring.images import PROPERTIES, properties
from digitlib.measuring.intervals import bootstrap_interval, resampled
from digitlib.measuring.statistics import accuracy
from digitlib.synthetic.corruptions import CORRUPTIONS, corrupt

# Each variation of the training, the corruption that does the same, and that one's strength at
# severity 3, in the unit of the variation (see ``learning.augmentation``).
OVERLAPS = {
    "rotation": ("rotate", 22.9, "°"),
    "zoom": ("scale", 0.3, ""),
    "shift": ("translate", 3, " px"),
    "slant": ("shear", 0.4, ""),
    "shear": ("shear", 0.4, ""),  # along the other axis
}
# What a picture may look like after a general disturbance, by chance and in another way.
RESEMBLING = (
    ("convolution", "may blur", "motion_blur"),
    ("convolution", "may blur", "glass_blur"),
    ("convolution", "may invert a part", "stripe"),
    ("convolution", "may leave edges alone", "canny_edges"),
    ("convolution", "may turn black to grey", "brightness"),
    ("convolution", "may turn black to grey", "fog"),
    ("erasing", "covers a part with one shade", "spatter"),
)
# What the generator of pen-drawn digits varies by itself (see ``synthetic.strokes``).
DRAWN = (
    ("drawn digits slant from −0.45 to 0.7", "shear", "±0.4", True),
    ("drawn digits are turned up to ±14°", "rotate", "±22.9°", False),
    ("drawn digits have strokes from 1 to 5.5 px", "", "", False),
)


@dataclass(frozen=True)
class Answers:
    """What a reader made of N pictures.

    Attributes:
        predicted: int (N,), 0 to 9; -1 where it found no ink.
        confidence: (N,), 0 to 1.
        accepted: bool (N,), whether the confidence reaches the model's threshold.
        probabilities: (N, 10), given that it is a digit.
        images: uint8 (N, 28, 28), what the network saw.
    """

    predicted: np.ndarray
    confidence: np.ndarray
    accepted: np.ndarray
    probabilities: np.ndarray
    images: np.ndarray


def read_all(read_digit: Callable, pictures: Iterable) -> Answers:
    """Read every picture, each as one digit, with ``Recognizer.read_digit``."""
    digits = [read_digit(picture) for picture in pictures]
    return Answers(
        np.array([-1 if digit.label is None else digit.label for digit in digits], int),
        np.array([digit.confidence for digit in digits], float),
        np.array([digit.accepted for digit in digits], bool),
        np.array([digit.probabilities for digit in digits], float).reshape(-1, 10),
        np.array([digit.image for digit in digits], np.uint8).reshape(-1, 28, 28),
    )


def classify_all(
    classify: Callable[[np.ndarray], np.ndarray], images: np.ndarray, threshold: float
) -> Answers:
    """Answers of ``Recognizer.classify`` to images uint8 (N, 28, 28) that need no reading.

    They are accepted from a confidence of ``threshold`` on.
    """
    probabilities = classify(images)
    answers, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    return Answers(answers, confidence, confidence >= threshold, probabilities, images)


def judge(labels: np.ndarray, answers: Answers, groups: np.ndarray | None = None) -> dict:
    """Accuracy, its interval by group, and calibration on one set.

    Returns:
        What ``grouped_accuracy`` gives; ece_percent, the expected calibration error of those with
        ink; ece_by_chance_percent, what a perfectly calibrated reader exceeds 5 times in 100.
    """
    inked = answers.predicted >= 0
    found = grouped_accuracy(labels, answers.predicted, groups)
    if not inked.any():
        return found | {"ece_percent": None, "ece_by_chance_percent": None}
    right, confidence = graded(labels[inked], answers.probabilities[inked])
    _, chance = calibration_error_by_chance(confidence)
    error = expected_calibration_error(right, confidence)
    return found | {"ece_percent": 100 * error, "ece_by_chance_percent": 100 * chance}


def grouped_accuracy(
    labels: np.ndarray, predicted: np.ndarray, groups: np.ndarray | None = None
) -> dict:
    """The share of digits read correctly, with an interval for other digits by other writers.

    With two groups or more it is the bootstrap over groups (Field and Welsh 2007,
    doi:10.1111/j.1467-9868.2007.00593.x; see ``bootstrap_interval``). Without groups it is
    Wilson's, which is too narrow where a few hands wrote many digits.

    Args:
        labels, predicted: integers (N,).
        groups: (N,), equal for digits by one hand; None where nobody knows.

    Returns:
        What ``accuracy`` gives, and writers: how many groups, None where unknown; where they are
        known, worst_percent and worst_n: accuracy of the worst of them, and its digits.
    """
    found = accuracy(labels, predicted)
    if groups is None:
        return found | {"writers": None}
    _, member = np.unique(groups, return_inverse=True)
    count = np.bincount(member).astype(float)
    right = np.bincount(member, np.asarray(labels) == np.asarray(predicted))
    if len(count) > 1:
        weights = resampled(len(count), 10_000, seed=0)
        shares = (weights @ right) / (weights @ count)
        low, high = bootstrap_interval(shares, len(count), int(right.sum()), len(member))
        found |= {"low_percent": 100 * low, "high_percent": 100 * high}
    worst = int(np.argmin(right / count))
    found |= {"worst_percent": 100 * right[worst] / count[worst], "worst_n": int(count[worst])}
    return found | {"writers": len(count)}


def by_group(labels: np.ndarray, predicted: np.ndarray, groups: np.ndarray) -> list[dict]:
    """Accuracy of each writer, worst first.

    Arguments as for ``grouped_accuracy``.

    Returns:
        Rows: group; ``accuracy``'s; mistakes, the commonest first, as "7 as 1 (3×)".
    """
    rows = []
    for group in np.unique(groups):
        own = groups == group
        wrong = Counter(zip(labels[own].tolist(), np.asarray(predicted)[own].tolist(), strict=True))
        mistakes = [f"{a} as {b} ({n}×)" for (a, b), n in wrong.most_common() if a != b and b >= 0]
        rows.append(
            {"group": str(group)} | accuracy(labels[own], predicted[own]) | {"mistakes": mistakes}
        )
    return sorted(rows, key=lambda row: row["accuracy_percent"])


def auroc(
    digits: np.ndarray, others: np.ndarray, groups: Sequence | np.ndarray | None = None
) -> dict:
    """How well confidence tells digits from what is none: the area under the ROC curve.

    It is the probability that a digit has a higher confidence than a non-digit, ties counting
    half (Hanley and McNeil 1982, doi:10.1148/radiology.143.1.7063747). The interval resamples the
    digits' groups and the non-digits, and is never narrower than Wilson's for as many trials as
    there are of the fewer of both.

    Args:
        digits, others: confidences (N,) and (M,).
        groups: of the digits, as for ``grouped_accuracy``.

    Returns:
        auroc, low, high (shares; 95 % interval), digits, non_digits (counts).
    """
    member = np.arange(len(digits)) if groups is None else np.unique(groups, return_inverse=True)[1]
    above = (digits[:, None] > others) + 0.5 * (digits[:, None] == others)
    area = float(above.mean())
    count = np.bincount(member).astype(float)
    wins = np.zeros((len(count), len(others)))
    np.add.at(wins, member, above)
    one, other = resampled(len(count), 1000, seed=0), resampled(len(others), 1000, seed=1)
    areas = ((one @ wins) * other).sum(axis=1) / (one @ count) / len(others)
    fewer = min(len(digits), len(others))
    low, high = bootstrap_interval(areas, min(wins.shape), round(area * fewer), fewer)
    found = {"auroc": area, "low": low, "high": high}
    return found | {"digits": len(digits), "non_digits": len(others)}


def under_corruption(
    classify: Callable[[np.ndarray], np.ndarray], digits: Dataset, severities: Sequence[float]
) -> list[dict]:
    """Accuracy under each corruption at each severity.

    ``classify`` takes uint8 (N, 28, 28) and gives probabilities or logits (N, 10), such as
    ``Recognizer.logits``, which answers of pale images too.

    Returns:
        Rows: corruption, severity, and ``accuracy``'s.
    """
    rows = []
    for name in CORRUPTIONS:
        for severity in severities:
            answers = classify(corrupt(digits.images, name, severity)).argmax(axis=1)
            row = {"corruption": name, "severity": float(severity)}
            rows.append(row | accuracy(digits.known_labels(), answers))
    return rows


def overlaps(card: Mapping) -> list[dict]:
    """What the training varied that a corruption varies too, from a model's card.

    Returns:
        A row for each variation, also of drawn digits: trained_on (in words), corruption (its
        counterpart, "" for none), at_severity_3 (its strength there), within (whether the
        training went as far).
    """
    strengths, general = card["augmentation"], {name for name, *_ in RESEMBLING}
    rows = [
        (f"{name} of {strengths[name]:.0%} of the pictures {what}", corruption, "otherwise", False)
        for name, what, corruption in RESEMBLING
        if name in strengths
    ]
    for name, strength in strengths.items():
        if name in general:
            continue
        corruption, there, unit = OVERLAPS.get(name, ("", math.inf, ""))
        at_severity_3 = f"±{there:g}{unit}" if corruption else ""
        trained_on = f"{name} up to ±{strength:g}{unit}"
        rows.append((trained_on, corruption, at_severity_3, strength >= there))
    rows += DRAWN if card["recipe"].get("synthetic_share") else ()
    keys = ("trained_on", "corruption", "at_severity_3", "within")
    return [dict(zip(keys, row, strict=True)) for row in rows]


def accuracy_by_property(images: np.ndarray, right: np.ndarray, names: Sequence[str]) -> list[dict]:
    """Accuracy in the lowest, middle and highest third of properties of ``measuring.images``.

    Args:
        images, right: what the network saw, uint8 (N, 28, 28); and whether it was right, (N,).
        names: of ``PROPERTIES``.

    Returns:
        Rows: property (with unit), third (0 to 2), from, to, and ``accuracy``'s.
    """
    table = properties(images)
    rows = []
    for name in names:
        values = table[name].dropna()
        edges = values.quantile([0, 1 / 3, 2 / 3, 1]).tolist()
        for k, inside in values.groupby(np.digitize(values, edges[1:3])):
            found = right[inside.index]
            row = {"property": PROPERTIES[name], "third": k, "from": edges[k], "to": edges[k + 1]}
            rows.append(row | accuracy(np.ones(len(found)), found))
    return rows


def recall(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Percent of each digit that is read correctly, float (10,); NaN for one that is not there."""
    shares = recall_score(labels, predicted, labels=range(10), average=None, zero_division=np.nan)
    return 100 * shares
