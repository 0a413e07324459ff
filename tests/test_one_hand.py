"""Digits read together with others by the same hand: who gains, and who must not lose."""

from dataclasses import replace

import numpy as np
import pytest

from digitlib import Recognizer
from digitlib.pixels.digit_files import DataError
from digitlib.reading.batch import predict, read_as_one_hand
from digitlib.reading.numbers import Digit, Number, Reading
from digitlib.reading.one_hand import MOST, of_one_hand, spread
from digitlib.reading.sources import open_source
from digitlib.synthetic.numerals import HABITS, Hands, draw_hands, write

HOOKED, CROSSED = HABITS[1]["hooked"].forms["wide"], HABITS[7]["crossed"].forms["straight"]


def hand() -> Hands:
    """One person with hooked 1s and crossed 7s, and the first form of each other digit."""
    one = draw_hands(1, np.random.default_rng(3))
    for digit, habits in HABITS.items():
        name, habit = next(iter(habits.items()))
        one.habits[0, digit], one.paths[0, digit] = name, next(iter(habit.forms.values()))
    one.paths[0, [1, 7]], one.habits[0, [1, 7]] = (HOOKED, CROSSED), ("hooked", "crossed")
    return one


def written(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Their 1s and 7s in turn, and what is certain of them: every fourth 1 is taken for a 7."""
    random = np.random.default_rng(0)
    digits = np.where(np.arange(n) % 2, 7, 1)
    images = write(hand(), np.zeros(n, int), digits, random)
    said = np.where((np.arange(n) % 8 == 0), 7, digits)
    shares = np.full((n, 10), 0.01)
    shares[np.arange(n), said] = 0.7
    shares[np.arange(n), np.where(said == 7, 1, 7)] = 0.22
    return images, shares


def test_a_bare_hook_is_a_1_where_7s_are_crossed():
    """Protects what the option is for: nobody told which of them are 1s."""
    images, shares = written(80)
    again = spread(images, shares).argmax(axis=1)
    assert shares.argmax(axis=1)[::8].tolist() == [7] * 10
    assert again.tolist() == np.where(np.arange(80) % 2, 7, 1).tolist()


def test_a_digit_that_looks_like_no_other_stays_as_it_was():
    """Protects a few digits: without others like it nothing is known of a hand."""
    random = np.random.default_rng(1)
    images = write(draw_hands(1, random), np.zeros(10, int), np.arange(10), random)
    shares = np.full((10, 10), 0.05)
    shares[np.arange(10), np.arange(10)] = 0.55
    again = spread(images, shares)
    assert again.dtype == np.float32
    assert again.argmax(axis=1).tolist() == list(range(10))
    np.testing.assert_allclose(again.sum(axis=1), 1, atol=1e-5)
    assert spread(images[:0], shares[:0]).shape == (0, 10)


def test_more_digits_than_can_be_compared_are_refused():
    """Protects memory: each is compared with each."""
    with pytest.raises(DataError, match="5,001 digits are too many for one hand: give 5,000"):
        spread(np.zeros((MOST + 1, 28, 28), np.uint8), np.full((MOST + 1, 10), 0.1))


def test_numbers_change_digit_by_digit_and_are_doubted_then():
    """Protects the marks of a number, and that a change is not hidden."""
    images, shares = written(80)
    digits = [
        Digit(int(own.argmax()), float(own.max()), True, own, (0, 0, 9, 9), image)
        for image, own in zip(images, shares, strict=True)
    ]
    numbers = [
        Number(f"{a.label},{b.label}", (a, b), 0.95, True)
        for a, b in zip(digits[::2], digits[1::2], strict=True)
    ]
    typed = Number("7", (), 1.0, True, place=(0, 0, 9, 9))
    printed = Number("7,7", (digits[0], digits[1]), 0.95, True, printed=True)
    given = [Reading(((number,),)) for number in [*numbers, typed, printed]]
    again = of_one_hand(given, 0.99)
    assert [one.numbers[0].text for one in again] == ["1,7"] * 40 + ["7", "7,7"]
    assert not again[0].accepted  # it changed, and is not so sure
    assert again[1].numbers == given[1].numbers
    assert again[0].numbers[0].confidence <= 0.95
    assert of_one_hand(given, 0.1)[0].accepted
    doubted = Reading(((replace(numbers[0], accepted=False),),))
    assert not of_one_hand([doubted, *given[1:]], 0.1)[0].accepted


def test_a_table_of_digits_is_read_as_one_hand(tmp_path):
    """Protects ``digitlib predict --one-hand`` and its table: all rows, in their order."""
    random = np.random.default_rng(5)
    digits = np.tile(np.arange(10), 8)
    np.save(tmp_path / "digits.npy", write(hand(), digits * 0, digits, random))
    source = open_source(tmp_path / "digits.npy")
    done = []
    table = predict(
        source,
        tmp_path / "said.csv",
        progress=lambda *count: done.append(count),
        one_hand=True,
    )
    rows = table.read_text().splitlines()
    assert len(rows) == 81
    assert done[-1] == (80, 80)
    said = [row.text for row in read_as_one_hand(Recognizer(), source.chunks(30))]
    assert np.mean(np.array(said, int) == digits) > 0.97
