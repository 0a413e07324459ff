"""What notebook 01 says of a data set is true: measured on pictures whose answers are known."""

import warnings

import cv2
import numpy as np
import pandas as pd
import pytest

from digitlib import datasets
from digitlib.measuring import evaluation
from digitlib.measuring import images as measure
from digitlib.reporting.figures import exploration as plots
from digitlib.reporting.figures.style import COLOURS, figure
from digitlib.reporting.findings import exploration as findings


@pytest.fixture(scope="module")
def digits():
    return datasets.load_dataset("optdigits", "train")


@pytest.fixture(scope="module")
def table(digits):
    return measure.properties(digits.images)


def bar(width: float = 3, angle: float = 0, length: float = 16, dx: float = 0, dy: float = 0):
    """A bright bar (28, 28) leaning ``angle``° to the right, (dx, dy) off the middle."""
    zoom = 16
    lean = np.radians(angle)
    foot = length / 2 * np.tan(lean)
    corners = [(foot, -1), (-foot, 1)]
    x = [sx + side * width / 2 for sx, _ in corners for side in (-1, 1)]
    y = [sy * length / 2 for _, sy in corners for _ in (-1, 1)]
    points = np.array([(x[0], y[0]), (x[1], y[1]), (x[3], y[3]), (x[2], y[2])])
    large = np.zeros((28 * zoom, 28 * zoom), np.uint8)
    cv2.fillPoly(large, [np.round((points + 14 + [dx, dy]) * zoom).astype(np.int32)], 255)
    return cv2.resize(large, (28, 28), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("angle", [-40, -10, 0, 25])
def test_slant_is_the_angle_a_bar_was_sheared_by(angle):
    found = measure.properties(bar(3, angle)[None])["slant_degrees"][0]
    assert found == pytest.approx(angle, abs=1)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 6])
def test_stroke_width_is_that_of_the_bar(width):
    # Odd widths are put on whole pixels. The ends take a tenth at most.
    found = measure.subpixel_stroke_width(bar(width, length=22, dx=width % 2 / 2))
    assert found == pytest.approx(width, abs=0.25, rel=0.1)


