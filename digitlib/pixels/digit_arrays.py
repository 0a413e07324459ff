"""Digits in NumPy's files of arrays."""

import contextlib
import io
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from digitlib.pixels.digit_files import (
    DataError,
    DigitChunk,
    DigitFile,
    as_labels,
    as_pixels,
    check_count,
    opened,
)
from digitlib.pixels.normalisation import SIDE

DIGIT = SIDE * SIDE  # pixels
SHAPES = [(SIDE, SIDE), (SIDE, SIDE, 1), (1, SIDE, SIDE), (DIGIT,)]  # of an image
# What images and labels are called in a .npz file: alone, or in each of two parts.
NAMES = [("images", "labels"), ("x", "y"), ("data", "target")]
PART_NAMES = {
    part: [(f"x_{part}", f"y_{part}"), (f"{part}_images", f"{part}_labels")]
    for part in ("train", "test")
}
PART_NAMES["train"].append(("training_images", "training_labels"))
FROM_FLOAT = "; floats from 0 to 1 become so by np.rint(255 * images).astype(np.uint8)"


class DigitArrays(DigitFile):
    """Images (N, 28, 28) or (N, 784) of a `.npy` or `.npz` file, of integers.

    A `.npz` file may have labels, too, and may have two parts, as Keras's has: the training part
    comes first then. Every array in it has a name that says what it is.

    Args:
        part: `train` or `test` for this part alone, where there are two.
    """

    def __init__(self, file: Path, part: str = ""):
        self.file = file
        self.kind = f"a readable {file.suffix} file"
        with opened(file, self.kind):
            self.pairs, self.has_parts = self._find(part)
            checked = [self._check(*pair) for pair in self.pairs]
        self.lengths = [length for length, _ in checked]
        self.labels = [labels for _, labels in checked]
        self.length = sum(self.lengths)

    def stored(self, size: int, start: int = 0) -> Iterator[DigitChunk]:
        """All images from number `start` on, at most `size` at a time."""
        before = 0
        for (name, _), length, labels in zip(self.pairs, self.lengths, self.labels, strict=True):
            first = max(0, start - before)
            if first < length:
                yield from self._array(name, length, labels, size, first, before)
            before += length

    def _array(
        self, name: str, length: int, labels: np.ndarray | None, size: int, start: int, before: int
    ) -> Iterator[DigitChunk]:
        """The images of one array, of which `before` others come before its first one."""
        with opened(self.file, self.kind), self._open(name) as stream:
            shape, by_columns, dtype = _read_header(stream)
            if by_columns:
                whole = np.frombuffer(stream.read(), dtype).reshape(shape, order="F")
                stream = io.BytesIO(whole.tobytes())
            image = DIGIT * dtype.itemsize
            stream.seek(start * image, io.SEEK_CUR)
            for first in range(start, length, size):
                last = min(first + size, length)
                content = stream.read((last - first) * image)
                if len(content) < (last - first) * image:
                    raise EOFError(f"it ends before image {before + last}")
                values = np.frombuffer(content, dtype).reshape(-1, DIGIT)
                images, faults = as_pixels(values, before + first)
                yield DigitChunk(images, None if labels is None else labels[first:last], faults)

    def _find(self, part: str) -> tuple[list[tuple[str, str | None]], bool]:
        """The names of images and labels, in pairs, and whether there is a pair for each part."""
        if self.file.suffix.lower() == ".npy":
            return [("", None)], False
        with zipfile.ZipFile(self.file) as archive:
            held = [Path(name).stem for name in archive.namelist() if name.endswith(".npy")]
        plain = {name.lower(): name for name in held}

        def known(names: list[tuple[str, str]]) -> list[tuple[str, str | None]]:
            return [(plain[x], plain.get(y)) for x, y in names if x in plain]

        whole = known(NAMES)
        parts = {name: known(names) for name, names in PART_NAMES.items()}
        if len(whole) == 1 and not any(parts.values()):
            return whole, False
        if not whole and all(len(found) == 1 for found in parts.values()):
            return parts[part] if part else parts["train"] + parts["test"], True
        raise DataError(
            f"{self.file}: it holds no array named 'images' (its arrays: {', '.join(held[:6])}); "
            "save it as np.savez(file, images=images, labels=labels)"
        )

    def _check(self, name: str, labels_name: str | None) -> tuple[int, np.ndarray | None]:
        """How many images an array holds, and their labels."""
        with self._open(name) as stream:
            shape, by_columns, dtype = _read_header(stream)
            if self.file.suffix.lower() == ".npy":
                missing = (
                    math.prod(shape) * dtype.itemsize + stream.tell() - self.file.stat().st_size
                )
                if missing > 0:
                    raise EOFError(f"its last {missing:,} bytes are missing")
        # By columns, images can only be read all at once; a .npy file may be larger than memory.
        unfit = by_columns and self.file.suffix.lower() == ".npy"
        alone = shape == (SIDE, SIDE)
        if dtype.kind not in "bui" or unfit or not (alone or shape[1:] in SHAPES):
            raise DataError(
                f"{self.file}: images are {dtype} {shape}{' by columns' * by_columns}; they must "
                f"be uint8 (N, 28, 28) by rows, ink bright on 0"
                f"{FROM_FLOAT * (dtype.kind == 'f')}"
            )
        length = 1 if alone else shape[0]
        if labels_name is None:
            return length, None
        with self._open(labels_name) as stream:
            shape, _, dtype = _read_header(stream)
            check_count(self.file, shape, length)
            content = stream.read(length * dtype.itemsize)
        return length, as_labels(self.file, np.frombuffer(content, dtype).ravel())

    @contextlib.contextmanager
    def _open(self, name: str) -> Iterator[IO[bytes]]:
        """A stored array, header first."""
        if self.file.suffix.lower() == ".npy":
            with self.file.open("rb") as stream:
                yield stream
        else:
            with zipfile.ZipFile(self.file) as archive, archive.open(f"{name}.npy") as stream:
                yield stream


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether by columns, and dtype of an array; the stream is at its first element then.

    Raises ValueError for what NumPy does not write for images. Python objects are among that:
    to load them can run code.
    """
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("it is not in version 1.0 of NumPy's format")
    shape, by_columns, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    if min(shape, default=0) < 0:
        raise ValueError(f"it claims to have the shape {shape}")
    return shape, by_columns, dtype
