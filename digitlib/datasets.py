"""Load, check and split digit data.

Every source ends as a ``Dataset``: 28×28 pictures with the ink bright on 0, and their labels.
Bad data raises ``DataError``, which names the file and the fault; pictures that had to be left
out are listed in ``Dataset.left_out``.
"""

import gzip
import hashlib
import os
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from digitlib.artifacts import resolve

SIDE = 28
PIXELS = [f"pixel{i}" for i in range(SIDE * SIDE)]  # the columns of Kaggle's tables
PICTURES = {".jpg", ".jpeg", ".png"}
# MD5 of the uncompressed files, as published with MNIST (LeCun, Cortes and Burges, 1998).
MNIST_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


class DataError(ValueError):
    """Data that cannot be used; the message names the file, the fault and the remedy."""


@dataclass(frozen=True)
class Dataset:
    """Digits of one part of one source.

    Attributes:
        name: the spec it was loaded from, such as ``mnist``.
        images: uint8 (N, 28, 28), ink bright on 0.
        labels: uint8 (N,), 0 to 9; None only where the caller allowed it.
        source: where the bytes came from, for a reader.
        sha256: checksum of images and labels.
        left_out: (file, reason) of every picture that could not be used.
        by_writer: whether neighbours tend to be by the same hand, as in MNIST's files.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray | None
    source: str
    sha256: str = ""
    left_out: tuple[tuple[str, str], ...] = ()
    by_writer: bool = False

    def __post_init__(self):
        digest = hashlib.sha256(np.ascontiguousarray(self.images))
        if self.labels is not None:
            digest.update(np.ascontiguousarray(self.labels))
        object.__setattr__(self, "sha256", digest.hexdigest())

    def __len__(self) -> int:
        return len(self.images)

    def take(self, index: np.ndarray) -> "Dataset":
        """The samples at ``index`` (integers, or a boolean mask of length N)."""
        labels = None if self.labels is None else self.labels[index]
        return replace(self, images=self.images[index], labels=labels)


def load_dataset(spec: str, part: str = "train", labels_required: bool = True) -> Dataset:
    """Load the ``train`` or ``test`` part of a data set.

    Args:
        spec: ``optdigits`` (bundled with scikit-learn), ``mnist``, ``idx:DIR``,
            ``folder:DIR`` (DIR/0 … DIR/9), ``csv:FILE`` (Kaggle's columns) or ``npz:FILE``
            (arrays ``images`` and ``labels``). Paths are relative to the project's root.
        part: a source without a test part of its own gives a fixed stratified fifth of its data.
        labels_required: False allows data without labels (``Dataset.labels`` is then None).

    Raises:
        DataError: when the data is missing, damaged or not digits.
    """
    if part not in ("train", "test"):
        raise DataError(f"part is {part!r}; it must be 'train' or 'test'")
    kind, path = find_dataset(spec)
    dataset, own_parts = LOADERS[kind](path, part) if path else LOADERS[kind](part)
    dataset = replace(dataset, name=spec)
    _check(dataset, labels_required)
    if own_parts or dataset.labels is None:
        return dataset
    train, test = split(dataset, validation=0.2, seed=0)
    return train if part == "train" else test


def find_dataset(spec: str) -> tuple[str, Path | None]:
    """The kind of a data set and where it lies; None where it is not a matter of files.

    Raises:
        DataError: when there is no such kind, or nothing there.
    """
    kind, _, where = spec.partition(":")
    if kind not in LOADERS or bool(where) != (kind in ("idx", "folder", "csv", "npz")):
        raise DataError(
            f"unknown data set {spec!r}; use optdigits, mnist, idx:DIR, folder:DIR, csv:FILE "
            "or npz:FILE"
        )
    path = resolve(where) if where else None
    if path is not None and not path.exists():
        raise DataError(f"{path}: there is no such file or folder (data set {spec!r})")
    return kind, path


def split(dataset: Dataset, validation: float | int, seed: int = 0) -> tuple[Dataset, Dataset]:
    """Hold out a share (below 1) or number (1 and above) of samples.

    They are the last ones where samples lie ``by_writer``: digits by a hand that was learnt from
    would be read better than a stranger's. Elsewhere they are drawn by seed, stratified.

    Returns:
        (training part, held-out part), each in the order of the original.

    Raises:
        DataError: when a class has fewer than two samples, or the share leaves a class empty.
    """
    size = float(validation) if validation < 1 else int(validation)
    if dataset.by_writer:
        first = len(dataset) - (size if validation >= 1 else round(size * len(dataset)))
        if not 0 < first < len(dataset):
            raise DataError(
                f"{dataset.source}: cannot hold out {validation} of {len(dataset)} samples: "
                "some must be left on both sides"
            )
        train, held = np.split(np.arange(len(dataset)), [first])
        return dataset.take(train), dataset.take(held)
    # scikit-learn takes half a second to import; only splitting needs it.
    from sklearn.model_selection import train_test_split

    counts = np.bincount(dataset.labels, minlength=10)
    few = [str(d) for d in range(10) if 0 < counts[d] < 2]
    if few:
        raise DataError(
            f"{dataset.source}: digit {', '.join(few)} has fewer than two samples, so it cannot be "
            "both trained on and held out; add samples"
        )
    try:
        train, held = train_test_split(
            np.arange(len(dataset)), test_size=size, random_state=seed, stratify=dataset.labels
        )
    except ValueError as fault:
        raise DataError(
            f"{dataset.source}: cannot hold out {validation} of {len(dataset)} samples: {fault}"
        ) from None
    return dataset.take(np.sort(train)), dataset.take(np.sort(held))


def fold(dataset: Dataset, folds: int, number: int) -> tuple[Dataset, Dataset]:
    """One of ``folds`` stratified ways to hold out a part, so that each sample is held out once.

    Args:
        folds: into how many parts the data falls; always into the same ones.
        number: which part is held out, from 0.

    Returns:
        (training part, held-out part), each in the order of the original.

    Raises:
        DataError: when there is no such fold, or a class has too few samples for it.
    """
    from sklearn.model_selection import StratifiedKFold

    if not (folds >= 2 and 0 <= number < folds):
        raise DataError(f"there is no fold {number} of {folds}; folds are counted from 0")
    least = np.bincount(dataset.labels, minlength=10)
    if (short := least[least > 0].min()) < folds:
        raise DataError(
            f"{dataset.source}: a digit has {short} samples, too few for {folds} folds; use fewer"
        )
    parts = StratifiedKFold(folds, shuffle=True, random_state=0)
    train, held = list(parts.split(dataset.labels, dataset.labels))[number]
    return dataset.take(train), dataset.take(held)


def _check(dataset: Dataset, labels_required: bool) -> None:
    if dataset.labels is None:
        if labels_required:
            raise DataError(f"{dataset.source}: there are no labels, and this use needs them")
        return
    if len(dataset.labels) != len(dataset.images):
        raise DataError(
            f"{dataset.source}: {len(dataset.images)} images but {len(dataset.labels)} labels"
        )
    if len(dataset.labels) and dataset.labels.max() > 9:
        row = int(np.argmax(dataset.labels > 9))
        raise DataError(
            f"{dataset.source}: sample {row} has label {dataset.labels[row]}; labels must be 0 to 9"
        )
    missing = [str(d) for d in np.flatnonzero(np.bincount(dataset.labels, minlength=10) == 0)]
    if missing:
        raise DataError(f"{dataset.source}: there are no images of digit {', '.join(missing)}")


def _optdigits(part: str) -> tuple[Dataset, bool]:
    import cv2
    from sklearn.datasets import load_digits

    small = load_digits()
    # 8×8 counts of 0 to 16 fill their frame; MNIST's digits stand in a 20-pixel box.
    grey = np.clip(small.images * (255 / 16), 0, 255).astype(np.uint8)
    images = np.zeros((len(grey), SIDE, SIDE), np.uint8)
    for image, digit in zip(images, grey, strict=True):
        image[4:24, 4:24] = cv2.resize(digit, (20, 20), interpolation=cv2.INTER_CUBIC)
    labels = small.target.astype(np.uint8)
    source = "UCI Optical Recognition of Handwritten Digits (bundled with scikit-learn)"
    return Dataset("optdigits", images, labels, source), False


def _mnist(part: str) -> tuple[Dataset, bool]:
    folder = os.environ.get("DIGITLIB_DATA")
    folder = resolve(folder) / "mnist" if folder else None
    if folder and folder.is_dir():
        dataset, own_parts = _idx(folder, part, MNIST_MD5)
        return replace(dataset, by_writer=True), own_parts
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


def _idx(folder: Path, part: str, md5: dict[str, str] | None = None) -> tuple[Dataset, bool]:
    own_parts = any(folder.glob("t10k-images*"))
    prefix = "t10k" if part == "test" and own_parts else "train"
    images = _read_idx(folder, f"{prefix}-images-idx3-ubyte", 3, md5)
    labels = _read_idx(folder, f"{prefix}-labels-idx1-ubyte", 1, md5)
    if images.shape[1:] != (SIDE, SIDE):
        raise DataError(f"{folder}: images are {images.shape[1:]} pixels; they must be 28×28")
    source = f"MNIST, IDX files in {folder.name}" if md5 else f"IDX files in {folder.name}"
    return Dataset("idx", images, labels, source), own_parts


def _read_idx(folder: Path, name: str, ndim: int, md5: dict[str, str] | None) -> np.ndarray:
    """One IDX file, plain or gzipped (format: http://yann.lecun.com/exdb/mnist/)."""
    path = next((p for p in (folder / name, folder / f"{name}.gz") if p.exists()), None)
    if path is None:
        raise DataError(f"{folder / name}: this file (or {name}.gz) is missing")
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
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


def _folder(folder: Path, part: str) -> tuple[Dataset, bool]:
    from digitlib.pixels.decoding import PictureError
    from digitlib.pixels.segmentation import normalise

    images, labels, left_out = [], [], []
    for digit in range(10):
        files = sorted(p for p in (folder / str(digit)).glob("*") if p.is_file())
        used = 0
        for file in files:
            name = f"{digit}/{file.name}"
            if file.suffix.lower() not in PICTURES:
                left_out.append((name, "not a JPEG or PNG"))
                continue
            try:
                image = normalise(file)
            except PictureError as fault:
                left_out.append((name, str(fault)))
                continue
            if not image.any():
                left_out.append((name, "there is no ink in it"))
                continue
            images.append(image)
            labels.append(digit)
            used += 1
        if not used:
            reason = f"; left out: {left_out[-1][0]}: {left_out[-1][1]}" if left_out else ""
            raise DataError(f"{folder / str(digit)}: no pictures of digit {digit} here{reason}")
    pictures = np.stack(images)
    source = f"pictures in {folder.name}/"
    return Dataset(
        "folder", pictures, np.array(labels, np.uint8), source, "", tuple(left_out)
    ), False


def _csv(file: Path, part: str) -> tuple[Dataset, bool]:
    import pandas as pd

    try:
        table = pd.read_csv(file)
    except (ValueError, UnicodeDecodeError) as fault:
        raise DataError(f"{file}: not a CSV table ({fault})") from None
    if list(table.columns) not in (PIXELS, ["label", *PIXELS]):
        raise DataError(
            f"{file}: its {len(table.columns)} columns are {', '.join(table.columns[:3])}…; "
            "expected label,pixel0,…,pixel783 (or pixel0,…,pixel783 without labels)"
        )
    for column in table.columns:
        limit = 9 if column == "label" else 255
        values = pd.to_numeric(table[column], errors="coerce")
        bad = ~(values.between(0, limit) & (values % 1 == 0))
        if bad.any():
            row = int(np.argmax(bad))
            raise DataError(
                f"{file}: line {row + 2}, column {column}: {table[column].iloc[row]!r} is not a "
                f"whole number from 0 to {limit}"
            )
    images = table[PIXELS].to_numpy(np.uint8).reshape(-1, SIDE, SIDE)
    labels = table["label"].to_numpy(np.uint8) if "label" in table else None
    return Dataset("csv", images, labels, f"table {file.name}"), False


def _npz(file: Path, part: str) -> tuple[Dataset, bool]:
    try:
        # Opened here: NumPy leaves a damaged file open.
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            images = arrays["images"]
            labels = arrays.get("labels")
    except KeyError:
        raise DataError(f"{file}: it holds no array named 'images'") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as fault:
        raise DataError(f"{file}: not a readable .npz file ({fault})") from None
    if images.dtype != np.uint8 or images.shape[1:] != (SIDE, SIDE):
        raise DataError(
            f"{file}: images are {images.dtype} {images.shape}; they must be uint8 (N, 28, 28)"
        )
    if labels is not None:
        if labels.ndim != 1 or not np.all((labels >= 0) & (labels <= 9) & (labels % 1 == 0)):
            raise DataError(f"{file}: labels must be one whole number from 0 to 9 for each image")
        labels = labels.astype(np.uint8)
    return Dataset("npz", images, labels, f"arrays {file.name}"), False


LOADERS = {
    "optdigits": _optdigits,
    "mnist": _mnist,
    "idx": _idx,
    "folder": _folder,
    "csv": _csv,
    "npz": _npz,
}
