"""Where many pictures come from: folders, lists of files, archives, tables and array files.

Pictures are fetched in chunks, so that a source may be larger than memory.
"""

import glob
import io
import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from digitlib.artifacts import resolve
from digitlib.pixels.decoding import Picture
from digitlib.pixels.digit_arrays import DigitArrays
from digitlib.pixels.digit_files import DataError, DigitFile, changed, opened, split_changes
from digitlib.pixels.digit_idx import NAME, DigitIdx, labels_beside
from digitlib.pixels.digit_tables import DigitParquet, DigitTable
from digitlib.pixels.formats import (
    SUFFIXES,
    is_hidden,
    is_picture,
    page_name,
    page_of,
    pages,
    pages_of,
)

READERS: dict[str, Callable[[Path], DigitFile]] = {
    ".csv": DigitTable,
    ".csv.gz": DigitTable,
    ".tsv": DigitTable,
    ".npy": DigitArrays,
    ".npz": DigitArrays,
    ".parquet": DigitParquet,
}
MOST_BYTES = 100_000_000  # unpacked, of one file in an archive
CHUNK_BYTES = 64_000_000  # unpacked; a chunk of an archive ends when it has more


@dataclass(frozen=True)
class Chunk:
    """Some pictures of a source, in order.

    Attributes:
        names: one per picture.
        truths: the digit that each shows, or None where it is not known.
        pictures: paths or bytes of files; or uint8 (N, 28, 28), digits in MNIST's frame.
        faults: why a picture could not be fetched, by its index in the chunk.
    """

    names: list[str]
    truths: list[int | None]
    pictures: Sequence[Picture] | np.ndarray
    faults: dict[int, str]

    def take(self, start: int, stop: int) -> "Chunk":
        """Its pictures from one number up to another."""
        some = slice(start, stop)
        faults = {i - start: fault for i, fault in self.faults.items() if start <= i < stop}
        return Chunk(self.names[some], self.truths[some], self.pictures[some], faults)


class Files:
    """Picture ``files``: all in a folder and the folders in it, or a list of files.

    A picture in a folder called 0 to 9 is taken to show that digit. It is named by its path,
    from ``root`` on where there is one. In a file of several pages each is a picture.

    Args:
        files: their paths.
        root: the folder that they are in.
        others: what else is in that folder, and is left out.
    """

    of_digits = False
    changes: Sequence[str] = ()

    def __init__(self, files: list[Path], root: Path | None = None, others: Sequence[str] = ()):
        self.files, self.root, self.notes = files, root, _left_out(others)
        self.pages = [(file, page) for file in files for page in pages_of(file)]

    def __len__(self) -> int:
        return len(self.pages)

    @cached_property
    def names(self) -> list[str]:
        """What each picture is called."""
        return [self._name(file) + page_name(page) for file, page in self.pages]

    def look(self, number: int) -> Picture:
        """Picture ``number``, to be shown."""
        return page_of(*self.pages[number])

    def chunks(self, size: int, start: int = 0) -> Iterator[Chunk]:
        """All from number ``start`` on, ``size`` at a time."""
        for first in range(start, len(self), size):
            part = self.pages[first : first + size]
            truths = [_truth(file.parent.name) for file, _ in part]
            faults = {i: fault for i, (file, _) in enumerate(part) if (fault := _fault(file))}
            names = self.names[first : first + size]
            yield Chunk(names, truths, [page_of(*one) for one in part], faults)

    def _name(self, file: Path) -> str:
        written = os.fsencode(file.relative_to(self.root) if self.root else file)
        return written.decode("utf-8", "backslashreplace")  # where bytes are no UTF-8


