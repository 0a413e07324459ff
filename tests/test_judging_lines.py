"""How readers of numbers are judged, calibrated and held to a threshold."""

import numpy as np
import pytest
from readings import number
from scipy.special import expit

from digitlib.measuring.lines import (
    Answers,
    LineSet,
    errors,
    fit_calibration,
    marks_read,
    read_all,
    summary,
    threshold_for,
    trusted,
)
from digitlib.reading.numbers import Reading


def answers(confidences, right, texts=None) -> Answers:
    right, sure = np.array(right, bool), np.array(confidences, float)
    return Answers(texts or ["12"] * len(right), sure, sure > 0.5, right, right)


def test_digits_are_judged_and_marks_where_they_are_known():
    """Protects the two meanings of right, and the confidence of several numbers."""
    said = iter(["12,5", "125", "7 8", ""])

    def read_digits(_) -> Reading:
        words = next(said).split()
        line = tuple(number(word, 0.9 - 0.1 * i) for i, word in enumerate(words))
        return Reading((line,) if line else ())

    wanted = [["12,5"], ["12,5"], ["7", "8"], ["9"]]
    lines = LineSet("set", [np.zeros((9, 9), np.uint8)] * 4, wanted, "here", marked=True)
    found = read_all(read_digits, lines)
    assert found.texts == ["12,5", "125", "7 8", ""]
    assert found.right.tolist() == [True, True, True, False]
    assert found.exact.tolist() == [True, False, True, False]
    assert found.confidences.tolist() == pytest.approx([0.9, 0.9, 0.8, 0])
    assert found.accepted.tolist() == [True, True, False, False]
    assert errors(lines, found) == [{"wanted": "9", "read": "nothing", "n": 1}]


@pytest.mark.parametrize(
    ("confidences", "right", "share", "threshold"),
    [
        ([0.9, 0.8, 0.7], [1, 1, 0], 0.99, 0.8),
        ([0.9, 0.9, 0.9], [1, 0, 0], 0.99, 1.0),  # equals stand or fall together
        ([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 1], 0.75, 0.6),
        ([0.0, 0.0, 0.9], [1, 1, 1], 0.99, 0.9),  # nothing was found in the first two
        ([0.5], [0], 0.99, 1.0),
    ],
)
def test_from_the_threshold_on_enough_is_right(confidences, right, share, threshold):
    """Protects what is accepted without a look."""
    assert threshold_for(answers(confidences, right), share) == threshold


def test_calibration_finds_the_line_that_likelihoods_are_on():
    """Protects the stated probability, on answers whose true probability is known."""
    random = np.random.default_rng(0)
    log_odds = random.normal(1, 2, 20_000)
    right = random.random(20_000) < expit(0.6 * log_odds + 0.8)
    fitted = fit_calibration(answers(expit(log_odds), right))
    assert fitted["slope"] == pytest.approx(0.6, abs=0.05)
    assert fitted["intercept"] == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize("right", [[], [1, 1], [0, 0]])
def test_where_nothing_can_be_learnt_nothing_is_changed(right):
    """Protects a first short training from an error at its end."""
    assert fit_calibration(answers([0.5] * len(right), right)) == {"slope": 1, "intercept": 0}


def test_single_digits_do_not_count_for_the_calibration_of_numbers():
    """Protects it from the digit network, which is calibrated by itself."""
    told = answers([0.5, 0.6], [1, 0], texts=["7", "1 2"])
    assert fit_calibration(told) == {"slope": 1, "intercept": 0}


def test_of_the_accepted_numbers_it_is_told_how_many_are_right():
    """Protects the share that goes into the books without a look."""
    told = trusted(answers([0.9, 0.8, 0.4, 0.3], [1, 0, 1, 1]))
    assert (told["accepted_percent"], told["n"], told["accuracy_percent"]) == (50, 2, 50)
    assert trusted(answers([0.4], [1]))["accuracy_percent"] is None


def test_a_set_in_which_nothing_is_found_is_summed_up():
    """Protects the notebook from a reader that finds nothing."""
    told = summary(answers([0, 0], [0, 0]))
    assert told["accuracy_percent"] == 0
    assert told["stated_percent"] == 0


@pytest.mark.parametrize(
    ("wanted", "said", "counts"),
    [
        ("1.234,5", "1.234,5", (2, 2, 2)),
        ("1.234,5", "1234,5", (2, 1, 1)),
        ("-12", "12,3", (1, 0, 1)),
    ],
)
def test_marks_are_counted_in_their_place(wanted, said, counts):
    """Protects the table of marks: there, read in place, read."""
    assert marks_read(wanted, said) == counts
