"""The signs on a line: which characters the network sees, where they stand, and which ink is whose.

Places are in pixels of the line image, from its left edge.
"""

import math
from itertools import pairwise
from typing import NamedTuple, Self

import cv2
import numpy as np

from digitlib.pixels.line_images import ALPHABET, COLUMN, HEIGHT, MARGIN, NUMBER
from digitlib.pixels.lines import FILL
from digitlib.pixels.segmentation import Box
from digitlib.reading.spelling import BLANK, best_path

# Two numbers are told apart by the gap between them. Distances are between the middles of signs.
NEAR = 1.6  # digit heights that signs of one number are apart at most,
TIMES = 1.3  # or so many times the usual distance on the line, as in boxes,
USUAL = 0.25  # which is their lower quartile,
FAR = 3.2  # but never more digit heights than these.
CLEAR = 1.2  # Above so many heights, a distance also parts them if it is
OUTLIER = 2.0  # so many times the usual one.
MANY = 3  # digits of a number that is one even in a word of letters
TALLEST = 0.75  # of a line's height: what seems taller has a printed line in it
REACH = 0.75  # digit heights to each side of its middle that a digit's ink may reach
OWN = 0.6  # share of the width of a stroke between a sign's neighbours that makes it wholly its own
OTHER = len(ALPHABET)  # the class of other ink
INKED = 64  # grey levels above paper from which a pixel is ink


class View(NamedTuple):
    """A way to look at a line: enlarged by `zoom`, leaning to the right by `lean` of its height."""

    zoom: float
    lean: float


class Look(NamedTuple):
    """What the network says of a line in one view: logarithms of probabilities (T, 15)."""

    said: np.ndarray
    view: View

    def of_digits(self, start: float = -math.inf, stop: float = math.inf) -> "Look":
        """The same of digits alone, (T, 11): marks and other ink are as good as nothing.

        Other ink is not where it may be the rest of a digit: in front of `start` and after `stop`.
        """
        places = (np.arange(len(self.said)) + 0.5) * COLUMN / self.view.zoom - MARGIN
        said = self.said.copy()
        said[(places < start) | (places >= stop), OTHER] = -np.inf
        blank = np.logaddexp.reduce(said[:, [BLANK, *range(11, OTHER + 1)]], axis=1, keepdims=True)
        return self._replace(said=np.hstack([blank, said[:, 1:11]]))

    def columns(self, start: float, stop: float) -> np.ndarray:
        """What is said from one place of the line to another, (t, 15)."""
        last = len(self.said) * COLUMN
        ends = np.clip((np.array([start, stop]) + MARGIN) * self.view.zoom, 0, last) / COLUMN
        return self.said[math.floor(ends[0]) : math.ceil(ends[1])]


class Sign(NamedTuple):
    """One character on a line.

    `code` is its class, and `probabilities` (10,) are those of the ten digits in its middle column.
    `middle` is its place; it has to itself what is between `left` and `right`.
    """

    character: str
    code: int
    probabilities: np.ndarray
    middle: float
    left: float
    right: float

    @property
    def is_digit(self) -> bool:
        """Whether it is one of the ten digits."""
        return self.character.isdigit()


