"""Digits of other people's files: what is meant is loaded, and what is not plain is refused."""

import csv
import gzip
import io
import struct
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from PIL import Image

from digitlib import Recognizer
from digitlib.datasets import DataError, load_dataset
from digitlib.pixels.digit_columns import PIXEL_COLUMNS
from digitlib.reading.batch import predict
from digitlib.reading.placing import remedy
from digitlib.reading.sources import open_source

LABELS = np.repeat(np.arange(10, dtype=np.uint8), 10)


@pytest.fixture(scope="module")
def recognizer():
    return Recognizer()


@pytest.fixture(scope="module")
def digits():
    """A hundred real digits, ten of each."""
    full = load_dataset("optdigits")
    return np.concatenate([full.images[full.labels == d][:10] for d in range(10)])


def write_csv(file, rows, head=None, separator=",", quoting=csv.QUOTE_MINIMAL):
    opener = gzip.open if file.suffix == ".gz" else open
    with opener(file, "wt", newline="") as stream:
        writer = csv.writer(stream, delimiter=separator, quoting=quoting)
        writer.writerows([*([head] if head else []), *rows])
    return file


def write_idx(file, array):
    head = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    file.write_bytes(head + array.tobytes())


def labelled(digits):
    return np.column_stack([LABELS, digits.reshape(100, 784)])


def as_they_are(spec):
    """The images and labels of both parts that a spec gives, in a fixed order."""
    parts = [load_dataset(spec, part) for part in ("train", "test")]
    images = np.concatenate([part.images for part in parts])
    order = np.lexsort(images.reshape(len(images), -1).T)
    return images[order], np.concatenate([part.labels for part in parts])[order]


GRID = [f"{row}x{column}" for row in range(1, 29) for column in range(1, 29)]
SORTED = sorted(range(784), key=lambda i: f"pixel{i}")  # pixel0, pixel1, pixel10, …
TABLES = {
    "MNIST in CSV": lambda d, f: write_csv(f, labelled(d), ["label", *GRID]),
    "no names": lambda d, f: write_csv(f, labelled(d)),
    "no names, label last": lambda d, f: write_csv(f, np.roll(labelled(d), -1, axis=1)),
    "OpenML": lambda d, f: write_csv(
        f, np.roll(labelled(d), -1, axis=1), [*(f"pixel{i}" for i in range(1, 785)), "class"]
    ),
    "an index": lambda d, f: write_csv(
        f, np.column_stack([np.arange(100), labelled(d)]), ["", "label", *PIXEL_COLUMNS]
    ),
    "numbers for names": lambda d, f: write_csv(f, labelled(d), ["label", *range(784)]),
    "pixels in another order": lambda d, f: write_csv(
        f,
        np.column_stack([LABELS, d.reshape(100, 784)[:, SORTED]]),
        ["label", *(f"pixel{i}" for i in SORTED)],
    ),
    "semicolons": lambda d, f: write_csv(f, labelled(d), ["label", *PIXEL_COLUMNS], ";"),
    "tabs": lambda d, f: write_csv(f, labelled(d), ["label", *PIXEL_COLUMNS], "\t"),
    "quoted": lambda d, f: write_csv(
        f, labelled(d), ["label", *PIXEL_COLUMNS], quoting=csv.QUOTE_ALL
    ),
    "quoted, no names": lambda d, f: write_csv(f, labelled(d), quoting=csv.QUOTE_ALL),
}


@pytest.mark.parametrize("layout", TABLES)
@pytest.mark.parametrize("name", ["digits.csv", "digits.csv.gz"])
def test_tables_as_others_write_them(digits, tmp_path, layout, name):
    """Protects from pixels in the wrong column, and from a label taken for a pixel."""
    file = TABLES[layout](digits, tmp_path / name)
    images, labels = as_they_are(f"csv:{file}")
    order = np.lexsort(digits.reshape(100, -1).T)
    assert np.array_equal(images, digits[order])
    assert np.array_equal(labels, LABELS[order])
    chunk = next(open_source(file).chunks(100))
    assert np.array_equal(chunk.pictures, digits)
    assert chunk.truths == LABELS.tolist()


