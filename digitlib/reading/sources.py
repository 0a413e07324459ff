"""Where many pictures come from: folders, lists of files, archives, tables and arrays, in chunks.

Nothing here holds more than a chunk of pixels at a time, so a source may be larger than memory.
"""

import csv
import glob
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from digitlib.artifacts import resolve
from digitlib.reading.normalisation import SIDE

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".pgm", ".ppm"}
PIXELS = [f"pixel{i}" for i in range(SIDE * SIDE)]
MOST_BYTES = 500_000_000  # of one file in an archive, unpacked


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

    def chunks(self, size: int, start: int = 0) -> Iterator[Chunk]:
        """All from number ``start`` on, ``size`` at a time."""
        for first in range(start, len(self.paths), size):
            paths = self.paths[first : first + size]
            names = [str(p.relative_to(self.root)) if self.root else str(p) for p in paths]
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
        self.names = sorted(e.filename for e in entries if _is_picture(Path(e.filename)))

    def __len__(self) -> int:
        return len(self.names)

    def chunks(self, size: int, start: int = 0) -> Iterator[Chunk]:
        """All from number ``start`` on, ``size`` at a time."""
        with zipfile.ZipFile(self.file) as archive:
            for first in range(start, len(self.names), size):
                names, contents, faults = self.names[first : first + size], [], {}
                for i, name in enumerate(names):
                    content = b""
                    try:
                        if archive.getinfo(name).file_size > MOST_BYTES:
                            faults[i] = f"larger than {MOST_BYTES / 1e6:.0f} MB"
                        else:
                            content = archive.read(name)
                    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as fault:
                        faults[i] = f"cannot be unpacked: {fault}"
                    contents.append(content)
                yield Chunk(names, [_truth(Path(n).parent.name) for n in names], contents, faults)


class Table:
    """A CSV table in Kaggle's columns: pixel0 … pixel783, after ``label`` where it is known."""

    of_digits = True

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
            else:
                images[i] = pixels.reshape(SIDE, SIDE)
                truths[i] = int(values[0]) if self.labelled else None
        return Chunk([str(first + i + 1) for i in range(len(rows))], truths, images, faults)


class Arrays:
    """Images of a ``.npy`` or ``.npz`` file (its ``images`` and, where there, ``labels``)."""

    of_digits = True

    def __init__(self, file: Path):
        self.file = file
        try:
            if file.suffix == ".npy":
                self.images = np.load(file, mmap_mode="r", allow_pickle=False)
                self.labels = None
            else:
                with np.load(file, allow_pickle=False) as arrays:
                    self.images, self.labels = arrays["images"], arrays.get("labels")
        except KeyError:
            raise SourceError(f"{file}: it holds no array named 'images'") from None
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as fault:
            raise SourceError(f"{file}: not a readable array file ({fault})") from None
        if self.images.dtype != np.uint8 or self.images.shape[1:] != (SIDE, SIDE):
            raise SourceError(
                f"{file}: images are {self.images.dtype} {self.images.shape}; they must be uint8 "
                "(N, 28, 28), ink bright on 0"
            )

    def __len__(self) -> int:
        return len(self.images)

    def chunks(self, size: int, start: int = 0) -> Iterator[Chunk]:
        """All from number ``start`` on, ``size`` at a time; images are named by their number."""
        for first in range(start, len(self), size):
            images = np.array(self.images[first : first + size])
            labels = [None] * len(images) if self.labels is None else self.labels[first:][:size]
            truths = [None if label is None else int(label) for label in labels]
            yield Chunk([str(first + i + 1) for i in range(len(images))], truths, images, {})


Source = Files | Archive | Table | Arrays


def open_source(where: str | Path | Sequence[str | Path]) -> Source:
    """What ``where`` names: a folder, a picture, a list of them, a zip, a table or an array file.

    A text may be a pattern such as ``scans/*.png``.

    Raises:
        SourceError: when it does not exist, or pictures cannot be taken from it.
    """
    if not isinstance(where, str | Path):
        return Files([resolve(path) for path in where])
    path = resolve(where)
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if _is_picture(p) and p.is_file())
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
    return path.suffix.lower() in SUFFIXES and not any(p.startswith(".") for p in path.parts[-2:])


def _truth(folder: str) -> int | None:
    return int(folder) if len(folder) == 1 and folder in "0123456789" else None
