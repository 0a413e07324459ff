"""Where many pictures come from: folders, lists of files, archives, tables and array files.

Pictures are fetched in chunks, so that a source may be larger than memory.
"""

import glob
import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from digitlib.artifacts import resolve
from digitlib.pixels.decoding import SUFFIXES, Picture
from digitlib.pixels.digit_files import DataError, DigitArrays, DigitTable

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


class Files:
    """Picture ``files``: all in a folder and the folders in it, or a list of files.

    A picture in a folder called 0 to 9 is taken to show that digit. It is named by its path,
    from ``root`` on where there is one.
    """

    of_digits = False

    def __init__(self, files: list[Path], root: Path | None = None):
        self.files, self.root = files, root

    def __len__(self) -> int:
        return len(self.files)

    def look(self, number: int) -> Path:
        """Picture ``number``, to be shown."""
        return self.files[number]

    def chunks(self, size: int, start: int = 0) -> Iterator[Chunk]:
        """All from number ``start`` on, ``size`` at a time."""
        for first in range(start, len(self), size):
            paths = self.files[first : first + size]
            # Bytes of a name that are no UTF-8 are escaped.
            written = (os.fsencode(p.relative_to(self.root) if self.root else p) for p in paths)
            names = [name.decode("utf-8", "backslashreplace") for name in written]
            faults = {i: _fault(path) for i, path in enumerate(paths) if not path.is_file()}
            yield Chunk(names, [_truth(p.parent.name) for p in paths], paths, faults)


class Archive:
    """The pictures in a zip file. Nothing is unpacked to disk."""

    of_digits = False

    def __init__(self, file: Path):
        self.files = [file]
        try:
            with zipfile.ZipFile(file) as archive:
                entries = sorted(archive.infolist(), key=lambda entry: entry.filename)
        except (OSError, zipfile.BadZipFile) as fault:
            raise DataError(f"{file}: not a readable zip file ({fault})") from None
        self.entries = [e for e in entries if not e.is_dir() and _is_picture(Path(e.filename))]
        if not self.entries:
            raise DataError(f"{file}: there are no pictures in this archive")

    def __len__(self) -> int:
        return len(self.entries)

    def look(self, number: int) -> bytes:
        """Picture ``number``, to be shown."""
        with zipfile.ZipFile(self.files[0]) as archive:
            return _unpack(archive, self.entries[number])[0]

    def chunks(self, size: int, start: int = 0) -> Iterator[Chunk]:
        """All from number ``start`` on, ``size`` at a time, or fewer where they are large."""
        with zipfile.ZipFile(self.files[0]) as archive:
            while start < len(self):
                contents: list[bytes] = []
                faults: dict[int, str] = {}
                for entry in self.entries[start : start + size]:
                    content, fault = _unpack(archive, entry)
                    if fault:
                        faults[len(contents)] = fault
                    contents.append(content)
                    if sum(map(len, contents)) > CHUNK_BYTES:
                        break
                names = [entry.filename for entry in self.entries[start : start + len(contents)]]
                yield Chunk(names, [_truth(Path(n).parent.name) for n in names], contents, faults)
                start += len(contents)


class Digits:
    """A table or an array file of images in MNIST's frame."""

    of_digits = True

    def __init__(self, content: DigitTable | DigitArrays):
        self.content, self.files = content, [content.file]

    def __len__(self) -> int:
        return len(self.content)

    def look(self, number: int) -> np.ndarray:
        """Digit ``number``, to be shown: dark ink on white, uint8 (28, 28)."""
        return 255 - next(self.content.chunks(1, number)).images[0]

    def chunks(self, size: int, start: int = 0) -> Iterator[Chunk]:
        """All from number ``start`` on, ``size`` at a time; they are named by their number."""
        for images, labels, faults in self.content.chunks(size, start):
            names = [str(start + i) for i in range(1, len(images) + 1)]
            known = [None] * len(images) if labels is None else labels.tolist()
            truths = [None if i in faults else digit for i, digit in enumerate(known)]
            yield Chunk(names, truths, images, faults)
            start += len(images)


Source = Files | Archive | Digits


def open_source(where: str | Path | Sequence[str | Path]) -> Source:
    """Open a folder, a picture, a list of pictures, a zip, a table or an array file.

    ``where`` may also be a pattern, such as ``scans/*.png``.

    Raises:
        DataError: when it does not exist, or pictures cannot be taken from it.
    """
    if not isinstance(where, str | Path):
        paths = [resolve(path) for path in where]
        if not paths:
            raise DataError("there are no pictures in an empty list")
        return Files(paths)
    path = resolve(where)
    if path.is_dir():
        inside = (p for p in path.rglob("*") if _is_picture(p.relative_to(path)))
        found = sorted(p for p in inside if p.is_file())
        if not found:
            raise DataError(f"{path}: there are no pictures in this folder")
        return Files(found, path)
    if not path.exists():
        matched = sorted(map(Path, glob.glob(str(path), recursive=True)))
        if files := [one for one in matched if one.is_file()]:
            return Files(files)
        raise DataError(f"{path}: there is no such file or folder")
    match path.suffix.lower():
        case ".zip":
            return Archive(path)
        case ".csv":
            return Digits(DigitTable(path))
        case ".npy" | ".npz":
            return Digits(DigitArrays(path))
    return Files([path])


def _fault(path: Path) -> str:
    return "a folder: give it alone" if path.is_dir() else "there is no such file"


def _is_picture(path: Path) -> bool:
    # Files and folders whose name begins with a dot are hidden: programs keep them for themselves.
    return path.suffix.lower() in SUFFIXES and not any(p.startswith(".") for p in path.parts)


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> tuple[bytes, str]:
    """A file's content, and why it cannot be unpacked; one of the two is empty."""
    if entry.file_size > MOST_BYTES:
        return b"", f"it has more than {MOST_BYTES / 1e6:.0f} MB"
    try:
        return archive.read(entry), ""
    except Exception as fault:  # each kind of compression raises its own
        return b"", f"cannot be unpacked: {fault}"


def _truth(folder: str) -> int | None:
    return int(folder) if folder in {*"0123456789"} else None