@pytest.mark.parametrize(
    ("rows", "head", "reason"),
    [
        (np.zeros((3, 785), int), None, "the label may be the first or the last"),
        (np.zeros((3, 786), int), None, "786 columns without names"),
        (np.zeros((3, 785), int), ["label"] * 785, "its 785 columns are label, label, label…"),
        (np.zeros((3, 2), int), ["x" * 7000, "y"], "its 2 columns are xxxxxxxxxxxxxxxxxxxx, y…"),
    ],
)
def test_a_table_that_is_not_plain_is_refused_in_few_words(tmp_path, rows, head, reason):
    file = write_csv(tmp_path / "odd.csv", rows, head)
    with pytest.raises(DataError, match=reason) as caught:
        open_source(file)
    assert "label,pixel0" in str(caught.value), "what to do is said"
    assert len(str(caught.value)) < 300


def parquet(file, **columns):
    pyarrow.parquet.write_table(pa.table(columns), file)
    return file


def png(image):
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


def test_parquet_as_the_hugging_face_hub_has_it(digits, tmp_path):
    pictures = [{"bytes": png(image), "path": None} for image in digits]
    for part in ("train", "test"):
        parquet(tmp_path / f"{part}-00000-of-00001.parquet", image=pictures, label=LABELS)
    file = tmp_path / "train-00000-of-00001.parquet"
    assert np.array_equal(next(open_source(file).chunks(30, 60)).pictures, digits[60:90])
    whole = load_dataset(f"parquet:{tmp_path}", "test")
    assert np.array_equal(whole.images, digits)
    assert np.array_equal(whole.labels, LABELS)
    pixels = dict(zip(PIXEL_COLUMNS, digits.reshape(100, 784).T, strict=True))
    parquet(file, **pixels, label=[str(label) for label in LABELS])
    assert np.array_equal(load_dataset(f"parquet:{tmp_path}").images, digits)


def test_pictures_in_parquet_that_cannot_be_used_are_named(digits, tmp_path):
    pictures = [png(digits[0]), b"no picture", png(np.zeros((32, 32), np.uint8))]
    file = parquet(tmp_path / "a.parquet", image=pictures)
    [chunk] = open_source(file).chunks(9)
    assert set(chunk.faults) == {1, 2}
    assert "image 2 cannot be decoded" in chunk.faults[1]
    assert "image 3 has 32×32 pixels" in chunk.faults[2]
    with pytest.raises(DataError, match=r"a\.parquet: image 2 cannot be decoded"):
        load_dataset(f"parquet:{file}")


@pytest.mark.parametrize(
    "shape", [(100, 784), (100, 28, 28, 1), (100, 1, 28, 28)], ids=["rows", "last", "first"]
)
@pytest.mark.parametrize("kind", [np.uint8, np.int64, ">i2"])
def test_arrays_of_any_common_shape_and_kind(digits, tmp_path, shape, kind):
    np.savez(tmp_path / "a.npz", X=digits.reshape(shape).astype(kind), y=LABELS.astype(str))
    [chunk] = open_source(tmp_path / "a.npz").chunks(100)
    assert np.array_equal(chunk.pictures, digits)
    assert chunk.truths == LABELS.tolist()


def test_kerass_file_has_both_parts(digits, tmp_path):
    file = tmp_path / "mnist.npz"
    np.savez(file, x_train=digits, y_train=LABELS, x_test=digits[::2], y_test=LABELS[::2][:, None])
    assert np.array_equal(load_dataset(f"npz:{file}").images, digits)
    test = load_dataset(f"npz:{file}", "test")
    assert np.array_equal(test.images, digits[::2])
    assert np.array_equal(test.labels, LABELS[::2])
    source = open_source(file)
    assert len(source) == 150
    later = np.concatenate([chunk.pictures for chunk in source.chunks(30, 90)])
    assert np.array_equal(later, np.concatenate([digits[90:], digits[::2]]))


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (np.where(LABELS == 3, "three", LABELS.astype("<U5")), "sample 30 has label three"),
        (np.eye(10)[LABELS], r"100 images but \(100, 10\) labels"),
        (LABELS + 0.5, "sample 0 has label 0.5"),
    ],
    ids=["words", "one-hot", "fractions"],
)
def test_labels_that_are_no_digits_are_named(digits, tmp_path, labels, reason):
    np.savez(tmp_path / "a.npz", images=digits, labels=labels)
    with pytest.raises(DataError, match=reason):
        load_dataset(f"npz:{tmp_path / 'a.npz'}")


