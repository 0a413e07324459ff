"""Finding digits in a picture, and making each look like MNIST's."""

import cv2
import numpy as np
import pytest
from finding import find_digits
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from digitlib import Recognizer
from digitlib.pixels.normalisation import to_mnist
from digitlib.pixels.segmentation import find_digit, normalise

SCANS = load_digits().images


def digit(index: int, height: int = 64) -> np.ndarray:
    """A real handwritten digit enlarged from 8x8, uint8 (height, height), ink bright on 0."""
    enlarged = cv2.resize(SCANS[index], (height, height), interpolation=cv2.INTER_CUBIC)
    return np.clip((enlarged - 6) * 40, 0, 255).astype(np.uint8)


def page(placed: list[tuple[int, int, int]], shape=(400, 600)) -> np.ndarray:
    """White page with digits (index, x, y) on it."""
    ink = np.zeros(shape, np.uint8)
    for index, x, y in placed:
        window = ink[y : y + 64, x : x + 64]
        np.maximum(window, digit(index), out=window)
    return 255 - ink


def stroke(*points, size=128, thickness=5) -> np.ndarray:
    """White picture with lines drawn through groups of points."""
    picture = np.full((size, size), 255, np.uint8)
    for line in points:
        cv2.polylines(picture, [np.array(line)], False, 0, thickness, cv2.LINE_AA)
    return picture


def extent(image: np.ndarray) -> tuple[int, int]:
    """Width and height of what is visible."""
    return cv2.boundingRect((image > 40).astype(np.uint8))[2:]


@pytest.mark.parametrize("index", range(10))
def test_a_digit_has_mnists_size_and_place(index):
    """Protects the geometry of MNIST: 20 pixels at the longest, centre of mass at the centre."""
    drawing = np.full((300, 300), 255, np.uint8)
    drawing[20:84, 200:264] -= digit(index)
    image = normalise(drawing)
    assert 18 <= max(extent(image)) <= 21
    moments = cv2.moments(image)
    assert abs(moments["m10"] / moments["m00"] - 13.5) <= 0.8
    assert abs(moments["m01"] / moments["m00"] - 13.5) <= 0.8


@pytest.mark.parametrize("thickness", [1, 2, 4, 8, 14])
def test_stroke_width_is_mnists_whatever_the_pen(thickness):
    """Protects mouse hairlines from vanishing, and the loop of a marker's 0 from filling."""
    ring = np.full((128, 128), 255, np.uint8)
    cv2.ellipse(ring, (64, 64), (30, 45), 0, 0, 360, 0, thickness, cv2.LINE_AA)
    image = normalise(ring)
    assert image[8:20].max(axis=1).min() > 150  # every row through the ring meets firm ink
    assert image[14, 14] < 60  # and the hole stays open
    assert 1.2 < image[14].sum() / 255 / 2 < 4.5  # two walls


def test_a_blank_picture_shows_nothing():
    """Protects the empty canvas: zeros, no digit, an empty reading."""
    blank = np.full((128, 128), 255, np.uint8)
    assert not normalise(blank).any()
    assert find_digit(blank) is None
    assert find_digits(blank) == []


def test_digits_come_in_reading_order_with_their_boxes():
    """Protects lines, order and boxes: two slightly drifting lines of digits."""
    top = [(4, 40, 50), (7, 160, 56), (2, 280, 62), (9, 400, 68)]
    bottom = [(1, 80, 230), (8, 200, 224)]
    found = find_digits(page([*bottom, *top[::-1]]))
    assert len(found) == 6
    for (index, left, upper), one in zip([*top, *bottom], found, strict=True):
        x, y, width, height = one.box
        assert left <= x < x + width <= left + 64
        assert upper <= y < y + height <= upper + 64
        alone = normalise(255 - digit(index))
        assert np.corrcoef(alone.ravel(), one.image.ravel())[0, 1] > 0.9


def test_boxes_are_in_the_pixels_of_a_reduced_picture():
    """Protects boxes of camera pictures, which are read at a lower resolution."""
    small = page([(3, 100, 100), (5, 300, 100)])
    large = cv2.resize(small, None, fx=6, fy=6, interpolation=cv2.INTER_CUBIC)
    for one, big in zip(find_digits(small), find_digits(large), strict=True):
        assert np.abs(np.array(big.box) - 6 * np.array(one.box)).max() <= 18


@pytest.mark.parametrize(
    "strokes",
    [
        [[(45, 30), (45, 60), (70, 62), (75, 85), (42, 95)], [(52, 24), (80, 22)]],  # 5
        [[(45, 30), (40, 65), (80, 65)], [(66, 74), (64, 100)]],  # 4
    ],
)
def test_detached_strokes_stay_one_digit(strokes):
    """Protects a 5 whose bar, and a 4 whose leg, does not touch the rest."""
    picture = stroke(*strokes)
    assert len(find_digits(picture)) == 1
    assert np.array_equal(find_digits(picture)[0].image, normalise(picture))


