"""How whole sheets are judged: cells that are right, and maps that agree."""

import numpy as np
import pytest

from digitlib.measuring.sheets import (
    Judged,
    close_up,
    draw_test_sheets,
    judge,
    overlap,
    summary,
)
from digitlib.reading import sheets
from digitlib.reading.numbers import Number
from digitlib.synthetic.pages import Cell
from digitlib.synthetic.sheets import Sheet

CORNERS = np.array([(20, 10), (80, 10), (80, 40), (20, 40)], float)
CELL = Cell(0, 0, 0, 1, 1, CORNERS, "7")


def test_what_is_wrong_and_accepted_is_counted_of_all_cells():
    """Protects the number that matters most: what goes into the books although it is wrong."""
    outcomes = [(True, True, True)] * 6 + [(True, False, False), (False, False, True)]
    judged = [Judged(0, CELL, "7", *one) for one in outcomes]
    found = summary(judged)
    assert (found["n"], found["correct"]) == (8, 7)
    assert found["as_written_percent"] == 75
    assert found["accepted_percent"] == 87.5
    assert found["wrong_accepted_percent"] == 12.5
    assert 12.5 < found["wrong_accepted_high_percent"] < 100
    assert summary([]) == {"n": 0}


def test_cells_of_one_sheet_do_not_count_as_independent():
    """Protects from an interval of cells where a sheet is misread as a whole."""
    of_sheets = [[True] * 50, [True] * 50, [False] * 50, [True] * 50]
    judged = [
        Judged(number, CELL, "7", right, right, True)
        for number, cells in enumerate(of_sheets)
        for right in cells
    ]
    found = summary(judged)
    assert (found["writers"], found["grouped_by"]) == (4, "sheet")
    assert found["low_percent"] < 50
    assert found["wrong_accepted_high_percent"] > 50


@pytest.mark.parametrize(("said", "right"), [("216", True), ("21 6", False), ("2.16", True)])
def test_a_cell_is_right_if_it_holds_that_number_and_no_other(said, right):
    """Protects against counting 21 and 6 as 216."""
    cell = Cell(-1, 0, 0, 1, 1, CORNERS, "216")
    sheet = Sheet(np.full((60, 100), 255, np.uint8), np.zeros((60, 100, 3), np.uint8), [cell])
    numbers = tuple(Number(one, (), 1.0, True, place=(40, 20, 10, 10)) for one in said.split())
    [judged] = judge(lambda _: sheets.Sheet(lines=(numbers,)), [sheet])
    assert judged.right == right


@pytest.mark.parametrize(("rows", "agreement"), [((0, 4), 1.0), ((2, 6), 0.5), ((4, 8), 0.0)])
def test_maps_overlap_as_far_as_they_mark_the_same(rows, agreement):
    """Protects the comparison of what is there with what the network sees."""
    wanted, found = np.zeros((2, 8, 8), np.uint8)
    wanted[0:4] = 255
    found[slice(*rows)] = 200
    assert overlap(wanted, found) == agreement


def test_a_number_is_shown_close_up():
    """Protects the sheet of misread cells: it shows the number, and not an empty cell."""
    grey = np.full((60, 100), 255, np.uint8)
    grey[15:35, 40:50] = 0
    maps = np.dstack([255 - grey, np.zeros_like(grey), np.zeros_like(grey)])
    shown = close_up(Sheet(grey, maps, [CELL]), CELL)
    assert shown.shape[0] == 48
    assert shown.shape[1] < 48  # the cell alone is 96 pixels wide
    assert shown.min() == 0


def test_sheets_are_drawn_without_digits_of_a_data_set():
    """Protects a first run, which has no data set of writers."""
    (sheet,) = draw_test_sheets(None, 1, 0)
    assert any(cell.text for cell in sheet.cells)
