"""Digits in a table: CSV as Kaggle, OpenML and others have it, and Parquet."""

import contextlib
import csv
import gzip
import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image

from digitlib.extras import need
from digitlib.pixels.digit_columns import (
    EXPECTED,
    LABELS,
    PIXELS,
    Columns,
    named_columns,
    told,
    unnamed_columns,
)
from digitlib.pixels.digit_files import (
    AT_A_TIME,
    FULL,
    DataError,
    DigitChunk,
    DigitFile,
    as_labels,
    as_pixels,
    opened,
)
from digitlib.pixels.formats import FORMATS
from digitlib.pixels.normalisation import SIDE

SEPARATORS = ",;\t"


class DigitTable(DigitFile):
    """A CSV table of 784 pixels in each row, with or without labels and names of columns.

    Its cells are separated by commas, semicolons or tabs, and it may be gzipped.
    """

    def __init__(self, file: Path):
        self.file = file
        with opened(file, "a CSV table"):
            with self._open() as stream:
                head = stream.readline()
            self.separator = max(SEPARATORS, key=head.count)
            self.names = self._cells(head)
            columns = named_columns(self.names)
            self.has_names = columns is not None
            self.columns = columns or self._without_names()
            with self._open() as stream:
                self.length = sum(1 for _ in self._rows(stream))

    def stored(self, size: int, start: int = 0) -> Iterator[DigitChunk]:
        """All rows from number `start` on, `size` at a time; empty lines do not count."""
        with opened(self.file, "a CSV table"), self._open() as stream:
            wanted = islice(self._rows(stream), start, None)
            while rows := list(islice(wanted, size)):
                yield self._chunk(rows)

    def _open(self) -> IO[str]:
        opener = gzip.open if self.file.suffix.lower() == ".gz" else open
        return opener(self.file, "rt", newline="", encoding="utf-8-sig")

    def _rows(self, stream: IO[str]) -> Iterator[tuple[int, str]]:
        """The lines that hold digits, with their numbers."""
        filled = ((number, line) for number, line in enumerate(stream, 1) if line.strip())
        return islice(filled, int(self.has_names), None)

    def _cells(self, line: str) -> list[str]:
        return next(csv.reader([line], delimiter=self.separator), [])

    def _without_names(self) -> Columns:
        """What the columns hold, where the first line is a digit as well."""
        if not any(self.names):
            raise DataError(f"{self.file}: not a CSV table (it is empty)")
        if not all(map(_is_number, self.names)):
            raise DataError(f"{self.file}: {told(self.names)}; {EXPECTED}")
        if len(self.names) == PIXELS:
            return Columns(list(range(PIXELS)), None)
        if len(self.names) != PIXELS + 1:
            raise DataError(f"{self.file}: {len(self.names)} columns without names; {EXPECTED}")
        first, last = set(), set()
        with self._open() as stream:
            for line in filter(str.strip, stream):
                first.add(line.split(self.separator, 1)[0].strip(' "'))
                last.add(line.rsplit(self.separator, 1)[1].strip(' "\r\n'))
        if columns := unnamed_columns(first, last):
            return columns
        raise DataError(
            f"{self.file}: it has no names of columns, and the label may be the first or the last; "
            "write label,pixel0,…,pixel783 above its first line, or the order that it has"
        )

    def _chunk(self, rows: list[tuple[int, str]]) -> DigitChunk:
        """The digits of some rows, each given with the number of its line in the file."""
        faults = {}
        try:
            values = self._parse([line for _, line in rows])
        except ValueError:  # each row by itself, which takes twice as long
            values = np.zeros((len(rows), len(self.names)), np.uint8)
            for i, (number, line) in enumerate(rows):
                try:
                    values[i] = self._parse([line])
                except ValueError:
                    faults[i] = f"line {number}, {self._fault(line)}"
        pixels, label = self.columns
        images = values[:, pixels].reshape(-1, SIDE, SIDE)
        return DigitChunk(images, None if label is None else values[:, label], faults)

    def _parse(self, lines: list[str]) -> np.ndarray:
        """Values uint8 (lines, columns); ValueError unless all of them are right.

        Columns that are neither pixels nor labels are 0.
        """
        values = np.loadtxt(lines, delimiter=self.separator, quotechar='"', comments=None, ndmin=2)
        pixels, label = self.columns
        with np.errstate(invalid="ignore"):  # the comparison finds what is no uint8
            whole = values.astype(np.uint8)
        wrong = whole != values
        if values.shape[1] != len(self.names) or wrong[:, pixels].any():
            raise ValueError
        if label is not None and (wrong[:, label].any() or whole[:, label].max() > 9):
            raise ValueError
        return whole

    def _fault(self, line: str) -> str:
        """What is wrong with a row that cannot be parsed."""
        cells = self._cells(line)
        pixels, label = self.columns
        others = len(self.names) - PIXELS
        if len(cells) != len(self.names):
            return f"{len(cells) - others} pixels instead of {PIXELS}"
        for place in [*([] if label is None else [label]), *pixels]:
            limit, remedy = 9 if place == label else FULL, ""
            with contextlib.suppress(ValueError):
                value = float(cells[place])
                if value in range(limit + 1):
                    continue
                if 0 < value < 1:
                    remedy = "; multiply pixels from 0 to 1 by 255, and round them"
            column = self.names[place] if self.has_names else place + 1
            wrong = f"{cells[place]!r} is not a whole number from 0 to {limit}"
            return f"column {column}: {wrong}{remedy}"
        return "not a row of numbers"


