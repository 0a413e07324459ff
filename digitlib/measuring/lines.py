"""Lines of numbers to judge a reader by: simulated ones, and pictures that others collected."""

import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import numpy as np

from digitlib.artifacts import resolve
from digitlib.datasets import Dataset
from digitlib.pixels.decoding import Picture
from digitlib.synthetic.lines import Seed, Simulation, draw_lines
from digitlib.synthetic.texts import THIN_SPACE

NUMBER = re.compile(r"-?\d+(?:[.,]\d+)*")
# What was collected in $DIGITLIB_DATA/handwriting, and what it is.
COLLECTED = {
    "amounts": "amounts cut from real bank cheques",
    "numbers": "cheque mock-ups, photographed rows, and pairs",
}


@dataclass(frozen=True, eq=False)
class LineSet:
    """Pictures of numbers.

    Attributes:
        name: of the set.
        pictures: N of them, as `Recognizer.read_digits` takes them.
        numbers: what each says, number by number: with its marks where `marked`, else its digits.
        source: where they come from, for a reader.
        marked: whether marks are known.
    """

    name: str
    pictures: Sequence[Picture]
    numbers: Sequence[Sequence[str]]
    source: str
    marked: bool = False

    def __len__(self) -> int:
        return len(self.pictures)

    def digits(self, i: int) -> str:
        """All digits of picture `i`."""
        return digits_of(" ".join(self.numbers[i]))


@dataclass(frozen=True, eq=False)
class Answers:
    """What a reader made of a `LineSet`, one of each a picture.

    `texts` are its numbers as written with a space between, and `confidences` (N,) those of the
    least certain number, 0 to 1, or 0 where none was found. `right` (N,) tells whether all digits
    are as they should be, in order and without others.
    """

    texts: list[str]
    confidences: np.ndarray
    right: np.ndarray


def digits_of(text: str) -> str:
    """The digits in a text."""
    return "".join(c for c in text if c.isdigit())


def simulated(digits: Dataset, count: int, seed: Seed, simulation: Simulation) -> LineSet:
    """Simulated lines of these digits; those without a number are included."""
    lines = draw_lines(digits.images, digits.known_labels(), count, seed, simulation)
    said = [NUMBER.findall(line.text.replace(THIN_SPACE, "")) for line in lines]
    pictures = [line.grey for line in lines]
    return LineSet("simulated", pictures, said, f"simulated of {digits.source}", marked=True)


def collected() -> list[LineSet]:
    """The sets in ``$DIGITLIB_DATA/handwriting``; [] where there are none."""
    folder = resolve(os.environ.get("DIGITLIB_DATA") or "data") / "handwriting"
    return [_collected(folder / name) for name in COLLECTED if (folder / name).is_dir()]


def _collected(folder: Path) -> LineSet:
    entries = json.loads((folder / "readings.json").read_text(encoding="utf-8"))
    told = [entry for entry in entries if "text" in entry or "lines" in entry]
    pictures = [folder / entry["file"] for entry in told]
    numbers = [entry.get("lines") or [entry["text"]] for entry in told]
    return LineSet(folder.name, pictures, numbers, COLLECTED[folder.name])


def marks_read(wanted: str, said: str) -> tuple[int, int, int]:
    """How many marks a text has, how many of them were read in their place, how many were read.

    Both texts are aligned by their longest common blocks.
    """
    same = SequenceMatcher(None, wanted, said, autojunk=False).get_matching_blocks()
    right = sum(c in ".,-" for at, _, n in same for c in wanted[at : at + n])
    return sum(c in ".,-" for c in wanted), right, sum(c in ".,-" for c in said)


def read_all(read_digits: Callable[[Picture], Any], lines: LineSet) -> Answers:
    """Have all pictures of a set read; `read_digits` is that of a `Recognizer`."""
    texts, confidences = [], []
    for picture in lines.pictures:
        numbers = read_digits(picture).numbers
        texts.append(" ".join(number.text for number in numbers))
        confidences.append(min((number.confidence for number in numbers), default=0.0))
    right = [digits_of(text) == lines.digits(i) for i, text in enumerate(texts)]
    return Answers(texts, np.array(confidences), np.array(right, bool))
