"""How well whole sheets are read: is the right number in the right cell?"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from digitlib.datasets import Dataset
from digitlib.measuring.lines import images_and_labels
from digitlib.measuring.robustness import grouped_accuracy
from digitlib.pixels.decoding import Picture
from digitlib.pixels.line_images import HEIGHT
from digitlib.synthetic.hands import drawn_hands, real_hand
from digitlib.synthetic.pages import Cell
from digitlib.synthetic.sheets import BENT, Sheet, draw_sheet

SIZES = (900, 1400)  # pixels; of the sides of a sheet
MARKED = 128  # in 255ths
ROOM = 12  # pixels beside a number that is shown


@dataclass(frozen=True)
class Judged:
    """One cell, or one number by itself, that holds a number.

    Attributes:
        sheet: number of the sheet.
        cell: what was drawn.
        said: what was read there.
        right: whether the numbers have the same digits.
        exact: whether the marks are the same as well.
        accepted: whether all that was read there is accepted.
    """

    sheet: int
    cell: Cell
    said: str
    right: bool
    exact: bool
    accepted: bool


def draw_test_sheets(writers: Dataset | None, count: int, seed: int) -> Iterator[Sheet]:
    """Sheets as no network has learnt from, by the hands of these digits' writers.

    Where no digits are given, the hands are pen-drawn.
    """
    digits = images_and_labels(writers)
    for number in range(1, count + 1):
        random = np.random.default_rng([seed, number])
        hand = real_hand(*digits, random, BENT) if len(digits[0]) else drawn_hands(1, random)[0]
        height, width = random.integers(*SIZES, 2).tolist()
        yield draw_sheet(hand, random, height, width, held=True)


def judge(read_sheet: Callable[[Picture], Any], sheets: Iterable[Sheet]) -> list[Judged]:
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
                right = _numbers(said) == _numbers(cell.text)
                accepted = bool(there) and all(one.accepted for one in there)
                exact = said == cell.text
                judged.append(Judged(number, cell, said, right, exact, accepted))
    return judged


def summary(judged: Sequence[Judged]) -> dict[str, float]:
    """How well cells are read, in percent of all of them.

    Returns:
        What ``robustness.grouped_accuracy`` has, of cells with the right digits, where sheets are
        the groups; as_written_percent, with the right marks as well; accepted_percent; and
        wrong_accepted_percent, those that are wrong and accepted, with
        wrong_accepted_high_percent, the upper end of its 95 % interval. Of no cells, n alone.
    """
    n = len(judged)
    if not n:
        return {"n": 0}
    right = np.array([one.right for one in judged])
    accepted = np.array([one.accepted for one in judged])
    sheets = np.array([one.sheet for one in judged])
    harmless = grouped_accuracy(np.ones(n), ~accepted | right, sheets)
    return grouped_accuracy(np.ones(n), right, sheets) | {
        "grouped_by": "sheet",
        "as_written_percent": 100 * float(np.mean([one.exact for one in judged])),
        "accepted_percent": 100 * float(accepted.mean()),
        "wrong_accepted_percent": 100 - harmless["accuracy_percent"],
        "wrong_accepted_high_percent": 100 - harmless["low_percent"],
    }


def overlap(wanted: np.ndarray, found: np.ndarray) -> float:
    """How far two maps agree, 0 to 1: the Dice coefficient (Dice 1945, doi:10.2307/1932409).

    Maps are uint8 (H, W), a probability in 255ths; what is above a half is marked. Two maps on
    which nothing is marked agree.
    """
    one, other = wanted >= MARKED, found >= MARKED
    marked = one.sum() + other.sum()
    return 2 * float((one & other).sum() / marked) if marked else 1.0


def close_up(sheet: Sheet, cell: Cell) -> np.ndarray:
    """The number in a cell, straightened: uint8 (48, W), as high as the cell."""
    corners = cell.corners.astype(np.float32)
    across, down = (float(np.linalg.norm(corners[i] - corners[0])) for i in (1, 3))
    width = max(1, round(HEIGHT * across / down))
    frame = np.array([(0, 0), (width, 0), (width, HEIGHT), (0, HEIGHT)], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, frame)
    grey, maps = (cv2.warpPerspective(one, matrix, (width, HEIGHT)) for one in sheet[:2])
    inked = np.flatnonzero((maps[..., :2] >= MARKED).any(axis=(0, 2)))
    return grey[:, max(0, inked[0] - ROOM) : inked[-1] + ROOM] if len(inked) else grey


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


def _numbers(text: str) -> list[str]:
    """The digits of each number; `text` has a space between numbers."""
    return ["".join(filter(str.isdigit, one)) for one in text.split()]
