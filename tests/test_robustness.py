"""Judging a reader on unseen writers, corruptions and non-digits: what its numbers claim is so."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from sklearn import metrics

from digitlib import artifacts, datasets
from digitlib.measuring import habits, handwriting, preprocessing, robustness
from digitlib.pixels.segmentation import normalise
from digitlib.reporting.figures import robustness as plots
from digitlib.reporting.figures.augmentation import ablation_ladder
from digitlib.synthetic import paper
from digitlib.synthetic.corruptions import CORRUPTIONS

RIGHT = np.ones(60, int)


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return datasets.load_dataset("optdigits", "test").images


# Intervals by writer.


def test_an_interval_knows_that_digits_of_one_hand_are_alike():
    # Six writers, one of whom is never understood: quite unlike ten chance mistakes in sixty.
    writers, predicted = np.repeat(np.arange(6), 10), RIGHT.copy()
    predicted[:10] = 0
    plain = robustness.grouped_accuracy(RIGHT, predicted)
    found = robustness.grouped_accuracy(RIGHT, predicted, writers)
    assert (found["writers"], found["accuracy_percent"]) == (6, plain["accuracy_percent"])
    assert found["low_percent"] < plain["low_percent"] - 10
    assert found == robustness.grouped_accuracy(RIGHT, predicted, writers)
    # Of four writers, drawing the worst one four times is not out of the question.
    few = robustness.grouped_accuracy(RIGHT[:40], predicted[:40], writers[:40])
    assert few["low_percent"] == 0


def test_the_worst_writer_is_named_with_what_is_misread():
    """Protects people from the mean: one who is never understood is told of first."""
    labels = np.tile([7, 1], 30)
    writers, predicted = np.repeat(["a", "b", "c"], 20), labels.copy()
    predicted[20:30] = np.where(labels[20:30] == 7, 2, 1)
    predicted[32] = -1  # no ink was found
    rows = robustness.by_group(labels, predicted, writers)
    assert [row["group"] for row in rows] == ["b", "a", "c"]
    assert rows[0]["accuracy_percent"] == 70
    assert rows[0]["mistakes"] == ["7 as 2 (5×)"]
    assert rows[1]["mistakes"] == []
    found = robustness.grouped_accuracy(labels, predicted, writers)
    assert (found["worst_percent"], found["worst_n"]) == (70, 20)


def test_every_habit_is_judged_and_the_worst_comes_first():
    """Protects the choice of a recipe: forms that nothing learns from are judged apart."""
    seen = []

    def read(images):  # takes everything for a 1
        seen.append(len(images))
        return np.eye(10)[np.ones(len(images), int)]

    found = habits.judge_habits(read, hands=40)
    assert seen == [400, 400]
    assert found["forms"]["accuracy_percent"] == found["unseen"]["accuracy_percent"] == 10
    rows = found["by_habit"]
    assert {row["habit"].split()[0] for row in rows} == set("0123456789")
    assert sum(row["n"] for row in rows) == 400
    assert all(row["accuracy_percent"] == 100 * row["habit"].startswith("1") for row in rows)
    assert rows[-1]["habit"].startswith("1")


@pytest.mark.parametrize("count", [1, 2, 3, 60])
def test_an_interval_never_collapses_where_all_is_right(count):
    """Protects a reader from "100 % (100 to 100)" after three writers."""
    found = robustness.grouped_accuracy(RIGHT, RIGHT, np.arange(60) % count)
    plain = robustness.grouped_accuracy(RIGHT, RIGHT)
    assert plain["writers"] is None
    assert found["low_percent"] <= plain["low_percent"] < 95
    assert found["high_percent"] == 100


def test_with_a_digit_a_writer_the_interval_is_about_wilson_s():
    random = np.random.default_rng(0)
    predicted = (random.random(2000) < 0.9).astype(int)
    plain = robustness.grouped_accuracy(np.ones(2000, int), predicted)
    found = robustness.grouped_accuracy(np.ones(2000, int), predicted, np.arange(2000))
    for end in ("low_percent", "high_percent"):
        assert found[end] == pytest.approx(plain[end], abs=0.3)


def test_auroc_is_scikit_learn_s_and_does_not_collapse():
    random = np.random.default_rng(1)
    yes, no = random.integers(3, 12, 80) / 10, random.integers(0, 9, 50) / 10
    found = robustness.auroc(yes, no)
    truth = np.r_[np.ones(80), np.zeros(50)]
    assert found["auroc"] == pytest.approx(metrics.roc_auc_score(truth, np.r_[yes, no]))
    assert found["low"] < found["auroc"] < found["high"]
    grouped = robustness.auroc(yes, no, np.repeat(np.arange(4), 20))
    assert grouped["low"] <= found["low"] + 0.05
    perfect = robustness.auroc(yes + 5, no)
    assert perfect["auroc"] == perfect["high"] == 1
    assert 0.8 < perfect["low"] < 0.99


# What the training practised.


def test_overlaps_are_read_from_the_card():
    card = {"augmentation": {"rotation": 30, "shift": 2, "elastic": 1}, "recipe": {}}
    rows = {row["corruption"]: row for row in robustness.overlaps(card)}
    assert set(rows) == {"rotate", "translate", ""}
    assert rows["rotate"]["within"]
    assert not rows["translate"]["within"]
    card["recipe"]["synthetic_share"] = 0.2
    named = {row["corruption"] for row in robustness.overlaps(card)}
    assert named == {"rotate", "translate", "shear", ""}
    assert named | {name for name, *_ in robustness.OVERLAPS.values()} <= {*CORRUPTIONS, ""}
    card["augmentation"] |= {"convolution": 0.5, "erasing": 0.3}
    now = {row["corruption"] for row in robustness.overlaps(card)}
    assert now > named | {"stripe", "canny_edges", "spatter"}
    assert now <= {*CORRUPTIONS, ""}


# Simulated paper.


def test_simulated_paper_is_the_same_again_and_can_be_read_off(digits):
    first, again = (
        [lay(image, np.random.default_rng(7)) for image in digits[:40]]
        for lay in (paper.on_paper, paper.on_paper)
    )
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert first[0].shape == (paper.PAGE, paper.PAGE, 3)
    # The paper is gone and the digit is there: much like the digit that was laid on it.
    random = np.random.default_rng(0)
    for lay in (paper.on_paper, paper.on_screen):
        alike = [
            np.corrcoef(normalise(lay(image, random)).ravel(), normalise(image).ravel())[0, 1]
            for image in digits[:40]
        ]
        assert np.median(alike) > 0.8


# Others' preprocessing.


def test_re_creations_do_what_their_systems_do():
    # A dark bar of 28×56 on a white page of 112×112: a quarter and a half of its sides.
    page = np.full((112, 112), 255, np.uint8)
    page[28:84, 40:68] = 0
    made = {name: preprocessing.prepared([page], name)[0] for name in preprocessing.PREPROCESSING}
    assert all(image.shape == (28, 28) and image.dtype == np.uint8 for image in made.values())
    small = page[::4, ::4]
    assert np.array_equal(preprocessing.shrunk_coarsely(page) < 128, small < 128)
    assert np.array_equal(preprocessing.shrunk_smoothly(page) < 128, small < 128)
    assert np.array_equal(preprocessing.shrunk_inverted(page) > 128, small < 128)
    # What is 28×28 already is stretched and not inverted.
    assert np.array_equal(preprocessing.shrunk_inverted(small // 2), small)
    boxed = preprocessing.boxed(page)
    assert np.argwhere(boxed).min(axis=0).tolist() == [3, 9]
    assert np.argwhere(boxed).max(axis=0).tolist() == [24, 19]
    assert set(np.unique(boxed)) == {0, 255}
    assert not preprocessing.boxed(np.full((50, 50), 255, np.uint8)).any()
    colour = np.repeat(page[..., None], 3, axis=2)
    for name, image in made.items():
        assert np.array_equal(preprocessing.prepared([colour], name)[0], image), name


# Where handwriting comes from.


def write_sets(folder) -> None:
    points = np.array([[0, 0, 0], [0, 100, 0], [30, 100, 1], [30, 120, 1]], np.int16)
    pen = {"points": points, "offsets": np.array([0, 2, 4]), "labels": [1, 1], "writer": [4, 9]}
    np.savez(folder / "pendigits.npz", **{k: np.asarray(v) for k, v in pen.items()})
    images = np.zeros((3, 70, 90), np.uint8)
    np.savez(folder / "scans.npz", images=images, labels=np.arange(3), row=np.array([5, 5, 6]))


def test_a_folder_of_handwriting_is_read_and_what_is_missing_is_said(tmp_path):
    write_sets(tmp_path)
    sets, notes = handwriting.load_handwriting(str(tmp_path))
    scans, pen = sets
    assert (scans.name, scans.unit, scans.groups.tolist()) == ("scans", "row", [5, 5, 6])
    assert pen.labels.tolist() == [1, 1]
    assert "usps.npz" in notes[0]
    assert "scans.npz" not in notes[0]
    # y counts upwards in a recording, and the second stroke is short: both fill the same box.
    assert [picture.shape for picture in pen.pictures] == [(128, 128)] * 2
    rows = np.flatnonzero(pen.pictures[0].max(axis=1))
    assert 98 <= np.ptp(rows) <= 106
    limited = handwriting.load_handwriting(str(tmp_path), limit=2).sets
    assert [len(one) for one in limited] == [2, 2]


def test_missing_handwriting_is_said_or_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITLIB_DATA", str(tmp_path / "nowhere"))
    sets, notes = handwriting.load_handwriting("data", limit=5)
    assert [len(one) for one in sets] == [5, 5, 5]
    assert "nowhere" in notes[0]
    assert "DIGITLIB_DATA" in notes[0]
    assert handwriting.load_nondigits("data") is None
    with pytest.raises(datasets.DataError, match=r"empty: no handwriting.*canvas\.npz.*bundled"):
        handwriting.load_handwriting(str(tmp_path / "empty"))
    (tmp_path / "usps.npz").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(datasets.DataError, match=r"usps\.npz.*copy"):
        handwriting.load_handwriting(str(tmp_path))
    np.savez(tmp_path / "usps.npz", images=np.zeros((1, 16, 16), np.uint8))
    with pytest.raises(datasets.DataError, match=r"usps\.npz.*labels"):
        handwriting.load_handwriting(str(tmp_path))


def test_own_pictures_count_even_where_nothing_is_seen_in_them(tmp_path, digits):
    """Protects honesty: a picture the reader sees no ink in is a mistake, not left out."""
    with pytest.raises(datasets.DataError, match="JPEG or PNG"):
        handwriting.load_handwriting("bundled", str(tmp_path))
    (tmp_path / "7").mkdir()
    Image.fromarray(255 - digits[0]).save(tmp_path / "7" / "a.png")
    Image.fromarray(np.full((50, 60), 255, np.uint8)).save(tmp_path / "7" / "blank.png")
    (tmp_path / "7" / "notes.txt").write_text("x")
    found = handwriting.load_handwriting("bundled", str(tmp_path), limit=3)
    own = found.sets[-1]
    assert own.labels.tolist() == [7, 7]
    assert own.look(1).shape == (50, 60)
    assert "notes.txt" in found.notes[0]


def test_letters_that_are_digits_too_do_not_count_as_non_digits(tmp_path):
    items = ["I", "A", "Latin/character12", "Latin/character05", "Greek/character12", "x"]
    kinds = np.array([*["letter"] * 5, handwriting.UNCHECKED])
    images = np.arange(6, dtype=np.uint8)[:, None, None] * np.ones((28, 28), np.uint8)
    np.savez(tmp_path / "not_digits.npz", images=images, kind=kinds, item=np.array(items))
    assert handwriting.load_nondigits(str(tmp_path))[:, 0, 0].tolist() == [1, 3, 4]
    assert handwriting.load_nondigits("bundled") is None


def test_figures_are_drawn_with_nothing_to_show(tmp_path):
    # A perfect model must not break its report.
    for figure in (
        plots.taken_and_seen([], np.zeros((0, 28, 28)), [], "Mistakes"),
        ablation_ladder([], {}, "read correctly (%)"),
        plots.digits_by_set({"all right": np.r_[np.nan, np.full(9, 100.0)]}),
        plots.confidences({"a": np.ones(3)}, np.zeros(3), 0.5),
    ):
        assert figure.alt
        artifacts.save_figure(figure, tmp_path, "figure")


def test_judging_unseen_writers_needs_no_keras():
    program = (
        "import sys; from digitlib.measuring import habits, handwriting, preprocessing, robustness;"
        "import digitlib.reporting.figures.robustness;"
        "sys.exit(bool({'keras', 'tensorflow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
