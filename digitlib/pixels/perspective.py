"""The four corners of a table that is seen in perspective."""

from typing import NamedTuple, Self

import cv2
import numpy as np

from digitlib.pixels.rules import least_piece, pieces

OUTSIDE = 9  # pixels off the side of a quadrilateral in which its frame is
FRAMED = 0.85  # share of each side along which there is a line
LINES = 3  # fewer lines do not tell how they are turned to each other


def corners_of(lines: np.ndarray) -> np.ndarray:
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
        long = pieces(np.ascontiguousarray(lines), least_piece(lines))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(long)
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