class Archive:
    """The pictures in a zip file, as those of a folder. Nothing is unpacked to disk."""

    of_digits = False
    changes: Sequence[str] = ()

    def __init__(self, file: Path):
        self.files = [file]
        self.pages: list[tuple[zipfile.ZipInfo, int | None]] = []
        others = []
        with opened(file, "a readable zip file"), zipfile.ZipFile(file) as archive:
            for entry in sorted(archive.infolist(), key=lambda entry: entry.filename):
                name = Path(entry.filename)
                if entry.is_dir() or is_hidden(name):
                    continue
                if is_picture(name):
                    numbers = pages(partial(_stream, archive, entry), name.name)
                    self.pages += [(entry, number) for number in numbers]
                else:
                    others.append(entry.filename)
        self.notes = _left_out(others)
        if not self.pages:
            raise DataError(_without_pictures(file, "archive", others))

    def __len__(self) -> int:
        return len(self.pages)

    @cached_property
    def names(self) -> list[str]:
        """What each picture is called."""
        return [entry.filename + page_name(page) for entry, page in self.pages]

    def look(self, number: int) -> Picture:
        """Picture ``number``, to be shown."""
        entry, page = self.pages[number]
        with zipfile.ZipFile(self.files[0]) as archive:
            return page_of(_unpack(archive, entry), page)

    def chunks(self, size: int, start: int = 0) -> Iterator[Chunk]:
        """All from number ``start`` on, ``size`` at a time, or fewer where they are large."""
        with zipfile.ZipFile(self.files[0]) as archive:
            while start < len(self):
                pictures: list[Picture] = []
                faults: dict[int, str] = {}
                unpacked, last, content, fault = 0, None, b"", ""
                for entry, page in self.pages[start : start + size]:
                    if entry is not last:
                        try:
                            content, fault = _unpack(archive, entry), ""
                        except Exception as reason:  # zipfile raises whatever a damaged one lets it
                            content, fault = b"", f"cannot be unpacked: {reason}"
                        unpacked, last = unpacked + len(content), entry
                    if fault:
                        faults[len(pictures)] = fault
                    pictures.append(page_of(content, page))
                    if unpacked > CHUNK_BYTES:
                        break
                stop = start + len(pictures)
                folders = [Path(entry.filename).parent for entry, _ in self.pages[start:stop]]
                truths = [_truth(folder.name) for folder in folders]
                yield Chunk(self.names[start:stop], truths, pictures, faults)
                start = stop


class Digits:
    """A table or a file of arrays with images in MNIST's frame.

    Args:
        content: the file.
        changes: what puts its images right; see ``digit_files.CHANGES``.
    """

    of_digits = True

    def __init__(self, content: DigitFile, changes: Sequence[str] = ()):
        if not len(content):
            raise DataError(f"{content.file}: it holds no digits")
        self.content, self.files, self.changes = content, [content.file], changes
        self.notes = [f"{content.file.name}: {content.note}"] if content.note else []

    def __len__(self) -> int:
        return len(self.content)

    def look(self, number: int) -> np.ndarray:
        """Digit ``number``, to be shown: dark ink on white, uint8 (28, 28)."""
        return 255 - changed(next(self.content.chunks(1, number)).images, self.changes)[0]

    def chunks(self, size: int, start: int = 0) -> Iterator[Chunk]:
        """All from number ``start`` on, ``size`` at a time; they are named by their number."""
        for images, labels, faults in self.content.chunks(size, start):
            names = [str(start + i) for i in range(1, len(images) + 1)]
            known = [None] * len(images) if labels is None else labels.tolist()
            truths = [None if i in faults else digit for i, digit in enumerate(known)]
            yield Chunk(names, truths, changed(images, self.changes), faults)
            start += len(images)


Source = Files | Archive | Digits


