"""Where the lines of a straightened table are, and which cells are between them.

A table's lines are level or upright. `lines` are a mask uint8 {0, 1} (H, W) of them; `rows` and
`columns` tell where they are, in pixels.
"""

from itertools import pairwise

import numpy as np

SAME_EDGE = 0.5  # cells' edges that are nearer, in shares of the smaller cell, are the same line
AROUND = 3  # rows above and below that tell where one table ends and another begins
COLUMNS = 3  # lines; fewer do not tell that a table is another one
SAME_COLUMNS = 0.5  # share of the columns that go on below a row, or it is the last of a table
STANDING = 0.3  # share of the line between two cells that still stands where there is a gap
SUPPORT, END_SUPPORT = 0.25, 0.6  # share of a line through a whole table that stands, or its frame
REACHING = 0.5  # share of the lines that go as far as the end of a table without a frame
ASIDE = 0.12  # share of a table's width from its left and right end in which its frame may be
FRAMED = 0.5  # share of its rows at whose ends a frame stands, or a table has none
NEAR, SAME = 4, 16  # pixels to both sides in which a line is looked for, or is the same one


def levels_of(spans: np.ndarray) -> np.ndarray:
    """Where the lines between cells are, from the first and last place (N, 2) of each cell."""
    smallest = float(np.percentile(spans[:, 1] - spans[:, 0], 20))
    places = np.sort(spans.ravel())
    groups = np.split(places, np.flatnonzero(np.diff(places) > SAME_EDGE * smallest) + 1)
    return np.array([group.mean() for group in groups])


def middles(levels: np.ndarray) -> np.ndarray:
    """The places halfway between neighbouring lines."""
    return (levels[1:] + levels[:-1]) / 2


def standing(levels: np.ndarray, lines: np.ndarray, crossing: np.ndarray | None) -> np.ndarray:
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


def cells_between(
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


def tables_apart(edges: np.ndarray, rows: np.ndarray) -> list[tuple[int, int]]:
    """The first and last row of each table, where several stand closely below each other.

    They have other columns. `edges` (N, 4) are left, top, right and bottom of the cells.
    """
    _left, top, _right, bottom = edges.T
    ends = [0]
    for i in range(2, len(rows) - 2):  # the first row of an open table may have few cells
        first, last = rows[max(0, i - AROUND)], rows[min(len(rows) - 1, i + AROUND)]
        above = _columns(edges[(top >= first - SAME) & (bottom <= rows[i] + SAME)])
        below = _columns(edges[(top >= rows[i] - SAME) & (bottom <= last + SAME)])
        shared = abs(above[:, None] - below) <= SAME
        fewer = min(len(above), len(below))
        if fewer >= COLUMNS and shared.any(axis=1).sum() < SAME_COLUMNS * fewer:
            ends.append(i)
    return list(pairwise([*ends, len(rows) - 1]))


def _columns(edges: np.ndarray) -> np.ndarray:
    """Where the upright lines beside cells are."""
    if not len(edges):
        return np.empty(0)
    places = np.sort(edges[:, [0, 2]].ravel())
    groups = np.split(places, np.flatnonzero(np.diff(places) > SAME) + 1)
    return np.array([group.mean() for group in groups])


def bands_between(
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


def _stands(lines: np.ndarray, level: float, start: float, stop: float) -> bool:
    """Whether enough of a level line from `start` to `stop` is there."""
    return _share(lines, level, start + 4, stop - 3) >= STANDING


def _share(lines: np.ndarray, level: float, start: float, stop: float, near: int = NEAR) -> float:
    """Which share of a level line from `start` to `stop` is there; 1 where that is no length."""
    first = max(0, round(level) - near)
    part = lines[first : round(level) + near + 1, max(0, round(start)) : round(stop)]
    return float(part.any(axis=0).mean()) if part.size else 1.0
