"""Intervals: how far from what was measured the truth may lie."""

import math
from collections.abc import Mapping

import numpy as np
from scipy import optimize, stats


def wilson_interval(correct: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval for a share, in [0, 1] (Wilson 1927, doi:10.2307/2276774).

    Unlike the familiar ± interval it stays inside [0, 1] and keeps its coverage near 100 %, where
    digit recognisers are (Brown, Cai and DasGupta 2001, doi:10.1214/ss/1009213286).

    Args:
        correct: successes, 0 to ``n``.
        n: trials; none at all gives (0, 1).
        level: how often such an interval holds the true share.

    Raises:
        ValueError: when ``correct`` is no part of ``n``.
    """
    if n == 0:
        return 0.0, 1.0
    interval = stats.binomtest(correct, n).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)


def paired_interval(
    only_first: int, only_second: int, n: int, level: float = 0.95
) -> tuple[float, float]:
    """Tango's score interval for the difference of two accuracies on the same ``n`` digits.

    It holds every difference that the score test does not reject, and stays inside [-1, 1] (Tango
    1998, doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B).

    Args:
        only_first, only_second: digits read correctly by one reader alone.
        n: all digits.
        level: how often such an interval holds the true difference.

    Returns:
        Lowest and highest difference, first minus second, as shares.
    """
    b, c = only_first, only_second
    if min(b, c) < 0 or b + c > n or n < 1:
        raise ValueError(f"{b} and {c} cannot be parts of {n} digits")
    z2 = stats.norm.ppf((1 + level) / 2) ** 2
    found = (b - c) / n

    def excess(difference: float) -> float:
        """The squared score statistic less its limit, both times the variance."""
        # The most likely share of "only second", given the difference, solves a quadratic.
        half = -(b + c) + (2 * n - b + c) * difference
        root = math.sqrt(max(0.0, half**2 + 8 * n * c * difference * (1 - difference)))
        only_second_share = max(0.0, (root - half) / (4 * n))
        variance = n * (2 * only_second_share + difference * (1 - difference))
        return (b - c - n * difference) ** 2 - z2 * variance

    # At the observed difference itself the variance can be nought; a hair beside it, it is not.
    hair = 1e-10
    low = -1.0 if c == n else optimize.brentq(excess, -1, found - hair, xtol=1e-12)
    high = 1.0 if b == n else optimize.brentq(excess, found + hair, 1, xtol=1e-12)
    return float(low), float(high)


def difference_interval(one: Mapping, other: Mapping) -> tuple[float, float]:
    """The 95 % interval of the difference between accuracies on different digits, one minus other.

    It is made of both accuracies' own intervals (Newcombe 1998, method 10,
    doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I).

    Args:
        one, other: accuracy_percent, low_percent and high_percent of each.

    Returns:
        Lowest and highest difference in percentage points.
    """
    (here, low, high), (there, their_low, their_high) = (
        [found[f"{key}_percent"] for key in ("accuracy", "low", "high")] for found in (one, other)
    )
    difference = here - there
    return (
        difference - math.hypot(here - low, their_high - there),
        difference + math.hypot(high - here, there - their_low),
    )


def resampled(groups: int, draws: int, seed: int) -> np.ndarray:
    """How often each group is drawn, with replacement: float (draws, groups)."""
    random = np.random.default_rng(seed)
    return random.multinomial(groups, np.full(groups, 1 / groups), draws).astype(float)


def bootstrap_interval(
    shares: np.ndarray, groups: int, correct: int, n: int
) -> tuple[float, float]:
    """The 95 % interval of a share, from its bootstrapped values, wider where there are few groups.

    Its ends are percentiles, as far out as Student's t asks (Hesterberg 2015,
    doi:10.1080/00031305.2015.1089789). It is never narrower than Wilson's interval for ``correct``
    of ``n`` independent digits: of groups that are all right a bootstrap knows no other.
    """
    reach = np.sqrt(groups / (groups - 1)) * stats.t.ppf(0.975, groups - 1)
    low, high = np.quantile(shares, [stats.norm.cdf(-reach), stats.norm.cdf(reach)])
    least, most = wilson_interval(correct, n)
    return min(float(low), least), max(float(high), most)