@pytest.mark.parametrize(
    "name",
    [
        "{part}-{what}.idx{n}-ubyte",
        "{part}-{what}-idx{n}-ubyte/{part}-{what}-idx{n}-ubyte",
        "{part}-{what}.idx{n}-ubyte/{part}-{what}.idx{n}-ubyte",
        "emnist-digits-{part}-{what}-idx{n}-ubyte",
    ],
    ids=["dot", "a folder each", "dots and folders", "EMNIST"],
)
def test_idx_files_as_others_call_them(digits, tmp_path, name):
    for part, step in (("train", 1), ("test" if "emnist" in name else "t10k", 2)):
        for what, n, array in (("images", 3, digits), ("labels", 1, LABELS)):
            file = tmp_path / name.format(part=part, what=what, n=n)
            file.parent.mkdir(exist_ok=True)
            write_idx(file, array[::step])
    assert np.array_equal(load_dataset(f"idx:{tmp_path}").images, digits)
    assert np.array_equal(load_dataset(f"idx:{tmp_path}", "test").labels, LABELS[::2])


def test_two_sets_in_one_folder_are_not_mixed(digits, tmp_path):
    for name in ("emnist-digits-", "emnist-letters-"):
        write_idx(tmp_path / f"{name}train-images-idx3-ubyte", digits)
        write_idx(tmp_path / f"{name}train-labels-idx1-ubyte", LABELS)
    with pytest.raises(DataError, match="several sets of digits are here"):
        load_dataset(f"idx:{tmp_path}")


def test_idx_images_are_read_into_a_table(digits, tmp_path):
    write_idx(tmp_path / "t10k-images-idx3-ubyte", digits)
    source = open_source(tmp_path / "t10k-images-idx3-ubyte")
    assert next(source.chunks(100)).truths == [None] * 100
    write_idx(tmp_path / "t10k-labels-idx1-ubyte", LABELS)
    source = open_source(tmp_path / "t10k-images-idx3-ubyte")
    assert next(source.chunks(100)).truths == LABELS.tolist()


# The scale of pixels, and blank rows.