class Part:
    """One of ``count`` parts of a source, nearly of one size, counted from 1.

    Pictures keep the names that they have in the whole.

    Raises:
        DataError: for a part that there is not.
    """

    def __init__(self, whole: Source, number: int, count: int):
        if not 1 <= number <= count:
            raise DataError(f"there is no part {number} of {count}; they are 1 to {count}")
        self.whole, self.of_digits, self.files = whole, whole.of_digits, whole.files
        self.changes = [*whole.changes, f"part {number} of {count}"]
        self.start, self.stop = (len(whole) * part // count for part in (number - 1, number))

    def __len__(self) -> int:
        return self.stop - self.start

    def chunks(self, size: int, start: int = 0) -> Iterator[Chunk]:
        """All from number ``start`` on, at most ``size`` at a time."""
        at = self.start + start
        chunks = self.whole.chunks(size, at)
        while at < self.stop:
            chunk = next(chunks).take(0, self.stop - at)
            yield chunk
            at += len(chunk.names)


def open_source(where: str | Path | Sequence[str | Path]) -> Source:
    """Open a folder, a picture, a list of pictures, a zip, a table or a file of arrays.

    ``where`` may also be a pattern, such as ``scans/*.png``. What puts the digits of a table or of
    arrays right may follow its name: ``digits.npz?transpose`` (see ``digit_files.CHANGES``).

    Raises:
        DataError: when it does not exist, or pictures cannot be taken from it.
    """
    if not isinstance(where, str | Path):
        paths = [resolve(path) for path in where]
        if not paths:
            raise DataError("there are no pictures in an empty list")
        return Files(paths)
    name, changes = split_changes(str(where))
    path = resolve(name)
    reader = None if path.is_dir() else _reader(path)
    if changes and path.exists() and not reader:
        raise DataError(
            f"{path}: ?{','.join(changes)} is for files of 28×28 digits; leave it away here"
        )
    if path.is_dir():
        found = sorted(p.relative_to(path) for p in path.rglob("*") if p.is_file())
        names = [name for name in found if not is_hidden(name)]
        files = [path / name for name in names if is_picture(name)]
        others = [str(name) for name in names if not is_picture(name)]
        if not files:
            raise DataError(_without_pictures(path, "folder", others))
        return Files(files, path, others)
    if not path.exists():
        matched = sorted(map(Path, glob.glob(str(path), recursive=True)))
        if files := [one for one in matched if one.is_file()]:
            return Files(files)
        raise DataError(f"{path}: there is no such file or folder")
    if path.suffix.lower() == ".zip":
        return Archive(path)
    if reader:
        return Digits(reader(path), changes)
    return Files([path])


def _reader(path: Path) -> Callable[[Path], DigitFile] | None:
    """What reads this file of digits, by its name; None for another file."""
    if NAME.fullmatch(path.name):
        return lambda path: DigitIdx(path, labels_beside(path))
    name = path.name.lower()
    ends = (end for end in READERS if name.endswith(end))
    return READERS.get(next(ends, ""))


def _fault(path: Path) -> str:
    """Why a path in a list is no picture; "" where it may be one."""
    if path.is_dir():
        return "a folder: give it alone"
    if not path.is_file():
        return "there is no such file"
    if path.suffix.lower() == ".zip" or _reader(path):
        return "a file of many pictures: give it alone"
    return ""


def _left_out(names: Sequence[str]) -> list[str]:
    """That these files are left out, in words; nothing where there are none."""
    if not names:
        return []
    some = ", ".join(names[:5]) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")
    return [f"left out, as names of pictures end in {' '.join(SUFFIXES)}: {some}"]


def _without_pictures(where: Path, kind: str, others: Sequence[str]) -> str:
    """That a folder or an archive has no pictures, and what it has."""
    said = f"{where}: there are no pictures in this {kind}"
    if any(_reader(Path(name)) for name in others):
        said += "; give a file of digits by its own name, unpacked"
    return "; ".join([said, *_left_out(others)])


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """A file's content; ValueError for what is too large, and what zipfile raises."""
    if entry.file_size > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES / 1e6:.0f} MB")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("it is packed in a rare way; pack it by deflation")  # others know no limit
    with archive.open(entry) as stream:
        return stream.read(entry.file_size + 1)  # no more, whatever the file says of its size


def _stream(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> BinaryIO:
    return io.BytesIO(_unpack(archive, entry))


def _truth(folder: str) -> int | None:
    return int(folder) if folder in {*"0123456789"} else None
