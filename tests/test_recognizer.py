"""The shipped model answers as its card says, whatever it is handed and from many threads."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from scipy.special import softmax

from digitlib import Recognizer, datasets
from digitlib.artifacts import FLOAT_FILE, INT8_FILE, ArtifactError, write_json
from digitlib.pixels.decoding import PictureError
from digitlib.reading.litert import Network
from digitlib.reading.models import PRETRAINED


@pytest.fixture(scope="module")
def recognizer():
    return Recognizer()


@pytest.fixture(scope="module")
def digits():
    """Real digits by people who are not in MNIST."""
    return datasets.load_dataset("optdigits", "test")


@pytest.fixture(scope="module")
def mnist_test():
    try:
        return datasets.load_dataset("mnist", "test")
    except datasets.DataError as fault:
        pytest.skip(f"MNIST is not here: {fault}")


def test_it_scores_on_mnist_what_its_card_publishes(recognizer, mnist_test):
    predicted = recognizer.classify(mnist_test.images).argmax(axis=1)
    published = recognizer.card["test"]
    assert mnist_test.sha256 == recognizer.card["test_sha256"]
    assert abs(int((predicted == mnist_test.labels).sum()) - published["correct"]) <= 2


def test_keras_and_litert_agree_on_every_mnist_test_image(recognizer, mnist_test):
    from digitlib.learning.exporting import load_model

    network = load_model(PRETRAINED)
    expected = network.predict(mnist_test.images[..., None], batch_size=500, verbose=0)
    logits = Network(PRETRAINED / "digits.tflite").logits(mnist_test.images)
    np.testing.assert_allclose(softmax(logits, axis=1), softmax(expected, axis=1), atol=1e-4)


def test_the_file_that_the_card_names_serves(recognizer, digits, tmp_path):
    """Of a model without a word of it, the one in float32: those made earlier have no other."""
    for file in PRETRAINED.glob("*.*"):
        shutil.copy(file, tmp_path)
    for serves, file in (
        ({}, FLOAT_FILE),
        ({"serves": FLOAT_FILE}, FLOAT_FILE),
        ({"serves": INT8_FILE}, INT8_FILE),
    ):
        card = {name: value for name, value in recognizer.card.items() if name != "serves"}
        write_json(tmp_path / "card.json", card | serves)
        reader = Recognizer(tmp_path)
        assert reader.file == tmp_path / file
        expected = Network(PRETRAINED / file).logits(digits.images)
        np.testing.assert_array_equal(reader.logits(digits.images), expected)


@pytest.mark.parametrize("n", [0, 1, 15, 16, 256, 300])
def test_batches_of_any_size_give_each_image_its_own_answer(recognizer, digits, n):
    batch = recognizer.classify(digits.images[:n])
    assert batch.shape == (n, 10)
    assert batch.dtype == np.float32
    np.testing.assert_allclose(batch.sum(axis=1), 1, rtol=1e-5)
    alone = [recognizer.classify(image[None])[0] for image in digits.images[:n]]
    np.testing.assert_allclose(batch, np.array(alone).reshape(n, 10), atol=1e-5)


def test_threads_do_not_disturb_each_other(recognizer, digits):
    expected = recognizer.classify(digits.images)
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda i: recognizer.classify(digits.images[i : i + 1])[0], range(200))
        np.testing.assert_allclose(list(answers), expected[:200], atol=1e-5)


@pytest.mark.parametrize(
    "images",
    [np.zeros((28, 28), np.uint8), np.zeros((1, 28, 28)), np.zeros((1, 32, 32), np.uint8), [[1]]],
    ids=["one without its axis", "float", "another size", "list"],
)
def test_wrong_images_are_refused_with_what_was_expected(recognizer, images):
    with pytest.raises(ValueError, match=r"expected uint8 \(N, 28, 28\)"):
        recognizer.classify(images)


def test_it_reads_pictures_by_unseen_writers(recognizer, digits):
    """Enlarged and dark on white, as a scan would be: the whole way from picture to digit."""
    pictures = [cv2.resize(255 - image, (120, 120)) for image in digits.images[:100]]
    read = [recognizer.read_digit(picture) for picture in pictures]
    right = sum(digit.label == label for digit, label in zip(read, digits.labels, strict=False))
    assert right >= 93
    assert all(0 <= digit.confidence <= 1 and digit.image.shape == (28, 28) for digit in read)


def test_several_digits_come_in_reading_order(recognizer, digits):
    """Two lines of three; what is written is what is read, with a box around each."""
    first = [int(np.flatnonzero(digits.labels == d)[0]) for d in (3, 0, 7, 2, 6, 8)]
    rows = [np.hstack([digits.images[i] for i in line]) for line in (first[:3], first[3:])]
    page = np.pad(np.vstack([np.pad(row, ((6, 6), (6, 6))) for row in rows]), 10)
    reading = recognizer.read_digits(cv2.resize(255 - page, None, fx=4, fy=4))
    assert reading.text == "307\n268"
    assert [len(line) for line in reading.lines] == [3, 3]
    assert all(w > 20 and h > 40 for _, _, w, h in (digit.box for digit in reading.digits))


def test_nothing_written_is_nothing_read(recognizer):
    blank = np.full((90, 90), 255, np.uint8)
    assert recognizer.read_digits(blank).text == ""
    assert recognizer.read_digits(blank).digits == []
    digit = recognizer.read_digit(blank)
    assert (digit.label, digit.confidence, digit.accepted) == (None, 0.0, False)


def test_what_is_no_picture_is_refused(recognizer):
    with pytest.raises(PictureError):
        recognizer.read_digit(b"not a picture")


@pytest.mark.parametrize(
    ("file", "damage", "reason"),
    [
        ("card.json", b'{"temperature": 0}', "temperature 0"),
        ("card.json", b'{"temperature": NaN}', "temperature nan"),
        ("card.json", b'{"threshold": 2}', "threshold 2"),
        ("card.json", b"", "Expecting value"),
        ("digits.int8.tflite", b"\0" * 5000, "no LiteRT model"),
        ("digits.int8.tflite", None, "no LiteRT model"),
    ],
)
def test_a_damaged_model_is_named_with_the_remedy(tmp_path, file, damage, reason):
    """Protects from `0000 nan%`, and from a traceback."""
    mine = tmp_path / "model"
    shutil.copytree(PRETRAINED, mine)
    if damage is None:
        (mine / file).unlink()
    else:
        (mine / file).write_bytes(damage)
    with pytest.raises(ArtifactError, match=reason) as caught:
        Recognizer(mine)
    assert str(mine / file) in str(caught.value)
    assert "make" in str(caught.value)
