"""From what the network says to numbers: spelling, grouping, values, boxes, bad input."""

from itertools import groupby, pairwise, product

import cv2
import numpy as np
import pytest

from digitlib import Recognizer
from digitlib.pixels.components import find_components
from digitlib.pixels.decoding import load
from digitlib.pixels.ink import find_ink
from digitlib.pixels.layout import plain_lines
from digitlib.pixels.line_images import ALPHABET, COLUMN, HEIGHT, MARGIN
from digitlib.pixels.lines import in_lines
from digitlib.reading.numbers import Digit, Number, Reading, value_of
from digitlib.reading.signs import Look, Sign, Strokes, View, numbers_of, words_of
from digitlib.reading.spelling import best_path, log_likelihoods
from digitlib.synthetic.lines import Simulation, draw_lines
from digitlib.synthetic.nondigits import SIGNS
from digitlib.synthetic.numerals import draw_digits
from digitlib.synthetic.strokes import draw_by, draw_manners


def said(*path: int, classes: int = 4) -> np.ndarray:
    """Logarithms of probabilities of columns that say nearly only these classes."""
    return np.log(0.9 * np.eye(classes)[list(path)] + 0.1 / classes)


def test_the_likelihood_of_a_spelling_is_the_sum_over_all_its_paths():
    """Protects the probability of a number, against adding up every path by hand."""
    columns = np.log(np.random.default_rng(0).dirichlet(np.ones(3), 5))
    totals: dict[tuple, float] = {}
    for path in product(range(3), repeat=5):
        spelled = tuple(code for code, _ in groupby(path) if code)
        likelihood = np.exp(sum(columns[at, code] for at, code in enumerate(path)))
        totals[spelled] = totals.get(spelled, 0) + likelihood
    for spelled, total in totals.items():
        assert np.exp(log_likelihoods([columns], list(spelled))[0]) == pytest.approx(
            total, rel=1e-9
        )


def test_other_ink_is_nothing_unless_the_edge_may_cut_a_digit_there():
    """Protects a number from losing a digit in silence, which the edge of the picture cuts."""
    look = Look(said(1, 0, 14, 0, 2, 14, classes=15), View(1, 0))
    anywhere, inside = look.of_digits(), look.of_digits(stop=5 * COLUMN - MARGIN)
    sure, doubtful = log_likelihoods([anywhere.said, inside.said], [1, 2])
    assert np.exp(sure) > 0.5
    assert np.exp(doubtful) < 0.05


def test_equal_columns_are_one_character_and_a_blank_parts_them():
    """Protects double digits: 1 1 with a blank between is 11, without one it is 1."""
    tokens = best_path(said(0, 1, 1, 0, 1, 2, 2, 2, 0))
    assert [token.code for token in tokens] == [1, 1, 2]
    assert [token.place for token in tokens] == pytest.approx([1.5, 4, 6])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("-12", -12),
        ("15.371,50", 15371.5),
        ("15,371.50", 15371.5),
        ("1.234.567", 1234567),
        ("12,5", 12.5),
        ("12.50", 12.5),
        ("0.123", 0.123),
        ("1234,567", 1234.567),
        ("1.234", None),  # a thousand in one country, a little more than one in another
        ("1,234", None),
        ("1.23.45", None),  # a date, or misread
        ("12.34,56,78", None),
        ("1.2345,6", None),
        ("0.123.456", None),  # no thousands come after a 0
        ("0,123.5", None),
    ],
)
def test_a_number_has_a_value_where_it_can_only_be_one(text, value):
    """Protects a table of values from a guess about marks."""
    assert value_of(text) == value


def signs(text: str, gaps: dict[int, int] | None = None) -> list[Sign]:
    """Signs 20 pixels wide and 30 high, 5 apart, or as far as ``gaps`` says behind the i-th."""
    x, made = 0, []
    for i, character in enumerate(text):
        wide = 4 if character in ".,-" else 20
        code, middle = ALPHABET.index(character) + 1, x + wide / 2
        shares = np.full(10, 0.1)
        made.append(Sign(character, code, shares, middle, x, x + wide))
        x += wide + (gaps or {}).get(i, 5)
    return made


