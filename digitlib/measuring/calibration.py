"""How far a network's confidence can be trusted, and the temperature that corrects it.

Probabilities are (N, 10), each row summing to one; labels are integers (N,), 0 to 9. ``graded``
makes of them what can be said of any answers, such as whole numbers: whether each was right, bool
(N,), and its confidence, the probability that was stated for that, (N,).
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import softmax

from digitlib.measuring.intervals import wilson_interval

BINS = 15
# Standard deviation of log(temperature) before anything is measured; see ``fit_temperature``.
PRIOR = 0.5


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature, above 0, that makes the labels of held-out digits most likely.

    Temperature scaling (Guo et al. 2017, doi:10.48550/arXiv.1706.04599) minimises the negative log
    likelihood. This has no minimum where every held-out digit is read correctly: it keeps falling
    as the temperature goes to 0. Therefore log(temperature) has a normal prior with mean 0 and
    standard deviation ``PRIOR``. A few dozen misread digits outweigh the prior.

    Args:
        logits: uncalibrated, (N, 10), of digits that are not in the training part.
        labels: (N,).
    """
    logits = logits.astype(float)

    def loss(log_temperature: float) -> float:
        probabilities = softmax(logits / np.exp(log_temperature), axis=1)
        nll = len(labels) * negative_log_likelihood(labels, probabilities)
        return nll + log_temperature**2 / (2 * PRIOR**2)

    found = minimize_scalar(loss, bounds=(-4, 4), method="bounded", options={"xatol": 1e-5})
    return float(np.exp(found.x))


def negative_log_likelihood(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean of -log(probability of the label), in nats; 0 is perfect, 2.30 is guessing.

    A probability below the smallest normal float32 (1e-38) counts as that, so one digit adds 87
    nats at most.
    """
    chosen = probabilities[np.arange(len(labels)), labels].astype(float)
    return float(-np.mean(np.log(np.maximum(chosen, np.finfo(np.float32).tiny))))


def brier_score(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean squared distance between probabilities and truth: 0 is perfect, 2 is the worst.

    Source: Brier 1950, doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2
    """
    return float(np.mean(np.sum((probabilities - np.eye(10)[labels]) ** 2, axis=1)))


def graded(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each digit whether the answer is right, and its confidence."""
    return probabilities.argmax(axis=1) == labels, probabilities.max(axis=1)


def expected_calibration_error(right: np.ndarray, confidence: np.ndarray) -> float:
    """Mean distance between confidence and accuracy over 15 equally wide bins, 0 to 1.

    Source: Naeini, Cooper and Hauskrecht 2015, doi:10.1609/aaai.v29i1.9602; 15 bins as in Guo et
    al. 2017. It is 0 only in the limit: a perfectly calibrated network scores a little above on
    few digits.
    """
    bins = reliability(right, confidence)
    return sum(abs(row["confidence"] - row["accuracy"]) * row["n"] for row in bins) / len(right)


def calibration_error_by_chance(confidence: np.ndarray) -> tuple[float, float]:
    """The calibration error that a perfectly calibrated network would show on as many digits.

    In each of 200 draws, an answer is right with the probability that it claims (consistency
    resampling: Bröcker and Smith 2007, doi:10.1175/WAF993.1).

    Returns:
        The mean over all draws, and their 95th percentile; both from 0 to 1.
    """
    random = np.random.default_rng(0)
    draws = (random.random(len(confidence)) < confidence for _ in range(200))
    errors = [expected_calibration_error(right, confidence) for right in draws]
    return float(np.mean(errors)), float(np.quantile(errors, 0.95))


def reliability(right: np.ndarray, confidence: np.ndarray) -> list[dict[str, float]]:
    """Accuracy by confidence: the bins of a reliability diagram.

    Returns:
        A row for each bin that holds digits: from and to (its edges), n (its number of digits),
        confidence (mean), accuracy, low and high (95 % Wilson interval of the accuracy). All but n
        are from 0 to 1.
    """
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    rows = []
    for b in np.unique(place):
        inside = place == b
        n, correct = int(inside.sum()), int(right[inside].sum())
        row = {"from": b / BINS, "to": (b + 1) / BINS, "n": n}
        row |= {"confidence": float(confidence[inside].mean()), "accuracy": correct / n}
        rows.append(row | dict(zip(("low", "high"), wilson_interval(correct, n), strict=True)))
    return rows


def accuracy_by_coverage(
    right: np.ndarray, confidence: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Accuracy on the most confident share of the answers, for every share.

    If a person reads the least confident digits, the network reads the others more accurately
    (El-Yaniv and Wiener 2010, https://jmlr.org/papers/v11/el-yaniv10a.html). Answers of equal
    confidence count with their mean accuracy, so that their order does not matter.

    Returns:
        coverage, accuracy: both (N,), from 0 to 1; coverage rises from 1/N to 1.
    """
    _, group = np.unique(-confidence, return_inverse=True)
    mean = np.bincount(group, right.astype(float)) / np.bincount(group)
    count = np.arange(1, len(right) + 1)
    return count / len(right), np.cumsum(mean[np.sort(group)]) / count


def area_under_risk_coverage(right: np.ndarray, confidence: np.ndarray) -> float:
    """Mean error rate over all coverages, 0 to 1: small when mistakes have low confidence.

    Source: Geifman, Uziel and El-Yaniv 2019, doi:10.48550/arXiv.1805.08206
    """
    return float(np.mean(1 - accuracy_by_coverage(right, confidence)[1]))
