"""Which of two readers is better, judged on the same digits.

Two readers stumble over the same hard digits, so their accuracies rise and fall together. Only
the digits that one reads correctly and the other wrongly tell them apart, and a paired test looks
at just those.
"""

from pathlib import Path

import numpy as np
from scipy import stats
from sklearn.neighbors import KNeighborsClassifier

from digitlib.artifacts import EVALUATION, ArtifactError, load_metrics
from digitlib.datasets import Dataset
from digitlib.measuring.intervals import paired_interval


def paired_test(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """Compare two readers' answers to the same digits.

    The truth and both readers' answers are integers (N,), 0 to 9.

    Returns:
        n; only_first, only_second (digits read correctly by that reader alone);
        difference_percent (accuracy of the first minus the second, in percentage points), with
        its 95 % interval low_percent and high_percent; p_value of McNemar's exact test.
    """
    labels, first, second = (np.asarray(a) for a in (labels, first, second))
    if not labels.shape == first.shape == second.shape:
        raise ValueError(f"{labels.shape}, {first.shape} and {second.shape}: not the same digits")
    only_first = int(np.sum((first == labels) & (second != labels)))
    only_second = int(np.sum((first != labels) & (second == labels)))
    low, high = paired_interval(only_first, only_second, len(labels))
    return {
        "n": len(labels),
        "only_first": only_first,
        "only_second": only_second,
        "difference_percent": 100 * (only_first - only_second) / len(labels),
        "low_percent": 100 * low,
        "high_percent": 100 * high,
        "p_value": mcnemar(only_first, only_second),
    }


def mcnemar(only_first: int, only_second: int) -> float:
    """McNemar's exact two-sided p-value (McNemar 1947, doi:10.1007/BF02295996).

    If both readers are equally good, each digit that only one of them reads correctly is a fair
    coin; this is the probability of a split at least as uneven. 1 when they never differ.
    """
    differing = only_first + only_second
    return float(stats.binomtest(only_first, differing).pvalue) if differing else 1.0


def nearest_neighbours(train: Dataset, images: np.ndarray, neighbours: int) -> np.ndarray:
    """What the nearest training digits, by Euclidean distance of pixels, vote for: (N,).

    A reader that learns nothing, to measure others against (Cover and Hart 1967,
    doi:10.1109/TIT.1967.1053964). Ties go to the lower digit.

    Args:
        train: labelled digits.
        images: uint8 (N, 28, 28).
        neighbours: how many vote; all of them, where there are fewer.
    """
    pixels = [i.reshape(len(i), -1).astype(np.float32) for i in (train.images, images)]
    reader = KNeighborsClassifier(min(neighbours, len(train)), algorithm="brute")
    return reader.fit(pixels[0], train.labels).predict(pixels[1])


def earlier_predictions(output_dir: str | Path, sha256: str) -> np.ndarray:
    """The digits an earlier run read in the test images, uint8 (N,).

    Args:
        output_dir: that run's outputs, such as ``outputs/baseline``.
        sha256: checksum of the test images now.

    Raises:
        ArtifactError: when the run was not evaluated, or on other test images.
    """
    metrics = load_metrics(output_dir).get(EVALUATION)
    if metrics is None:
        raise ArtifactError(
            f"{output_dir} holds no metrics/{EVALUATION}.json to compare with: evaluate that run "
            f"first (notebooks/{EVALUATION}.ipynb with its model_dir and output_dir)"
        )
    if metrics["test_sha256"] != sha256:
        raise ArtifactError(
            f"{output_dir} was tested on other digits ({metrics['dataset']}); a paired test needs "
            "the same ones"
        )
    return np.array(list(metrics["predictions"]), np.uint8)
