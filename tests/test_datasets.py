"""Data comes in whole and right, or the error says what is wrong with which file."""

import gzip
from dataclasses import replace

import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image

from digitlib import datasets
from digitlib.datasets import DataError, load_dataset
from digitlib.pixels.formats import SUFFIXES

LABELS = np.repeat(np.arange(10, dtype=np.uint8), 10)


@pytest.fixture
def digits():
    """A hundred real digits, ten of each."""
    full = load_dataset("optdigits")
    return np.concatenate([full.images[full.labels == d][:10] for d in range(10)])


@pytest.fixture
def idx(tmp_path, digits):
    write_idx(tmp_path / "train-images-idx3-ubyte", digits)
    write_idx(tmp_path / "train-labels-idx1-ubyte", LABELS)
    return tmp_path


@pytest.fixture
def folder(tmp_path, digits):
    for i, (image, label) in enumerate(zip(digits, LABELS, strict=True)):
        (tmp_path / str(label)).mkdir(exist_ok=True)
        # Ink dark on white, larger than 28 pixels: what people have.
        cv2.imwrite(str(tmp_path / str(label) / f"{i}.png"), cv2.resize(255 - image, (90, 90)))
    return tmp_path


@pytest.fixture
def csv(tmp_path, digits):
    return write_csv(tmp_path / "train.csv", digits, LABELS)


def write_idx(path, array):
    head = (0x0800 + array.ndim).to_bytes(4, "big")
    head += b"".join(n.to_bytes(4, "big") for n in array.shape)
    path.write_bytes(head + array.tobytes())


def write_csv(path, images, labels=None):
    names = [f"pixel{i}" for i in range(784)]
    table = images.reshape(len(images), 784).astype(int)
    if labels is not None:
        names, table = ["label", *names], np.column_stack([labels, table])
    rows = [",".join(names), *(",".join(map(str, row)) for row in table)]
    path.write_text("\n".join(rows) + "\n")
    return path


def npz(csv, digits):
    file = csv.with_suffix(".npz")
    np.savez(file, images=digits, labels=LABELS)
    return file


def refuses(spec, *words, part="train"):
    with pytest.raises(DataError) as caught:
        load_dataset(spec, part)
    for word in words:
        assert word in str(caught.value)


def test_optdigits_is_split_into_fixed_stratified_parts():
    train, test = load_dataset("optdigits"), load_dataset("optdigits", "test")
    assert (len(train), len(test)) == (1437, 360)
    assert train.images.shape == (1437, 28, 28)
    assert train.images.dtype == np.uint8
    assert set(np.bincount(test.labels)) <= set(range(34, 38))
    assert train.sha256 == load_dataset("optdigits").sha256 != test.sha256
    seen = {image.tobytes() for image in train.images}
    assert sum(image.tobytes() in seen for image in test.images) == 0


def test_mnist_has_its_published_size_and_counts():
    """The class counts are those of the published files."""
    try:
        train, test = load_dataset("mnist"), load_dataset("mnist", "test")
    except DataError as fault:
        pytest.skip(f"MNIST is not here: {fault}")
    assert np.bincount(train.labels).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949
    ]  # fmt: skip
    assert len(test) == 10_000


