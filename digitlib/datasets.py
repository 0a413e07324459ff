"""Load, check and split digit data.

Every source becomes a ``Dataset``: 28×28 images with the ink bright on 0, and their labels. Bad
data raises ``DataError``, which names the file and the fault. Pictures that cannot be used are
listed in ``Dataset.left_out``.
"""

import gzip
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import cv2
import numpy as np

from digitlib.artifacts import resolve
from digitlib.extras import need
from digitlib.pixels.decoding import NO_PICTURE, SUFFIXES, PictureError
from digitlib.pixels.digit_files import DataError, DigitArrays, DigitTable
from digitlib.pixels.normalisation import SIDE
from digitlib.pixels.segmentation import normalise

AT_A_TIME = 5000  # digits of a table or an array file
# MD5 of the uncompressed files, as published with MNIST (LeCun, Cortes and Burges, 1998).
MNIST_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


@dataclass(frozen=True, eq=False)
class Dataset:
    """Digits of one part of one source.

    Attributes:
        name: the spec it was loaded from, such as ``mnist``.
        images: uint8 (N, 28, 28), ink bright on 0.
        labels: uint8 (N,), 0 to 9; None only where the caller allowed it.
        source: where the data came from, in words.
        left_out: (file, reason) of every picture that could not be used.
        by_writer: whether digits by the same writer stand together, as in MNIST's files.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray | None
    source: str
    left_out: tuple[tuple[str, str], ...] = ()
    by_writer: bool = False

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def sha256(self) -> str:
        """Checksum of images and labels."""
        digest = hashlib.sha256(self.images.tobytes())
        if self.labels is not None:
            digest.update(self.labels.tobytes())
        return digest.hexdigest()

    def known_labels(self) -> np.ndarray:
        """The labels, uint8 (N,).

        Raises:
            DataError: where there are none.
        """
        if self.labels is None:
            raise DataError(f"{self.source}: there are no labels, and this use needs them")
        return self.labels

    def take(self, index: np.ndarray) -> "Dataset":
        """The samples at ``index`` (integers, or a boolean mask of length N)."""
        labels = None if self.labels is None else self.labels[index]
        return replace(self, images=self.images[index], labels=labels)


def load_dataset(spec: str, part: str = "train", labels_required: bool = True) -> Dataset:
    """Load the ``train`` or ``test`` part of a data set.

    Args:
        spec: ``optdigits`` (bundled with scikit-learn), ``mnist``, ``idx:DIR``,
            ``folder:DIR`` (pictures in DIR/0 … DIR/9), ``csv:FILE`` (Kaggle's columns; may be
            gzipped) or ``npz:FILE`` (arrays ``images`` and ``labels``). Paths are relative to
            the project's root.
        part: of a source without a test part, a stratified fifth is the test part, always the same.
        labels_required: False allows data without labels (``Dataset.labels`` is then None).

    Raises:
        DataError: when the data is missing, damaged or not digits.
    """
    if part not in ("train", "test"):
        raise DataError(f"part is {part!r}; it must be 'train' or 'test'")
    kind, path = find_dataset(spec)
    dataset, own_parts = IN_FILES[kind](path, part) if path else BY_NAME[kind](part)
    dataset = replace(dataset, name=spec)
    if dataset.labels is None and not labels_required:
        return dataset
    _check(dataset)
    if own_parts:
        return dataset
    train, test = split(dataset, validation=0.2, seed=0)
    return train if part == "train" else test


def find_dataset(spec: str) -> tuple[str, Path | None]:
    """The kind of a data set and its file or folder; None for a data set known by its name alone.

    Raises:
        DataError: when there is no such kind, or nothing there.
    """
    if spec in BY_NAME:
        return spec, None
    kind, _, where = spec.partition(":")
    if kind not in IN_FILES or not where:
        raise DataError(
            f"unknown data set {spec!r}; use optdigits, mnist, idx:DIR, folder:DIR, csv:FILE "
            "or npz:FILE"
        )
    path = resolve(where)
    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder (data set {spec!r})")
    return kind, path


def split(dataset: Dataset, validation: float | int, seed: int = 0) -> tuple[Dataset, Dataset]:
    """Hold out a share (below 1) or number (1 and above) of samples.

    Where samples lie ``by_writer``, the last ones are held out, because a network reads a writer
    that it learnt from better than one it never saw. Elsewhere they are drawn by seed, stratified.

    Returns:
        (training part, held-out part), each in the order of the original.

    Raises:
        DataError: when a class has fewer than two samples, or the share leaves a class empty.
    """
    n = len(dataset)
    if dataset.by_writer:
        first = n - (int(validation) if validation >= 1 else round(validation * n))
        if not 0 < first < n:
            raise DataError(
                f"{dataset.source}: cannot hold out {validation} of {n} samples: "
                "some must be left on both sides"
            )
        return dataset.take(np.arange(first)), dataset.take(np.arange(first, n))
    # scikit-learn takes half a second to import; only splitting needs it.
    from sklearn.model_selection import train_test_split

    labels = dataset.known_labels()
    counts = np.bincount(labels, minlength=10)
    if few := [str(d) for d in np.flatnonzero(counts == 1)]:
        raise DataError(
            f"{dataset.source}: digit {', '.join(few)} has fewer than two samples, so it cannot be "
            "both trained on and held out; add samples"
        )
    size = validation if validation < 1 else int(validation)
    try:
        train, held = train_test_split(range(n), test_size=size, random_state=seed, stratify=labels)
    except ValueError as fault:
        raise DataError(
            f"{dataset.source}: cannot hold out {validation} of {n} samples: {fault}"
        ) from None
    return dataset.take(np.sort(train)), dataset.take(np.sort(held))


def fold(dataset: Dataset, folds: int, number: int) -> tuple[Dataset, Dataset]:
    """Hold out one of ``folds`` parts; over all folds, each sample is held out once.

    Args:
        folds: the number of parts, which are stratified and always the same.
        number: which part is held out, from 0.

    Returns:
        (training part, held-out part), each in the order of the original.

    Raises:
        DataError: when there is no such fold, or a class has too few samples for it.
    """
    from sklearn.model_selection import StratifiedKFold

    if not (folds >= 2 and 0 <= number < folds):
        raise DataError(f"there is no fold {number} of {folds}; folds are counted from 0")
    labels = dataset.known_labels()
    counts = np.bincount(labels, minlength=10)
    if (fewest := counts[counts > 0].min()) < folds:
        raise DataError(
            f"{dataset.source}: a digit has {fewest} samples, too few for {folds} folds; use fewer"
        )
    parts = StratifiedKFold(folds, shuffle=True, random_state=0)
    train, held = list(parts.split(labels, labels))[number]
    return dataset.take(train), dataset.take(held)


def _check(dataset: Dataset) -> None:
    """Raise DataError unless there is a label for each image and an image of each digit."""
    labels = dataset.known_labels()
    if len(labels) != len(dataset):
        raise DataError(f"{dataset.source}: {len(dataset)} images but {len(labels)} labels")
    if labels.max(initial=0) > 9:
        row = int(np.argmax(labels > 9))
        raise DataError(
            f"{dataset.source}: sample {row} has label {labels[row]}; labels must be 0 to 9"
        )
    if missing := [str(d) for d in range(10) if d not in labels]:
        raise DataError(f"{dataset.source}: there are no images of digit {', '.join(missing)}")


# What a loader returns: the data, and whether they are the wanted part already.
Loaded = tuple[Dataset, bool]


def _optdigits(_part: str) -> Loaded:
    need("train", "sklearn")
    from sklearn.datasets import load_digits

    small = load_digits()
    # Their values are 0 to 16. They fill their frame, while MNIST's digits have a 20-pixel box.
    grey = np.clip(small.images * (255 / 16), 0, 255).astype(np.uint8)
    images = np.zeros((len(grey), SIDE, SIDE), np.uint8)
    for image, digit in zip(images, grey, strict=True):
        image[4:24, 4:24] = cv2.resize(digit, (20, 20), interpolation=cv2.INTER_CUBIC)
    labels = small.target.astype(np.uint8)
    source = "UCI Optical Recognition of Handwritten Digits (bundled with scikit-learn)"
    return Dataset("optdigits", images, labels, source), False


def _mnist(part: str) -> Loaded:
    data = os.environ.get("DIGITLIB_DATA")
    folder = resolve(data) / "mnist" if data else None
    if folder and folder.is_dir():
        return _idx(folder, part, MNIST_MD5)
    try:
        from keras.datasets import mnist

        parts = dict(zip(("train", "test"), mnist.load_data(), strict=True))
    except Exception:  # whatever the download raises, the remedy is the same
        looked = f" ({folder} does not exist)" if folder else ""
        raise DataError(
            "MNIST is not on this machine and cannot be downloaded: connect to the internet once, "
            "or set DIGITLIB_DATA to a folder that holds mnist/train-images-idx3-ubyte.gz and the "
            f"other three files{looked}"
        ) from None
    images, labels = parts[part]
    source = "MNIST, Keras's download"
    return Dataset("mnist", images, labels.astype(np.uint8), source, by_writer=True), True


def _idx(folder: Path, part: str, md5: dict[str, str] | None = None) -> Loaded:
    """IDX files, which are MNIST's where checksums are given."""
    own_parts = any(folder.glob("t10k-images*"))
    prefix = "t10k" if part == "test" and own_parts else "train"
    images = _read_idx(folder, f"{prefix}-images-idx3-ubyte", 3, md5)
    labels = _read_idx(folder, f"{prefix}-labels-idx1-ubyte", 1, md5)
    if images.shape[1:] != (SIDE, SIDE):
        raise DataError(f"{folder}: images are {images.shape[1:]} pixels; they must be 28×28")
    source = f"{'MNIST, ' if md5 else ''}IDX files in {folder.name}"
    return Dataset("idx", images, labels, source, by_writer=bool(md5)), own_parts


