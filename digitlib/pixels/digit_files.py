"""Files of digits that are in MNIST's frame already: what tables, arrays and IDX files share.

Each kind of file is a `DigitFile`, which knows what its numbers mean. It is read in chunks, so that
a file may be larger than memory.
"""

import contextlib
import re
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from digitlib.pixels.normalisation import SIDE

FULL = 255  # grey level of full ink
HALF = 127  # a file with no brighter pixel is on another scale
AT_A_TIME = 2000  # digits, while the scale is sought
# What puts digits right that all lie in another way, by the word that asks for it.
CHANGES = {
    "transpose": lambda images: images.swapaxes(1, 2),  # as EMNIST's files need
    "mirror": lambda images: images[:, :, ::-1],  # left for right
    "flip": lambda images: images[:, ::-1],  # top for bottom
    "invert": lambda images: FULL - images,  # dark ink
}


class DataError(ValueError):
    """Data that cannot be used; the message names the file, the fault and the remedy."""


class DigitChunk(NamedTuple):
    """Some digits of a file, in order.

    `images` is uint8 (N, 28, 28), ink bright on 0, and `labels` uint8 (N,), or None where the
    file holds none. `faults` says why a digit could not be read, by its index; its image is 0.
    """

    images: np.ndarray
    labels: np.ndarray | None
    faults: dict[int, str]


class DigitFile(ABC):
    """The digits of a file, which has `length` of them."""

    file: Path
    length: int

    def __len__(self) -> int:
        return self.length

    @abstractmethod
    def stored(self, size: int, start: int = 0) -> Iterator[DigitChunk]:
        """All digits from number `start` on, `size` at a time, with pixels as the file has them.

        Raises `DataError` where the file turns out to be damaged.
        """

    @cached_property
    def full(self) -> int:
        """What stands for full ink: 255, or the largest number of a file that has none above 127.

        One digit does not tell: a pale one would be taken for one on another scale.
        """
        largest = 0
        for chunk in self.stored(AT_A_TIME):
            largest = max(largest, int(chunk.images.max(initial=0)))
            if largest > HALF:
                return FULL
        return largest or FULL

    @property
    def note(self) -> str:
        """What was assumed of the pixels, in words; "" where they are what they should be."""
        if self.full == FULL:
            return ""
        return f"its pixels reach from 0 to {self.full}; they were stretched to 0 to {FULL}"

    def chunks(self, size: int, start: int = 0) -> Iterator[DigitChunk]:
        """As `stored`, with pixels from 0 to 255."""
        factor = FULL / self.full
        for chunk in self.stored(size, start):
            if factor == 1:
                yield chunk
            else:
                yield chunk._replace(images=np.rint(chunk.images * factor).astype(np.uint8))


def split_changes(name: str) -> tuple[str, list[str]]:
    """A name such as ``digits.npz?transpose,invert`` as the name itself and the changes."""
    known = "|".join(CHANGES)
    asked = re.fullmatch(rf"(.+)\?((?:{known})(?:,(?:{known}))*)", name, re.DOTALL)
    return (asked[1], asked[2].split(",")) if asked else (name, [])


def changed(images: np.ndarray, changes: Sequence[str]) -> np.ndarray:
    """Images uint8 (N, 28, 28) after each of these `CHANGES`."""
    for name in changes:
        images = CHANGES[name](images)
    return np.ascontiguousarray(images)


@contextlib.contextmanager
def opened(file: Path, kind: str) -> Iterator[None]:
    """Faults in reading a file that should be of a `kind` become `DataError`.

    Readers of other people's files raise whatever a damaged one makes them raise.
    """
    try:
        yield
    except DataError:
        raise
    except Exception as fault:
        why = textwrap.shorten(str(fault), 150, placeholder=" …") or type(fault).__name__
        raise DataError(f"{file}: not {kind} ({why}); make or copy it again") from None


def as_pixels(values: np.ndarray, start: int) -> tuple[np.ndarray, dict[int, str]]:
    """Integers (N, 784) as uint8 (N, 28, 28), and why some images are none, by their index.

    `start` is the number of the first image in its file.
    """
    if values.dtype == np.uint8:
        return values.reshape(-1, SIDE, SIDE), {}
    with np.errstate(invalid="ignore"):  # the comparison finds what is no uint8
        whole = values.astype(np.uint8)
    wrong = whole != values
    faults = {}
    for i in np.flatnonzero(wrong.any(axis=1)).tolist():
        found = values[i][wrong[i]][0]
        faults[i] = f"image {start + i + 1}: {found} is not a whole number from 0 to {FULL}"
        whole[i] = 0
    return whole.reshape(-1, SIDE, SIDE), faults


def check_count(file: Path, shape: tuple[int, ...], images: int) -> None:
    """Raise `DataError` unless labels of this shape are one for each of so many images."""
    if shape not in ((images,), (images, 1)):
        held = f"{shape[0]:,}" if len(shape) == 1 else f"{shape}"
        raise DataError(f"{file}: {images:,} images but {held} labels; give one for each image")


def as_labels(file: Path, labels: np.ndarray, start: int = 0) -> np.ndarray:
    """Labels (N,), numbers or text, as uint8. Raises `DataError` unless they are digits.

    `start` is the number of the first one in its file.
    """
    numbers = np.array([_number(label) for label in labels.tolist()])
    if wrong := np.flatnonzero(~np.isin(numbers, range(10))).tolist():
        said = textwrap.shorten(str(labels[wrong[0]]), 40)
        where = f"sample {start + wrong[0]} has label {said}"
        raise DataError(f"{file}: {where}; labels must be 0 to 9, whole numbers")
    return numbers.astype(np.uint8)


def _number(label: object) -> float:
    try:
        return float(label)  # type: ignore[arg-type]  # of text, too
    except (TypeError, ValueError):
        return -1.0
