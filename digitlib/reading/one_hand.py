"""Digits by one person read together: what one of them says of the others, without any labels.

Who crosses a 7 always does, so that their bare hook is a 1. Each digit is compared with all others
of the same hand, and takes over a part of what those are read as that look nearly the same (label
spreading, Zhou et al. 2004, "Learning with local and global consistency"). A digit that looks like
no other stays as it was read, so that a few digits are hardly changed and a page of them gains
most. `NARROW`, `ALONE` and `TRUST` were chosen on drawn hands.
"""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from digitlib.pixels.digit_files import DataError
from digitlib.reading.numbers import Digit, Number, Reading

MOST = 5000  # digits at a time: each is compared with each
BLUR = 1.2  # pixels, so that strokes need not lie exactly on one another
NARROW = 30.0  # how fast the say of another digit falls as its likeness does
ALONE = 1.0  # as much say as one exact likeness has nobody
TRUST = 2.0  # how much the others count against the digit itself
ROUNDS = 5


def spread(images: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Probabilities of digits that one person wrote, read together by label spreading.

    Args:
        images: uint8 (N, 28, 28), ink bright on 0.
        probabilities: (N, 10), what each is by itself, rows summing to one.

    Returns:
        float32 (N, 10), rows summing to one.

    Raises:
        DataError: for more than ``MOST`` digits.
    """
    if len(images) > MOST:
        raise DataError(f"{len(images):,} digits are too many for one hand: give {MOST:,} or fewer")
    if not len(images):
        return np.empty((0, 10), np.float32)
    blurred = [cv2.GaussianBlur(image.astype(np.float32), (0, 0), BLUR).ravel() for image in images]
    looks = np.stack(blurred)
    looks /= np.linalg.norm(looks, axis=1, keepdims=True) + 1e-6
    say = np.exp(NARROW * (looks @ looks.T - 1))
    np.fill_diagonal(say, 0)
    heard = say.sum(axis=1, keepdims=True) + ALONE
    own = shares = probabilities.astype(np.float32)
    for _ in range(ROUNDS):
        others = (say @ shares + ALONE / 10) / heard
        shares = own * others**TRUST
        shares /= shares.sum(axis=1, keepdims=True)
    return shares


def of_one_hand(readings: Sequence[Reading], threshold: float) -> list[Reading]:
    """The readings of pictures that one person wrote on, with all digits read together.

    A number in which a digit changes is as sure as its least sure digit at most; it stays accepted
    from a confidence of ``threshold`` on. Numbers in type and those that a person typed in stay.

    Raises:
        DataError: for more than ``MOST`` digits.
    """
    read = [
        digit
        for reading in readings
        for number in reading.numbers
        if _by_hand(number)
        for digit in number.digits
    ]
    images = np.array([digit.image for digit in read], np.uint8).reshape(-1, 28, 28)
    shares = iter(spread(images, np.array([d.probabilities for d in read]).reshape(-1, 10)))

    def again(number: Number) -> Number:
        if not _by_hand(number):
            return number
        digits = tuple(_again(digit, next(shares)) for digit in number.digits)
        if all(a.label == b.label for a, b in zip(digits, number.digits, strict=True)):
            return number
        told = iter(digits)
        text = "".join(str(next(told).label) if c.isdecimal() else c for c in number.text)
        confidence = min(number.confidence, *(digit.confidence for digit in digits))
        accepted = number.accepted and confidence >= threshold
        return replace(number, text=text, digits=digits, confidence=confidence, accepted=accepted)

    return [
        Reading(tuple(tuple(again(number) for number in line) for line in reading.written))
        for reading in readings
    ]


def _by_hand(number: Number) -> bool:
    return not (number.printed or number.corrected)


def _again(digit: Digit, shares: np.ndarray) -> Digit:
    return replace(
        digit, label=int(shares.argmax()), confidence=float(shares.max()), probabilities=shares
    )
