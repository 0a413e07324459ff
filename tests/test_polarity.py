"""Ink becomes bright, whichever polarity a picture has."""

import numpy as np
import pytest

from digitlib import datasets
from digitlib.pixels.polarity import with_bright_ink


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Real digits, ink bright on 0."""
    return datasets.load_dataset("optdigits", "test").images


def test_bright_ink_stays_as_it_is(images):
    """Protects MNIST's digits, drawings on black and blank images from being touched."""
    assert with_bright_ink(images) is images
    assert with_bright_ink(images[:0]).shape == (0, 28, 28)
    for blank in (np.zeros((1, 28, 28), np.uint8), np.full((1, 28, 28), 255, np.uint8)):
        assert with_bright_ink(blank) is blank


def test_dark_ink_is_inverted_and_only_that(images):
    """Protects tables of scans: each image is judged by itself, whatever is beside it."""
    mixed = images[:50].copy()
    mixed[::3] = 255 - mixed[::3]
    np.testing.assert_array_equal(with_bright_ink(mixed), images[:50])


@pytest.mark.parametrize("wrong", [np.zeros((28, 28), np.uint8), np.zeros((1, 28, 28))])
def test_wrong_images_are_refused(wrong):
    with pytest.raises(ValueError, match=r"expected uint8 \(N, 28, 28\)"):
        with_bright_ink(wrong)
