"""``Recognizer``: pictures in, digits out, by a LiteRT model; TensorFlow is never imported."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from digitlib.artifacts import load_card
from digitlib.pixels.decoding import Picture
from digitlib.pixels.normalisation import SIDE
from digitlib.pixels.polarity import with_bright_ink
from digitlib.pixels.segmentation import Box, Framed, choose, find_candidates, find_digit
from digitlib.reading.litert import Network
from digitlib.reading.models import PRETRAINED, serving_file


@dataclass(frozen=True)
class Digit:
    """One digit that was read.

    Attributes:
        label: 0 to 9; None where there is no ink to read.
        confidence: how sure it is that this is a digit, and that digit: the largest of the
            probabilities, 0 to 1. A model trained on what is no digit (a profile's
            ``nondigit_share``) has learnt to spread them evenly there, down to 0.1 (outlier
            exposure, Hendrycks, Mazeika and Dietterich 2019, arXiv 1812.04606).
        accepted: whether the confidence reaches the threshold of the model's card.
        probabilities: float32 (10,), calibrated on digits.
        box: (x, y, width, height) in the picture's pixels.
        image: uint8 (28, 28), what the network saw.
    """

    label: int | None
    confidence: float
    accepted: bool
    probabilities: np.ndarray = field(repr=False)
    box: Box
    image: np.ndarray = field(repr=False)


@dataclass(frozen=True)
class Reading:
    """All digits of a picture, in reading order: lines top to bottom, digits left to right."""

    lines: tuple[tuple[Digit, ...], ...] = ()

    @property
    def digits(self) -> list[Digit]:
        """The digits of all lines."""
        return [digit for line in self.lines for digit in line]

    @property
    def text(self) -> str:
        """What it says, a line of text for each line of digits."""
        return "\n".join("".join(str(digit.label) for digit in line) for line in self.lines)


class Recognizer:
    """Reads digits with one trained model.

    Args:
        model_dir: a folder with a LiteRT model and ``card.json``; the shipped model by default.

    Raises:
        ArtifactError: when there is no model in the folder.

    Attributes:
        card: what is known of the model.
        file: the LiteRT model that answers.

    One recognizer may be used from several threads; they take turns at the network.
    """

    def __init__(self, model_dir: str | Path = PRETRAINED):
        self.card = load_card(model_dir)
        self.temperature = float(self.card["temperature"])
        self.threshold = float(self.card["threshold"])
        self.file = serving_file(model_dir)
        self._network = Network(self.file)

    def classify(self, images: np.ndarray) -> np.ndarray:
        """Calibrated probabilities of the ten digits, each row summing to one.

        Args:
            images: uint8 (N, 28, 28), any N including 0; the ink bright on 0, or dark on bright
                paper, which is inverted.

        Returns:
            float32 (N, 10).

        Raises:
            ValueError: for another shape or dtype.
        """
        scaled = self.logits(images) / self.temperature
        scaled -= scaled.max(axis=1, keepdims=True, initial=-np.inf)
        np.exp(scaled, out=scaled)
        return scaled / scaled.sum(axis=1, keepdims=True)

    def logits(self, images: np.ndarray) -> np.ndarray:
        """What the network says before calibration: float32 (N, 10). Arguments as ``classify``."""
        return self._network.logits(with_bright_ink(images))

    def read_digit(self, picture: Picture) -> Digit:
        """Read a picture that is one digit as a whole.

        Args:
            picture: a path, the bytes of a file, a PIL image, or a uint8 array (H, W), (H, W, 3)
                or (H, W, 4); any size, either polarity.

        Returns:
            The digit; where there is no ink, one with label None and confidence 0.

        Raises:
            PictureError: for what is no picture, with the reason.
        """
        framed = find_digit(picture)
        if framed is None:
            even = np.full(10, 0.1, np.float32)
            return Digit(None, 0.0, False, even, (0, 0, 0, 0), np.zeros((SIDE, SIDE), np.uint8))
        return self._digit(framed, self.classify(framed.image[None])[0])

    def read_digits(self, picture: Picture) -> Reading:
        """Find and read every digit of a picture; none gives an empty ``Reading``.

        Arguments and errors as ``read_digit``.
        """
        candidates = find_candidates(picture)
        if not candidates:
            return Reading()
        framed = [candidate.framed for candidate in candidates]
        probabilities = self.classify(np.stack([one.image for one in framed]))
        lines = choose(candidates, probabilities.max(axis=1))
        return Reading(
            tuple(tuple(self._digit(framed[i], probabilities[i]) for i in line) for line in lines)
        )

    def _digit(self, framed: Framed, probabilities: np.ndarray) -> Digit:
        confidence = float(probabilities.max())
        accepted = confidence >= self.threshold
        label = int(probabilities.argmax())
        return Digit(label, confidence, accepted, probabilities, framed.box, framed.image)