@pytest.mark.parametrize(
    ("text", "gaps", "numbers"),
    [
        ("1234", {}, ["1234"]),
        ("12.50", {}, ["12.50"]),
        ("12.50.", {}, ["12.50"]),
        ("1234-", {}, ["1234"]),
        ("-12", {}, ["-12"]),
        ("12-34", {}, ["12", "34"]),
        ("12.-5", {}, ["12", "5"]),  # .- closes a price
        ("12?34", {}, ["12", "34"]),
        ("??", {}, []),
        ("1234", {1: 60}, ["12", "34"]),
        ("1234", {0: 30, 1: 30, 2: 30}, ["1234"]),  # each in a box of its own
        ("12", {0: 200}, ["1", "2"]),
        ("?-12", {}, ["-12"]),
        ("12-34", {1: 60}, ["12", "-34"]),
        ("?0???", {}, []),  # a word, such as forks
        ("?0???12", {4: 60}, ["12"]),
        ("?????123", {}, ["123"]),  # a word, and close behind it a number
        ("???123???", {}, []),
        ("123456", {0: -6, 1: 21, 2: -6, 3: 21, 4: -6}, ["12", "34", "56"]),  # twice as far
        ("?5", {}, ["5"]),  # such as $5
    ],
)
def test_numbers_are_parted_by_gaps_and_other_ink(text, gaps, numbers):
    """Protects what belongs to a number, and that neighbours stay apart."""
    given = signs(text, gaps)
    ink = np.zeros((HEIGHT, given[-1].right + 10), np.uint8)
    for sign in given:
        ink[9:39, sign.left : sign.right] = 255
    places = words_of(given, Strokes.of(ink))
    words = [[s for s in given if start <= s.middle < stop] for start, stop in places]
    found = [number for word in words for number in numbers_of(word)]
    assert ["".join(sign.character for sign in number) for number in found] == numbers


def read(label: int, box) -> Digit:
    return Digit(label, 0.9, True, np.full(10, 0.1), box, np.zeros((28, 28), np.uint8))


def test_a_reading_tells_its_numbers_digits_and_text():
    """Protects the contract: the text has digits alone, a space between numbers, a line a line."""
    twelve = Number("1,2", (read(1, (0, 4, 5, 10)), read(2, (8, 2, 6, 10))), 0.8, True)
    three = Number("-3", (read(3, (30, 0, 5, 9)),), 0.4, False)
    reading = Reading(((twelve, three), (three,)))
    assert reading.text == "12 3\n3"
    assert [digit.label for digit in reading.digits] == [1, 2, 3, 3]
    assert [len(line) for line in reading.lines] == [3, 1]
    assert twelve.box == (0, 2, 14, 12)
    assert [number.value for number in reading.numbers] == [1.2, -3, -3]
    assert Reading().text == ""


def page(rows: dict[int, str], slope: float = 0.0) -> np.ndarray:
    """White page 900×600 with digits in a typeface, about 40 pixels high, from these rows on."""
    picture = np.full((600, 900), 255, np.uint8)
    for y, text in rows.items():
        for i, character in enumerate(text):
            place = (60 + 45 * i, round(y + 40 + slope * 45 * i))
            cv2.putText(picture, character, place, cv2.FONT_HERSHEY_SIMPLEX, 1.8, 0, 5, cv2.LINE_AA)
    return picture


@pytest.mark.parametrize("slope", [0.0, 0.12, -0.12])
def test_a_line_is_cut_out_along_its_slope(slope):
    """Protects lines that climb or fall: all ink is in the strip, and boxes lead back to it."""
    picture = page({80: "23456789", 300: "5566"}, slope)
    (top, bottom), _ = plain_lines(load(picture))
    assert top.absorbed.shape[0] == bottom.absorbed.shape[0] == HEIGHT
    for line, digits in ((top, 8), (bottom, 4)):
        count, _, stats, centres = cv2.connectedComponentsWithStats(
            (line.absorbed > 90).view(np.uint8)
        )
        assert count == 1 + digits
        assert stats[1:, cv2.CC_STAT_HEIGHT].min() > 18
        for x, y in centres[1:]:
            column, row = line.to_picture @ (x, y, 1)
            near = picture[
                round(row) - 25 : round(row) + 25, round(column) - 25 : round(column) + 25
            ]
            assert (near < 128).sum() > 100