class Strokes(NamedTuple):
    """The ink of a line, stroke by stroke.

    `ink` is uint8 (48, W), bright on 0; `numbered` (48, W) has the number of each pixel's stroke,
    0 for paper; `edges` (strokes, 2) are the left and right end of each.
    """

    ink: np.ndarray
    numbered: np.ndarray
    edges: np.ndarray

    @classmethod
    def of(cls, ink: np.ndarray) -> Self:
        """The strokes of an ink map, uint8 (48, W)."""
        inked = (ink > INKED).view(np.uint8)
        _, numbered, stats, _ = cv2.connectedComponentsWithStats(inked, connectivity=8)
        left, width = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_WIDTH]
        return cls(ink, numbered, np.column_stack([left, left + width]))

    def of_sign(self, sign: Sign) -> tuple[Box, np.ndarray]:
        """The ink of a sign.

        Strokes mostly inside are its own to their ends, unless they reach the middle of the next
        sign. Of a longer one, such as of two digits that touch, it has the part inside.

        Returns:
            The box, and the ink in it: uint8 (height, width). Where there is none, all that is
            between the sign's `left` and `right`.
        """
        left, middle, right = sign.left, sign.middle, sign.right
        starts, stops = self.edges[1:].T
        shared = np.minimum(stops, right) - np.maximum(starts, left)
        own = (starts > 2 * left - middle) & (stops < 2 * right - middle)
        own &= shared >= OWN * (stops - starts)
        divided = ~own & (shared >= OWN * (right - left))
        start = int(np.floor(min([left, *starts[own]])))
        stop = int(np.ceil(max([right, *stops[own]])))
        start = min(max(start, 0), self.ink.shape[1] - 1)
        stop = max(start + 1, stop)
        window = self.numbered[:, start:stop]
        places = np.arange(start, start + window.shape[1])
        inside = (places >= round(left)) & (places < round(right))
        hers = np.r_[False, own][window] | (np.r_[False, divided][window] & inside)
        if not hers.any():
            hers = (window > 0) & inside
        x, y, wide, high = cv2.boundingRect(hers.view(np.uint8))
        if not wide:
            return (start, 0, window.shape[1], HEIGHT), self.ink[:, start:stop]
        ink = np.where(hers, self.ink[:, start:stop], 0)[y : y + high, x : x + wide]
        return (start + x, y, wide, high), ink


def signs_of(look: Look) -> list[Sign]:
    """The characters that the columns of a look spell, and where each stands on the line."""
    tokens = best_path(look.said)
    middles = np.array([(token.place + 0.5) * COLUMN / look.view.zoom - MARGIN for token in tokens])
    between = (middles[1:] + middles[:-1]) / 2
    reach = REACH * FILL * HEIGHT
    lefts = np.maximum(np.r_[-np.inf, between], middles - reach).tolist()
    rights = np.minimum(np.r_[between, np.inf], middles + reach).tolist()
    signs = []
    for token, middle, left, right in zip(tokens, middles.tolist(), lefts, rights, strict=True):
        probabilities = np.exp(look.said[round(token.place), 1:11])
        signs.append(Sign(ALPHABET[token.code - 1], token.code, probabilities, middle, left, right))
    return signs


def words_of(signs: list[Sign], strokes: Strokes) -> list[tuple[float, float]]:
    """Where the words of a line begin and end; the outermost reach to its ends.

    A line is parted where neighbours are far apart.
    """
    heights = [strokes.of_sign(one)[0][3] for one in signs if one.is_digit]
    if not heights:
        return []
    height = min(float(np.median(heights)), TALLEST * HEIGHT)
    beside = [b.middle - a.middle for a, b in pairwise(signs) if a.is_digit and b.is_digit]
    usual = float(np.quantile(beside, USUAL)) if len(beside) > 1 else 0.0
    farthest = min(max(NEAR * height, TIMES * usual), FAR * height)
    if len(beside) > 2:
        farthest = min(farthest, max(CLEAR * height, OUTLIER * usual))
    parted = [
        (a.middle + b.middle) / 2 for a, b in pairwise(signs) if b.middle - a.middle > farthest
    ]
    return list(pairwise([-math.inf, *parted, math.inf]))


def numbers_of(word: list[Sign]) -> list[list[Sign]]:
    """The signs of each number in a word.

    Where most of it is other ink, as in a word of letters, digits are letters as well, but for a
    longer number that begins or ends it.
    """
    text = "".join(sign.character for sign in word)
    found = [(word[slice(*one.span())], one.span()) for one in NUMBER.finditer(text)]
    if text.count("?") <= 1 + sum(map(str.isdigit, text)):
        return [number for number, _ in found]
    return [
        number
        for number, (start, stop) in found
        if (start == 0 or stop == len(text)) and sum(sign.is_digit for sign in number) >= MANY
    ]


def reaches_of(numbers: list[list[Sign]], start: float, stop: float) -> list[tuple[float, float]]:
    """What part of a word, which reaches from `start` to `stop`, belongs to each of its numbers."""
    between = [(a[-1].right + b[0].left) / 2 for a, b in pairwise(numbers)]
    return list(pairwise([start, *between, stop])) if numbers else []
