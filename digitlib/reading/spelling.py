"""What the columns of the line network spell: connectionist temporal classification, read back."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

BLANK = 0  # the class of a column that says nothing


class Token(NamedTuple):
    """A character that was read: its class, and the place of its column, counted in columns."""

    code: int
    place: float


def best_path(log_probabilities: np.ndarray) -> list[Token]:
    """The tokens that the likeliest class of each column spells.

    `log_probabilities` is float (T, classes). Equal neighbours are one token, and blanks are none
    (Graves et al. 2006, doi:10.1145/1143844.1143891, section 3.2).
    """
    path = log_probabilities.argmax(axis=1)
    starts = np.flatnonzero(np.r_[True, path[1:] != path[:-1]])
    stops = np.r_[starts[1:], len(path)]
    tokens = []
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        code = int(path[start])
        if code != BLANK:
            weight = np.exp(log_probabilities[start:stop, code])
            tokens.append(Token(code, float(weight @ np.arange(start, stop) / weight.sum())))
    return tokens


def log_likelihood(log_probabilities: np.ndarray, codes: Sequence[int]) -> float:
    """The logarithm of the probability that columns (T, classes) spell exactly these classes.

    It is the sum over all alignments, by the forward algorithm (Graves et al. 2006, section 4.1).
    """
    if not len(log_probabilities):
        return -math.inf if codes else 0.0
    states = np.zeros(2 * len(codes) + 1, int)
    states[1::2] = codes
    # A token may follow another without a blank between them, unless they are equal.
    skips = np.zeros(len(states), bool)
    skips[3::2] = states[3::2] != states[1:-2:2]
    said = log_probabilities[:, states]
    forward = np.full(len(states) + 2, -np.inf)  # two impossible states in front
    forward[2:4] = said[0, :2]
    for column in said[1:]:
        skipped = np.where(skips, forward[:-2], -np.inf)
        stay = np.logaddexp(np.logaddexp(forward[2:], forward[1:-1]), skipped)
        forward[2:] = stay + column
    return float(np.logaddexp(forward[-1], forward[-2] if len(codes) else -np.inf))
