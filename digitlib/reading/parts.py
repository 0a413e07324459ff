"""The connected pieces of an ink map: what segmentation takes apart and puts together."""

from typing import NamedTuple

import cv2
import numpy as np

MAX_PARTS = 5000  # a picture in more pieces is texture, not writing


class Part(NamedTuple):
    """Strokes, uint8 (height, width) on exactly 0, that lie at `x`, `y` in the ink map."""

    x: int
    y: int
    strokes: np.ndarray

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return self.strokes.shape[1]

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return self.strokes.shape[0]

    @property
    def right(self) -> int:
        """First column after the part."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """First row after the part."""
        return self.y + self.height


def split_parts(strokes: np.ndarray) -> list[Part]:
    """The connected components of an ink map uint8 (H, W), in no order.

    [] where there are more than `MAX_PARTS`.
    """
    mask = (strokes > 0).view(np.uint8)
    contours, tree = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    outer = [contour for i, contour in enumerate(contours) if tree[0, i, 3] < 0]
    if len(outer) > MAX_PARTS:
        return []
    labels = cv2.connectedComponents(mask)[1]
    parts = []
    for contour in outer:
        x, y, width, height = cv2.boundingRect(contour)
        window = np.s_[y : y + height, x : x + width]
        own = labels[window] == labels[contour[0, 0, 1], contour[0, 0, 0]]
        parts.append(Part(x, y, strokes[window] * own))
    return parts


def join_parts(parts: list[Part]) -> Part:
    """One part of several (at least one)."""
    x, y = min(part.x for part in parts), min(part.y for part in parts)
    width, height = max(part.right for part in parts) - x, max(part.bottom for part in parts) - y
    strokes = np.zeros((height, width), np.uint8)
    for part in parts:
        window = strokes[part.y - y : part.bottom - y, part.x - x : part.right - x]
        np.maximum(window, part.strokes, out=window)
    return Part(x, y, strokes)


def crop_columns(part: Part, left: int, right: int) -> Part:
    """The columns from `left` up to `right` of a part, without empty rows and columns around."""
    strokes = part.strokes[:, left:right]
    x, y, width, height = cv2.boundingRect((strokes > 0).view(np.uint8))
    return Part(part.x + left + x, part.y + y, strokes[y : y + height, x : x + width])