def test_shapes_in_lines_come_in_reading_order():
    """Protects the order of reading: top to bottom, left to right."""
    ink = find_ink(load(page({200: "47", 40: "123", 420: "9"})).grey)
    lines = in_lines(find_components(ink.strokes))
    assert [len(line) for line in lines] == [3, 2, 1]
    assert all(a.x < b.x for line in lines for a, b in pairwise(line))


@pytest.mark.parametrize(
    "shape", [(1, 30000), (2, 500), (3000, 1), (1, 1), (40, 20000), (48, 48), (1600, 20)]
)
@pytest.mark.parametrize("fill", ["noise", "black", "half", "strokes"])
def test_pictures_of_any_shape_are_read_without_a_fault(shape, fill):
    """Protects against pictures that are no line: they end in a reading, and soon."""
    random = np.random.default_rng(0)
    picture = np.zeros(shape, np.uint8)
    if fill == "noise":
        picture = random.integers(0, 256, shape, np.uint8)
    elif fill == "half":
        picture[: shape[0] // 2 + 1, : shape[1] // 2 + 1] = 255
    elif fill == "strokes":
        picture[:, :: max(7, shape[1] // 50)] = 255
    reading = Recognizer().read_digits(picture)
    assert len(reading.digits) < 4000
    height, width = shape
    for number in reading.numbers:
        x, y, wide, high = number.box
        assert x >= 0 and y >= 0 and wide > 0 and high > 0  # noqa: PT018
        assert x + wide <= width and y + high <= height  # noqa: PT018


def test_a_single_digit_keeps_its_minus():
    """Protects -5: one shape, and a dash that is no shape of its own."""
    picture = np.full((120, 200), 255, np.uint8)
    cv2.putText(picture, "-5", (40, 85), cv2.FONT_HERSHEY_SIMPLEX, 2.4, 0, 6, cv2.LINE_AA)
    assert [number.value for number in Recognizer().read_digits(picture).numbers] == [-5]


@pytest.mark.parametrize("digit", [2, 4, 5, 6, 7, 8])
def test_a_digit_beside_the_wall_of_its_cell_is_one_digit(digit):
    """Protects pictures of one digit, cut out of a table."""
    picture = np.full((92, 92), 190, np.uint8)
    cv2.line(picture, (3, 0), (3, 91), 60, 4)
    glyph = cv2.resize(draw_digits(np.array([digit]), 1)[0], (70, 70))
    np.minimum(picture[11:81, 20:90], 190 - glyph // 2, out=picture[11:81, 20:90])
    picture = cv2.GaussianBlur(picture, (5, 5), 0)
    assert Recognizer().read_digits(picture).text == str(digit)


def test_a_line_longer_than_any_trained_on_is_read_to_its_end():
    """Protects long lines: a column of the network stands for every four pixels, however many."""
    picture = np.full((80, 45 * 60 + 100), 255, np.uint8)
    wanted = "".join(str(i % 10) for i in range(60))
    for i, character in enumerate(wanted):
        place = (50 + 45 * i, 60)
        cv2.putText(picture, character, place, cv2.FONT_HERSHEY_SIMPLEX, 1.8, 0, 5, cv2.LINE_AA)
    digits = Recognizer().read_digits(picture).digits
    assert len(digits) == pytest.approx(60, abs=3)
    assert digits[-1].box[0] > 45 * 56


WORDS = "the quick brown fox jumps over lazy dogs while Zoe sells sea shells BOOZE in Oslo"


def printed_page(seed: int) -> np.ndarray:
    """A page of words in one of the fonts, uint8 (1100, 850)."""
    random, page = np.random.default_rng(seed), np.full((1100, 850), 255, np.uint8)
    font, scale, y = int(random.integers(7)), random.uniform(0.6, 1.4), 80
    while y < 1040:
        line = " ".join(random.choice(WORDS.split(), 12))
        cv2.putText(page, line, (50, y), font, scale, 0, int(random.integers(1, 3)), cv2.LINE_AA)
        y += int(48 * scale)
    return page


def written_page(seed: int) -> np.ndarray:
    """A page of words that a pen drew, uint8 (1000, 1400)."""
    random, page = np.random.default_rng(seed), np.full((1000, 1400), 255, np.uint8)
    letters = [sign for name, sign in SIGNS.items() if len(name) == 1]
    manners = draw_manners(1, random)
    for y in range(60, 900, 85):
        x = 60
        while x < 1250:
            for _ in range(int(random.integers(2, 8))):
                letter = letters[random.integers(len(letters))]
                ink = draw_by(manners, letter, random, size=56)[0]
                window = page[y : y + 56, x : x + 56]
                np.minimum(window, 255 - ink[:, : window.shape[1]], out=window)
                x += int(random.integers(34, 46))
            x += 50
    return page


@pytest.mark.parametrize("page", [printed_page, written_page])
def test_of_a_page_of_words_hardly_a_number_is_accepted(page):
    """Protects a table from numbers that nobody wrote: at most one a page."""
    for seed in range(10):
        numbers = Recognizer().read_digits(page(seed)).numbers
        accepted = [number.text for number in numbers if number.accepted]
        assert len(accepted) <= 1, f"page {seed}: {accepted}"


def test_a_digit_that_the_edge_of_the_picture_cuts_is_not_lost_in_silence():
    """Protects an amount from being a tenth of what was written: its last digit is half there."""
    bare = Simulation(**dict.fromkeys(Simulation.__dataclass_fields__, 0.0))
    by_nobody = np.empty((0, 28, 28), np.uint8), np.empty(0, np.uint8)
    lines = draw_lines(*by_nobody, 60, [3], bare)
    whole = [Recognizer().read_digits(line.grey).text == line.text for line in lines]
    assert sum(whole) > 50
    for line in lines:
        middle = round(line.centres[-1])
        reading = Recognizer().read_digits(np.ascontiguousarray(line.grey[:, :middle]))
        assert not reading.accepted or len(reading.text) == len(line.text), line.text


@pytest.mark.parametrize("flip", [False, True], ids=["at the right", "at the left"])
def test_a_number_is_doubtful_if_the_edge_of_the_picture_cuts_a_stroke(flip):
    """Protects an amount whose cut digit looks like another one, as an 8 without its right half."""
    recognizer = Recognizer()
    for text in ("3485", "746", "938", "59", "6041", "263"):
        picture = np.full((200, 500), 255, np.uint8)
        cv2.putText(picture, text, (60, 140), cv2.FONT_HERSHEY_SIMPLEX, 3.2, 0, 8)
        left, _, width, _ = cv2.boundingRect(255 - picture)
        whole = recognizer.read_digits(picture)
        assert (whole.text, whole.accepted) == (text, True)
        for gone in (20, 28, 36):
            kept = slice(left + gone, None) if flip else slice(0, left + width - gone)
            cut = recognizer.read_digits(np.ascontiguousarray(picture[:, kept]))
            assert not cut.accepted, f"{text} without {gone} columns: {cut.text}"


def digit_between(left: float, right: float, middle: float | None = None) -> Sign:
    """Some digit that stands there, in the middle if nothing else is said."""
    middle = (left + right) / 2 if middle is None else middle
    return Sign("1", 2, np.full(10, 0.1), middle, left, right)


def test_a_digit_has_the_strokes_that_are_its_own():
    """Protects the box of a digit that reaches under its neighbour, and of two that touch."""
    ink = np.zeros((HEIGHT, 60), np.uint8)
    ink[10:40, 5:10] = ink[30:33, 5:24] = 255  # a foot that reaches under the next digit
    ink[8:28, 20:30] = 255
    strokes = Strokes.of(ink)
    assert strokes.of_sign(digit_between(0, 17))[0] == (5, 10, 19, 30)
    box, own = strokes.of_sign(digit_between(17, 35))
    assert box == (20, 8, 10, 20)
    assert (own == 255).all()
    ink[8:28, 30:42] = 255  # now it touches a third
    strokes = Strokes.of(ink)
    assert strokes.of_sign(digit_between(17, 31))[0] == (20, 8, 11, 20)
    assert strokes.of_sign(digit_between(31, 45))[0] == (31, 8, 11, 20)
    assert strokes.of_sign(digit_between(46, 58))[0] == (46, 0, 12, HEIGHT)
    narrow = np.zeros((HEIGHT, 60), np.uint8)
    narrow[8:38, 20:24] = narrow[8:12, 20:40] = narrow[8:38, 24:40] = 255  # a 1 touches a 5
    strokes = Strokes.of(narrow)
    assert strokes.of_sign(digit_between(5, 26, middle=22))[0] == (20, 8, 6, 30)
    assert strokes.of_sign(digit_between(26, 54, middle=30))[0] == (26, 8, 14, 30)
