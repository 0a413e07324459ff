"""Read a line whole: one answer of the line network for each four pixels of its width."""

import math
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Self

import cv2
import numpy as np
from scipy.special import log_softmax

from digitlib.artifacts import load_card
from digitlib.pixels.line_images import ALPHABET, COLUMN, HEIGHT, MARGIN, NUMBER, look_at, to_line
from digitlib.pixels.lines import FILL, LineImage
from digitlib.pixels.normalisation import to_mnist
from digitlib.pixels.segmentation import Box
from digitlib.reading.litert import LineNetwork
from digitlib.reading.models import PRETRAINED_LINES, serving_file
from digitlib.reading.numbers import Digit, Number
from digitlib.reading.spelling import best_path, log_likelihood

# The middles of two signs of one number are so many digit heights apart at most. Those farther
# apart belong together if others are about as far, as in boxes; never beyond the last of these.
NEAR, TIMES, FAR = 1.6, 1.6, 3.2
REACH = 0.75  # digit heights to each side of its middle that a digit's ink may reach


class Sign(NamedTuple):
    """One character on a line.

    `probabilities` (10,) are those of the ten digits in its middle column. `middle` is its place,
    `left` and `right` what it has to itself between its neighbours, and `ink` (x, y, width,
    height) the ink found there, all in pixels of the line image.
    """

    character: str
    code: int
    probabilities: np.ndarray
    middle: float
    left: float
    right: float
    ink: Box

    @property
    def is_digit(self) -> bool:
        """Whether it is one of the ten digits."""
        return self.character.isdigit()


class View(NamedTuple):
    """A way to look at a line: enlarged by `zoom`, leaning to the right by `lean` of its height."""

    zoom: float
    lean: float


class Look(NamedTuple):
    """What the network says of a line in one view: logarithms of probabilities (T, 15)."""

    said: np.ndarray
    view: View


# The mean over several views reads better than any one of them, and knows better how sure it is
# (test-time augmentation). They were chosen on simulated lines.
VIEWS = (View(1, 0), View(0.85, 0), View(1, 0.25), View(1, -0.2))


class LineReader:
    """Reads lines with one trained network.

    Args:
        file: a LiteRT model of lines.
        temperature: what its logits are divided by; see ``measuring.lines.fit_temperature``.
        threshold: the least confidence of a number, or a digit, that is accepted.
    """

    def __init__(self, file: Path, temperature: float = 1.0, threshold: float = 1.0):
        self.file, self.temperature, self.threshold = file, temperature, threshold
        self._network = LineNetwork(file)

    @classmethod
    def load(cls, model_dir: str | Path = PRETRAINED_LINES) -> Self:
        """The reader of a folder with a LiteRT model of lines and ``card.json``.

        Raises:
            ArtifactError: when there is no model in the folder.
        """
        card = load_card(model_dir)
        return cls(serving_file(model_dir), float(card["temperature"]), float(card["threshold"]))

    def read(self, line: LineImage) -> list[Number]:
        """The numbers of a line, from left to right.

        The network looks at the line several times (`VIEWS`). For each word, every look proposes
        a spelling. The one with the highest mean likelihood over all looks is taken.
        """
        looks = [Look(self.log_probabilities(line, view), view) for view in VIEWS]
        spelled = [signs_of(look, line) for look in looks]
        numbers = []
        for start, stop in words_of(next(filter(_has_digits, spelled), [])):
            inside = [[s for s in signs if start <= s.middle < stop] for signs in spelled]
            found = {tuple(sign.code for sign in signs): signs for signs in inside[::-1]}
            likely = next(iter(found))
            if len(found) > 1:
                likely = max(found, key=lambda codes: _likelihood(looks, codes, start, stop))
            numbers += [self._number(signs, looks, line) for signs in numbers_of(found[likely])]
        return numbers

    def log_probabilities(self, line: LineImage, view: View) -> np.ndarray:
        """What the network makes of each column: float (T, 15), of a blank and `ALPHABET`."""
        seen = look_at(to_line(line.absorbed), view.zoom, view.lean)
        return log_softmax(self._network.logits(seen).astype(np.float64) / self.temperature, axis=1)

    def _number(self, signs: list[Sign], looks: list[Look], line: LineImage) -> Number:
        codes = tuple(sign.code for sign in signs)
        confidence = _likelihood(looks, codes, signs[0].left, signs[-1].right)
        digits = tuple(self._digit(sign, line) for sign in signs if sign.is_digit)
        text = "".join(sign.character for sign in signs)
        return Number(text, digits, confidence, confidence >= self.threshold)

    def _digit(self, sign: Sign, line: LineImage) -> Digit:
        confidence = float(sign.probabilities.max())
        x, y, width, height = sign.ink
        corners = np.array([[x, y], [x + width, y], [x, y + height], [x + width, y + height]])
        places = corners @ line.to_picture[:, :2].T + line.to_picture[:, 2]
        left, top = np.floor(places.min(axis=0) + 0.5).clip(0).astype(int)
        right, bottom = np.minimum(np.floor(places.max(axis=0) + 0.5), line.picture).astype(int)
        box = int(left), int(top), int(max(1, right - left)), int(max(1, bottom - top))
        image = to_mnist(line.strokes[y : y + height, x : x + width])
        accepted = confidence >= self.threshold
        shares = (sign.probabilities / sign.probabilities.sum()).astype(np.float32)
        return Digit(int(sign.character), confidence, accepted, shares, box, image)


