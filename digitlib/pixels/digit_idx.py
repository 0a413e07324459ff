"""IDX files, in which MNIST is published (http://yann.lecun.com/exdb/mnist/)."""

import gzip
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from digitlib.pixels.digit_files import (
    DataError,
    DigitChunk,
    DigitFile,
    as_labels,
    check_count,
    opened,
)
from digitlib.pixels.normalisation import SIDE

# As MNIST's four files are called; some copies have a dot, and EMNIST's a name before that.
NAME = re.compile(r"(.*)(train|t10k|test)-(images|labels)[-.]idx\d-ubyte(\.gz)?")


class DigitIdx(DigitFile):
    """The images of an IDX file, plain or gzipped, and their labels from another one.

    Args:
        md5: the checksum that each of the two should have, uncompressed; "" for any.
    """

    def __init__(self, images: Path, labels: Path | None, md5: tuple[str, str] = ("", "")):
        self.file = images
        self.images = read_idx(images, 3, md5[0])
        self.labels = None
        self.length = len(self.images)
        if self.images.shape[1:] != (SIDE, SIDE):
            size = "×".join(map(str, self.images.shape[1:]))
            raise DataError(f"{images}: images have {size} pixels; they must have 28×28")
        if labels:
            known = read_idx(labels, 1, md5[1])
            check_count(labels, known.shape, self.length)
            self.labels = as_labels(labels, known)

    def stored(self, size: int, start: int = 0) -> Iterator[DigitChunk]:
        """All images from number `start` on, `size` at a time."""
        for first in range(start, self.length, size):
            part = slice(first, first + size)
            known = None if self.labels is None else self.labels[part]
            yield DigitChunk(self.images[part], known, {})


def read_idx(path: Path, ndim: int, md5: str = "") -> np.ndarray:
    """The uint8 array of an IDX file, plain or gzipped, with this checksum where one is given.

    Raises `DataError` for another file.
    """
    with opened(path, "a whole gzip file" if path.suffix == ".gz" else "a readable file"):
        data = path.read_bytes()
        data = gzip.decompress(data) if path.suffix == ".gz" else data
    magic = int.from_bytes(data[:4], "big")
    if len(data) < 4 + 4 * ndim or magic != 0x0800 + ndim:
        kind = "images" if ndim == 3 else "labels"
        raise DataError(f"{path}: not an IDX file of {kind} (magic number {magic:#010x})")
    shape = tuple(int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(ndim))
    body = memoryview(data)[4 + 4 * ndim :]
    if len(body) != np.prod(shape, dtype=object):
        raise DataError(
            f"{path}: its header promises {' × '.join(map(str, shape))} bytes but {len(body)} "
            "follow; the file is truncated or mislabelled"
        )
    if md5 and hashlib.md5(data, usedforsecurity=False).hexdigest() != md5:
        raise DataError(
            f"{path}: its checksum is not the one that MNIST's file was published with; download "
            "it again, or use idx:DIR for a data set of your own"
        )
    return np.frombuffer(body, np.uint8).reshape(shape)


def find_idx(folder: Path, part: str, what: str) -> Path | None:
    """The file of `images` or `labels` of a part, in a folder or in a folder of its own (Kaggle).

    Raises:
        DataError: when there are several.
    """
    files = sorted([*folder.glob("*"), *folder.glob("*/*")], key=lambda p: (len(p.parts), p.name))
    named = [(NAME.fullmatch(file.name), file) for file in reversed(files) if file.is_file()]
    # One that is here twice, plain and gzipped, counts once.
    found = {name[1]: file for name, file in named if name and name.group(2, 3) == (part, what)}
    if len(found) > 1:
        names = ", ".join(file.name for file in found.values())
        raise DataError(f"{folder}: several sets of digits are here ({names}); keep one of them")
    return next(iter(found.values()), None)


def labels_beside(images: Path) -> Path | None:
    """The labels that belong to a file of images; None where they are not beside it."""
    labels = images.with_name(images.name.replace("-images", "-labels").replace("idx3", "idx1"))
    return labels if labels != images and labels.exists() else None