def test_mnist_offline_says_what_to_do(monkeypatch, tmp_path):
    """Without the files and without a network, one sentence names both remedies."""

    def no_network(*arguments, **keywords):
        raise OSError("Network is unreachable")

    monkeypatch.setenv("DIGITLIB_DATA", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    import keras

    monkeypatch.setattr(keras.datasets.mnist, "load_data", no_network)
    refuses("mnist", "connect to the internet once", "DIGITLIB_DATA", str(tmp_path / "mnist"))


def test_mnist_with_a_changed_byte_is_refused(monkeypatch, tmp_path, digits):
    folder = tmp_path / "mnist"
    folder.mkdir()
    write_idx(folder / "train-images-idx3-ubyte", digits)
    write_idx(folder / "train-labels-idx1-ubyte", LABELS)
    monkeypatch.setenv("DIGITLIB_DATA", str(tmp_path))
    refuses("mnist", "train-images-idx3-ubyte", "checksum", "download it again")


def test_idx_plain_and_gzipped_give_the_same(idx):
    plain = load_dataset(f"idx:{idx}")
    file = idx / "train-images-idx3-ubyte"
    (idx / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(file.read_bytes()))
    file.unlink()
    assert load_dataset(f"idx:{idx}").sha256 == plain.sha256
    assert len(plain) == 80


def test_idx_with_test_files_uses_them(idx, digits):
    write_idx(idx / "t10k-images-idx3-ubyte", digits[::2])
    write_idx(idx / "t10k-labels-idx1-ubyte", LABELS[::2])
    assert len(load_dataset(f"idx:{idx}")) == 100
    assert len(load_dataset(f"idx:{idx}", "test")) == 50


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda raw: raw[:-1], ["header promises", "truncated"]),
        (lambda raw: raw[:7], ["not an IDX file of images"]),
        (lambda raw: b"", ["not an IDX file of images"]),
        (lambda raw: b"\x00\x00\x08\x01" + raw[4:], ["not an IDX file of images", "0x00000801"]),
    ],
    ids=["truncated", "header only", "empty", "labels for images"],
)
def test_damaged_idx_is_refused(idx, damage, words):
    file = idx / "train-images-idx3-ubyte"
    file.write_bytes(damage(file.read_bytes()))
    refuses(f"idx:{idx}", file.name, *words)


def test_truncated_gzip_and_missing_idx_are_refused(idx):
    file = idx / "train-labels-idx1-ubyte"
    (idx / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes())[:-9])
    file.unlink()
    refuses(f"idx:{idx}", f"{file.name}.gz", "not a whole gzip file")
    (idx / f"{file.name}.gz").unlink()
    refuses(f"idx:{idx}", file.name, "missing")


def test_idx_with_fewer_labels_than_images_or_a_label_of_ten_is_refused(idx):
    write_idx(idx / "train-labels-idx1-ubyte", LABELS[:-1])
    refuses(f"idx:{idx}", "100 images but 99 labels")
    write_idx(idx / "train-labels-idx1-ubyte", np.where(LABELS == 9, 10, LABELS))
    refuses(f"idx:{idx}", "sample 90 has label 10", "0 to 9")


def test_folder_reads_pictures_of_any_size(folder):
    train, test = load_dataset(f"folder:{folder}"), load_dataset(f"folder:{folder}", "test")
    assert (len(train), len(test)) == (80, 20)
    assert np.bincount(train.labels).tolist() == [8] * 10
    assert 20 < train.images.mean() < 80, "ink is bright on black, whatever it was in the file"
    assert train.left_out == ()