def _read_idx(folder: Path, name: str, ndim: int, md5: dict[str, str] | None) -> np.ndarray:
    """One IDX file, plain or gzipped (format: http://yann.lecun.com/exdb/mnist/)."""
    path = next((p for p in (folder / name, folder / f"{name}.gz") if p.exists()), None)
    if path is None:
        raise DataError(f"{folder / name}: this file (or {name}.gz) is missing")
    data = path.read_bytes()
    try:
        data = gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError) as fault:
        raise DataError(f"{path}: not a whole gzip file ({fault}); copy it again") from None
    magic = int.from_bytes(data[:4], "big")
    if len(data) < 4 + 4 * ndim or magic != 0x0800 + ndim:
        kind = "images" if ndim == 3 else "labels"
        raise DataError(f"{path}: not an IDX file of {kind} (magic number {magic:#010x})")
    shape = tuple(int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(ndim))
    body = data[4 + 4 * ndim :]
    if len(body) != np.prod(shape, dtype=object):
        raise DataError(
            f"{path}: its header promises {' × '.join(map(str, shape))} bytes but {len(body)} "
            "follow; the file is truncated or mislabelled"
        )
    if md5 and hashlib.md5(data, usedforsecurity=False).hexdigest() != md5[name]:
        raise DataError(
            f"{path}: its checksum is not the published one of MNIST's {name}; download it again, "
            "or use idx:DIR for a data set of your own"
        )
    return np.frombuffer(body, np.uint8).reshape(shape)