def rows_of(file, tmp_path):
    with predict(open_source(file), tmp_path / "out.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("top", [1, 15, 16, 24, 100])
@pytest.mark.parametrize("name", ["a.csv", "a.npz", "a.npy"])
def test_pixels_on_a_smaller_scale_are_stretched_and_that_is_said(digits, tmp_path, top, name):
    """Protects from rows that are all certain 1s: nobody would notice."""
    small = np.rint(digits * (top / 255)).astype(int)
    file = tmp_path / name
    if name == "a.csv":
        write_csv(file, labelled(small), ["label", *PIXEL_COLUMNS])
    elif name == "a.npz":
        np.savez(file, images=small, labels=LABELS)
    else:
        np.save(file, small.astype(np.uint8))
    source = open_source(file)
    assert source.notes == [
        f"{name}: its pixels reach from 0 to {top}; they were stretched to 0 to 255"
    ]
    read = rows_of(file, tmp_path)
    assert np.mean([row["text"] == str(d) for row, d in zip(read, LABELS, strict=True)]) >= 0.9
    if name != "a.npy":
        dataset = load_dataset(f"{name[2:]}:{file}")
        assert dataset.images.max() == 255
        assert f"from 0 to {top}" in dataset.source


def test_the_scale_is_that_of_the_whole_file(digits, tmp_path):
    """Protects a pale row of a file from being stretched by itself."""
    images = digits.copy()
    images[:50] = images[:50] // 10
    np.save(tmp_path / "a.npy", images)
    read = rows_of(tmp_path / "a.npy", tmp_path)
    assert {row["error"] for row in read[:50]} == {"no digit was found in it"}
    assert sum(row["text"] == str(d) for row, d in zip(read[50:], LABELS[50:], strict=True)) >= 47


def test_pixels_on_no_scale_are_refused_with_the_remedy(digits, tmp_path):
    write_csv(tmp_path / "a.csv", digits.reshape(100, 784) / 255, PIXEL_COLUMNS)
    with pytest.raises(DataError, match=r"line 2, column pixel120: .*; multiply .* by 255"):
        load_dataset(f"csv:{tmp_path / 'a.csv'}")
    np.savez(tmp_path / "a.npz", images=digits / 255, labels=LABELS)
    with pytest.raises(DataError, match=r"np\.rint\(255 \* images\)"):
        load_dataset(f"npz:{tmp_path / 'a.npz'}")
    np.savez(tmp_path / "b.npz", images=digits.astype(int) * 257, labels=LABELS)
    with pytest.raises(DataError, match=r"image 1: \d+ is not a whole number from 0 to 255"):
        load_dataset(f"npz:{tmp_path / 'b.npz'}")


def test_a_blank_row_is_no_digit_as_a_blank_picture_is(recognizer, digits, tmp_path):
    images = digits.copy()
    images[3], images[7], images[9] = 0, 255, np.random.default_rng(0).integers(0, 30, (28, 28))
    np.savez(tmp_path / "a.npz", images=images, labels=LABELS)
    read = rows_of(tmp_path / "a.npz", tmp_path)
    assert [i for i, row in enumerate(read) if row["error"]] == [3, 7, 9]
    assert read[3]["error"] == "no digit was found in it"
    assert np.allclose(recognizer.classify(images)[[3, 7, 9]], 0.1)
    both = [load_dataset(f"npz:{tmp_path / 'a.npz'}", part) for part in ("train", "test")]
    assert sum(map(len, both)) == 97
    assert [name for name, _ in both[0].left_out] == [f"a.npz, digit {i}" for i in (4, 8, 10)]


@pytest.mark.parametrize("top", [1, 16, 24, 63])
def test_images_on_a_smaller_scale_are_not_classified(recognizer, digits, top):
    small = np.rint(digits * (top / 255)).astype(np.uint8)
    with pytest.raises(ValueError, match=f"the largest of all pixels is {top}.*stretch them"):
        recognizer.classify(small)
    assert recognizer.classify(np.zeros((2, 28, 28), np.uint8)).max() == np.float32(0.1)


# How digits lie.


@pytest.mark.parametrize(
    "changes", ["transpose", "mirror", "flip", "transpose,flip", "invert", "transpose,invert"]
)
def test_digits_that_lie_in_another_way_are_recognised_and_put_right(
    recognizer, digits, tmp_path, changes
):
    """Protects from learning of EMNIST's turned digits, or of dark ink, without a word."""
    np.savez(tmp_path / "good.npz", images=digits, labels=LABELS)
    turned = next(open_source(f"{tmp_path}/good.npz?{changes}").chunks(100)).pictures
    other = {"transpose,flip": "transpose,mirror"}.get(changes, changes)
    assert f"add ?{other} " in remedy(recognizer, turned)
    np.savez(tmp_path / "bad.npz", images=turned, labels=LABELS)
    right = load_dataset(f"npz:{tmp_path}/bad.npz?{other}")
    assert right.sha256 == load_dataset(f"npz:{tmp_path}/good.npz").sha256
    assert remedy(recognizer, right.images) == ""


def test_good_digits_and_few_digits_are_not_suspected(recognizer, digits):
    assert remedy(recognizer, digits) == ""
    assert remedy(recognizer, load_dataset("optdigits", "test").images) == ""
    assert remedy(recognizer, digits[:10].swapaxes(1, 2)) == ""
    assert remedy(recognizer, np.zeros((50, 28, 28), np.uint8)) == ""


def test_a_table_of_turned_digits_does_not_go_on_as_one_of_digits_put_right(digits, tmp_path):
    from digitlib.reading.batch import identity_of
    from digitlib.reading.models import PRETRAINED

    np.save(tmp_path / "a.npy", digits)
    sources = [open_source(f"{tmp_path}/a.npy{changes}") for changes in ("", "?transpose")]
    assert len({identity_of(source, PRETRAINED) for source in sources}) == 2


# Damaged files.


def damaged(file, digits):
    """Files that raised whatever NumPy, zlib and zipfile raise, by what is wrong with them."""
    good = io.BytesIO()
    np.savez_compressed(good, images=digits, labels=LABELS)
    middle = bytearray(good.getvalue())
    middle[2000:2100] = b"\xff" * 100
    yield "torn in the middle", "a.npz", bytes(middle)
    for name, packed in (("bzip2", zipfile.ZIP_BZIP2), ("lzma", zipfile.ZIP_LZMA)):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", packed) as archive:
            archive.writestr("images.npy", npy(digits))
        content = bytearray(stream.getvalue())
        content[60:400] = b"\xff" * 340
        yield f"torn {name}", "a.npz", bytes(content)
    unknown = good.getvalue().replace(b"\x08\x00\x00\x00!\x00", b"\x63\x00\x00\x00!\x00")
    yield "an unknown compression", "a.npz", unknown
    head = npy(digits)[:128]
    for name, header in (
        ("an endless header", head.replace(b"}", b"(")),
        ("more than any memory", head.replace(b"(100, 28, 28)", b"(9999999999, 28, 28)")),
        ("a negative shape", head.replace(b"(100, 28, 28)", b"(-10, 28, 28)")),
    ):
        yield name, "a.npy", header + digits.tobytes()
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("images.npy", npy(digits))
            archive.writestr("labels.npy", header)
        yield f"{name} of labels", "a.npz", stream.getvalue()
    packed = bytearray(gzip.compress(b"\0\0\x08\x03" + struct.pack(">3I", 100, 28, 28)))
    packed[12:20] = b"\xff" * 8
    yield "torn gzip", "train-images-idx3-ubyte.gz", bytes(packed)


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def test_damaged_files_are_one_clear_error(digits, tmp_path):
    for kind, name, content in damaged(tmp_path, digits):
        file = tmp_path / name
        file.write_bytes(content)
        with pytest.raises(DataError) as caught:
            for _ in open_source(file).chunks(30):
                pass
        assert str(caught.value).startswith(str(file)), kind
        assert len(str(caught.value)) < len(str(file)) + 300, kind


@pytest.mark.campaign
def test_no_damage_to_a_file_of_digits_is_a_raw_error(digits, tmp_path):
    """600 files with bytes changed or cut off: digits, or a `DataError` that names the file."""
    random = np.random.default_rng(0)
    np.savez_compressed(tmp_path / "a.npz", images=digits[:10], labels=LABELS[:10])
    np.save(tmp_path / "a.npy", digits[:10])
    write_csv(tmp_path / "a.csv.gz", labelled(digits)[:10], ["label", *PIXEL_COLUMNS])
    write_csv(tmp_path / "a.csv", labelled(digits)[:10], ["label", *PIXEL_COLUMNS])
    write_idx(tmp_path / "train-images-idx3-ubyte", digits[:10])
    parquet(tmp_path / "a.parquet", image=[png(image) for image in digits[:10]])
    for file in list(tmp_path.iterdir()):
        good = np.frombuffer(file.read_bytes(), np.uint8)
        for _ in range(100):
            changed = good.copy()
            # Most of what a file says of itself is at its ends.
            places = random.integers(1, 200, 4) * random.choice([-1, 1], 4)
            changed[places] = random.integers(0, 256, 4)
            end = random.choice([len(good), random.integers(len(good))])
            file.write_bytes(changed[:end].tobytes())
            assert read_or_refused(file)
        file.unlink()


def read_or_refused(file):
    try:
        return all(chunk.pictures.shape[1:] == (28, 28) for chunk in open_source(file).chunks(7))
    except DataError as fault:
        return str(fault).startswith(str(file))
