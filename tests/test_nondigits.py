"""Pictures of no digit: what keeps the network from being sure of everything."""

import numpy as np
import pytest

from digitlib.datasets import load_dataset
from digitlib.synthetic.nondigits import SIGNS, draw_nondigits
from digitlib.synthetic.strokes import draw_strokes


@pytest.fixture(scope="module")
def digits():
    return load_dataset("optdigits", "train")


@pytest.fixture(scope="module")
def drawn(digits):
    return draw_nondigits(300, digits.images, digits.labels, 0)


def test_they_stand_in_the_frame_of_the_digits(drawn):
    assert drawn.shape == (300, 28, 28)
    assert drawn.dtype == np.uint8
    assert (drawn.max(axis=(1, 2)) > 150).all()  # there is ink in each
    border = np.concatenate([drawn[:, 0], drawn[:, -1], drawn[:, :, 0], drawn[:, :, -1]], axis=1)
    assert (border > 0).mean() < 0.02


def test_one_seed_draws_the_same_and_another_does_not(drawn, digits):
    again = draw_nondigits(300, digits.images, digits.labels, 0)
    other = draw_nondigits(300, digits.images, digits.labels, 1)
    assert np.array_equal(drawn, again)
    assert not np.array_equal(drawn, other)


def test_none_is_a_training_digit_as_it_stands(drawn, digits):
    known = {image.tobytes() for image in digits.images}
    assert not known & {image.tobytes() for image in drawn}


@pytest.mark.parametrize("count", [0, 1, 7])
def test_any_number_can_be_had(digits, count):
    assert draw_nondigits(count, digits.images, digits.labels, 0).shape == (count, 28, 28)


@pytest.mark.parametrize("name", SIGNS)
def test_every_sign_can_be_drawn(name):
    assert (draw_strokes(SIGNS[name], 3, 0).sum(axis=(1, 2)) > 0).all()
