"""The generator of pen-written digits: what it promises to whoever trains on it."""

import cv2
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from digitlib.synthetic.strokes import ALLOGRAPHS, draw_allograph, draw_digits

FORMS = [(digit, name) for digit, forms in ALLOGRAPHS.items() for name in forms]
LABELS = np.arange(2000) % 10


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return draw_digits(LABELS, seed=0)


def test_the_images_have_the_form_of_mnist(images):
    """Training mixes them with MNIST's arrays without a conversion."""
    assert images.shape == (2000, 28, 28)
    assert images.dtype == np.uint8
    assert (images.max(axis=(1, 2)) > 200).all(), "ink is bright"
    assert (np.median(images, axis=(1, 2)) == 0).all(), "on black"
    assert draw_digits(np.array([], int), seed=0).shape == (0, 28, 28)


def test_the_seed_decides_every_pixel(images):
    """A training run can be repeated; another seed brings new digits."""
    assert np.array_equal(draw_digits(LABELS, seed=0), images)
    assert np.array_equal(draw_digits(LABELS, np.random.default_rng(0)), images)
    other = draw_digits(LABELS, seed=1)
    assert (other != images).any(axis=(1, 2)).all()


@pytest.mark.parametrize(("digit", "name"), FORMS)
def test_every_allograph_draws_ink_that_varies(digit, name):
    """No entry of the table is blank, blotted out or always the same."""
    drawn = draw_allograph(digit, name, 30, seed=0)
    share = (drawn > 127).mean(axis=(1, 2))
    assert share.min() > 0.01
    assert share.max() < 0.4
    assert len(np.unique(drawn.reshape(30, -1), axis=0)) == 30


def test_size_and_centre_are_those_of_mnist(images):
    """The 20-pixel box and the centre of mass at (14, 14), which the reader also produces."""
    ink = images.astype(float)
    mass = ink.sum(axis=(1, 2))
    columns = (ink.sum(axis=1) * np.arange(28)).sum(axis=1) / mass
    rows = (ink.sum(axis=2) * np.arange(28)).sum(axis=1) / mass
    assert np.abs(np.stack([columns, rows]) - 14).max() < 0.25
    longer = [max(cv2.boundingRect((image > 60).astype(np.uint8))[2:]) for image in images]
    assert np.percentile(longer, 1) >= 19
    assert np.percentile(longer, 99) <= 21


def test_drawn_digits_keep_their_class(images):
    """Variation never makes one digit into another: each is nearest to others of its label."""
    labels = np.arange(4000) % 10
    nearest = KNeighborsClassifier(5).fit(_blurred(draw_digits(labels, seed=2)), labels)
    right = nearest.predict(_blurred(images)) == LABELS
    assert right.mean() > 0.95
    assert min(right[digit == LABELS].mean() for digit in range(10)) > 0.88


def test_real_digits_are_read_by_a_model_of_drawn_ones():
    """The labels mean what people mean by them: a model that saw drawn digits alone reads
    scikit-learn's 1,797 by 13 writers, even at 8×8 pixels (87 % when this was written).
    """
    labels = np.arange(4000) % 10
    real = load_digits()
    model = SVC(C=10).fit(_eight_by_eight(draw_digits(labels, seed=2)), labels)
    right = model.predict(_unit(real.images)) == real.target
    assert right.mean() > 0.84
    assert min(right[real.target == digit].mean() for digit in range(10)) > 0.55


@pytest.mark.parametrize("labels", [[10], [-1, 3], [2.5], ["7"], [[1, 2]], 3])
def test_labels_that_are_no_digits_are_refused(labels):
    """A wrong label becomes an error, not a blank or wrong image in a training set."""
    with pytest.raises(ValueError, match="integers from 0 to 9"):
        draw_digits(labels, seed=0)


def _blurred(images: np.ndarray) -> np.ndarray:
    return _unit([cv2.GaussianBlur(image.astype(np.float32), (0, 0), 1) for image in images])


def _eight_by_eight(images: np.ndarray) -> np.ndarray:
    """As scikit-learn's digits are: as tall as the frame, then averaged."""
    small = []
    for image in images:
        x, y, width, height = cv2.boundingRect((image > 60).astype(np.uint8))
        side = max(width, height)
        frame = np.zeros((height, side), np.float32)
        left = (side - width) // 2
        frame[:, left : left + width] = image[y : y + height, x : x + width]
        small.append(cv2.resize(frame, (8, 8), interpolation=cv2.INTER_AREA))
    return _unit(small)


def _unit(images) -> np.ndarray:
    rows = np.reshape(images, (len(images), -1))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
