"""Find tables and boxes in a map of rules: the holes between lines, ordered into rows and columns.

A table is seen in perspective. It is straightened by its four corners before its cells are ordered.
Gaps in lines make one hole of two cells, which are told apart by what is left of the line.
"""

from itertools import compress, pairwise
from typing import NamedTuple, Self

import cv2
import numpy as np

from digitlib.pixels.normalisation import stroke_width

RULED = 45  # in 255ths: from here on a pixel is on a rule
STRONG, MANY = 120, 6  # fewer cells than these must have lines that are marked so clearly
LEAST_SIDE = 0.6  # heights of a digit; a smaller hole is no cell
BOXLIKE = 0.84  # share of the smallest rectangle around it that a cell covers; an ellipse has 0.79
ROUND, CONVEX = 0.72, 0.85  # the same of a circle at least, and share of its hull that it covers
OUTSIDE = 9  # pixels off the side of a quadrilateral in which its frame is
LINES = 3  # fewer lines do not tell how they are turned to each other
SAME_EDGE = 0.5  # cells' edges that are nearer, in shares of the smaller cell, are the same line
AROUND = 3  # rows above and below that tell where one table ends and another begins
SAME_COLUMNS = 0.7  # share of the columns that go on below a row, or it is the last of a table
STANDING = 0.3  # share of the line between two cells that still stands where there is a gap
SUPPORT, END_SUPPORT = 0.25, 0.6  # share of a line through a whole table that stands, or its frame
REACHING = 0.5  # share of the lines that go as far as the end of a table without a frame
ASIDE = 0.12  # share of a table's width from its left and right end in which its frame may be
FRAMED = 0.5  # share of its rows at whose ends a frame stands, or a table has none
NEAR = 4  # pixels to both sides in which a line is looked for
PIECE, GAP, END = 9, 15, 5  # pixels; least piece of a line, greatest gap, and width of its ends
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


def find_grids(rules: np.ndarray, digit: float) -> list[Grid]:
    """The tables and boxes in a map of rules uint8 (H, W), from left to right and top to bottom.

    `digit` is the height of the writing's digits, in pixels. Lines are about level and upright.
    """
    ruled = (rules >= RULED).view(np.uint8)
    level, upright = _mended(ruled)
    mask = level | upright
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    grids = []
    for label in range(1, count):
        x, y, width, height, _ = stats[label]
        if min(width, height) < LEAST_SIDE * digit:
            continue
        window = np.s_[y : y + height, x : x + width]
        lines = (labels[window] == label).view(np.uint8)
        if not (lines & level[window]).any() or not (lines & upright[window]).any():
            continue
        strong = float(rules[window][(lines & ruled[window]) > 0].mean()) >= STRONG
        near = lines | ruled[window]
        offset = np.array([x - 2, y - 2], np.float32)
        for grid in _grids(np.pad(lines, 2), np.pad(near, 2), digit):
            if not strong and len(grid.boxes) < MANY:
                continue
            boxes = [box._replace(outline=box.outline + offset) for box in grid.boxes]
            grids.append(grid._replace(boxes=boxes))
    return grids + _circles(ruled, LEAST_SIDE * digit)


