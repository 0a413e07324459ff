"""The table under a sheet of paper is no ink; what is no sheet stays as it is."""

import cv2
import numpy as np
import pytest
from finding import find_digits

from digitlib import datasets
from digitlib.pixels.background import without_table
from digitlib.pixels.segmentation import normalise

SHEETS = {
    "lying on the table": [(90, 60), (330, 70), (320, 290), (80, 280)],
    "cut by one edge": [(0, 0), (330, 0), (325, 360), (0, 360)],
    "cut by two edges": [(70, 50), (480, 40), (480, 360), (60, 360)],
}


@pytest.fixture(scope="module")
def digit() -> np.ndarray:
    image = datasets.load_dataset("optdigits").images[3]
    return cv2.resize(image, (112, 112), interpolation=cv2.INTER_CUBIC)


def photo(digit, corners, table=60, paper=205) -> np.ndarray:
    """A sheet with a digit on it, on a table with a grain."""
    random = np.random.default_rng(0)
    sheet = np.zeros((360, 480), np.uint8)
    cv2.fillConvexPoly(sheet, np.array(corners, np.int32), 1)
    written = np.full((360, 480), float(paper))
    written[120:232, 150:262] -= digit * ((paper - 40) / 255)
    grain = random.normal(0, 5, (360, 480))
    return np.clip(np.where(sheet, written, table) + grain, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("corners", SHEETS.values(), ids=SHEETS)
def test_a_digit_on_a_sheet_is_found_whatever_it_lies_on(digit, corners):
    """Protects photos of a note on a dark desk, whose sheet is brighter than any stroke."""
    picture = photo(digit, corners)
    plain = np.full((200, 200), 255, np.uint8)
    plain[44:156, 44:156] -= digit
    assert np.corrcoef(normalise(picture).ravel(), normalise(plain).ravel())[0, 1] > 0.9
    [found] = find_digits(picture)
    x, y, width, height = found.box
    assert 150 <= x <= x + width <= 262
    assert 120 <= y <= y + height <= 232


@pytest.mark.parametrize("cut", ["cut by one edge", "cut by two edges"])
def test_half_of_the_paper_in_shadow_is_no_table(digit, cut):
    picture = photo(digit, SHEETS[cut], table=140)
    assert np.array_equal(without_table(picture), picture)


def test_bright_strokes_on_black_are_no_sheet(digit):
    """Protects drawings in white: the thickest of their strokes, bars and rings too."""
    random = np.random.default_rng(0)
    for _ in range(200):
        black = np.zeros((128, 128), np.uint8)
        a, b = random.integers(10, 118, (2, 2)).tolist()
        if random.random() < 0.5:
            cv2.line(black, a, b, 255, int(random.integers(4, 50)))
        else:
            axes = random.integers(15, 50, 2).tolist()
            cv2.ellipse(black, (64, 64), axes, 0, 0, 360, 255, int(random.integers(4, 30)))
        assert np.array_equal(without_table(black), black)


@pytest.mark.parametrize("corners", SHEETS.values(), ids=SHEETS)
def test_a_sheet_with_nothing_on_it_says_nothing(digit, corners):
    """Protects from reading the desk around an empty sheet."""
    empty = photo(np.zeros_like(digit), corners)
    assert find_digits(empty) == []
    assert not normalise(empty).any()
