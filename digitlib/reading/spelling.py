"""What the columns of the line network spell: connectionist temporal classification, read back."""

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


def log_likelihoods(looks: Sequence[np.ndarray], codes: Sequence[int]) -> np.ndarray:
    """The logarithm of the probability that exactly these classes are spelled, for each look.

    Looks are log probabilities, float (T, classes), each with a T of its own. The probability is
    the sum over all alignments, by the forward algorithm (Graves et al. 2006, section 4.1).
    """
    states = np.zeros(2 * len(codes) + 1, int)
    states[1::2] = codes
    # A token may follow another without a blank between them, unless they are equal.
    skips = np.full(len(states), -np.inf)
    skips[3::2][states[3::2] != states[1:-2:2]] = 0
    # After its last column, a look says blanks for certain.
    said = np.full((max(map(len, looks)), len(looks), len(states)), -np.inf)
    said[..., ::2] = 0
    for i, look in enumerate(looks):
        said[: len(look), i] = look[:, states]
    forward = np.full((len(looks), len(states) + 2), -np.inf)  # two impossible states in front
    forward[:, 2] = 0
    for column in said:
        stay = np.logaddexp(forward[:, 2:], forward[:, 1:-1])
        forward[:, 2:] = np.logaddexp(stay, forward[:, :-2] + skips) + column
    return np.logaddexp(forward[:, -1], forward[:, -2] if len(codes) else -np.inf)
