"""Reading whole sheets: the right number in the right cell, and nothing lost without a word."""

import cv2
import numpy as np
import pytest
from ruled import (
    DIGIT,
    HIGH,
    LEFT,
    PRINT,
    TOP,
    WHITE,
    WIDE,
    box,
    boxes,
    corner,
    paper,
    table,
    turned,
    write,
)

from digitlib import Recognizer
from digitlib.pixels.sheet_maps import TILE, Maps, from_tiles, in_tiles
from digitlib.pixels.straighten import skew
from digitlib.pixels.tables import find_grids
from digitlib.reading.numbers import Number
from digitlib.reading.sheet_reader import TOO_MUCH
from digitlib.synthetic.pages import FONTS, typeset

# With an empty row, an empty column, and an empty cell.
TEXTS = [["12", "7", "", "305"], ["48", "", "", "96"], ["", "", "", ""], ["590", "31", "", "8"]]
SMALL = [["12", "305"], ["48", "96"]]


@pytest.fixture(scope="module")
def recognizer():
    return Recognizer()


def broken() -> np.ndarray:
    """A table with a gap of six pixels in a level and in an upright rule."""
    page = table(TEXTS)
    x, y = corner(1, 1)
    page[y - 3 : y + 4, x + 40 : x + 46] = WHITE
    page[y + 20 : y + 26, x - 3 : x + 4] = WHITE
    return page


@pytest.mark.parametrize(
    "page",
    [
        table(TEXTS),
        broken(),
        table(TEXTS, dash=6),
        turned(table(TEXTS), 3),
        turned(table(TEXTS), -12),
        255 - table(TEXTS),
        cv2.resize(table(TEXTS), None, fx=6, fy=6, interpolation=cv2.INTER_CUBIC),
    ],
    ids=["clean", "broken", "dashed", "turned", "turned far", "bright on dark", "large"],
)
def test_every_number_of_a_table_is_in_its_cell(recognizer, page):
    """Protects whoever takes the table for what stands on paper."""
    sheet = recognizer.read_sheet(page)
    [found] = sheet.tables
    assert (found.rows, found.columns, len(found.cells)) == (4, 4, 16)
    assert found.grid(lambda cell: cell.text) == TEXTS
    assert all(cell.written == bool(cell.text) for cell in found.cells)
    assert (sheet.fields, sheet.lines, sheet.left_out) == ((), (), ())


def test_several_numbers_in_one_line_of_a_cell_are_doubtful(recognizer):
    """Protects a number with a wide gap in it: 216 is not accepted as 21 and 6."""
    page = table([["", "", "305"], ["48", "96", "7"]], merged=[(0, 0)])
    x, y = corner(0, 0)
    right = write(page, "21", x + 12, y + 14)
    write(page, "6", right + 2 * DIGIT, y + 14)
    cell = recognizer.read_sheet(page).cells[0]
    assert cell.text == "21 6"
    assert all(one.confidence > recognizer.line_reader.threshold for one in cell.numbers)
    assert not cell.accepted


def test_a_digit_astride_two_cells_makes_both_doubtful(recognizer):
    """Protects 21 and 305 where a 7 between them may belong to either."""
    page = table([["", "305"], ["48", "96"]])
    x, y = corner(0, 0)
    write(page, "21", x + 12, y + 14)
    write(page, "7", x + WIDE - 11, y + 14)
    first, second, *_ = recognizer.read_sheet(page).cells
    assert [first.text, second.text] in (["217", "305"], ["21", "7305"])
    assert not first.accepted
    assert not second.accepted


def test_a_cell_that_reaches_over_two_columns_is_there_once(recognizer):
    texts = [["12", "7", "305"], ["4865", "", "96"], ["590", "31", "8"]]
    [found] = recognizer.read_sheet(table(texts, merged=[(1, 0)])).tables
    assert found.grid(lambda cell: cell.text) == texts
    wide = [(cell.row, cell.column) for cell in found.cells if (cell.rows, cell.columns) != (1, 1)]
    assert wide == [(1, 0)]
    assert len(found.cells) == 8


