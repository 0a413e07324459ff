"""Mend a map of rules: level and upright lines, short pieces left out, gaps closed."""

import cv2
import numpy as np

from digitlib.pixels.normalisation import stroke_width

PIECE, GAP, END = 9, 15, 5  # pixels; least piece of a line, greatest gap, and width of its ends


def mended(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Level and upright lines, uint8 {0, 1} (H, W) each: short pieces left out, gaps closed.

    A gap from one crossing line to the next is the distance between two tables, and stays; so does
    a wide one at a crossing line.
    """
    piece = least_piece(mask)
    level = pieces(mask, piece)
    upright = pieces(np.ascontiguousarray(mask.T), piece)
    return _closed(level, upright.T), np.ascontiguousarray(_closed(upright, level.T).T)


def least_piece(lines: np.ndarray) -> int:
    """How long a piece of a line is at least, in pixels: longer than a crossing line is wide."""
    return max(PIECE, round(3 * stroke_width(lines * 255)))


def pieces(mask: np.ndarray, piece: int) -> np.ndarray:
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
