"""Hands: how one person writes each of the ten digits, so that a line can be by one hand.

A hand comes from real digits that one person wrote, or is drawn with the pen in one manner: the
same form of each digit, the same slant, width and pen, and each digit a little different every
time it is written.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from digitlib.synthetic.numerals import draw_hands, write

FINE = 56  # side of a glyph's image in pixels, twice that of MNIST's frame
NEAR = 60  # real digits to each side that are taken to be by the same person
STRIDE = 2  # every other image of MNIST's file is by the same person: two collections take turns
TYPEFACES = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
)
TIMES = 3  # a drawn hand has this many instances of each digit

# One person's digits: for each digit 0 to 9, images uint8 (n, 56, 56), ink bright on 0.
Hand = Sequence[np.ndarray]


def real_hand(
    images: np.ndarray, labels: np.ndarray, random: np.random.Generator, warp: float = 0.0
) -> Hand:
    """The hand of someone who wrote digits of a data set that lies by writer, as MNIST's does.

    `images` uint8 (N, 28, 28), `labels` (N,), in which all ten digits occur. The digits are those
    near a place drawn at random. One that does not occur there is taken from the nearest place
    where it does. With `warp`, all are bent in one way, at 1 by about a pixel of MNIST's frame.
    """
    bend = _bend(random, warp)
    middle = int(random.integers(len(images)))
    first = max(middle - STRIDE * NEAR, middle % STRIDE)
    rows = np.arange(first, min(middle + STRIDE * NEAR, len(images)), STRIDE)
    theirs = labels[rows]
    hand = []
    for digit in range(10):
        mine = rows[theirs == digit]
        if not len(mine):
            others = np.flatnonzero(labels == digit)
            mine = others[np.abs(others - middle).argsort()[:1]]
        fine = [refine(image) for image in images[mine]]
        hand.append(np.stack([cv2.remap(one, *bend, cv2.INTER_LINEAR) for one in fine]))
    return hand


def _bend(random: np.random.Generator, warp: float) -> tuple[np.ndarray, np.ndarray]:
    """Where each pixel of a bent glyph comes from: columns and rows, float32 (56, 56)."""
    coarse = random.normal(0, 2 * warp, (2, 4, 4)).astype(np.float32)
    shift = [cv2.resize(one, (FINE, FINE), interpolation=cv2.INTER_CUBIC) for one in coarse]
    rows, columns = np.indices((FINE, FINE), np.float32)
    return columns + shift[0], rows + shift[1]


def refine(image: np.ndarray) -> np.ndarray:
    """A digit uint8 (28, 28) at twice its size, with edges as crisp as they were: (56, 56)."""
    large = cv2.resize(image, (FINE, FINE), interpolation=cv2.INTER_CUBIC)
    return sharpened(large, 40, 1.6)


def sharpened(image: np.ndarray, level: float, contrast: float) -> np.ndarray:
    """An image uint8 with grey levels up to `level` at 0 and the others spread by `contrast`."""
    return cv2.convertScaleAbs(np.maximum(image, round(level)) - round(level), alpha=contrast)


def printed_hand(random: np.random.Generator) -> Hand:
    """Digits in a typeface: serial numbers are read as well."""
    font, thick = int(random.choice(TYPEFACES)), int(random.integers(2, 6))
    return [typeset(str(digit), font, thick)[None] for digit in range(10)]


def typeset(character: str, font: int, thick: int) -> np.ndarray:
    """A character in one of the `TYPEFACES`, in strokes `thick` pixels wide: uint8 (56, 56)."""
    image = np.zeros((FINE, FINE), np.uint8)
    (width, height), _ = cv2.getTextSize(character, font, 1.5, thick)
    corner = ((FINE - width) // 2, (FINE + height) // 2)
    cv2.putText(image, character, corner, font, 1.5, 255, thick, cv2.LINE_AA)
    return image


def drawn_hands(n: int, random: np.random.Generator) -> list[Hand]:
    """The hands of n people who do not exist, ``TIMES`` images of each digit; see ``numerals``."""
    hands = draw_hands(n, random, ("forms", "on_lines"))
    who, digits = np.divmod(np.arange(10 * n).repeat(TIMES), 10)
    drawn = write(hands, who, digits, random, FINE).reshape(n, 10, TIMES, FINE, FINE)
    return [list(hand) for hand in drawn]
