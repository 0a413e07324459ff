"""Where many pictures come from: folders, lists of files, archives, tables and arrays, in chunks.

Nothing here holds more than a chunk of pixels at a time, so a source may be larger than memory.
"""

import contextlib
import csv
import glob
import io
import math
import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np

from digitlib.artifacts import resolve
from digitlib.datasets import PIXELS
from digitlib.pixels.normalisation import SIDE

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".pgm", ".ppm"}
MOST_BYTES = 100_000_000  # of one file in an archive, unpacked
CHUNK_BYTES = 64_000_000  # unpacked, after which a chunk of an archive is full


class SourceError(ValueError):
    """Something that pictures cannot be taken from; the message names it and the remedy."""


@dataclass(frozen=True)
class Chunk:
    """Some pictures of a source, in order.

    Attributes:
        names: one per picture.
        truths: what each shows where that is known, else None.
        pictures: paths or bytes of files; or uint8 (N, 28, 28), digits in MNIST's frame.
        faults: why a picture could not even be fetched, by its place in the chunk.
    """

    names: list[str]
    truths: list[int | None]
    pictures: Sequence
    faults: dict[int, str]


class Files:
    """Picture files: of a folder and the folders in it, or given one by one.

    In a folder called 0 to 9 a picture is taken to show that digit.
    """

    of_digits = False

    def __init__(self, paths: Sequence[Path], root: Path | None = None):
        self.paths, self.root = list(paths), root

    def __len__(self) -> int:
        return len(self.paths)

    def files(self) -> list[Path]:
        """The files it is made of."""
        return self.paths

    def look(self, number: int) -> Path:
        """Picture ``number``, to be shown."""
        return self.paths[number]

    def chunks(self, size: int, start: int = 0) -> Iterator[Chunk]:
        """All from number ``start`` on, ``size`` at a time."""
        for first in range(start, len(self.paths), size):
            paths = self.paths[first : first + size]
            names = [_written(p.relative_to(self.root) if self.root else p) for p in paths]
            yield Chunk(names, [_truth(p.parent.name) for p in paths], paths, {})


class Archive:
    """The pictures in a zip file. Nothing is unpacked to disk."""

    of_digits = False

    def __init__(self, file: Path):
        self.file = file
        try:
            with zipfile.ZipFile(file) as archive:
                entries = [e for e in archive.infolist() if not e.is_dir()]
        except (OSError, zipfile.BadZipFile) as fault:
            raise SourceError(f"{file}: not a readable zip file ({fault})") from None
        pictures = [e for e in entries if _is_picture(Path(e.filename))]
        self.entries = sorted(pictures, key=lambda entry: entry.filename)
        if not self.entries:
            raise SourceError(f"{file}: there are no pictures in this archive")

    def __len__(self) -> int:
        return len(self.entries)

    def files(self) -> list[Path]:
        """The file it is."""
        return [self.file]

    def look(self, number: int) -> bytes:
        """Picture ``number``, to be shown."""
        with zipfile.ZipFile(self.file) as archive:
            return _unpack(archive, self.entries[number])[0]

    def chunks(self, size: int, start: int = 0) -> Iterator[Chunk]:
        """All from number ``start`` on, ``size`` at a time; fewer where they are large."""
        with zipfile.ZipFile(self.file) as archive:
            first = start
            while first < len(self.entries):
                contents, faults, unpacked = [], {}, 0
                for entry in self.entries[first : first + size]:
                    content, fault = _unpack(archive, entry)
                    if fault:
                        faults[len(contents)] = fault
                    contents.append(content)
                    unpacked += len(content)
                    if unpacked > CHUNK_BYTES:
                        break
                names = [entry.filename for entry in self.entries[first : first + len(contents)]]
                yield Chunk(names, [_truth(Path(n).parent.name) for n in names], contents, faults)
                first += len(contents)