def _circles(ruled: np.ndarray, least: float) -> list[Grid]:
    """The circles in a map of rules uint8 {0, 1} (H, W), at least so wide and high, as boxes."""
    closed = cv2.morphologyEx(ruled, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    circles = []
    for hole in _holes(closed, least):
        hull = cv2.convexHull(hole)
        area = cv2.contourArea(hull)
        filled = area / max(float(np.prod(cv2.minAreaRect(hull)[1])), 1.0)
        if ROUND <= filled < BOXLIKE and cv2.contourArea(hole) >= CONVEX * area:
            circles.append(Grid(1, 1, [Box(0, 0, 1, 1, hole[:, 0].astype(np.float32))]))
    return circles


def _mended(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Level and upright lines, uint8 {0, 1} (H, W) each: short pieces left out, gaps closed.

    A gap from one crossing line to the next is the distance between two tables, and stays; so does
    a wide one at a crossing line.
    """
    piece = _piece(mask)
    level = _pieces(mask, piece)
    upright = _pieces(np.ascontiguousarray(mask.T), piece)
    return _closed(level, upright.T), np.ascontiguousarray(_closed(upright, level.T).T)


def _piece(lines: np.ndarray) -> int:
    """How long a piece of a line is at least, in pixels: longer than a crossing line is wide."""
    return max(PIECE, round(3 * stroke_width(lines * 255)))


def _pieces(mask: np.ndarray, piece: int) -> np.ndarray:
    """The pieces of level lines, uint8 {0, 1} (H, W)."""
    steep = cv2.dilate(mask, np.ones((3, 1), np.uint8))  # a line at an angle is a staircase
    return cv2.morphologyEx(steep, cv2.MORPH_OPEN, np.ones((1, piece), np.uint8))


def _closed(lines: np.ndarray, crossing: np.ndarray) -> np.ndarray:
    """Level lines with their gaps closed, but for those that part two tables."""
    closed = cv2.morphologyEx(lines, cv2.MORPH_CLOSE, np.ones((1, GAP), np.uint8))
    near = cv2.dilate(crossing, np.ones((1, 2 * END + 1), np.uint8)) > 0
    gaps = closed & ~lines & 1
    _count, labels, stats, _ = cv2.connectedComponentsWithStats(gaps)
    x, y, width, height, _ = stats.T
    middle = y + height // 2
    before, after = np.maximum(x - 1, 0), np.minimum(x + width, lines.shape[1] - 1)
    ends = near[middle, before].astype(int) + near[middle, after]
    between = (ends == 2) | ((ends == 1) & (width > GAP / 2))
    between[0] = False
    closed[between[labels]] = 0
    return closed


def join_boxes(grids: list[Grid]) -> list[Grid]:
    """Grids in which boxes of one size that stand beside each other, a gap apart, are one."""
    alone: list[Box] = []
    joined: list[Grid] = []
    for grid in grids:
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


def is_for_digit(box: Box) -> bool:
    """Whether a box is about square, as those are in which one digit each is written."""
    _, _, width, height = cv2.boundingRect(box.outline)
    return box.columns == 1 and width <= SQUARE * height


def _follows(box: Box, last: Box) -> bool:
    """Whether a box stands closely to the right of another of its size."""
    x, y, width, height = cv2.boundingRect(box.outline)
    u, v, wide, high = cv2.boundingRect(last.outline)
    alike = abs(width - wide) < 0.3 * wide and abs(height - high) < 0.3 * high
    return alike and abs(y - v) < 0.3 * high and 0 <= x - u - wide < 0.5 * wide


def _grids(lines: np.ndarray, ruled: np.ndarray, digit: float, is_part: bool = False) -> list[Grid]:
    """The cells between lines that are joined, uint8 {0, 1} (H, W); usually one grid.

    What `is_part` of lines that were cut is not cut again.

    `ruled` (H, W) is all that is on a rule, short pieces included.
    """
    least = LEAST_SIDE * digit
    corners = _corners(lines)
    # A table without a frame, and a comb, are closed by the outline around them.
    closed = cv2.polylines(lines.copy(), [corners.astype(np.int32)], True, 1, 1)
    holes = _holes(closed, least)
    if not holes:
        return []
    height, width = (float(side) for side in lines.shape)
    square = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, square)
    straight = cv2.warpPerspective(ruled, matrix, lines.shape[::-1])
    edges = np.array([_edges(hole, matrix) for hole in holes])
    columns = _levels(edges[:, [0, 2]])
    rows = _standing_levels(_levels(edges[:, [1, 3]]), straight, columns)
    if len(rows) < 2:
        return []
    back = np.linalg.inv(matrix)
    bands = [] if is_part else _between_tables(straight, rows, columns)
    if bands:
        for top, bottom in bands:
            strip = _outline(
                np.array([top, bottom]), np.array([-NEAR, width + NEAR]), (0, 0, 1, 1), back
            )
            cv2.fillPoly(lines, [strip.round().astype(np.int32)], 0)
        return _grids_of_components(lines, ruled, digit)
    grids = []
    tables = _apart(straight, rows, columns)
    for first, last in tables:
        top, bottom = max(0, round(rows[first]) - NEAR), round(rows[last]) + NEAR + 1
        part, own_rows = straight[top:bottom], rows[first : last + 1] - top
        own_columns = _standing_levels(columns, part.T, own_rows if len(tables) == 1 else None)
        if len(own_rows) < 2 or len(own_columns) < 2:
            continue
        own = (edges[:, 1] >= rows[first] - NEAR) & (edges[:, 3] <= rows[last] + NEAR)
        outlines = {}
        for hole, (left, high, right, low) in zip(compress(holes, own), edges[own], strict=True):
            i, k = np.searchsorted(_middles(own_rows), (high - top, low - top)).tolist()
            j, m = np.searchsorted(_middles(own_columns), (left, right)).tolist()
            outlines[i, j, k, m] = hole[:, 0].astype(np.float32)
        boxes = []
        for i, j, k, m in _cells(part, own_rows, own_columns):
            outline = outlines.get((i, j, k, m))
            if outline is None:
                outline = _outline(own_rows + top, own_columns, (i, j, k, m), back)
            boxes.append(Box(i, j, k - i, m - j, outline))
        grids.append(Grid(len(own_rows) - 1, len(own_columns) - 1, boxes))
    return grids


def _grids_of_components(lines: np.ndarray, ruled: np.ndarray, digit: float) -> list[Grid]:
    """The grids of lines that were cut into several tables."""
    count, labels = cv2.connectedComponents(lines)
    grids = []
    for label in range(1, count):
        own = (labels == label).view(np.uint8)
        _, _, width, height = cv2.boundingRect(own)
        if min(width, height) >= LEAST_SIDE * digit:
            grids += _grids(own, ruled, digit, is_part=True)
    return grids


def _between_tables(
    lines: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> list[tuple[float, float]]:
    """From where to where tables are apart that stand closely below each other.

    There, a side of the frame is missing that the rows above and below have, and nothing stands.
    """
    if len(rows) < 3 or len(columns) < 2:
        return []
    bands = list(pairwise(rows))
    wide = round(ASIDE * lines.shape[1])
    ends = lines[:, :wide].T, lines[:, -wide:].T
    sides = np.array(
        [
            [_share(part, wide / 2, a + NEAR, b - NEAR, wide) > 0.5 for part in ends]
            for a, b in bands
        ]
    )
    framed = np.array([all(side) for side in sides])
    if framed.mean() < FRAMED:
        return []
    return [
        (a + NEAR, b - NEAR)
        for i, (a, b) in enumerate(bands)
        if not framed[i]
        and framed[max(i - 1, 0) : i + 2].any()
        and b - a > 2 * NEAR
        and not any(_stands(lines.T, column, a, b) for column in columns[1:-1])
    ]


def _apart(lines: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> list[tuple[int, int]]:
    """The first and last row of each table, where several stand closely below each other.

    They have other columns.
    """
    inner = columns[1:-1]
    standing = [
        {k for k, column in enumerate(inner) if _stands(lines.T, column, a, b)}
        for a, b in pairwise(rows)
    ]
    ends = [0]
    for i in range(1, len(standing)):
        above, below = (set().union(*standing[max(0, k) : k + AROUND]) for k in (i - AROUND, i))
        fewer = min(len(above), len(below))
        if fewer and len(above & below) < SAME_COLUMNS * fewer:
            ends.append(i)
    return list(pairwise([*ends, len(rows) - 1]))


def _holes(lines: np.ndarray, least: float) -> list[np.ndarray]:
    """The contours of holes in lines uint8 {0, 1} that are at least so wide and high, in pixels."""
    contours, tree = cv2.findContours(lines, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    parents = [] if tree is None else tree[0, :, 3]
    return [
        contour
        for contour, parent in zip(contours, parents, strict=True)
        if parent >= 0 and min(cv2.minAreaRect(contour)[1]) >= least
    ]


def _corners(lines: np.ndarray) -> np.ndarray:
    """The four corners of what lines enclose, float32 (4, 2), from the upper left one clockwise.

    Without a frame, the sides go the way of the level and upright lines nearby.
    """
    hull = cv2.convexHull(cv2.findNonZero(lines))
    for share in (0.005, 0.01, 0.02, 0.03, 0.05):
        quad = cv2.approxPolyDP(hull, share * cv2.arcLength(hull, True), True)[:, 0]
        if len(quad) == 4 and _is_frame(quad, lines):
            quad = quad.astype(np.float32)
            quad = quad[np.argsort(np.arctan2(*(quad - quad.mean(axis=0)).T[::-1]))]
            return np.roll(quad, -int(quad.sum(axis=1).argmin()), axis=0)
    height, width = lines.shape
    level, upright = _Way.of(lines, width / 2), _Way.of(lines.T, height / 2)
    x, y = hull[:, 0].T.astype(float)
    rows, columns = level.place(x, y), upright.place(y, x)
    corners = []
    for row, column in (
        (rows.min(), columns.min()),
        (rows.min(), columns.max()),
        (rows.max(), columns.max()),
        (rows.max(), columns.min()),
    ):
        down, aside = level.slope(row), upright.slope(column)
        at = column + aside * (row - down * level.middle - upright.middle)
        across = at / (1 - down * aside)
        corners.append((across, row + down * (across - level.middle)))
    return np.array(corners, np.float32)


def _is_frame(quad: np.ndarray, lines: np.ndarray) -> bool:
    """Whether there are lines along each side of a quadrilateral."""
    for corner, following in zip(quad, np.roll(quad, -1, axis=0), strict=True):
        side = np.zeros_like(lines)
        cv2.line(side, corner.tolist(), following.tolist(), 1, 2 * OUTSIDE)
        axis = int(abs(following - corner).argmax())  # along the side
        if (side & lines).any(axis=axis).sum() < FRAMED * side.any(axis=axis).sum():
            return False
    return True


class _Way(NamedTuple):
    """How level lines go: one at `row` in column `middle` has the slope `first + more * row`.

    For upright lines, rows and columns change places.
    """

    first: float
    more: float
    middle: float

    @classmethod
    def of(cls, lines: np.ndarray, middle: float) -> Self:
        """The way of the level lines in a mask uint8 {0, 1}; the long ones count most."""
        pieces = _pieces(np.ascontiguousarray(lines), _piece(lines))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(pieces)
        found = []
        for label in range(1, count):
            x, y, width, height, _ = stats[label]
            if width > 2 * height:
                rows, columns = np.nonzero(labels[y : y + height, x : x + width] == label)
                slope, row = np.polyfit(columns, rows, 1)
                found.append((y + row + slope * (middle - x), slope, width))
        if not found:
            return cls(0.0, 0.0, middle)
        at, slopes, weights = np.array(found).T
        if len(found) < LINES:
            return cls(float(np.average(slopes, weights=weights**2)), 0.0, middle)
        more, first = np.polyfit(at, slopes, 1, w=weights)
        return cls(float(first), float(more), middle)

    def slope(self, row: float) -> float:
        """The slope of the line that is at `row` in the middle."""
        return self.first + self.more * row

    def place(self, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """At which row in the middle the lines through some places are."""
        aside = columns - self.middle
        return (rows - self.first * aside) / (1 + self.more * aside)


def _edges(hole: np.ndarray, matrix: np.ndarray) -> tuple[float, float, float, float]:
    """Left, top, right and bottom edge of a hole after `matrix`, where most of its border lies."""
    points = cv2.perspectiveTransform(hole.astype(np.float32), matrix)[:, 0]
    low, high = points.min(axis=0), points.max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _levels(spans: np.ndarray) -> np.ndarray:
    """Where the lines between cells are, from the first and last place (N, 2) of each cell."""
    smallest = float(np.percentile(spans[:, 1] - spans[:, 0], 20))
    places = np.sort(spans.ravel())
    groups = np.split(places, np.flatnonzero(np.diff(places) > SAME_EDGE * smallest) + 1)
    return np.array([group.mean() for group in groups])


def _middles(levels: np.ndarray) -> np.ndarray:
    return (levels[1:] + levels[:-1]) / 2


def _standing_levels(
    levels: np.ndarray, lines: np.ndarray, crossing: np.ndarray | None
) -> np.ndarray:
    """Those of the level lines that stand for a good part of their length.

    The first and last may be missing where a table has no frame: most of the `crossing` lines that
    stand reach as far. With None they may not.
    """
    shares = np.array([_share(lines, level, 0, lines.shape[1]) for level in levels])
    stands = shares >= SUPPORT
    stands[[0, -1]] = shares[[0, -1]] >= END_SUPPORT
    if crossing is not None and len(levels) > 1:
        upright = lines.T
        across = [x for x in crossing if _share(upright, x, 0, upright.shape[1]) >= SUPPORT]
        for end, inner in ((0, 1), (-1, -2)):
            start, stop = sorted((levels[end], (levels[end] + levels[inner]) / 2))
            reach = [_stands(upright, x, start, stop) for x in across]
            stands[end] |= sum(reach) >= max(1, REACHING * len(reach))
    return levels[stands]


def _cells(
    lines: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> list[tuple[int, int, int, int]]:
    """The cells between lines (row, column, row after, column after), in reading order.

    Neighbours are one cell where no line stands between them, if that makes a rectangle.
    """
    owner = np.arange((len(rows) - 1) * (len(columns) - 1)).reshape(len(rows) - 1, -1)
    across, down = columns.tolist(), rows.tolist()
    for i, j in np.ndindex(*owner.shape):
        if i and not _stands(lines, down[i], across[j], across[j + 1]):
            owner[owner == owner[i, j]] = owner[i - 1, j]
        if j and not _stands(lines.T, across[j], down[i], down[i + 1]):
            owner[owner == owner[i, j]] = owner[i, j - 1]
    cells = []
    for one in np.unique(owner):
        places = np.argwhere(owner == one)
        (i, j), (k, m) = places.min(axis=0).tolist(), (places.max(axis=0) + 1).tolist()
        if len(places) == (k - i) * (m - j):
            cells.append((i, j, k, m))
        else:
            cells += [(a, b, a + 1, b + 1) for a, b in places.tolist()]
    return sorted(cells)


def _stands(lines: np.ndarray, level: float, start: float, stop: float) -> bool:
    """Whether enough of a level line from `start` to `stop` is there."""
    return _share(lines, level, start + 4, stop - 3) >= STANDING


def _share(lines: np.ndarray, level: float, start: float, stop: float, near: int = NEAR) -> float:
    """Which share of a level line from `start` to `stop` is there; 1 where that is no length."""
    first = max(0, round(level) - near)
    part = lines[first : round(level) + near + 1, max(0, round(start)) : round(stop)]
    return float(part.any(axis=0).mean()) if part.size else 1.0


def _outline(
    rows: np.ndarray, columns: np.ndarray, part: tuple[int, int, int, int], back: np.ndarray
) -> np.ndarray:
    a, b, c, d = part
    x0, y0, x1, y1 = columns[b], rows[a], columns[d], rows[c]
    corners = np.array([[(x0, y0), (x1, y0), (x1, y1), (x0, y1)]], np.float32)
    return cv2.perspectiveTransform(corners, back)[0]
