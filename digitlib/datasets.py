"""Load, check and split digit data.

Every source becomes a ``Dataset``: 28×28 images with the ink bright on 0, and their labels. Bad
data raises ``DataError``, which names the file and the fault. Pictures that cannot be used are
listed in ``Dataset.left_out``.
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import cv2
import numpy as np

from digitlib.artifacts import resolve
from digitlib.extras import need
from digitlib.pixels.digit_arrays import DigitArrays
from digitlib.pixels.digit_files import CHANGES, DataError, DigitFile, changed, split_changes
from digitlib.pixels.digit_folders import NO_INK, read_folder
from digitlib.pixels.digit_idx import DigitIdx, find_idx
from digitlib.pixels.digit_tables import DigitParquet, DigitTable
from digitlib.pixels.normalisation import SIDE
from digitlib.pixels.polarity import has_ink

AT_A_TIME = 5000  # digits of a file
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

    def first(self, most: int) -> "Dataset":
        """The first samples, at most so many; 0 for all.

        Raises:
            DataError: for a number below 0.
        """
        if most < 0:
            raise DataError(f"{self.source}: the first {most} samples cannot be taken; 0 takes all")
        return self.take(np.arange(min(most or len(self), len(self))))

    def take(self, index: np.ndarray) -> "Dataset":
        """The samples at ``index`` (integers, or a boolean mask of length N)."""
        labels = None if self.labels is None else self.labels[index]
        return replace(self, images=self.images[index], labels=labels)


def load_dataset(spec: str, part: str = "train", labels_required: bool = True) -> Dataset:
    """Load the ``train`` or ``test`` part of a data set.

    Args:
        spec: ``optdigits`` (bundled with scikit-learn), ``mnist``, ``idx:DIR``,
            ``folder:DIR`` (pictures in DIR/0 … DIR/9), ``csv:FILE`` (``DigitTable``),
            ``npz:FILE`` (``DigitArrays``) or ``parquet:FILE`` (``DigitParquet``). A folder with
            a table for each part may take the place of a table. Paths are relative to the
            project's root. What puts images right may follow: ``idx:DIR?transpose``, or several
            of ``digit_files.CHANGES`` with commas between them.
        part: of a source without a test part, a stratified fifth is the test part, always the same.
        labels_required: False allows data without labels (``Dataset.labels`` is then None).

    Raises:
        DataError: when the data is missing, damaged or not digits.
    """
    if part not in ("train", "test"):
        raise DataError(f"part is {part!r}; it must be 'train' or 'test'")
    kind, path, changes = find_dataset(spec)
    dataset, own_parts = IN_FILES[kind](path, part) if path else BY_NAME[kind](part)
    dataset = replace(dataset, name=spec, images=changed(dataset.images, changes))
    if dataset.labels is None and not labels_required:
        return dataset
    _check(dataset)
    if own_parts:
        return dataset
    train, test = split(dataset, validation=0.2, seed=0)
    return train if part == "train" else test


def find_dataset(spec: str) -> tuple[str, Path | None, list[str]]:
    """The kind of a data set, its file or folder, and what puts its images right.

    There is no file of a data set that is known by its name alone.

    Raises:
        DataError: when there is no such kind, or nothing there.
    """
    name, changes = split_changes(spec)
    if name in BY_NAME:
        return name, None, changes
    kind, _, where = name.partition(":")
    if kind not in IN_FILES or not where:
        raise DataError(
            f"unknown data set {spec!r}; use optdigits, mnist, idx:DIR, folder:DIR, csv:FILE, "
            f"npz:FILE or parquet:FILE, each with ?{', ?'.join(CHANGES)} where its images need it"
        )
    path = resolve(where)
    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder (data set {spec!r})")
    return kind, path, changes


def load_learnt(spec: str, sha256: str) -> Dataset:
    """The training part from which a model has learnt, as its card names it.

    Raises:
        DataError: when other data are there under that name, or none.
    """
    dataset = load_dataset(spec, "train")
    if dataset.sha256 != sha256:
        raise DataError(f"{dataset.source}: not the data this model has learnt from; train it anew")
    return dataset


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
    """Raise DataError unless there is an image of each digit."""
    labels = dataset.known_labels()
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
    need("train", "keras")
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


def _idx(folder: Path, part: str, md5: Mapping[str, str] | None = None) -> Loaded:
    """IDX files, which are MNIST's where checksums are given."""
    test = next((name for name in ("t10k", "test") if find_idx(folder, name, "images")), "")
    prefix = test if part == "test" and test else "train"
    names = [f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte"]
    images, labels = (find_idx(folder, prefix, what) for what in ("images", "labels"))
    if images is None or labels is None:
        missing = names[0 if images is None else 1]
        raise DataError(f"{folder / missing}: this file (or {missing}.gz) is missing")
    first, second = ((md5 or {}).get(name, "") for name in names)
    digits = DigitIdx(images, labels, (first, second))
    called = f"{'MNIST, ' if md5 else ''}IDX files in {folder.name}"
    return replace(_gathered(digits, called), by_writer=bool(md5)), bool(test)


def _folder(folder: Path, _part: str) -> Loaded:
    images, labels, left_out = read_folder(folder)
    return Dataset("", images, labels, f"pictures in {folder.name}/", tuple(left_out)), False


def _table(read: Callable[[Path], DigitFile], path: Path, part: str) -> Loaded:
    file, own_parts = (_file_of(path, part), True) if path.is_dir() else (path, False)
    return _gathered(read(file), f"table {file.name}"), own_parts


def _file_of(folder: Path, part: str) -> Path:
    """The one file in a folder whose name says that it is the training or the test part."""
    files = [file for file in sorted(folder.glob("*")) if part in file.name.lower()]
    if len(files) != 1:
        raise DataError(f"{folder}: one file with {part!r} in its name is needed, not {len(files)}")
    return files[0]


def _arrays(file: Path, part: str) -> Loaded:
    digits = DigitArrays(file, part)
    return _gathered(digits, f"arrays {file.name}"), digits.has_parts


def _gathered(digits: DigitFile, source: str) -> Dataset:
    """All digits of a file; those without ink are left out."""
    chunks = list(digits.chunks(AT_A_TIME))
    for fault in [fault for chunk in chunks for fault in chunk.faults.values()]:
        raise DataError(f"{digits.file}: {fault}")
    if not chunks:
        raise DataError(f"{digits.file}: it holds no digits")
    images = np.concatenate([chunk.images for chunk in chunks])
    labels = [chunk.labels for chunk in chunks if chunk.labels is not None]
    known = np.concatenate(labels) if labels else None
    said = f"{source} ({digits.note})" if digits.note else source
    dataset, inked = Dataset("", images, known, said), has_ink(images)
    if inked.all():
        return dataset
    blank = [(f"{digits.file.name}, digit {i + 1}", NO_INK) for i in np.flatnonzero(~inked)]
    return replace(dataset.take(inked), left_out=tuple(blank))


BY_NAME: dict[str, Callable[[str], Loaded]] = {"optdigits": _optdigits, "mnist": _mnist}
IN_FILES: dict[str, Callable[[Path, str], Loaded]] = {
    "idx": _idx,
    "folder": _folder,
    "csv": partial(_table, DigitTable),
    "parquet": partial(_table, DigitParquet),
    "npz": _arrays,
}
