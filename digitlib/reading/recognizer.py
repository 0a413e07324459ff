"""``Recognizer``: pictures in, digits and numbers out, by LiteRT models, without TensorFlow."""

from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from digitlib.artifacts import load_card
from digitlib.pixels.decoding import Picture, load
from digitlib.pixels.lines import LineImage
from digitlib.pixels.normalisation import SIDE, as_images
from digitlib.pixels.polarity import CONTRAST, has_ink, with_bright_ink
from digitlib.pixels.segmentation import Framed, find_digit
from digitlib.reading.line_reader import LineReader
from digitlib.reading.litert import Network
from digitlib.reading.marker import Marker
from digitlib.reading.models import PRETRAINED, PRETRAINED_LINES, PRETRAINED_SHEETS, serving_file
from digitlib.reading.numbers import Digit, Number, Reading
from digitlib.reading.sheet_reader import SheetReader
from digitlib.reading.sheets import Sheet

EVEN = 0.5  # confidence of what is as likely right as wrong


class Recognizer:
    """Reads digits with one trained model, and lines of them with another.

    Args:
        model_dir: a folder with a LiteRT model of digits and ``card.json``; the shipped model by
            default.
        line_model_dir: the same of lines.
        sheet_model_dir: the same of sheets.

    Raises:
        ArtifactError: when there is no model of digits in the folder.

    Attributes:
        card: what is known of the model of digits.
        file: the LiteRT model of digits.

    One recognizer may be used from several threads; they take turns at the network.
    """

    def __init__(
        self,
        model_dir: str | Path = PRETRAINED,
        line_model_dir: str | Path = PRETRAINED_LINES,
        sheet_model_dir: str | Path = PRETRAINED_SHEETS,
    ):
        self.card = load_card(model_dir)
        self.temperature = float(self.card["temperature"])
        self.threshold = float(self.card["threshold"])
        self.file = serving_file(model_dir)
        self._network = Network(self.file)
        self._line_model_dir, self._sheet_model_dir = line_model_dir, sheet_model_dir

    @cached_property
    def line_reader(self) -> LineReader:
        """The model of lines at work; loaded when the first line is read.

        Raises:
            ArtifactError: when there is no model in its folder.
        """
        return LineReader.load(self._line_model_dir)

    @cached_property
    def marker(self) -> Marker:
        """The model of sheets at work; loaded when the first sheet is read.

        Raises:
            ArtifactError: when there is no model in its folder.
        """
        return Marker.load(self._sheet_model_dir)

    def classify(self, images: np.ndarray) -> np.ndarray:
        """Calibrated probabilities of the ten digits, each row summing to one.

        Args:
            images: uint8 (N, 28, 28), any N including 0; the ink bright on 0, or dark on bright
                paper, which is inverted.

        Returns:
            float32 (N, 10). An image without ink has a tenth everywhere.

        Raises:
            ValueError: for another shape or dtype, or where all pixels are on a smaller scale,
                such as 0 to 16.
        """
        largest = int(as_images(images).max(initial=0))
        if 0 < largest < CONTRAST:
            raise ValueError(
                f"the largest of all pixels is {largest}, and ink should reach 255; stretch them: "
                f"np.rint(images * (255 / {largest})).astype(np.uint8)"
            )
        return self._probabilities(images)

    def _probabilities(self, images: np.ndarray) -> np.ndarray:
        scaled = self.logits(images) / self.temperature
        scaled -= scaled.max(axis=1, keepdims=True, initial=-np.inf)
        np.exp(scaled, out=scaled)
        shares = scaled / scaled.sum(axis=1, keepdims=True)
        shares[~has_ink(images)] = 0.1
        return shares

    def logits(self, images: np.ndarray) -> np.ndarray:
        """What the network says before calibration, also of pale and blank images: float32 (N, 10).

        Arguments as ``classify``.
        """
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
        framed = find_digit(picture, lambda grey: self.marker.mark(grey))
        if framed is None:
            even = np.full(10, 0.1, np.float32)
            return Digit(None, 0.0, False, even, (0, 0, 0, 0), np.zeros((SIDE, SIDE), np.uint8))
        return self._digit(framed, self._probabilities(framed.image[None])[0])

    def read_digits(self, picture: Picture) -> Reading:
        """The numbers of a picture, line by line; no ink gives an empty ``Reading``.

        Arguments and errors as ``read_digit``.
        """
        return self.read_sheet(picture).reading

    def read_sheet(self, picture: Picture) -> Sheet:
        """Find the tables, boxes and lines of a picture, and read what is written in each.

        Arguments and errors as ``read_digit``.
        """
        lines = self.line_reader
        reader = SheetReader(self.marker, self._read_line, lines.probabilities, lines.threshold)
        return reader.read(load(picture))

    def _read_line(self, line: LineImage) -> list[Number]:
        """The numbers of a line.

        Where it was found by a single shape, the digit network reads that as well. The
        surer of the two is believed, and is no surer than the other one. If the line network reads
        several digits within the shape, it is believed unless it is more likely wrong than right.
        """
        numbers = [replace(one, printed=line.printed) for one in self.line_reader.read(line)]
        digits = [digit for number in numbers for digit in number.digits]
        has_marks = sum(len(number.text) for number in numbers) > len(digits)
        if line.alone is None or not digits or has_marks:
            return numbers
        sure = min(number.confidence for number in numbers)
        left, _, width, _ = line.alone.box
        middles = [digit.box[0] + digit.box[2] / 2 for digit in digits]
        if sum(left <= middle <= left + width for middle in middles) > 1 and sure >= EVEN:
            return numbers
        digit = self._digit(line.alone, self._probabilities(line.alone.image[None])[0])
        if digit.confidence < sure:
            if len(digits) > 1:
                return numbers
            digit = replace(digits[0], image=digit.image)
        least = min(digit.confidence, sure)
        accepted = least >= self.line_reader.threshold and all(one.accepted for one in numbers)
        digit = replace(digit, confidence=least, accepted=accepted)
        return [Number(str(digit.label), (digit,), least, accepted, line.printed)]

    def _digit(self, framed: Framed, probabilities: np.ndarray) -> Digit:
        confidence = float(probabilities.max())
        accepted = confidence >= self.threshold
        label = int(probabilities.argmax())
        return Digit(label, confidence, accepted, probabilities, framed.box, framed.image)
