"""Simulated lines, what they say, and the hands they are by."""

from itertools import pairwise

import numpy as np
import pytest

from digitlib.pixels.line_images import ALPHABET, COLUMN, HEIGHT, MARGIN, to_line
from digitlib.synthetic import patterns
from digitlib.synthetic.hands import NEAR, STRIDE, drawn_hands, real_hand
from digitlib.synthetic.lines import WIDTH, Simulation, as_seen, columns, draw_lines
from digitlib.synthetic.numerals import draw_digits
from digitlib.synthetic.texts import LETTERS, LOOKALIKES, SPACE, THIN_SPACE, draw_text

NO_DIGITS = np.empty((0, 28, 28), np.uint8), np.empty(0, np.uint8)
NOTHING = Simulation(**dict.fromkeys(Simulation.__dataclass_fields__, 0.0))


@pytest.fixture(scope="module")
def lines():
    """Some lines by invented writers, and of given digits."""
    labels = np.arange(400) % 10
    return draw_lines(draw_digits(labels, 0), labels, 120, [7], Simulation())


def test_a_line_says_what_is_written_on_it(lines):
    """Protects the labels that the network learns from: they are the text, sign by sign."""
    for line in lines:
        written = [c for c in line.text if c not in (SPACE, THIN_SPACE)]
        dashes = ["-" if c == "–" else c for c in written]
        assert line.tokens == "".join(c if c in ALPHABET[:-1] else "?" for c in dashes)


def test_a_lines_signs_stand_in_order_and_leave_room_for_the_networks_columns(lines):
    """Protects CTC from lines that it cannot spell, and boxes from wandering."""
    for line in lines:
        assert line.grey.shape[0] == HEIGHT
        assert line.grey.shape[1] <= WIDTH - 2 * MARGIN
        assert len(line.centres) == len(line.tokens)
        assert all(a < b for a, b in pairwise(line.centres))
        assert columns(line.tokens) <= (WIDTH - 2 * MARGIN) / COLUMN


def test_the_same_seed_draws_the_same_lines():
    """Protects a fit that goes on after it was stopped: its lines are those it would have had."""
    first, again, other = (draw_lines(*NO_DIGITS, 8, [1, seed], Simulation()) for seed in (2, 2, 3))
    assert [line.tokens for line in first] == [line.tokens for line in again]
    assert np.array_equal(as_seen(first), as_seen(again))
    assert [line.tokens for line in first] != [line.tokens for line in other]


def test_without_ingredients_there_is_ink_on_blank_paper():
    """Protects strengths: at 0 nothing is printed, dirty, dark, blurred or noisy."""
    for line in draw_lines(*NO_DIGITS, 20, [0], NOTHING):
        assert line.tokens.isdigit()
        assert np.isin(line.grey[:, [0, -1]], (line.grey.max(),)).mean() > 0.6
        assert len(np.unique(line.grey[:4])) < 40


@pytest.mark.parametrize("name", [n for n in Simulation.__dataclass_fields__ if n != "odd_marks"])
def test_every_ingredient_does_something(name):
    """Protects the list of ingredients from a name without an effect."""
    labels = np.arange(400) % 10
    digits = draw_digits(labels, 0), labels
    strong = Simulation(**{**NOTHING.__dict__, name: 40.0 if name == "printed" else 2.0})
    plain, changed = (draw_lines(*digits, 60, [5], one) for one in (NOTHING, strong))
    pairs = zip(plain, changed, strict=True)
    assert any(a.grey.shape != b.grey.shape or (a.grey != b.grey).any() for a, b in pairs)


def test_a_real_hand_is_of_neighbours_of_one_collection():
    """Protects one hand a line: digits from near by, and from every other place of the file."""
    images = np.zeros((2000, 28, 28), np.uint8)
    images[:, 6:22, 8:20] = 100
    places = np.arange(2000)
    images[:, 10, 10] = 255 * (places % STRIDE)
    images[:, 14, 12] = 30 + places // 10
    labels = places % 7
    labels[:3] = 7, 8, 9
    hand = real_hand(images, labels, np.random.default_rng(0))
    alike = {int(glyph[21, 21]) > 128 for digit in range(7) for glyph in hand[digit]}
    assert len(alike) == 1
    assert sum(len(hand[digit]) for digit in range(7)) <= 2 * NEAR
    assert all(len(glyphs) >= 1 for glyphs in hand)  # those that do not occur near are from afar


def test_a_drawn_hand_writes_a_digit_alike_each_time():
    """Protects one hand a line: one form, slant and pen, and never twice the same picture."""
    hands = drawn_hands(30, np.random.default_rng(1))

    def likeness(a, b):
        return np.corrcoef(a.ravel(), b.ravel())[0, 1]

    own = np.mean([likeness(hand[2][0], hand[2][1]) for hand in hands])
    others = np.mean([likeness(a[2][0], b[2][1]) for a, b in pairwise(hands)])
    assert own > others + 0.15
    assert not np.array_equal(hands[0][2][0], hands[0][2][1])


def test_words_cannot_be_taken_for_numbers():
    """Protects "other ink" from words such as "lO": no more letters like digits than others."""
    random = np.random.default_rng(0)
    told = " ".join(draw_text(random, 5, 0, 0) for _ in range(300)).split()
    for word in (w for w in told if w.isalpha()):
        assert sum(c in LOOKALIKES for c in word) <= sum(c in LETTERS for c in word)


@pytest.mark.parametrize("family", patterns.FAMILIES)
def test_every_family_of_paper_is_printed_on(family):
    """Protects the papers: each has print, between blank and its darkest."""
    paper = patterns.draw_pattern(family, 60, 200, np.random.default_rng(3))
    assert paper.shape == (60, 200)
    assert paper.dtype == np.float32
    assert 0.6 < paper.min() < 0.97
    assert paper.max() == 1


@pytest.mark.parametrize("shape", [(48, 1), (48, 3), (48, 700)])
def test_a_line_of_any_width_is_framed(shape):
    """Protects the frame: paper becomes 0 and ink 255, whatever the contrast; blank stays blank."""
    faint = np.full(shape, 60, np.uint8)
    assert not to_line(faint).any()
    faint[20:28] = 110
    framed = to_line(faint)
    assert framed.shape[1] % 32 == 0
    assert framed[24, MARGIN] == 255
    assert not framed[:, :MARGIN].any()
    assert not framed[0].any()