def test_specks_and_pieces_of_a_frame_are_no_strokes():
    """Protects digits cut from forms: dirt and the box's walls leave no trace in the image."""
    clean = 255 - cv2.copyMakeBorder(digit(2), 24, 24, 24, 24, cv2.BORDER_CONSTANT)
    dirty = clean.copy()
    dirty[:, :5] = 0
    dirty[-4:, :] = 0
    for x, y in ((20, 15), (95, 12), (100, 95)):
        cv2.circle(dirty, (x, y), 1, 0, -1)
    assert np.corrcoef(normalise(dirty).ravel(), normalise(clean).ravel())[0, 1] > 0.98


def test_ruled_lines_through_a_digit_are_removed():
    """Protects writing on ruled paper."""
    clean = 255 - cv2.copyMakeBorder(digit(3), 32, 32, 32, 32, cv2.BORDER_CONSTANT)
    ruled = clean.copy()
    for y in range(10, 128, 26):
        ruled[y : y + 2] = np.minimum(ruled[y : y + 2], 90)
    assert np.corrcoef(normalise(ruled).ravel(), normalise(clean).ravel())[0, 1] > 0.9


@pytest.mark.parametrize("step", [36, 60])
def test_squared_paper_with_more_ink_than_the_digit_is_removed(step):
    """Protects writing on squared paper, printed firmly."""
    clean = 255 - cv2.copyMakeBorder(digit(3), 64, 64, 64, 64, cv2.BORDER_CONSTANT)
    squared = clean.copy()
    for at in range(10, 192, step):
        squared[at : at + 2] = np.minimum(squared[at : at + 2], 120)
        squared[:, at : at + 2] = np.minimum(squared[:, at : at + 2], 120)
    assert np.corrcoef(normalise(squared).ravel(), normalise(clean).ravel())[0, 1] > 0.75


def test_the_edge_of_a_shadow_across_a_digit_is_no_stroke():
    """Protects photos taken with the hand in the light."""
    clean = 255 - cv2.copyMakeBorder(digit(3), 64, 64, 64, 64, cv2.BORDER_CONSTANT)
    light = np.ones(clean.shape, np.float32)
    light[:, : clean.shape[1] // 2] = 0.6
    shaded = (clean * cv2.GaussianBlur(light, (0, 0), 2)).astype(np.uint8)
    assert np.corrcoef(normalise(shaded).ravel(), normalise(clean).ravel())[0, 1] > 0.9


def test_a_hairline_in_a_large_picture_does_not_vanish():
    """Protects a vector drawing exported at full size: a line of one pixel in 1,600."""
    large = np.full((1600, 1600), 255, np.uint8)
    cv2.ellipse(large, (800, 800), (450, 700), 0, 0, 360, 0, 1)
    small = stroke(np.array(cv2.ellipse2Poly((64, 64), (36, 56), 0, 0, 360, 5)).tolist())
    assert np.corrcoef(normalise(large).ravel(), normalise(small).ravel())[0, 1] > 0.85


@given(
    side=st.integers(1, 900),
    level=st.integers(1, 255),
    points=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=4),
)
def test_faint_strokes_of_any_extent_have_an_image(side, level, points):
    """Protects drawings whose lines fade away when they are reduced."""
    strokes = np.zeros((side, side), np.uint8)
    ends = np.array([[round(x * (side - 1)), round(y * (side - 1))] for x, y in points])
    cv2.polylines(strokes, [ends], False, level, 1)
    image = to_mnist(strokes)
    assert image.shape == (28, 28)
    assert image.any() == (level > 64)


@pytest.mark.parametrize("margin", [0, 1, 3])
@pytest.mark.parametrize(
    "points",
    [
        [(40, 40), (60, 22), (80, 40), (40, 100), (84, 100)],  # a 2 with a flat base
        [(40, 24), (84, 24), (56, 104)],  # a 7 with a flat bar
    ],
)
def test_the_bar_of_a_tightly_cropped_digit_is_no_ruled_line(points, margin):
    """Protects a digit cropped at its ink, whose bar reaches from edge to edge."""
    whole = stroke(points)
    x, y, width, height = cv2.boundingRect((whole < 200).astype(np.uint8))
    tight = whole[y - margin : y + height + margin, x - margin : x + width + margin]
    assert np.corrcoef(normalise(tight).ravel(), normalise(whole).ravel())[0, 1] > 0.95


def test_the_boxes_of_a_form_are_read_apart_from_what_is_written_elsewhere():
    """Protects forms: a digit from each filled box, none from its lines, and no number of both."""
    form = page([(6, 120, 200), (0, 222, 204), (1, 20, 20), (4, 100, 20)])
    for left in (100, 200, 300):
        cv2.rectangle(form, (left, 180), (left + 100, 290), 0, 3)
    assert Recognizer().read_digits(form).text == "14\n60"
