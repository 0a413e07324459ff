"""Where the lines of a straightened table are, and which cells are between them.

A table's lines are level or upright. `lines` are a mask uint8 {0, 1} (H, W) of them; `rows` and
`columns` tell where they are, in pixels.
"""

from itertools import pairwise

import numpy as np

PEAK, SAME_EDGE = 0.15, 0.5  # heights of a small cell by which its edges are off a line at most
LEAST_LENGTH = 0.04  # share of the table's width that the edges along a line have together
THIN = 0.8  # heights of a small cell that a hollow line is thick at most
THICK = 0.7  # share of the place between two cells that is ink where it is one thick line
AROUND = 3  # rows above and below that tell where one table ends and another begins
SAME_COLUMN = 8  # pixels between two columns that are the same one
SAME_COLUMNS = 0.6  # share of the columns that go on below a row, and two, or a table ends there
OF_A_TABLE = 4  # columns of a single row that may be a table by itself
STANDING = 0.3  # share of the line between two cells that still stands where there is a gap
SUPPORT, END_SUPPORT = 0.35, 0.6  # share of a line through a whole table that stands, or its frame
LEAST_SUPPORT, SEEN = 0.15, 0.8  # the same of one that is seen, and which share of it
OFF = 0.1  # sides of a cell by which a pale line beside it may be off its level
REACHING = 0.5  # share of the lines that go as far as the end of a table without a frame
ASIDE = 0.12  # share of a table's width from its left and right end in which its frame may be
FRAMED = 0.5  # share of its rows at whose ends a frame stands, or a table has none
NEAR, SAME = 4, 16  # pixels to both sides in which a line is looked for, or is the same one


def levels_of(edges: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """Where the level lines between cells are, whose left, top, right and bottom are edges (N, 4).

    A line may be thick: where cells end, and others begin after nothing but ink, is one line.
    """
    left, top, right, bottom = edges.T
    smallest = float(np.percentile(bottom - top, 20))
    same = SAME_EDGE * smallest
    near, widths = PEAK * smallest, right - left
    least = min(LEAST_LENGTH * lines.shape[1], float(widths.max()))
    tops, bottoms = (_peaks(one, widths, near, same, least) for one in (top, bottom))
    levels: list[tuple[float, str]] = []
    found = [(one, "top") for one in tops] + [(one, "bottom") for one in bottoms]
    for level, kind in sorted(found):
        if levels and {levels[-1][1], kind} == {"top", "bottom"}:
            last, _ = levels[-1]
            between = lines[max(0, round(last)) : round(level) + 1]
            thick = level - last <= THIN * smallest or (
                between.size > 0 and between.mean() >= THICK
            )
            if level - last <= same or (kind == "top" and thick):
                levels[-1] = (last + level) / 2, "both"
                continue
        levels.append((level, kind))
    return np.array([level for level, _ in levels])


def _peaks(
    places: np.ndarray, weights: np.ndarray, near: float, same: float, least: float
) -> list[float]:
    """Where most places (N,) are, by their weights; those up to `same` from there belong to it.

    One of less than the `least` weight is none.
    """
    order = places.argsort()
    places, weights = places[order], weights[order]
    first, last = np.searchsorted(places, places - near), np.searchsorted(places, places + near)
    peaks = []
    while weights.any():
        total = np.r_[0, np.cumsum(weights)]
        at = places[np.argmax((total[last] - total[first]) * (weights > 0))]
        own = np.where(abs(places - at) <= same, weights, 0)
        if own.sum() >= least:
            peaks.append(float(np.average(places, weights=own)))
        weights = weights - own
    return peaks


def middles(levels: np.ndarray) -> np.ndarray:
    """The places halfway between neighbouring lines."""
    return (levels[1:] + levels[:-1]) / 2


def standing(
    levels: np.ndarray, lines: np.ndarray, seen: np.ndarray, crossing: np.ndarray | None
) -> np.ndarray:
    """Those of the level lines that stand for a good part of their length.

    One that stands for less stands all the same if all of it is `seen`, however pale.

    The first and last may be missing where a table has no frame: most of the `crossing` lines that
    stand reach as far. With None they may not.
    """
    shares = np.array([_share(lines, level, 0, lines.shape[1]) for level in levels])
    stands = shares >= SUPPORT
    levels = levels.copy()
    for i in np.flatnonzero(~stands & (shares >= LEAST_SUPPORT)):
        near = levels[i] + np.arange(-2 * NEAR, 2 * NEAR + 1)
        there = [_share(seen, level, 0, seen.shape[1]) for level in near]
        levels[i], stands[i] = near[np.argmax(there)], max(there) >= SEEN
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
    lines: np.ndarray, seen: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> list[tuple[int, int, int, int]]:
    """The cells between lines (row, column, row after, column after), in reading order.

    Neighbours are one cell where no line stands between them, and none is `seen`, however pale, if
    that makes a rectangle.
    """
    owner = np.arange((len(rows) - 1) * (len(columns) - 1)).reshape(len(rows) - 1, -1)
    across, down = columns.tolist(), rows.tolist()
    for i, j in np.ndindex(*owner.shape):
        left, right, top, bottom = across[j], across[j + 1], down[i], down[i + 1]
        near = round(OFF * min(right - left, bottom - top))
        if i and not _is_between(lines, seen, top, left, right, near):
            owner[owner == owner[i, j]] = owner[i - 1, j]
        if j and not _is_between(lines.T, seen.T, left, top, bottom, near):
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
    for i in range(1, len(rows) - 1):
        first, last = rows[max(0, i - AROUND)], rows[min(len(rows) - 1, i + AROUND)]
        above = _columns(edges[(top >= first - SAME) & (bottom <= rows[i] + SAME)])
        below = _columns(edges[(top >= rows[i] - SAME) & (bottom <= last + SAME)])
        fewer = min(len(above), len(below))
        if fewer < (OF_A_TABLE if i in (1, len(rows) - 2) else 1):
            continue  # the first row of an open table may have few cells
        same = abs(above[:, None] - below) <= SAME_COLUMN
        shared = min(same.any(axis=0).sum(), same.any(axis=1).sum())
        if shared < max(2, SAME_COLUMNS * fewer):
            ends.append(i)
    return list(pairwise([*ends, len(rows) - 1]))


def _columns(edges: np.ndarray) -> np.ndarray:
    """Where the upright lines beside cells are."""
    if not len(edges):
        return np.empty(0)
    places = np.sort(edges[:, [0, 2]].ravel())
    same = min(SAME, float((edges[:, 2] - edges[:, 0]).min()) / 2)
    groups = np.split(places, np.flatnonzero(np.diff(places) > same) + 1)
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


def _is_between(
    lines: np.ndarray, seen: np.ndarray, level: float, start: float, stop: float, near: int
) -> bool:
    """Whether enough of a level line from `start` to `stop` is there, or all is seen nearby."""
    return (
        _stands(lines, level, start, stop) or _share(seen, level, start + 4, stop - 3, near) >= SEEN
    )


def _stands(lines: np.ndarray, level: float, start: float, stop: float) -> bool:
    """Whether enough of a level line from `start` to `stop` is there."""
    return _share(lines, level, start + 4, stop - 3) >= STANDING


def _share(lines: np.ndarray, level: float, start: float, stop: float, near: int = NEAR) -> float:
    """Which share of a level line from `start` to `stop` is there; 1 where that is no length."""
    first = max(0, round(level) - near)
    part = lines[first : round(level) + near + 1, max(0, round(start)) : round(stop)]
    return float(part.any(axis=0).mean()) if part.size else 1.0
