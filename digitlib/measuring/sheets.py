"""How well whole sheets are read: is the right number in the right cell?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from digitlib.datasets import Dataset
from digitlib.pixels.decoding import Picture
from digitlib.synthetic.pages import Cell
from digitlib.synthetic.sheets import Sheet, draw_hand, draw_sheet

SIZES = (900, 1400)  # pixels; of the sides of a sheet


@dataclass(frozen=True)
class Judged:
    """One cell, or one number by itself, that holds a number.

    Attributes:
        sheet: number of the sheet.
        cell: what was drawn.
        said: what was read there.
        right: whether the digits are the same.
        exact: whether the marks are the same as well.
        accepted: whether all that was read there is accepted.
    """

    sheet: int
    cell: Cell
    said: str
    right: bool
    exact: bool
    accepted: bool


def draw_test_sheets(writers: Dataset, count: int, seed: int) -> Iterator[Sheet]:
    """Sheets as no network has learnt from, by the hands of these digits' writers."""
    for number in range(1, count + 1):
        random = np.random.default_rng([seed, number])
        hand = draw_hand(writers.images, writers.known_labels(), random)
        height, width = random.integers(*SIZES, 2).tolist()
        yield draw_sheet(hand, random, height, width, held=True)


def judge(read_sheet: Callable[[Picture], Any], sheets: Iterator[Sheet]) -> list[Judged]:
    """Read sheets and compare every cell that holds a number with what was read there.

    `read_sheet` is asked for each picture, such as ``Recognizer.read_sheet``.
    """
    judged = []
    for number, drawn in enumerate(sheets):
        read = read_sheet(drawn.grey)
        tables = {cell.table: _table_at(read, drawn.cells, cell.table) for cell in drawn.cells}
        numbers = read.reading.numbers
        for cell in drawn.cells:
            if cell.text and _is_seen(cell, drawn.grey.shape):
                there = _in_cell(tables[cell.table], cell, numbers)
                said = " ".join(one.text for one in there)
                right = _digits(said) == _digits(cell.text)
                accepted = bool(there) and all(one.accepted for one in there)
                exact = said == cell.text
                judged.append(Judged(number, cell, said, right, exact, accepted))
    return judged


def _is_seen(cell: Cell, shape: tuple[int, int]) -> bool:
    """Whether the camera saw all of a cell."""
    low, high = cell.corners.min(axis=0), cell.corners.max(axis=0)
    return bool((low >= 0).all() and (high < shape[::-1]).all())


def _table_at(read: Any, cells: list[Cell], number: int) -> Any:
    """Of the tables that were read, the one in which most cells of a drawn table lie."""
    if number < 0:
        return None
    middles = [cell.corners.mean(axis=0) for cell in cells if cell.table == number]

    def inside(table: Any) -> int:
        x, y, width, height = table.box
        return sum(x <= a <= x + width and y <= b <= y + height for a, b in middles)

    # Of equally good ones it is the smallest: one may stand within another.
    return max(read.tables, key=lambda one: (inside(one), -one.box[2] * one.box[3]), default=None)


def _in_cell(table: Any, cell: Cell, numbers: list) -> list:
    """What was read in a cell of a table, or by itself in the place of a number."""
    if cell.table >= 0:
        found = [] if table is None else table.cells
        return [
            number
            for one in found
            if (one.row, one.column) == (cell.row, cell.column)
            for number in one.numbers
        ]
    corners = cell.corners.astype(np.float32)
    return [
        number
        for number in numbers
        if cv2.pointPolygonTest(corners, _middle(number), measureDist=False) >= 0
    ]


def _middle(number: Any) -> tuple[float, float]:
    x, y, width, height = number.box
    return x + width / 2, y + height / 2


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))