def _folder(folder: Path, _part: str) -> Loaded:
    images: list[np.ndarray] = []
    labels: list[int] = []
    left_out = []
    for digit in range(10):
        used = len(images)
        for file in sorted(p for p in (folder / str(digit)).glob("*") if p.is_file()):
            try:
                images.append(_digit_in(file))
                labels.append(digit)
            except PictureError as fault:
                left_out.append((f"{digit}/{file.name}", str(fault)))
        if len(images) == used:
            reason = f"; left out: {left_out[-1][0]}: {left_out[-1][1]}" if left_out else ""
            raise DataError(f"{folder / str(digit)}: no pictures of digit {digit} here{reason}")
    known, source = np.array(labels, np.uint8), f"pictures in {folder.name}/"
    return Dataset("folder", np.stack(images), known, source, tuple(left_out)), False


def _digit_in(file: Path) -> np.ndarray:
    """The digit that a picture shows, uint8 (28, 28). Raises PictureError where there is none."""
    if file.suffix.lower() not in SUFFIXES:
        raise PictureError(NO_PICTURE)
    image = normalise(file)
    if not image.any():
        raise PictureError("there is no ink in it")
    return image


def _digit_file(
    kind: type[DigitTable | DigitArrays], called: str, file: Path, _part: str
) -> Loaded:
    chunks = list(kind(file).chunks(AT_A_TIME))
    for fault in [fault for chunk in chunks for fault in chunk.faults.values()]:
        raise DataError(f"{file}: {fault}")
    if not chunks:
        raise DataError(f"{file}: it holds no digits")
    images = np.concatenate([chunk.images for chunk in chunks])
    labels = [chunk.labels for chunk in chunks if chunk.labels is not None]
    known = np.concatenate(labels) if labels else None
    return Dataset(called, images, known, f"{called} {file.name}"), False


BY_NAME: dict[str, Callable[[str], Loaded]] = {"optdigits": _optdigits, "mnist": _mnist}
IN_FILES: dict[str, Callable[[Path, str], Loaded]] = {
    "idx": _idx,
    "folder": _folder,
    "csv": partial(_digit_file, DigitTable, "table"),
    "npz": partial(_digit_file, DigitArrays, "arrays"),
}