class _Digits:
    """A file of images in MNIST's frame."""

    of_digits = True
    file: Path

    def files(self) -> list[Path]:
        """The file it is."""
        return [self.file]

    def look(self, number: int) -> np.ndarray:
        """Digit ``number``, to be shown: dark ink on white."""
        return 255 - next(self.chunks(1, number)).pictures[0]


class Table(_Digits):
    """A CSV table in Kaggle's columns: pixel0 … pixel783, after ``label`` where it is known."""

    def __init__(self, file: Path):
        self.file = file
        try:
            with file.open(newline="", encoding="utf-8-sig") as stream:
                heads = next(csv.reader(stream), [])
                self.number = sum(1 for line in stream if line.strip())
        except (OSError, UnicodeDecodeError, csv.Error) as fault:
            raise SourceError(f"{file}: not a readable table ({fault})") from None
        if heads not in (PIXELS, ["label", *PIXELS]):
            raise SourceError(
                f"{file}: its {len(heads)} columns are {', '.join(heads[:3])}…; expected "
                "pixel0,…,pixel783, with or without label before them"
            )
        self.labelled = heads[0] == "label"

    def __len__(self) -> int:
        return self.number

    def chunks(self, size: int, start: int = 0) -> Iterator[Chunk]:
        """All from number ``start`` on, ``size`` at a time; rows are named by their number."""
        with self.file.open(newline="", encoding="utf-8-sig") as stream:
            next(stream)
            lines = islice((line for line in stream if line.strip()), start, None)
            first = start
            while rows := list(islice(lines, size)):
                yield self._chunk(rows, first)
                first += len(rows)

    def _chunk(self, rows: list[str], first: int) -> Chunk:
        images = np.zeros((len(rows), SIDE, SIDE), np.uint8)
        truths: list[int | None] = [None] * len(rows)
        faults = {}
        for i, row in enumerate(rows):
            try:
                values = np.loadtxt(io.StringIO(row), delimiter=",", ndmin=1)
            except ValueError:
                faults[i] = "not a row of numbers"
                continue
            pixels = values[1:] if self.labelled else values
            if len(pixels) != SIDE * SIDE:
                faults[i] = f"{len(pixels)} pixels instead of {SIDE * SIDE}"
            elif ((pixels < 0) | (pixels > 255) | (pixels % 1 != 0)).any():
                faults[i] = "a pixel is not a whole number from 0 to 255"
            elif self.labelled and values[0] not in range(10):
                faults[i] = f"its label is {values[0]:g} and no digit"
            else:
                images[i] = pixels.reshape(SIDE, SIDE)
                truths[i] = int(values[0]) if self.labelled else None
        return Chunk([str(first + i + 1) for i in range(len(rows))], truths, images, faults)