class DigitParquet(DigitFile):
    """A Parquet file of pictures and labels, as the Hugging Face hub has them, or of pixels."""

    def __init__(self, file: Path):
        self.file = file
        try:
            need("formats", "pyarrow")
        except ModuleNotFoundError as missing:
            raise DataError(f"{file}: {missing}") from None
        with opened(file, "a Parquet file"), self._open() as content:
            self.length, names = content.metadata.num_rows, content.schema_arrow.names
        self.of_pictures = "image" in names
        self.label = next((name for name in names if name.lower() in LABELS), None)
        columns = named_columns(names)
        if not self.of_pictures and columns is None:
            raise DataError(f"{file}: {told(names)}; expected image and label, or their pixels")
        self.pixels = [] if columns is None else [names[i] for i in columns.pixels]

    def stored(self, size: int, start: int = 0) -> Iterator[DigitChunk]:
        """All rows from number `start` on, at most `size` at a time."""
        with opened(self.file, "a Parquet file"), self._open() as content:
            done = 0
            for batch in content.iter_batches(AT_A_TIME):
                for first in range(max(0, start - done), batch.num_rows, size):
                    yield self._chunk(batch.slice(first, size), done + first)
                done += batch.num_rows

    def _open(self) -> Any:
        from pyarrow.parquet import ParquetFile

        return ParquetFile(self.file)

    def _chunk(self, batch: Any, start: int) -> DigitChunk:
        """The digits of a piece of the table, whose first row has this number in the file."""
        if self.of_pictures:
            images, faults = _decoded(batch.column("image").to_pylist(), start)
        else:
            columns = [batch.column(name).to_numpy(zero_copy_only=False) for name in self.pixels]
            images, faults = as_pixels(np.column_stack(columns), start)
        if self.label is None:
            return DigitChunk(images, None, faults)
        labels = batch.column(self.label).to_numpy(zero_copy_only=False)
        return DigitChunk(images, as_labels(self.file, labels, start), faults)


def _decoded(stored: list, start: int) -> tuple[np.ndarray, dict[int, str]]:
    """Picture files as uint8 (N, 28, 28), and why some cannot be used, by their index."""
    images, faults = np.zeros((len(stored), SIDE, SIDE), np.uint8), {}
    for i, one in enumerate(stored):
        try:
            content = one["bytes"] if isinstance(one, dict) else one
            with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                if picture.size == (SIDE, SIDE):
                    images[i] = np.asarray(picture.convert("L"))
                else:
                    width, height = picture.size
                    faults[i] = f"image {start + i + 1} has {width}×{height} pixels, not 28×28"
        except Exception as fault:  # decoders raise whatever a damaged picture makes them raise
            faults[i] = f"image {start + i + 1} cannot be decoded: {fault}"
    return images, faults


def _is_number(cell: str) -> bool:
    with contextlib.suppress(ValueError):
        float(cell)
        return True
    return False