def test_folder_reports_what_it_leaves_out(folder):
    """Nothing is skipped in silence: every unusable file is returned with its reason."""
    (folder / "3" / "empty.png").write_bytes(b"")
    (folder / "3" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not really")
    (folder / "4" / "notes.txt").write_text("hello")
    cv2.imwrite(str(folder / "5" / "blank.png"), np.full((40, 40), 255, np.uint8))
    dataset = load_dataset(f"folder:{folder}")
    assert {name for name, _ in dataset.left_out} == {
        "3/empty.png",
        "3/broken.jpg",
        "4/notes.txt",
        "5/blank.png",
    }
    assert all(reason for _, reason in dataset.left_out)


def test_folder_reports_what_lies_beside_its_pictures(folder):
    (folder / "10").mkdir()
    (folder / "readme.txt").write_text("hello")
    (folder / "3" / "more").mkdir()
    (folder / "3" / ".DS_Store").write_text("a file that a program keeps for itself")
    dataset = load_dataset(f"folder:{folder}")
    assert [name for name, _ in dataset.left_out] == ["10", "readme.txt", "3/more"]


def test_each_page_in_a_folder_is_a_digit(folder, digits):
    sheets = [Image.fromarray(cv2.resize(255 - image, (90, 90))) for image in digits[40:43]]
    sheets[0].save(folder / "4" / "scan.pdf", save_all=True, append_images=sheets[1:])
    parts = [load_dataset(f"folder:{folder}", part) for part in ("train", "test")]
    assert sum((part.labels == 4).sum() for part in parts) == 13


def test_the_first_samples_are_at_most_all():
    """Protects a limit above the number of digits, which stopped notebooks 02 and 04."""
    full = load_dataset("optdigits")
    assert len(full.first(5)) == 5
    assert np.array_equal(full.first(5).labels, full.labels[:5])
    assert len(full.first(0)) == len(full.first(10**9)) == len(full)
    with pytest.raises(DataError, match="the first -1 samples cannot be taken"):
        full.first(-1)


def test_folder_reads_what_a_batch_reads(folder):
    """One set of picture formats, whatever the pictures are for."""
    pillow_heif.register_heif_opener()
    for number, suffix in enumerate(SUFFIXES):
        image = np.full((40, 40, 3), 255, np.uint8)
        image[5:35, 18:22] = 0
        Image.fromarray(image).save(folder / "1" / f"more{number}{suffix}")
    dataset = load_dataset(f"folder:{folder}")
    assert dataset.left_out == ()
    assert np.bincount(dataset.labels)[1] == (10 + len(SUFFIXES)) * 4 // 5


def test_missing_empty_and_incomplete_folders_are_refused(folder):
    refuses(f"folder:{folder}/nowhere", "nowhere", "no such file or folder")
    for file in (folder / "7").iterdir():
        file.unlink()
    refuses(f"folder:{folder}", "no pictures of digit 7")
    (folder / "7" / "a.png").write_bytes(b"")
    refuses(f"folder:{folder}", "no pictures of digit 7", "7/a.png")


def test_csv_with_and_without_labels(csv, digits):
    assert load_dataset(f"csv:{csv}").images.shape == (80, 28, 28)
    unlabelled = write_csv(csv.with_name("test.csv"), digits)
    refuses(f"csv:{unlabelled}", "no labels")
    dataset = load_dataset(f"csv:{unlabelled}", labels_required=False)
    assert dataset.labels is None
    assert np.array_equal(dataset.images, digits)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("pixel783", "pixel784", ["columns", "expected label,pixel0"]),
        ("\n0,", "\n11,", ["line 2, column label", "11", "0 to 9"]),
        ("0,0,0\n", "0,0,256\n", ["line 2, column pixel783", "256", "0 to 255"]),
        ("0,0,0\n", "0,0,-1\n", ["line 2, column pixel783", "-1"]),
        ("0,0,0\n", "0,0,ink\n", ["line 2, column pixel783", "ink"]),
        ("0,0,0\n", "0,0,\n", ["line 2, column pixel783"]),
    ],
    ids=["column", "label", "bright", "negative", "text", "missing"],
)
def test_wrong_csv_is_refused_with_line_and_column(csv, old, new, words):
    csv.write_text(csv.read_text().replace(old, new, 1))
    refuses(f"csv:{csv}", csv.name, *words)


def test_csv_of_other_programs_is_read(csv, digits):
    """With a byte order mark, quoted names and cells, decimal points and empty lines."""
    head, *rows = csv.read_text().splitlines()
    quoted = ",".join(f'"{name}"' for name in head.split(","))
    rows[1] = rows[1].replace(",0,", ',"0",', 1).replace(",0,", ",0.0,", 1)
    csv.write_text("\r\n".join([quoted, *rows[:50], "", *rows[50:]]), encoding="utf-8-sig")
    assert load_dataset(f"csv:{csv}").sha256 == load_dataset(f"npz:{npz(csv, digits)}").sha256
    csv.write_text(csv.read_text().replace("\n9,", "\nx,"))
    refuses(f"csv:{csv}", "line 93, column label")


def test_csv_with_too_many_cells_or_no_rows_is_refused(csv):
    text = csv.read_text()
    csv.write_text(text + text.splitlines()[1] + ",0\n")
    refuses(f"csv:{csv}", "line 102, 785 pixels instead of 784")
    csv.write_text(text.splitlines()[0] + "\n")
    refuses(f"csv:{csv}", "it holds no digits")


def test_files_stored_in_other_ways_give_the_same(csv, digits):
    """A gzipped table, and an archive whose images NumPy stored by columns."""
    plain = load_dataset(f"csv:{csv}").sha256
    packed = csv.with_suffix(".csv.gz")
    packed.write_bytes(gzip.compress(csv.read_bytes()))
    assert load_dataset(f"csv:{packed}").sha256 == plain
    packed.write_bytes(packed.read_bytes()[:-20])
    refuses(f"csv:{packed}", "not a CSV table")
    file = npz(csv, np.asfortranarray(digits))
    assert load_dataset(f"npz:{file}").sha256 == plain


