"""Rules: mend the map of them, and find fine ones in the picture itself."""

import cv2
import numpy as np

from digitlib.pixels.normalisation import stroke_width
from digitlib.pixels.sheet_maps import Maps

ALONG, ACROSS = 15, 9  # pixels along and across a fine line within which it is looked for
DARKER = 0.04  # share of the light that a fine line absorbs at least
GRAINS = 3.0  # times as dark as what is usual on the paper that a fine line is at least
MARKED = 45  # in 255ths
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


def fine_lines(grey: np.ndarray, maps: Maps) -> np.ndarray:
    """Where level or upright lines, however pale, are in a grey picture: uint8 {0, 1} (H, W).

    Where something is written, none are looked for.
    """
    found = np.zeros_like(grey)
    for level in (True, False):
        along, across = ((ALONG, 1), (1, ACROSS)) if level else ((1, ALONG), (ACROSS, 1))
        smooth = cv2.blur(grey, along).astype(np.float32)
        paper = cv2.morphologyEx(smooth, cv2.MORPH_CLOSE, np.ones(across[::-1], np.uint8))
        darker = 1 - smooth / np.maximum(paper, 1)
        found |= (darker >= max(DARKER, GRAINS * float(np.median(darker)))).view(np.uint8)
    written = (np.maximum(maps.writing, maps.printed) >= MARKED).view(np.uint8)
    found[cv2.dilate(written, np.ones((3, 3), np.uint8)) > 0] = 0
    return found


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