def signs_of(look: Look, line: LineImage) -> list[Sign]:
    """The characters that the columns of a look spell, and where each stands on the line."""
    tokens = best_path(look.said)
    middles = np.array([(token.place + 0.5) * COLUMN / look.view.zoom - MARGIN for token in tokens])
    between = (middles[1:] + middles[:-1]) / 2
    reach = REACH * FILL * HEIGHT
    lefts = np.maximum(np.r_[-np.inf, between], middles - reach).tolist()
    rights = np.minimum(np.r_[between, np.inf], middles + reach).tolist()
    signs = []
    for token, middle, left, right in zip(tokens, middles, lefts, rights, strict=True):
        probabilities = np.exp(look.said[round(token.place), 1:11])
        character, ink = ALPHABET[token.code - 1], _ink(line, left, right)
        signs.append(Sign(character, token.code, probabilities, middle, left, right, ink))
    return signs


def _likelihood(looks: list[Look], codes: tuple[int, ...], start: float, stop: float) -> float:
    """How likely the columns from `start` to `stop`, in pixels of the line, spell these classes.

    It is the mean over all looks, 0 to 1.
    """
    likelihoods = []
    for look in looks:
        last = len(look.said) * COLUMN
        ends = np.clip((np.array([start, stop]) + MARGIN) * look.view.zoom, 0, last) / COLUMN
        columns = look.said[math.floor(ends[0]) : math.ceil(ends[1])]
        likelihoods.append(math.exp(log_likelihood(columns, codes)))
    return float(np.mean(likelihoods))


def _has_digits(signs: list[Sign]) -> bool:
    return any(sign.is_digit for sign in signs)


def _ink(line: LineImage, left: float, right: float) -> Box:
    """The box of the ink between two columns of a line; all that is there, where none was found."""
    width = line.strokes.shape[1]
    start = min(max(round(left), 0), width - 1)
    part = (line.strokes[:, start : max(start + 1, round(right))] > 64).view(np.uint8)
    x, y, wide, high = cv2.boundingRect(part)
    if not wide:
        return start, 0, part.shape[1], HEIGHT
    return start + x, y, wide, high


def words_of(signs: list[Sign]) -> list[tuple[float, float]]:
    """Where the words of a line begin and end, in its pixels; the outermost reach to its ends.

    A line is parted where neighbours are far apart.
    """
    digits = [sign for sign in signs if sign.is_digit]
    if not digits:
        return []
    height = min(float(np.median([sign.ink[3] for sign in digits])), FILL * HEIGHT)
    beside = [b.middle - a.middle for a, b in pairwise(signs) if a.is_digit and b.is_digit]
    usual = float(np.median(beside)) if len(beside) > 1 else 0.0
    farthest = min(max(NEAR * height, TIMES * usual), FAR * height)
    parted = [
        (a.middle + b.middle) / 2 for a, b in pairwise(signs) if b.middle - a.middle > farthest
    ]
    return list(pairwise([-math.inf, *parted, math.inf]))


def numbers_of(word: list[Sign]) -> list[list[Sign]]:
    """The signs of each number in a word; none if most of it is other ink, as in a word of text."""
    text = "".join(sign.character for sign in word)
    if text.count("?") > 1 + sum(map(str.isdigit, text)):
        return []
    return [word[slice(*found.span())] for found in NUMBER.finditer(text)]
