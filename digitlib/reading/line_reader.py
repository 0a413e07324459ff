"""Read a line whole: one answer of the line network for each four pixels of its width."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from digitlib.artifacts import load_card
from digitlib.pixels.line_images import look_at, to_line
from digitlib.pixels.lines import LineImage
from digitlib.pixels.normalisation import to_mnist
from digitlib.reading.litert import LineNetwork
from digitlib.reading.models import PRETRAINED_LINES, serving_file
from digitlib.reading.numbers import Digit, Number
from digitlib.reading.signs import (
    Look,
    Sign,
    Strokes,
    View,
    numbers_of,
    reaches_of,
    signs_of,
    words_of,
)
from digitlib.reading.spelling import log_likelihoods

# The mean over several views reads better than any one of them, and knows better how sure it is
# (test-time augmentation). They were chosen on simulated lines.
VIEWS = (View(1, 0), View(0.72, 0), View(1.15, 0), View(1, 0.25), View(1, -0.2))
CUT = 8.0  # pixels from the edge of the picture to the middle of a digit that it cuts, at most
SMALLEST = 1e-6  # likelihoods are kept this far from 0 and 1, so that their log odds are finite


class Calibration(NamedTuple):
    """How the likelihood of a number becomes the probability that it is right.

    The log odds of one are on a straight line with those of the other (Platt 1999, in: Advances in
    Large Margin Classifiers, 61-74), which ``measuring.lines.fit_calibration`` fits.
    """

    slope: float
    intercept: float

    def probability(self, likelihood: float) -> float:
        """The probability, 0 to 1, that a number of this likelihood is right."""
        inside = min(max(likelihood, SMALLEST), 1 - SMALLEST)
        log_odds = math.log(inside / (1 - inside))
        return 1 / (1 + math.exp(-(self.slope * log_odds + self.intercept)))


UNCALIBRATED = Calibration(1.0, 0.0)


class LineReader:
    """Reads lines with one trained network.

    Args:
        file: a LiteRT model of lines.
        calibration: makes probabilities of likelihoods.
        threshold: the least confidence of a number, or a digit, that is accepted.
        cut: pixels of a line from the edge of the picture within which other ink may be the rest of
            a digit, so that a number beside it is doubtful; -inf for none, where only digits that
            can be seen count, as in simulated lines.
    """

    def __init__(
        self,
        file: Path,
        calibration: Calibration = UNCALIBRATED,
        threshold: float = 1.0,
        cut: float = CUT,
    ):
        self.file, self.calibration, self.threshold = file, calibration, threshold
        self.cut = cut
        self._network = LineNetwork(file)

    @classmethod
    def load(cls, model_dir: str | Path = PRETRAINED_LINES) -> Self:
        """The reader of a folder with a LiteRT model of lines and ``card.json``.

        Raises:
            ArtifactError: when there is no model in the folder.
        """
        card = load_card(model_dir)
        calibration = Calibration(**card["calibration"])
        return cls(serving_file(model_dir), calibration, float(card["threshold"]))

    def read(self, line: LineImage) -> list[Number]:
        """The numbers of a line, from left to right.

        The network looks at the line several times (`VIEWS`). For each word, every look proposes
        a spelling. The one whose digits have the highest mean likelihood over all looks is taken,
        whatever marks and other ink are between them. That is also what a number's confidence is
        of. Among spellings with the same digits, the likeliest marks are taken. A number at an end
        where the edge of the picture cuts a stroke is not accepted.
        """
        looks = [Look(self.log_probabilities(line, view), view) for view in VIEWS]
        inside = self._inside(line)
        of_digits = [look.of_digits(*inside) for look in looks]
        spelled = [signs_of(look) for look in looks]
        strokes = Strokes.of(line.strokes)
        cut_left, cut_right = line.cut_ends
        read = []
        for word in words_of(next(filter(_has_digits, spelled), []), strokes):
            numbers = numbers_of(_likeliest(looks, of_digits, spelled, *word))
            for signs, (start, stop) in zip(numbers, reaches_of(numbers, *word), strict=True):
                digits = [sign for sign in signs if sign.is_digit]
                codes = [digit.code for digit in digits]
                log_of_mean = _log_likelihood(of_digits, codes, start, stop)
                confidence = self.calibration.probability(math.exp(log_of_mean))
                text = "".join(sign.character for sign in signs)
                found = tuple(self._digit(digit, strokes, line) for digit in digits)
                is_cut = (cut_left and start == -math.inf) or (cut_right and stop == math.inf)
                accepted = confidence >= self.threshold and not is_cut
                read.append(Number(text, found, confidence, accepted))
        return read

    def probabilities(self, images: Sequence[LineImage], said: Sequence[str]) -> list[float]:
        """How probable it is, 0 to 1, that a line says these digits or those, by images of it."""
        looks = [
            Look(self.log_probabilities(image, view), view).of_digits(*self._inside(image))
            for image in images
            for view in VIEWS
        ]
        codes = [[1 + int(digit) for digit in digits] for digits in said]
        likelihoods = [_log_likelihood(looks, one, -math.inf, math.inf) for one in codes]
        return [self.calibration.probability(math.exp(one)) for one in likelihoods]

    def log_probabilities(self, line: LineImage, view: View) -> np.ndarray:
        """What the network makes of each column: float (T, 15), of a blank and `ALPHABET`."""
        seen = look_at(to_line(line.absorbed), view.zoom, view.lean)
        logits = self._network.logits(seen).astype(np.float64)
        return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)

    def _inside(self, line: LineImage) -> tuple[float, float]:
        """Between which places of a line other ink is no digit that the picture's edge cuts."""
        left, right = line.at_edge
        stop = line.absorbed.shape[1] - self.cut
        return self.cut if left else -math.inf, stop if right else math.inf

    def _digit(self, sign: Sign, strokes: Strokes, line: LineImage) -> Digit:
        (x, y, width, height), ink = strokes.of_sign(sign)
        corners = np.array([[x, y], [x + width, y], [x, y + height], [x + width, y + height]])
        places = corners @ line.to_picture[:, :2].T + line.to_picture[:, 2]
        left, top = np.floor(places.min(axis=0) + 0.5).clip(0).astype(int)
        right, bottom = np.minimum(np.floor(places.max(axis=0) + 0.5), line.picture).astype(int)
        box = int(left), int(top), int(max(1, right - left)), int(max(1, bottom - top))
        confidence = float(sign.probabilities.max())
        shares = (sign.probabilities / sign.probabilities.sum()).astype(np.float32)
        accepted = confidence >= self.threshold
        return Digit(int(sign.character), confidence, accepted, shares, box, to_mnist(ink))


def _has_digits(signs: list[Sign]) -> bool:
    return any(sign.is_digit for sign in signs)


def _likeliest(
    looks: list[Look], of_digits: list[Look], spelled: list[list[Sign]], start: float, stop: float
) -> list[Sign]:
    """Of all spellings of a word, one of each look, that of the likeliest digits and marks."""
    inside = [[sign for sign in signs if start <= sign.middle < stop] for signs in spelled]
    found = {tuple(sign.code for sign in signs): signs for signs in inside[::-1]}
    if len(found) == 1:
        return inside[0]

    def likelihoods(codes: tuple[int, ...]) -> tuple[float, float]:
        digits = [sign.code for sign in found[codes] if sign.is_digit]
        return (
            _log_likelihood(of_digits, digits, start, stop),
            _log_likelihood(looks, codes, start, stop),
        )

    return found[max(found, key=likelihoods)]


def _log_likelihood(looks: list[Look], codes: Sequence[int], start: float, stop: float) -> float:
    """How likely the line spells these classes from `start` to `stop`: log of the looks' mean."""
    said = log_likelihoods([look.columns(start, stop) for look in looks], codes)
    return float(np.logaddexp.reduce(said)) - math.log(len(looks))