def test_empty_csv_is_refused(csv):
    csv.write_text("")
    refuses(f"csv:{csv}", csv.name, "not a CSV table")


def test_npz_is_read_and_checked(tmp_path, digits):
    file = tmp_path / "digits.npz"
    np.savez(file, images=digits, labels=LABELS)
    assert len(load_dataset(f"npz:{file}")) == 80
    np.savez(file, images=digits / 255, labels=LABELS)
    refuses(f"npz:{file}", "float64", "must be uint8")
    np.savez(file, images=digits, labels=LABELS - 1.0)
    refuses(f"npz:{file}", "0 to 9")
    np.savez(file, pictures=digits)
    refuses(f"npz:{file}", "no array named 'images'")
    file.write_bytes(file.read_bytes()[:50])
    refuses(f"npz:{file}", "not a readable .npz")


def test_npz_that_would_execute_code_is_refused(tmp_path):
    """Pickled objects run code when loaded; they are never loaded."""
    file = tmp_path / "objects.npz"
    np.savez(file, images=np.array([{}], dtype=object))
    refuses(f"npz:{file}", "not a readable .npz")


def test_a_missing_class_is_refused(tmp_path, digits):
    file = tmp_path / "digits.npz"
    np.savez(file, images=digits[:90], labels=LABELS[:90])
    refuses(f"npz:{file}", "no images of digit 9")


def test_a_class_of_one_cannot_be_split(tmp_path, digits):
    file = tmp_path / "digits.npz"
    np.savez(file, images=digits[:91], labels=LABELS[:91])
    refuses(f"npz:{file}", "digit 9 has fewer than two samples")


@pytest.mark.parametrize("spec", ["minst", "mnist:x", "folder:", "csv"])
def test_unknown_spec_lists_the_known(spec):
    refuses(spec, repr(spec), "optdigits, mnist, idx:DIR")


def test_split_is_stratified_seeded_and_loses_nothing():
    full = load_dataset("optdigits")
    train, held = datasets.split(full, 0.1, seed=3)
    again, _ = datasets.split(full, 0.1, seed=3)
    other, _ = datasets.split(full, 0.1, seed=4)
    assert len(held) == 144
    assert sorted(map(bytes, [*train.images, *held.images])) == sorted(map(bytes, full.images))
    assert np.ptp(np.bincount(held.labels)) <= 2
    assert train.sha256 == again.sha256 != other.sha256
    assert len(datasets.split(full, 200, seed=0)[1]) == 200


def test_where_hands_lie_together_the_last_ones_are_held_out():
    """Protects validation from digits by hands that were learnt from."""
    full = replace(load_dataset("optdigits"), by_writer=True)
    for validation in (137, 137 / len(full)):
        train, held = datasets.split(full, validation, seed=3)
        assert np.array_equal(np.concatenate([train.images, held.images]), full.images)
        assert len(held) == 137
    assert len(datasets.split(held, 0.5)[1]) == 68
    for validation in (len(full), 0.0001):
        with pytest.raises(DataError, match="cannot hold out"):
            datasets.split(full, validation)


def test_split_that_leaves_too_little_is_refused():
    with pytest.raises(DataError, match="cannot hold out"):
        datasets.split(load_dataset("optdigits"), 5, seed=0)


def test_folds_hold_out_every_sample_once():
    """Protects out-of-fold answers: stratified, the same each time, none seen and judged."""
    digits = datasets.load_dataset("optdigits")
    numbered = replace(digits, images=digits.images.copy())
    numbered.images[:, 0, 0], numbered.images[:, 0, 1] = np.divmod(np.arange(len(digits)), 256)
    seen = []
    for number in range(5):
        train, held = datasets.fold(numbered, 5, number)
        assert len(train) + len(held) == len(digits)
        assert np.ptp(np.bincount(held.labels) - np.bincount(digits.labels) / 5) < 2
        seen += (256 * held.images[:, 0, 0].astype(int) + held.images[:, 0, 1]).tolist()
    assert sorted(seen) == list(range(len(digits)))
    with pytest.raises(DataError, match="no fold 5 of 5"):
        datasets.fold(digits, 5, 5)
    with pytest.raises(DataError, match="too few for 5 folds"):
        datasets.fold(digits.take(np.arange(30)), 5, 0)
