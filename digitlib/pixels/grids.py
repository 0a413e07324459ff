"""Cells, and the tables and boxes that they are in."""

from typing import NamedTuple

import cv2
import numpy as np

GAP = 0.6  # share of the width of boxes for one digit that the gaps between them have at most
SQUARE = 1.5  # a box for one digit is at most this many times as wide as high


class Box(NamedTuple):
    """A cell: its row and column, over how many it reaches, and its outline.

    `outline` float32 (N, 2) are corners (x, y) in the map's pixels.
    """

    row: int
    column: int
    rows: int
    columns: int
    outline: np.ndarray


class Grid(NamedTuple):
    """Cells whose lines are joined, ordered by rows and columns."""

    rows: int
    columns: int
    boxes: list[Box]


def join_boxes(grids: list[Grid]) -> list[Grid]:
    """Grids in which boxes of one size that stand beside each other, a gap apart, are one."""
    alone: list[Box] = []
    joined: list[Grid] = []
    for grid in map(_without_gaps, grids):
        if len(grid.boxes) == 1 and is_for_digit(grid.boxes[0]):
            alone.append(grid.boxes[0])
        else:
            joined.append(grid)
    rows: list[list[Box]] = []
    for box in sorted(alone, key=lambda box: box.outline[:, 0].min()):
        row = next((row for row in rows if _follows(box, row[-1])), None)
        if row is None:
            rows.append([box])
        else:
            row.append(box)
    for row in rows:
        boxes = [box._replace(column=i) for i, box in enumerate(row)]
        joined.append(Grid(1, len(boxes), boxes))
    return joined


def is_for_digits(grid: Grid) -> bool:
    """Whether a grid is a row of boxes for one digit each."""
    return grid.rows == 1 < grid.columns and all(is_for_digit(box) for box in grid.boxes)


def is_for_digit(box: Box) -> bool:
    """Whether a box is about square, as those are in which one digit each is written."""
    return box.columns == 1 and _width(box) <= SQUARE * cv2.boundingRect(box.outline)[3]


def _width(box: Box) -> int:
    return cv2.boundingRect(box.outline)[2]


def _follows(box: Box, last: Box) -> bool:
    """Whether a box stands closely to the right of another of its size."""
    x, y, width, height = cv2.boundingRect(box.outline)
    u, v, wide, high = cv2.boundingRect(last.outline)
    alike = abs(width - wide) < 0.3 * wide and abs(height - high) < 0.3 * high
    return alike and abs(y - v) < 0.3 * high and 0 <= x - u - wide < 0.5 * wide


def _without_gaps(grid: Grid) -> Grid:
    """A row of boxes for one digit each without the gaps between them, which lines may enclose."""
    boxes, gaps = grid.boxes[::2], grid.boxes[1::2]
    if grid.rows > 1 or not gaps or len(grid.boxes) != grid.columns or grid.columns % 2 == 0:
        return grid
    narrow = GAP * min(_width(box) for box in boxes)
    if not all(map(is_for_digit, boxes)) or any(_width(gap) > narrow for gap in gaps):
        return grid
    return Grid(1, len(boxes), [box._replace(column=i) for i, box in enumerate(boxes)])