def test_stroke_width_holds_for_faint_and_for_leaning_strokes():
    assert measure.subpixel_stroke_width(bar(4) // 3) == pytest.approx(4, abs=0.5)
    # Sheared by 45°, a bar is narrower across by the cosine.
    leaning = measure.subpixel_stroke_width(bar(4, 45, 18))
    assert leaning == pytest.approx(4 * np.cos(np.pi / 4), abs=0.35)


def test_centre_of_mass_is_where_the_bar_was_put():
    found = measure.properties(np.stack([bar(dx=3, dy=-2), bar(dx=-1.5)]))
    assert found["centre_x_pixels"].tolist() == pytest.approx([3, -1.5], abs=0.05)
    assert found["centre_y_pixels"].tolist() == pytest.approx([-2, 0], abs=0.05)


def test_ink_brightness_and_contrast_of_a_square():
    square = np.zeros((1, 28, 28), np.uint8)
    square[:, 7:21, 7:21] = 200
    row = measure.properties(square).iloc[0]
    assert row["ink_coverage_percent"] == pytest.approx(25)
    assert row["brightness"] == pytest.approx(50)
    assert row["contrast"] == pytest.approx(square.std())


def test_a_blank_image_has_no_slant_and_gives_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        row = measure.properties(np.zeros((1, 28, 28), np.uint8)).iloc[0]
    assert row["ink_coverage_percent"] == row["brightness"] == row["contrast"] == 0
    assert row[["stroke_width_pixels", "slant_degrees", "centre_x_pixels"]].isna().all()


def test_properties_do_not_depend_on_how_many_images_are_measured_at_once(digits, monkeypatch):
    few = digits.images[:20]
    at_once = measure.properties(few)
    monkeypatch.setattr(measure, "BATCH", 7)
    pd.testing.assert_frame_equal(at_once, measure.properties(few))


def test_duplicates_are_found_within_and_across_parts(digits):
    images = digits.images[:50].copy()
    images[40] = images[30] = images[3]
    images[49] = images[8]
    groups = [group.tolist() for group in measure.duplicates(images)]
    assert groups == [[3, 30, 40], [8, 49]]
    nearly = images[:4].copy()
    nearly[0, 0, 0] ^= 1
    assert measure.shared(nearly, images).tolist() == [False, True, True, True]


def test_images_of_one_grey_level_are_found():
    images = np.stack([np.zeros((28, 28)), np.full((28, 28), 9), bar()]).astype(np.uint8)
    assert measure.constant(images).tolist() == [True, True, False]


def test_nearest_neighbours_agree_with_a_plain_search(digits):
    images, others = digits.images[:30], digits.images[30:90]
    gaps = np.sqrt(((images[:, None].astype(float) - others[None]) ** 2).mean(axis=(2, 3)))
    index, distance = measure.nearest(images, others)
    assert index.tolist() == gaps.argmin(axis=1).tolist()
    np.testing.assert_allclose(distance, gaps.min(axis=1), rtol=1e-5)
    fellow, _ = measure.nearest(images)
    assert (fellow != np.arange(30)).all()


def test_confused_pairs_count_both_directions():
    counts = np.zeros((10, 10), int)
    counts[4, 9], counts[9, 4], counts[3, 5], counts[7, 7] = 2, 3, 4, 99
    assert evaluation.confused_pairs(counts) == [(4, 9, 5), (3, 5, 4)]


def test_the_class_decides_all_or_nothing():
    labels = np.repeat([0, 1], 50)
    told = pd.DataFrame({"all": labels * 2.0, "nothing": np.tile([0.0, 1.0], 50)})
    decided = measure.decided_by_class(told, labels)
    assert decided["all"] == pytest.approx(100)
    assert decided["nothing"] == pytest.approx(0)


def test_a_foreign_image_is_odd_in_its_class(digits):
    labels = digits.labels.copy()
    stranger = int(np.flatnonzero(labels == 0)[0])
    labels[stranger] = 7
    oddness = measure.oddness(digits.images, labels)
    assert oddness[stranger] > np.percentile(oddness[labels == 7], 99)


def test_far_out_is_judged_within_each_class():
    values = np.concatenate([np.arange(20), np.arange(20) + 1000, [200, 1200]])
    labels = np.repeat([0, 1, 0, 1], [20, 20, 1, 1])
    assert np.flatnonzero(measure.far_out(values, labels)).tolist() == [40, 41]


def test_parts_differ_only_when_they_do(table):
    halves = table.iloc[::2], table.iloc[1::2]
    assert (measure.compare(*halves)["p_value"] > 0.05).all()
    thicker = halves[1].assign(stroke_width_pixels=halves[1]["stroke_width_pixels"] + 1)
    gaps = measure.compare(halves[0], thicker)
    assert gaps["gap_percent"].idxmax() == "stroke_width_pixels"
    assert gaps.loc["stroke_width_pixels", "p_value"] < 0.001
    assert "in stroke width." in findings.parts(gaps)


def test_the_chance_gap_is_passed_one_time_in_twenty():
    chance = np.random.default_rng(0)
    parts = [pd.DataFrame(chance.normal(size=(400, 300))) for _ in range(2)]
    gaps = measure.compare(*parts)
    passed = (gaps["gap_percent"] > gaps["by_chance_percent"]).mean()
    assert 0.02 < passed < 0.08


def test_neighbours_by_one_hand_are_seen_and_others_are_not():
    """Protects the warning that a random part shares its hands with the rest."""
    chance, n = np.random.default_rng(0), 2000
    hands = np.repeat(chance.normal(size=n // 20), 20)
    labels = np.arange(n) % 10
    stroke = 3 + 0.5 * labels + chance.normal(size=n)  # the digit decides most of it
    mixed = pd.DataFrame({"slant_degrees": chance.normal(size=n), "stroke_width_pixels": stroke})
    by_hand = mixed.assign(slant_degrees=mixed["slant_degrees"] + hands)
    alike = measure.alike_by_distance(by_hand, labels)
    assert alike.loc[1, "slant_degrees"] == pytest.approx(0.5, abs=0.1)
    assert abs(alike.loc[30:, "slant_degrees"].mean()) < 0.05
    assert alike["stroke_width_pixels"].abs().max() < 0.1
    assert alike.index.max() <= n / 4
    told = findings.neighbours(alike, n, by_writer=True)
    assert "alike in slant" in told
    assert "last ones of the training" in told
    assert "share writers" in findings.neighbours(alike, n, by_writer=False)
    none = findings.neighbours(measure.alike_by_distance(mixed, labels), n, by_writer=False)
    assert "nothing shows that digits of one writer lie together" in none


def test_the_summary_holds_when_nothing_is_wrong_and_nothing_confused(table):
    gaps = measure.compare(table, table)
    numbers = {
        "nearest_neighbour": {"accuracy_percent": 100.0, "n": 10},
        "train_test_gaps": gaps.to_dict("index"),
        "faults": {"copies": 0},
        "confused_pairs": [],
        "far_out_images": np.array([], int),
        "majority_accuracy_percent": 10.0,
        "nearest_mean_accuracy_percent": 90.0,
        "training_images": 10,
    }
    told = findings.summary(numbers)
    assert "Faults in the data**: none." in told
    assert "Hard to tell apart**: none." in told
    assert "0 of 7 properties" in told


def test_every_figure_is_drawn_without_a_warning(digits, table):
    images, labels = digits.images, digits.labels
    test = datasets.load_dataset("optdigits", "test").images
    few = measure.subset(len(images), 150, seed=0)
    neighbour, _ = measure.nearest(images[few])
    counts = evaluation.confusion_matrix(labels[few], labels[few][neighbour])
    pairs = evaluation.confused_pairs(counts)
    gaps = measure.compare(table, measure.properties(test))
    points = np.random.default_rng(0).normal(size=(len(few), 2))
    drawn = [
        plots.samples(images, labels, seed=0),
        plots.class_balance(np.bincount(labels)),
        plots.closest_pairs(test[:10], images[:10], range(10)),
        plots.pixels(images),
        plots.class_means(*measure.means_and_spreads(images, labels)),
        plots.properties_by_class(table, labels),
        plots.extremes(images, table),
        plots.odd_ones(images, labels, table["contrast"].to_numpy(), labels == 3),
        plots.parts_compared(table, measure.properties(test), gaps),
        plots.alike_by_distance(measure.alike_by_distance(table, labels), len(labels)),
        plots.confusable(images[few], labels[few], neighbour, counts, pairs),
        plots.confusable(images[few], labels[few], few * 0, np.eye(10, dtype=int), []),
        plots.class_map(points, labels[few], labels[few][neighbour]),
    ]
    for made in drawn:
        shown, about = made._repr_mimebundle_()
        assert shown["image/png"].startswith(b"\x89PNG")
        assert about["image/png"]["alt"]


def test_a_figure_is_shown_once_and_described():
    from matplotlib import pyplot

    made = figure(3, alt="Two curves")
    made.add_subplot()
    assert pyplot.get_fignums() == []
    assert made._repr_mimebundle_()[1]["image/png"]["alt"] == "Two curves"


def test_colours_can_be_told_apart_on_grey_paper_too():
    rgb = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in COLOURS[:2]])
    light = rgb @ [0.2126, 0.7152, 0.0722]
    assert abs(light[0] - light[1]) > 50
