"""Pen-drawn digits and hands: what they promise to whoever trains on them."""

import cv2
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from digitlib.synthetic.numerals import HABITS, SCHOOLS, draw_digits, draw_hands, write
from digitlib.synthetic.strokes import draw_strokes

KINDS = ("forms", "unseen", "on_lines")
FORMS = [
    pytest.param(habit, path, id=f"{digit} {name}: {form}")
    for digit, habits in HABITS.items()
    for name, habit in habits.items()
    for kind in KINDS
    for form, path in getattr(habit, kind).items()
]
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


@pytest.mark.parametrize(("habit", "path"), FORMS)
def test_every_form_draws_ink_that_varies(habit, path):
    """No entry of the table is blank, blotted out or always the same."""
    drawn = draw_strokes(path, 30, 0, habit.thickest, habit.widest)
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
    labels = np.arange(8000) % 10
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


def test_a_hand_keeps_to_its_habits():
    """Protects "hands, not digits": the same form each time, and of one school."""
    random = np.random.default_rng(0)
    hands = draw_hands(200, random)
    assert hands.paths.shape == hands.habits.shape == (200, 10)
    ones = write(hands, np.repeat(np.arange(200), 2), np.ones(400, int), random)
    pairs = _unit(ones.astype(float)).reshape(200, 2, -1)
    own = (pairs[:, 0] * pairs[:, 1]).sum(axis=1).mean()
    others = (pairs[:-1, 0] * pairs[1:, 1]).sum(axis=1).mean()
    assert own > others + 0.1


@pytest.mark.parametrize(("school", "share"), [("american", 0.25), ("european", 0.7)])
def test_schools_differ_in_how_often_sevens_are_crossed(school, share):
    """Protects the frequencies, which are parameters: where 1s have hooks, 7s are crossed."""
    hands = draw_hands(500, np.random.default_rng(0), schools={school: 1})
    crossed = np.mean([habit.startswith("crossed") for habit in hands.habits[:, 7]])
    assert abs(crossed - share) < 0.2
    assert (np.mean(hands.habits[:, 1] == "hooked") > 0.3) == (school == "european")


def test_balanced_hands_have_all_habits_of_a_digit_equally_often():
    """Protects rare habits in training: with a balance of 1 none is rarer than others."""
    hands = draw_hands(2000, np.random.default_rng(0), balance=1.0)
    for digit in range(10):
        _, counts = np.unique(hands.habits[:, digit].astype(str), return_counts=True)
        assert counts.max() < 1.4 * counts.min()


def test_training_never_sees_what_is_held_out():
    """Protects what validation says of unseen forms: no form of one kind is in another."""
    drawn = {
        kind: {
            path for row in draw_hands(300, np.random.default_rng(0), (kind,)).paths for path in row
        }
        for kind in ("forms", "unseen")
    }
    assert not drawn["forms"] & drawn["unseen"]
    for habits in HABITS.values():
        assert any(habit.unseen for habit in habits.values())
        for habit in habits.values():
            assert habit.often.keys() == SCHOOLS.keys()


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
