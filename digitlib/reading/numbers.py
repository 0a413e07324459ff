"""What was read: digits, the numbers that they make up, and the reading of a whole picture."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from digitlib.pixels.line_images import NUMBER
from digitlib.pixels.segmentation import Box

MISREAD = "may be misread"  # what people are told of a number that is not accepted
MOST_CHARACTERS = 300  # of a number that has a value; above 308 digits, a float is infinite


@dataclass(frozen=True)
class Digit:
    """One digit that was read.

    Attributes:
        label: 0 to 9; None where there is no ink to read.
        confidence: how sure it is that this is a digit, and that digit, 0 to 1. Of a digit that
            is read by itself, it is the largest of the probabilities. A model trained on what is no
            digit (a profile's ``nondigit_share``) has learnt to spread them evenly there, down to
            0.1 (outlier exposure, Hendrycks, Mazeika and Dietterich 2019, arXiv 1812.04606). On a
            line, it is what the network says in the digit's middle column, where a blank and marks
            have a share as well; only whole numbers are calibrated there.
        accepted: whether the confidence reaches the threshold of the model's card.
        probabilities: float32 (10,), those of the ten digits, which sum to one.
        box: (x, y, width, height) in the picture's pixels.
        image: uint8 (28, 28), the digit in MNIST's frame.
    """

    label: int | None
    confidence: float
    accepted: bool
    probabilities: np.ndarray = field(repr=False)
    box: Box
    image: np.ndarray = field(repr=False)

    def as_json(self) -> dict:
        """What programs are told of it: all but its image."""
        return {
            "label": self.label,
            "confidence": round(self.confidence, 6),
            "accepted": self.accepted,
            "probabilities": [round(float(p), 6) for p in self.probabilities],
            "box": [int(side) for side in self.box],
        }


@dataclass(frozen=True)
class Number:
    """One number that was read.

    Attributes:
        text: as it is written, with its marks: ``15.371,50``. What closes a number, such as a
            dash or a full stop, is not part of it.
        digits: its digits, from left to right; none of a number that a person typed in.
        confidence: the probability that all its digits are right, and none too many, 0 to 1;
            calibrated on simulated lines. Of marks it says nothing.
        accepted: whether the confidence reaches the threshold of the model's card. Of several
            numbers in one line of a cell, none is accepted, and none where a shape may belong to
            this cell or another, or where the edge of the picture seems to cut a stroke or a box.
        printed: whether it is in type rather than by hand.
        place: the box of what a person typed in, which may be any text; None for what was read.
    """

    text: str
    digits: tuple[Digit, ...] = field(repr=False)
    confidence: float
    accepted: bool
    printed: bool = False
    place: Box | None = None

    @property
    def value(self) -> float | int | None:
        """What the number is worth; see `value_of`."""
        return value_of(self.text)

    @property
    def corrected(self) -> bool:
        """Whether a person typed it in."""
        return self.place is not None

    @property
    def box(self) -> Box:
        """The box around its digits, (x, y, width, height) in the picture's pixels."""
        if self.place is not None:
            return self.place
        return around(digit.box for digit in self.digits)

    def as_json(self) -> dict:
        """What programs are told of it: all but its digits."""
        return {
            "text": self.text,
            "value": self.value,
            "confidence": round(self.confidence, 6),
            "accepted": self.accepted,
            "box": [int(side) for side in self.box],
        }


@dataclass(frozen=True)
class Reading:
    """All numbers of a picture, line by line: top to bottom, left to right."""

    written: tuple[tuple[Number, ...], ...] = ()

    @property
    def numbers(self) -> list[Number]:
        """The numbers of all lines."""
        return [number for line in self.written for number in line]

    @property
    def confidence(self) -> float:
        """That of the least certain number, 0 to 1; 0 where there is none."""
        return min((number.confidence for number in self.numbers), default=0.0)

    @property
    def accepted(self) -> bool:
        """Whether there is a number, and all are accepted."""
        return bool(self.numbers) and all(number.accepted for number in self.numbers)

    @property
    def lines(self) -> tuple[tuple[Digit, ...], ...]:
        """The digits of each line."""
        return tuple(tuple(d for number in line for d in number.digits) for line in self.written)

    @property
    def digits(self) -> list[Digit]:
        """The digits of all lines."""
        return [digit for number in self.numbers for digit in number.digits]

    @property
    def text(self) -> str:
        """Its digits: a line of text for each line, with spaces between numbers."""
        return "\n".join(
            " ".join("".join(filter(str.isdecimal, number.text)) for number in line)
            for line in self.written
        )


def around(boxes: Iterable[Box]) -> Box:
    """The box around some boxes."""
    corners = np.array([(x, y, x + width, y + height) for x, y, width, height in boxes])
    left, top = corners[:, :2].min(axis=0).tolist()
    right, bottom = corners[:, 2:].max(axis=0).tolist()
    return left, top, right - left, bottom - top


def value_of(text: str) -> float | int | None:
    """What a number is worth, or None where it could be worth one thing or another.

    Between thousands and before decimals, some countries write dots and others commas. Where both
    occur, the last one is the decimal mark. A mark that occurs several times is one of thousands.
    A single mark with three digits after it, such as 1.234, may be either. Three digits after it
    are decimals where no thousands can be: after 0, or after more than three digits. A number that
    is longer than ``MOST_CHARACTERS`` has no value.
    """
    if NUMBER.fullmatch(text) is None or len(text) > MOST_CHARACTERS:
        return None
    written = text.removeprefix("-")
    sign = text[: len(text) - len(written)]
    marks = re.findall(r"[.,]", written)
    decimal = ""
    if len(set(marks)) == 2:
        decimal = marks[-1]
        if marks.count(decimal) > 1:
            return None
    elif len(marks) == 1:
        whole, rest = re.split(r"[.,]", written)
        may_be_thousands = len(rest) == 3 and len(whole) <= 3 and not whole.startswith("0")
        if may_be_thousands:
            return None
        decimal = marks[0]
    whole, _, cents = written.partition(decimal) if decimal else (written, "", "")
    groups = re.split(r"[.,]", whole)
    grouped = len(groups[0]) <= 3 and groups[0][0] != "0" and all(len(g) == 3 for g in groups[1:])
    if len(groups) > 1 and not grouped:
        return None
    digits = "".join(groups)
    return float(f"{sign}{digits}.{cents}") if cents else int(sign + digits)