@pytest.mark.parametrize("scale", [1, 5])
def test_boxes_of_cells_and_numbers_are_in_the_pictures_pixels(recognizer, scale):
    """Protects the pictures beside doubtful cells, of large photos too."""
    page = cv2.resize(table(TEXTS), None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    for cell in recognizer.read_sheet(page).cells:
        drawn = *corner(cell.row, cell.column), WIDE, HIGH
        assert np.abs(np.array(cell.box) / scale - drawn).max() <= 12
        for number in cell.numbers:
            x, y, width, height = np.array(number.box) / scale
            assert drawn[0] < x < x + width < drawn[0] + WIDE
            assert height == pytest.approx(DIGIT, abs=6)
            assert abs(y + height / 2 - drawn[1] - HIGH / 2) < 6


def test_what_stands_outside_a_table_is_a_line_and_all_is_in_reading_order(recognizer):
    """Protects a date above, and a total below, from being dropped."""
    page = table(SMALL)
    write(page, "2024", LEFT, 30)
    write(page, "461", LEFT + 30, page.shape[0] - 40)
    sheet = recognizer.read_sheet(page)
    assert [[number.text for number in line] for line in sheet.lines] == [["2024"], ["461"]]
    assert [found.grid(lambda cell: cell.text) for found in sheet.tables] == [SMALL]
    assert sheet.reading.text == "2024\n12 305\n48 96\n461"
    assert recognizer.read_digits(page).text == sheet.reading.text


def test_two_tables_of_a_sheet_stay_two(recognizer):
    page = np.vstack([table(SMALL), table([["7", "8"], ["590", "31"]])])
    found = recognizer.read_sheet(page).tables
    assert [one.grid(lambda cell: cell.text) for one in found] == [
        SMALL,
        [["7", "8"], ["590", "31"]],
    ]


@pytest.mark.parametrize("apart", [2, 6, 12])
def test_boxes_for_digits_closely_above_a_table_are_no_row_of_it(recognizer, apart):
    """Protects the cells of a table from being a row, and columns, off their place."""
    texts = [["47", "5", "31"], ["208", "12", "6"], ["9", "77", "40"]]
    page = table(texts)
    for i, digit in enumerate("6041973"):
        x, y = LEFT + 46 * i, TOP - 44 - apart
        box(page, x, y, 46, 44)
        write(page, digit, x + 12, y + 6)
    sheet = recognizer.read_sheet(page)
    assert [one.grid(lambda cell: cell.text) for one in sheet.tables] == [texts]
    assert [cell.text for cell in sheet.fields] == ["6041973"]


@pytest.mark.parametrize("gap", [0, 6, 14])
@pytest.mark.parametrize("text", ["2084", "31970", "1417"])
def test_a_box_for_each_digit_is_one_field(recognizer, text, gap):
    sheet = recognizer.read_sheet(boxes(text, gap))
    assert [cell.text for cell in sheet.fields] == [text]
    assert (sheet.tables, sheet.lines) == ((), ())


def test_a_box_whose_writing_is_no_digit_makes_its_row_doubtful(recognizer):
    """Protects 5021 with a scribbled 0 from being accepted as 5 and 21."""
    page = boxes("5021", 6)
    x, y = LEFT + 54, LEFT
    page[y + 4 : y + 56, x + 4 : x + 44] = WHITE
    zigzag = [(x + 8 + 4 * i, y + (18 if i % 2 else 42)) for i in range(9)]
    cv2.polylines(page, [np.array(zigzag)], False, 0, 3, cv2.LINE_AA)
    sheet = recognizer.read_sheet(page)
    [field] = sheet.fields
    assert (field.text, len(sheet.left_out)) == ("5 21", 1)
    assert all(one.confidence > recognizer.line_reader.threshold for one in field.numbers)
    assert not field.accepted


@pytest.mark.parametrize("text", ["2084", "31970", "1417"])
def test_a_mark_around_a_number_is_no_digit(recognizer, text):
    """Protects numbers that someone framed, circled or underlined."""
    for mark in ("frame", "circle", "underline"):
        page = paper(200, 400)
        right = write(page, text, 100, 80)
        if mark == "frame":
            box(page, 85, 65, right - 75, 61)
        elif mark == "circle":
            middle, axes = ((100 + right) // 2, 96), (right // 2 - 20, 45)
            cv2.ellipse(page, middle, axes, 0, 0, 360, PRINT, 2, cv2.LINE_AA)
        else:
            cv2.line(page, (90, 119), (right + 4, 120), PRINT, 2)
        assert recognizer.read_digits(page).text == text


@pytest.mark.parametrize("margin", [0, 2])
@pytest.mark.parametrize("text", ["2084", "31970", "1417"])
def test_a_tightly_cropped_number_is_read_whole(recognizer, text, margin):
    """Protects pictures as detectors and form cutters cut them: no digit at the edge is lost."""
    page = paper(200, 400)
    right = write(page, text, 100, 80) - DIGIT // 6
    tight = page[80 - margin : 80 + DIGIT + margin, 100 - margin : right + margin]
    assert recognizer.read_digits(tight).text == text


def test_ink_in_which_no_number_is_found_is_told_with_its_place(recognizer):
    """Protects against numbers lost in silence: a cell that was scribbled out is doubtful."""
    page = table([["12", ""], ["48", "96"]])
    x, y = corner(0, 1)
    zigzag = [(x + 12 + 8 * i, y + (14 if i % 2 else 46)) for i in range(11)]
    cv2.polylines(page, [np.array(zigzag)], False, 0, 4, cv2.LINE_AA)
    sheet = recognizer.read_sheet(page)
    [found] = sheet.tables
    scribbled = found.cells[1]
    assert scribbled.written
    assert not scribbled.accepted
    assert found.cells[0].text == "12"
    [left] = sheet.left_out
    assert left.reason == "no number was found in it"
    assert np.abs(np.array(left.box) - (x + 12, y + 14, 80, 32)).max() <= 10


def test_a_sheet_with_nothing_on_it_is_empty(recognizer):
    sheet = recognizer.read_sheet(paper(300, 500))
    assert (sheet.tables, sheet.fields, sheet.lines, sheet.left_out) == ((), (), (), ())
    assert sheet.cells == []
    assert sheet.reading.text == ""


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def print_only() -> np.ndarray:
    """A page of printed text."""
    page = paper(500, 700)
    for y in range(30, 350, 40):
        ink = typeset("the quick brown fox jumps over a lazy dog", FONTS[0], 22)
        page[y : y + ink.shape[0], 40 : 40 + ink.shape[1]] -= ink
    return page


@pytest.mark.parametrize(
    "picture",
    [
        noise(900, 1200) // 12,
        np.full((900, 1200), 120, np.uint8),
        noise(800, 800, 3),
        noise(5, 5),
        noise(1, 1),
        noise(1, 3000),
        noise(3000, 1),
        noise(2, 20_000),
    ],
    ids=["dark", "uniform", "noise", "5x5", "a pixel", "level", "upright", "thin"],
)
def test_where_no_number_is_none_is_accepted(recognizer, picture):
    """Protects from an error, and from numbers out of nothing."""
    assert not any(one.accepted for one in recognizer.read_sheet(picture).reading.numbers)


def test_lines_of_printed_words_are_left_out_with_a_reason(recognizer):
    sheet = recognizer.read_sheet(print_only())
    assert not any(one.accepted for one in sheet.reading.numbers)
    assert len(sheet.left_out) >= 5
    assert all(left.reason for left in sheet.left_out)


def test_a_table_upside_down_is_a_table_of_doubtful_numbers(recognizer):
    """Protects its shape: rows and columns are seen even where no number can be right."""
    sheet = recognizer.read_sheet(table(TEXTS)[::-1, ::-1])
    [found] = sheet.tables
    assert (found.rows, found.columns) == (4, 4)
    written = [cell for cell in found.cells if cell.written]
    assert sorted((cell.row, cell.column) for cell in written) == sorted(
        (3 - i, 3 - j) for i, line in enumerate(TEXTS) for j, text in enumerate(line) if text
    )


def test_a_small_table_in_fifty_megapixels_is_read(recognizer):
    page = np.full((7100, 7100), WHITE, np.uint8)
    small = cv2.resize(table(TEXTS), None, fx=5, fy=5, interpolation=cv2.INTER_CUBIC)
    page[1000 : 1000 + small.shape[0], 2000 : 2000 + small.shape[1]] = small
    [found] = recognizer.read_sheet(page).tables
    assert found.grid(lambda cell: cell.text) == TEXTS


@pytest.mark.campaign
def test_a_table_of_ten_thousand_cells_is_found_and_read_as_far_as_one_picture_is(recognizer):
    """Protects large tables from being taken for texture, and what is not read from silence."""
    side, n = 30, 100
    page = paper(n * side + 60, n * side + 60)
    for at in range(30, n * side + 31, side):
        cv2.line(page, (at, 30), (at, n * side + 30), PRINT, 2)
        cv2.line(page, (30, at), (n * side + 30, at), PRINT, 2)
    digits = [paper(DIGIT, DIGIT) for _ in range(10)]
    for digit, image in enumerate(digits):
        write(image, str(digit), 4, 0)
    small = [cv2.resize(image, (18, 18), interpolation=cv2.INTER_AREA) for image in digits]
    random = np.random.default_rng(0)
    for i, j in np.ndindex(n, n):
        y, x = 30 + i * side + 6, 30 + j * side + 6
        page[y : y + 18, x : x + 18] = small[random.integers(10)]
    sheet = recognizer.read_sheet(page)
    assert max(len(found.cells) for found in sheet.tables) > 0.9 * n * n
    unread = [one for one in sheet.left_out if one.reason == TOO_MUCH]
    assert len(sheet.reading.numbers) > 2500
    assert len(sheet.reading.numbers) + len(unread) > 0.9 * n * n


@pytest.mark.parametrize("size", [(100, 90), (256, 256), (257, 700), (1000, 640)])
def test_tiles_put_together_are_the_picture(size):
    """Protects the maps from seams and shifts: every place is told by a tile that it lies in."""
    picture = cv2.GaussianBlur(noise(*size), (0, 0), 6, borderType=cv2.BORDER_REPLICATE)
    picture = cv2.normalize(picture, None, 20, 235, cv2.NORM_MINMAX)
    tiles, places = in_tiles(picture)
    assert tiles.shape[1:] == (TILE, TILE)
    halves = np.stack([cv2.resize(tile, None, fx=0.5, fy=0.5) for tile in tiles]) / 255
    said = np.log(halves / (1 - halves))[..., None].repeat(3, axis=-1)
    for one in from_tiles(said, places, size, size):
        assert one.shape == size
        inner = np.s_[2:-2, 2:-2]
        assert np.abs(one[inner].astype(int) - picture[inner]).max() <= 12


@pytest.mark.parametrize("angle", [-30.0, -5.0, 0.0, 4.0, 25.0])
def test_a_page_is_turned_until_its_rules_are_level(angle):
    rules = 255 - turned(table([[""] * 4] * 4), angle)
    blank = np.zeros_like(rules)
    assert skew(Maps(blank, blank, rules)) == pytest.approx(-angle, abs=0.6)


def size_of(page: np.ndarray, rules: np.ndarray) -> tuple[int, int, int]:
    """Rows, columns and cells of the only table of a page on which nothing is written."""
    blank = np.zeros_like(rules)
    [grid] = find_grids(page, Maps(blank, blank, rules), DIGIT)
    return grid.rows, grid.columns, len(grid.boxes)


def test_rules_make_up_cells_in_rows_and_columns():
    """Protects the order of cells by itself, without a network."""
    page = table([[""] * 3] * 2, merged=[(0, 1)])
    blank = np.zeros_like(page)
    [grid] = find_grids(page, Maps(blank, blank, 255 - page), DIGIT)
    assert (grid.rows, grid.columns) == (2, 3)
    assert [(b.row, b.column, b.rows, b.columns) for b in grid.boxes] == [
        (0, 0, 1, 1),
        (0, 1, 1, 2),
        (1, 0, 1, 1),
        (1, 1, 1, 1),
        (1, 2, 1, 1),
    ]
    for cell in grid.boxes:
        middle = cell.outline.mean(axis=0) - corner(cell.row, cell.column)
        assert np.abs(middle - (WIDE * cell.columns / 2, HIGH / 2)).max() < 8


@pytest.mark.parametrize("hollow", [False, True])
def test_a_thick_rule_is_one_line(hollow):
    """Protects tables from a row and a column too many beside the bold rules of a sudoku."""
    rules = 255 - table([[""] * 3] * 3)
    (x, y), right, foot = corner(1, 1), LEFT + 3 * WIDE, TOP + 3 * HIGH
    rules[y - 8 : y + 9, LEFT:right] = rules[TOP:foot, x - 8 : x + 9] = 200
    if hollow:
        rules[y - 4 : y + 5, LEFT:right] = rules[TOP:foot, x - 4 : x + 5] = 0
    assert size_of(255 - rules, rules) == (3, 3, 9)


def test_pale_rules_within_a_dark_frame_part_its_cells(recognizer):
    """Protects forms and puzzles with hairlines, which the network hardly sees."""
    page = table(TEXTS)
    pale = page == PRINT
    pale[TOP - 3 : TOP + 4] = pale[TOP + 4 * HIGH - 3 : TOP + 4 * HIGH + 4] = False
    pale[:, LEFT - 3 : LEFT + 4] = pale[:, LEFT + 4 * WIDE - 3 : LEFT + 4 * WIDE + 4] = False
    page[pale] = 225
    [found] = recognizer.read_sheet(page).tables
    assert found.grid(lambda cell: cell.text) == TEXTS


def test_a_line_that_is_seen_parts_cells_where_the_network_marks_little_of_it():
    page = table([[""] * 3] * 4)
    (x, y), foot = corner(1, 2), TOP + 4 * HIGH
    marked = 255 - page
    marked[y + 4 : foot - 3, x - 3 : x + 4] = 0  # the line is marked in the first row alone
    assert size_of(page, marked) == (4, 3, 12)
    page[y + 4 : foot - 3, x - 3 : x + 4] = WHITE
    assert size_of(page, marked)[:2] == (4, 2)


def test_a_number_in_boxes_is_doubtful_if_the_edge_of_the_picture_cuts_one_of_them(recognizer):
    """Protects a number from losing its first or last digit with its box."""
    for text in ("916838", "90235", "888307"):
        picture = np.full((160, 100 + 60 * len(text)), 235, np.uint8)
        for i, digit in enumerate(text):
            x = 50 + 60 * i
            cv2.rectangle(picture, (x, 45), (x + 60, 115), 90, 2)
            cv2.putText(picture, digit, (x + 14, 98), cv2.FONT_HERSHEY_SIMPLEX, 1.7, 30, 5)
        assert [one.text for one in accepted(recognizer, picture)] == [text]
        assert not accepted(recognizer, np.ascontiguousarray(picture[:, 80:]))
        assert not accepted(recognizer, np.ascontiguousarray(picture[:, :-80]))


def accepted(recognizer: Recognizer, picture: np.ndarray) -> list[Number]:
    """The numbers on a sheet that are accepted."""
    return [one for one in recognizer.read_sheet(picture).reading.numbers if one.accepted]


def test_marks_between_the_boxes_of_digits_belong_to_the_number(recognizer):
    """Protects amounts on forms: the comma is written between two boxes."""
    gap = 20
    page = boxes("30860", gap)
    x, y = LEFT + 2 * (48 + gap) - gap // 2, LEFT + 14 + DIGIT
    cv2.circle(page, (x, y), 3, 0, -1, cv2.LINE_AA)
    cv2.ellipse(page, (x - 5, y), (8, 12), 0, 0, 70, 0, 3, cv2.LINE_AA)
    [cell] = recognizer.read_sheet(page).fields
    assert cell.text == "30,860"


def test_a_number_behind_a_printed_word_is_read(recognizer):
    """Protects what is filled in behind the words of a form, on the same line."""
    page = paper(120, 500)
    word = typeset("weight", FONTS[0], 30)
    page[48 : 48 + word.shape[0], 60 : 60 + word.shape[1]] -= word
    write(page, "49", 60 + word.shape[1] + 18, 44)
    assert recognizer.read_digits(page).text == "49"


def test_large_digits_beside_small_ones_are_not_cut_apart(recognizer):
    page = paper(520, 700)
    large = paper(60, 220)
    write(large, "522", 10, 10)
    page[40:220, 20:680] = cv2.resize(large, (660, 180), interpolation=cv2.INTER_CUBIC)
    for i in range(4):
        write(page, "306", 60 + 150 * i, 260)
        write(page, "184", 60 + 150 * i, 330)
    assert recognizer.read_digits(page).text.splitlines()[0] == "522"
