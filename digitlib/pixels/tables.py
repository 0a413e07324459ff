"""Find tables and boxes in a map of rules: the holes between lines, ordered into rows and columns.

A table is seen in perspective. It is straightened by its four corners before its cells are ordered.
Gaps in lines make one hole of two cells, which are told apart by what is left of the line.
"""

from itertools import compress

import cv2
import numpy as np

from digitlib.pixels.grids import Box, Grid
from digitlib.pixels.levels import (
    NEAR,
    SAME,
    bands_between,
    cells_between,
    levels_of,
    middles,
    standing,
    tables_apart,
)
from digitlib.pixels.perspective import corners_of
from digitlib.pixels.rules import fine_lines, mended
from digitlib.pixels.sheet_maps import Maps

RULED = 45  # in 255ths: from here on a pixel is on a rule
STRONG, MANY = 120, 6  # fewer cells than these must have lines that are marked so clearly
LEAST_SIDE = 0.6  # heights of a digit; a smaller hole is no cell
PATTERN = 0.04  # share of the paper beside tables that is on pale lines where those are its pattern
BOXLIKE = 0.84  # share of the smallest rectangle around it that a cell covers; an ellipse has 0.79
ROUND, CONVEX = 0.72, 0.85  # the same of a circle at least, and share of its hull that it covers


def find_grids(grey: np.ndarray, maps: Maps, digit: float) -> list[Grid]:
    """The tables and boxes of a picture, from left to right and top to bottom.

    `grey` is uint8 (H, W), and what is ruled in it is marked in `maps`, about level and upright.
    `digit` is the height of the writing's digits, in pixels.
    """
    rules = maps.rules
    ruled = (rules >= RULED).view(np.uint8)
    level, upright = mended(ruled)
    mask = level | upright
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    large = [i for i in range(1, count) if stats[i, 2:4].min() >= LEAST_SIDE * digit]
    windows = [np.s_[y : y + high, x : x + wide] for x, y, wide, high, _ in stats[large]]
    fine = _unless_pattern(fine_lines(grey, maps), windows)
    grids = []
    for label, window in zip(large, windows, strict=True):
        lines = (labels[window] == label).view(np.uint8)
        if not (lines & level[window]).any() or not (lines & upright[window]).any():
            continue
        strong = float(rules[window][(lines & ruled[window]) > 0].mean()) >= STRONG
        near = 2 * (lines | ruled[window]) | fine[window]
        offset = np.array([window[1].start - 2, window[0].start - 2], np.float32)
        for grid in _grids(np.pad(lines, 2), np.pad(near, 2), digit):
            if not strong and len(grid.boxes) < MANY:
                continue
            boxes = [box._replace(outline=box.outline + offset) for box in grid.boxes]
            grids.append(grid._replace(boxes=boxes))
    return grids + _circles(ruled, LEAST_SIDE * digit)


def _unless_pattern(fine: np.ndarray, windows: list[tuple[slice, slice]]) -> np.ndarray:
    """Fine lines uint8 {0, 1} (H, W), or none where they are all over the paper beside tables."""
    beside = np.ones(fine.shape, bool)
    for window in windows:
        beside[window] = False
    patterned = beside.any() and fine[beside].mean() >= PATTERN
    return np.zeros_like(fine) if patterned else fine


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


