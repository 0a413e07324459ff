"""Files of digits that are in MNIST's frame already: CSV tables and NumPy's array files.

Both are read in chunks, so that a file may be larger than memory. A table may be gzipped.
"""

import contextlib
import csv
import gzip
import io
import math
import zipfile
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from digitlib.pixels.normalisation import SIDE

PIXEL_COLUMNS = [f"pixel{i}" for i in range(SIDE * SIDE)]  # as Kaggle's tables name them
DIGIT = SIDE * SIDE  # bytes


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


class DigitTable:
    """A CSV table with Kaggle's columns: pixel0 … pixel783, after `label` where it is known."""

    def __init__(self, file: Path):
        self.file = file
        try:
            with self._open() as stream:
                self.columns = next(csv.reader(stream), [])
                self.length = sum(1 for line in stream if line.strip())
        except (OSError, UnicodeDecodeError, EOFError, csv.Error, zlib.error) as fault:
            raise DataError(f"{file}: not a CSV table ({fault})") from None
        if not self.columns:
            raise DataError(f"{file}: not a CSV table (it is empty)")
        self.labelled = self.columns[0] == "label"
        if self.columns[self.labelled :] != PIXEL_COLUMNS:
            raise DataError(
                f"{file}: its {len(self.columns)} columns are {', '.join(self.columns[:3])}…; "
                "expected label,pixel0,…,pixel783 (or pixel0,…,pixel783 without labels)"
            )

    def __len__(self) -> int:
        return self.length

    def chunks(self, size: int, start: int = 0) -> Iterator[DigitChunk]:
        """All rows from number `start` on, `size` at a time; empty lines do not count."""
        with self._open() as stream:
            next(stream)
            filled = ((number, line) for number, line in enumerate(stream, 2) if line.strip())
            wanted = islice(filled, start, None)
            while rows := list(islice(wanted, size)):
                yield self._chunk(rows)

    def _open(self) -> IO[str]:
        opener = gzip.open if self.file.suffix == ".gz" else open
        return opener(self.file, "rt", newline="", encoding="utf-8-sig")

    def _chunk(self, rows: list[tuple[int, str]]) -> DigitChunk:
        """The digits of some rows, each given with the number of its line in the file."""
        faults = {}
        try:
            values = self._parse([line for _, line in rows])
        except ValueError:  # each row by itself, which takes twice as long
            values = np.zeros((len(rows), len(self.columns)), np.uint8)
            for i, (number, line) in enumerate(rows):
                try:
                    values[i] = self._parse([line])
                except ValueError:
                    faults[i] = f"line {number}, {self._fault(line)}"
        images = values[:, self.labelled :].reshape(-1, SIDE, SIDE)
        return DigitChunk(images, values[:, 0] if self.labelled else None, faults)

    def _parse(self, lines: list[str]) -> np.ndarray:
        """Values uint8 (lines, columns); ValueError unless all of them are right."""
        values = np.loadtxt(lines, delimiter=",", quotechar='"', comments=None, ndmin=2)
        with np.errstate(invalid="ignore"):  # the comparison finds what is no uint8
            whole = values.astype(np.uint8)
        if (
            whole.shape[1] != len(self.columns)
            or (whole != values).any()
            or (self.labelled and whole[:, 0].max() > 9)
        ):
            raise ValueError
        return whole

    def _fault(self, line: str) -> str:
        """What is wrong with a row that cannot be parsed."""
        cells = next(csv.reader([line]))
        if len(cells) != len(self.columns):
            return f"{len(cells) - self.labelled} pixels instead of {len(PIXEL_COLUMNS)}"
        for column, cell in zip(self.columns, cells, strict=True):
            limit = 9 if column == "label" else 255
            with contextlib.suppress(ValueError):
                if float(cell) in range(limit + 1):
                    continue
            return f"column {column}: {cell!r} is not a whole number from 0 to {limit}"
        return "not a row of numbers"


class DigitArrays:
    """Images uint8 (N, 28, 28) of a `.npy` file, or of a `.npz` file that names them `images`.

    A `.npz` file may also hold `labels`, one for each image.
    """

    def __init__(self, file: Path):
        self.file = file
        labels: np.ndarray | None = None
        with self._open() as stream:
            shape, by_columns, dtype = _read_header(stream)
            if file.suffix == ".npy":
                missing = math.prod(shape) * dtype.itemsize + stream.tell() - file.stat().st_size
                if missing > 0:
                    raise EOFError(f"its last {missing:,} bytes are missing")
            else:
                with np.load(file, allow_pickle=False) as arrays:
                    labels = arrays.get("labels")
        # By columns, images can only be read all at once; a .npy file may be larger than memory.
        unfit = by_columns and file.suffix == ".npy"
        if dtype != np.uint8 or shape[1:] != (SIDE, SIDE) or unfit:
            raise DataError(
                f"{file}: images are {dtype} {shape}{' by columns' * by_columns}; they must be "
                "uint8 (N, 28, 28) by rows, ink bright on 0"
            )
        self.length = shape[0]
        if labels is not None and (
            labels.shape != (len(self),) or not np.isin(labels, range(10)).all()
        ):
            raise DataError(f"{file}: labels must be one whole number from 0 to 9 for each image")
        self.labels = None if labels is None else labels.astype(np.uint8)

    def __len__(self) -> int:
        return self.length

    def chunks(self, size: int, start: int = 0) -> Iterator[DigitChunk]:
        """All images from number `start` on, `size` at a time.

        Raises `DataError` where the file turns out to be damaged.
        """
        with self._open() as stream:
            shape, by_columns, _ = _read_header(stream)
            if by_columns:
                whole = np.frombuffer(stream.read(), np.uint8).reshape(shape, order="F")
                stream = io.BytesIO(whole.tobytes())
            stream.seek(start * DIGIT, io.SEEK_CUR)
            for first in range(start, len(self), size):
                last = min(first + size, len(self))
                content = stream.read((last - first) * DIGIT)
                if len(content) < (last - first) * DIGIT:
                    raise EOFError(f"it ends before image {last}")
                images = np.frombuffer(content, np.uint8).reshape(-1, SIDE, SIDE)
                labels = None if self.labels is None else self.labels[first:last]
                yield DigitChunk(images, labels, {})

    @contextlib.contextmanager
    def _open(self) -> Iterator[IO[bytes]]:
        """The stored images, header first. Faults in reading them become `DataError`."""
        try:
            if self.file.suffix == ".npy":
                with self.file.open("rb") as stream:
                    yield stream
            else:
                with zipfile.ZipFile(self.file) as archive, archive.open("images.npy") as stream:
                    yield stream
        except KeyError:
            raise DataError(f"{self.file}: it holds no array named 'images'") from None
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as fault:
            raise DataError(
                f"{self.file}: not a readable {self.file.suffix} file ({fault})"
            ) from None


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
    return shape, by_columns, dtype
