"""Read a line whole: one answer of the line network for each four pixels of its width."""

import re
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Self

import cv2
import numpy as np
from scipy.special import log_softmax

from digitlib.artifacts import load_card
from digitlib.pixels.line_images import ALPHABET, COLUMN, HEIGHT, MARGIN, to_line
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
# A dash in front of a number is a minus, unless it follows a digit. Marks stand between digits.
NUMBER = re.compile(r"((?<!\d)-)?\d+([.,]\d+)*")
REACH = 0.75  # digit heights to each side of its middle that a digit's ink may reach


class Sign(NamedTuple):
    """One character on a line.

    `at` is the column of the network that says it most clearly, `left` and `right` what it has to
    itself between its neighbours, and `ink` (x, y, width, height) the ink found there, all in
    pixels of the line image.
    """

    character: str
    code: int
    at: float
    left: float
    right: float
    ink: Box


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
        """The numbers of a line, from left to right."""
        said = self.log_probabilities(line)
        return [
            self._number(signs, said, line)
            for word in words_of(signs_of(said, line))
            for signs in numbers_of(word)
        ]

    def log_probabilities(self, line: LineImage) -> np.ndarray:
        """What the network makes of each column: float (T, 15), of a blank and `ALPHABET`."""
        logits = self._network.logits(to_line(line.absorbed)).astype(np.float64)
        return log_softmax(logits / self.temperature, axis=1)

    def _number(self, signs: list[Sign], said: np.ndarray, line: LineImage) -> Number:
        first = max(0, round(signs[0].left + MARGIN) // COLUMN)
        last = min(len(said), -(-round(signs[-1].right + MARGIN) // COLUMN))
        likelihood = np.exp(log_likelihood(said[first:last], [sign.code for sign in signs]))
        digits = tuple(self._digit(sign, said, line) for sign in signs if sign.character.isdigit())
        text = "".join(sign.character for sign in signs)
        confidence = float(likelihood)
        return Number(text, digits, confidence, confidence >= self.threshold)

    def _digit(self, sign: Sign, said: np.ndarray, line: LineImage) -> Digit:
        column = np.exp(said[round(sign.at), 1:11])
        confidence = float(column.max())
        x, y, width, height = sign.ink
        corners = np.array([[x, y], [x + width, y], [x, y + height], [x + width, y + height]])
        places = corners @ line.to_picture[:, :2].T + line.to_picture[:, 2]
        left, top = np.floor(places.min(axis=0) + 0.5).astype(int).clip(0)
        right, bottom = np.floor(places.max(axis=0) + 0.5).astype(int)
        box = int(left), int(top), int(max(1, right - left)), int(max(1, bottom - top))
        image = to_mnist(line.strokes[y : y + height, x : x + width])
        accepted = confidence >= self.threshold
        probabilities = (column / column.sum()).astype(np.float32)
        return Digit(int(sign.character), confidence, accepted, probabilities, box, image)


def signs_of(said: np.ndarray, line: LineImage) -> list[Sign]:
    """The characters that the columns spell, and where each stands on the line."""
    tokens = best_path(said)
    middles = np.array([(token.place + 0.5) * COLUMN - MARGIN for token in tokens])
    between = (middles[1:] + middles[:-1]) / 2
    reach = REACH * FILL * HEIGHT
    lefts = np.maximum(np.r_[-np.inf, between], middles - reach)
    rights = np.minimum(np.r_[between, np.inf], middles + reach)
    return [
        Sign(
            ALPHABET[token.code - 1], token.code, token.place, left, right, _ink(line, left, right)
        )
        for token, left, right in zip(tokens, lefts.tolist(), rights.tolist(), strict=True)
    ]


def _ink(line: LineImage, left: float, right: float) -> Box:
    """The box of the ink between two columns of a line; all that is there, where none was found."""
    width = line.strokes.shape[1]
    start = min(max(round(left), 0), width - 1)
    part = (line.strokes[:, start : max(start + 1, round(right))] > 64).view(np.uint8)
    x, y, wide, high = cv2.boundingRect(part)
    if not wide:
        return start, 0, part.shape[1], HEIGHT
    return start + x, y, wide, high


def words_of(signs: list[Sign]) -> list[list[Sign]]:
    """The signs of a line, parted where they are far apart."""
    digits = [sign for sign in signs if sign.character.isdigit()]
    if not digits:
        return []
    height = min(float(np.median([sign.ink[3] for sign in digits])), FILL * HEIGHT)
    beside = [_apart(a, b) for a, b in pairwise(signs) if a in digits and b in digits]
    usual = float(np.median(beside)) if len(beside) > 1 else 0.0
    farthest = min(max(NEAR * height, TIMES * usual), FAR * height)
    words = [signs[:1]]
    for pair in pairwise(signs):
        if _apart(*pair) > farthest:
            words.append([])
        words[-1].append(pair[1])
    return words


def numbers_of(word: list[Sign]) -> list[list[Sign]]:
    """The signs of each number in a word; none if most of it is other ink, as in a word of text."""
    text = "".join(sign.character for sign in word)
    if text.count("?") > 1 + sum(map(str.isdigit, text)):
        return []
    return [word[slice(*found.span())] for found in NUMBER.finditer(text)]


def _apart(left: Sign, right: Sign) -> float:
    """How far the middles of two signs are apart, in pixels."""
    return (right.at - left.at) * COLUMN