def _grids(lines: np.ndarray, ruled: np.ndarray, digit: float, is_part: bool = False) -> list[Grid]:
    """The cells between lines that are joined, uint8 {0, 1} (H, W); usually one grid.

    What `is_part` of lines that were cut is not cut again.

    `ruled` (H, W) is 2 or 3 wherever something is on a rule, short pieces included, and 1 where a
    pale line may be.
    """
    corners = corners_of(lines)
    # A table without a frame, and a comb, are closed by the outline around them.
    closed = cv2.polylines(lines.copy(), [corners.astype(np.int32)], True, 1, 1)
    holes = _holes(closed, LEAST_SIDE * digit)
    if not holes:
        return []
    height, width = (float(side) for side in lines.shape)
    square = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, square)
    back = np.linalg.inv(matrix)
    way = cv2.INTER_NEAREST
    seen = cv2.warpPerspective(ruled, matrix, lines.shape[::-1], flags=way)
    straight, seen = (seen >= 2).view(np.uint8), (seen >= 1).view(np.uint8)
    edges = np.array([_edges(hole, matrix) for hole in holes])
    columns = levels_of(_turned(edges), straight.T)
    rows = standing(levels_of(edges, straight), straight, seen, columns)
    if len(rows) < 2:
        return []
    bands = [] if is_part else bands_between(straight, rows, columns)
    if bands:
        across = np.array([-NEAR, width + NEAR])
        for band in bands:
            strip = _outline(np.array(band), across, (0, 0, 1, 1), back)
            cv2.fillPoly(lines, [strip.round().astype(np.int32)], 0)
        return _grids_of_components(lines, ruled, digit)
    grids = []
    tables = tables_apart(edges, rows)
    for first, last in tables:
        own = (edges[:, 1] >= rows[first] - SAME) & (edges[:, 3] <= rows[last] + SAME)
        if own.any():
            cells = list(compress(holes, own)), edges[own]
            shared = columns if len(tables) == 1 else None
            grids += _table(*cells, straight, seen, rows[first : last + 1], shared, back)
    return grids


def _table(
    holes: list[np.ndarray],
    edges: np.ndarray,
    straight: np.ndarray,
    seen: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray | None,
    back: np.ndarray,
) -> list[Grid]:
    """A table whose lines are straightened; [] where there are no rows or no columns.

    Args:
        holes, edges: its cells as they are in the picture, and their edges (N, 4), straightened.
        straight, seen: uint8 {0, 1} (H, W), where its lines are, and where they may be.
        rows: where its level lines are, straightened.
        columns: the same of the upright ones; None where its own cells have to tell.
        back: from straightened places to those in the picture.
    """
    top, bottom = max(0, round(rows[0]) - NEAR), round(rows[-1]) + NEAR + 1
    part, pale, own_rows = straight[top:bottom], seen[top:bottom], rows - top
    if columns is None:
        columns = standing(levels_of(_turned(edges), part.T), part.T, pale.T, None)
    else:
        columns = standing(columns, part.T, pale.T, own_rows)
    if len(rows) < 2 or len(columns) < 2:
        return []
    outlines = {}
    for hole, (left, high, right, low) in zip(holes, edges, strict=True):
        i, k = np.searchsorted(middles(own_rows), (high - top, low - top)).tolist()
        j, m = np.searchsorted(middles(columns), (left, right)).tolist()
        outlines[i, j, k, m] = hole[:, 0].astype(np.float32)
    boxes = []
    for i, j, k, m in cells_between(part, pale, own_rows, columns):
        outline = outlines.get((i, j, k, m))
        if outline is None:
            outline = _outline(rows, columns, (i, j, k, m), back)
        boxes.append(Box(i, j, k - i, m - j, outline))
    return [Grid(len(rows) - 1, len(columns) - 1, boxes)]


def _turned(edges: np.ndarray) -> np.ndarray:
    """Edges (N, 4) of what is turned over, so that its columns are rows."""
    return edges[:, [1, 0, 3, 2]]


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


def _holes(lines: np.ndarray, least: float) -> list[np.ndarray]:
    """The contours of holes in lines uint8 {0, 1} that are at least so wide and high, in pixels."""
    contours, tree = cv2.findContours(lines, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    parents = [] if tree is None else tree[0, :, 3]
    return [
        contour
        for contour, parent in zip(contours, parents, strict=True)
        if parent >= 0 and min(cv2.minAreaRect(contour)[1]) >= least
    ]


def _edges(hole: np.ndarray, matrix: np.ndarray) -> tuple[float, float, float, float]:
    """Left, top, right and bottom edge of the box around a hole, after `matrix`."""
    points = cv2.perspectiveTransform(hole.astype(np.float32), matrix)[:, 0]
    low, high = points.min(axis=0), points.max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _outline(
    rows: np.ndarray, columns: np.ndarray, part: tuple[int, int, int, int], back: np.ndarray
) -> np.ndarray:
    a, b, c, d = part
    x0, y0, x1, y1 = columns[b], rows[a], columns[d], rows[c]
    corners = np.array([[(x0, y0), (x1, y0), (x1, y1), (x0, y1)]], np.float32)
    return cv2.perspectiveTransform(corners, back)[0]