class Arrays(_Digits):
    """Images of a ``.npy`` or ``.npz`` file (its ``images`` and, where there, ``labels``)."""

    def __init__(self, file: Path):
        self.file, self.labels = file, None
        try:
            with self._open() as stream:
                shape, by_columns, dtype = _header(stream)
                missing = math.prod(shape) * dtype.itemsize + stream.tell() - file.stat().st_size
            if file.suffix == ".npy" and missing > 0:
                raise ValueError(f"its last {missing:,} bytes are missing")
            if file.suffix == ".npz":
                with np.load(file, allow_pickle=False) as arrays:
                    self.labels = arrays.get("labels")
        except KeyError:
            raise SourceError(f"{file}: it holds no array named 'images'") from None
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as fault:
            raise SourceError(f"{file}: not a readable array file ({fault})") from None
        if dtype != np.uint8 or shape[1:] != (SIDE, SIDE) or by_columns:
            raise SourceError(
                f"{file}: images are {dtype} {shape}{' by columns' * by_columns}; they must be "
                "uint8 (N, 28, 28), ink bright on 0"
            )
        self.count = shape[0]
        if self.labels is not None and (
            self.labels.shape != (self.count,) or not np.isin(self.labels, range(10)).all()
        ):
            raise SourceError(f"{file}: labels must be one digit from 0 to 9 for each image")

    def __len__(self) -> int:
        return self.count

    @contextlib.contextmanager
    def _open(self) -> Iterator[IO[bytes]]:
        if self.file.suffix == ".npy":
            with self.file.open("rb") as stream:
                yield stream
        else:
            with zipfile.ZipFile(self.file) as archive, archive.open("images.npy") as stream:
                yield stream

    def chunks(self, size: int, start: int = 0) -> Iterator[Chunk]:
        """All from number ``start`` on, ``size`` at a time; images are named by their number."""
        with self._open() as stream:
            _header(stream)
            stream.seek(start * SIDE * SIDE, io.SEEK_CUR)
            for first in range(start, len(self), size):
                count = min(size, len(self) - first)
                content = stream.read(count * SIDE * SIDE)
                if len(content) < count * SIDE * SIDE:
                    raise SourceError(f"{self.file}: it ends before image {first + count}")
                images = np.frombuffer(content, np.uint8).reshape(-1, SIDE, SIDE)
                labels = [None] * count if self.labels is None else self.labels[first:][:count]
                truths = [None if label is None else int(label) for label in labels]
                yield Chunk([str(first + i + 1) for i in range(count)], truths, images, {})


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether by columns, and dtype of NumPy's format; the stream is at the first element.

    Raises:
        ValueError: for another format, and for objects, which are never loaded.
    """
    version = np.lib.format.read_magic(stream)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in read:
        raise ValueError(f"NumPy's format {version[0]}.{version[1]} is not known here")
    return read[version](stream)


Source = Files | Archive | Table | Arrays


def open_source(where: str | Path | Sequence[str | Path]) -> Source:
    """What ``where`` names: a folder, a picture, a list of them, a zip, a table or an array file.

    A text may be a pattern such as ``scans/*.png``.

    Raises:
        SourceError: when it does not exist, or pictures cannot be taken from it.
    """
    if not isinstance(where, str | Path):
        paths = [resolve(path) for path in where]
        for path in paths:
            if not path.is_file():
                what = "a folder: give it alone" if path.is_dir() else "not there"
                raise SourceError(f"{path} is {what}")
        return Files(paths)
    path = resolve(where)
    if path.is_dir():
        inside = (p for p in path.rglob("*") if _is_picture(p.relative_to(path)))
        found = sorted(p for p in inside if p.is_file())
        if not found:
            raise SourceError(f"{path}: there are no pictures in this folder")
        return Files(found, path)
    if not path.exists():
        if matched := sorted(Path(p) for p in glob.glob(str(path), recursive=True)):
            return Files([p for p in matched if p.is_file()])
        raise SourceError(f"{path}: there is no such file or folder")
    kinds = {".zip": Archive, ".csv": Table, ".npy": Arrays, ".npz": Arrays}
    return kinds[path.suffix.lower()](path) if path.suffix.lower() in kinds else Files([path])


def _is_picture(path: Path) -> bool:
    # What begins with a dot, or lies in such a folder, is a program's own.
    return path.suffix.lower() in SUFFIXES and not any(p.startswith(".") for p in path.parts)


def _written(path: Path) -> str:
    """A file's name as text that can be written anywhere, whatever bytes it is made of."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> tuple[bytes, str]:
    """A file of an archive, and why it could not be had; one of the two is empty."""
    if entry.file_size > MOST_BYTES:
        return b"", f"it has more than {MOST_BYTES / 1e6:.0f} MB"
    try:
        return archive.read(entry), ""
    except Exception as fault:  # of whatever kind of compression it says it has
        return b"", f"cannot be unpacked: {fault}"


def _truth(folder: str) -> int | None:
    return int(folder) if len(folder) == 1 and folder in "0123456789" else None
