"""The corruptions of MNIST-C: each spoils a picture in its own way, the same way every time."""

import numpy as np
import pytest

from digitlib import datasets
from digitlib.synthetic.corruptions import CORRUPTIONS, corrupt


@pytest.fixture(scope="module")
def digits():
    return datasets.load_dataset("optdigits", "test").images[:40]


def harm(images, name, severity):
    spoilt = corrupt(images, name, severity)
    return np.abs(spoilt.astype(int) - images).mean()


def test_there_are_the_fifteen_of_the_paper():
    assert list(CORRUPTIONS) == [
        "shot_noise", "impulse_noise", "glass_blur", "motion_blur", "shear", "scale", "rotate",
        "brightness", "translate", "stripe", "fog", "spatter", "dotted_line", "zigzag",
        "canny_edges",
    ]  # fmt: skip


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_picture_is_spoilt_in_the_same_way_in_any_batch(digits, name):
    """Protects comparisons between models: equal seeds give equal pictures, others do not."""
    before = digits.copy()
    spoilt = corrupt(digits, name, seed=3)
    assert spoilt.shape == digits.shape
    assert spoilt.dtype == np.uint8
    assert (spoilt != digits).any(axis=(1, 2)).all()
    np.testing.assert_array_equal(digits, before)
    np.testing.assert_array_equal(corrupt(digits[7:9], name, seed=3), spoilt[7:9])
    if name not in ("scale", "brightness", "stripe", "canny_edges"):  # nothing is drawn for these
        assert (corrupt(digits, name, seed=4) != spoilt).any()
    assert corrupt(digits[:0], name).shape == (0, 28, 28)


@pytest.mark.parametrize("name", [name for name in CORRUPTIONS if name != "canny_edges"])
def test_harm_grows_with_severity(digits, name):
    """Pictures differ more from the original; Canny's edges differ alike at any severity."""
    amounts = [harm(digits, name, severity) for severity in (1, 2, 3, 4, 5)]
    assert amounts == sorted(amounts)
    assert amounts[0] < harm(digits, name, 3.5) < amounts[4]


def test_severity_three_is_as_published(digits):
    """Figures of the static set: MNIST-C's own code, severities it was published with."""
    ground = digits[:, :3].max() == 0
    assert ground  # rows without ink, so that what is there afterwards was added
    assert (corrupt(digits, "brightness")[:, 0] == 128).all()
    stripe = corrupt(digits, "stripe")
    np.testing.assert_array_equal(stripe[:, :, 7:21], digits[:, :, 7:21])
    np.testing.assert_array_equal(stripe[:, :, :7], 255 - digits[:, :, :7])
    np.testing.assert_array_equal(stripe[:, :, 21:], 255 - digits[:, :, 21:])
    assert (corrupt(digits, "impulse_noise")[:, :3] == 255).mean() == pytest.approx(0.085, abs=0.01)
    small = corrupt(digits, "scale") > 40
    assert small.any(axis=2).sum(axis=1).max() <= 16
    assert set(np.unique(corrupt(digits, "canny_edges"))) == {0, 255}
    assert np.ptp(corrupt(digits, "fog")[:, 12:16].astype(int), axis=(1, 2)).max() < 130


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "snow"}, "no corruption is called 'snow'; there are shot_noise"),
        ({"severity": 0}, "from 1 to 5"),
        ({"severity": float("nan")}, "from 1 to 5"),
        ({"images": np.zeros((28, 28), np.uint8)}, r"expected uint8 \(N, 28, 28\)"),
        ({"images": np.zeros((2, 28, 28))}, r"expected uint8 \(N, 28, 28\)"),
    ],
)
def test_what_cannot_be_done_is_said(digits, change, message):
    with pytest.raises(ValueError, match=message):
        corrupt(**{"images": digits, "name": "fog", **change})
