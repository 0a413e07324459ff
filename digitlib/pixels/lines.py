"""Find the lines of writing in a picture, and show each as the line network sees it.

A line is found by its ink: strokes that may be digits, beside each other. It is cut out along its
slope with room to all sides, so that what the ink map missed is seen all the same.
"""

from typing import NamedTuple

import cv2
import numpy as np

from digitlib.pixels.components import Component, typical_height
from digitlib.pixels.decoding import Decoded, Picture, load
from digitlib.pixels.ink import Ink, find_ink
from digitlib.pixels.line_images import HEIGHT
from digitlib.pixels.segmentation import Framed, frame
from digitlib.pixels.shapes import find_in_cells, find_shapes

FILL = 0.62  # of a line's height that its digits fill, when there is room around them
ROOM = 1.0  # heights of a digit that are seen to the left and right of the outermost ones
STEEPEST = 0.3  # slope of a line
FINEST = 1 / 8  # pixels of the picture for one of the line's, at least
LONGEST = 40  # times its height that a picture may be wide, and still be one line
WIDTH_IN_ALL = 200_000  # pixels of all lines together; those below are left out


class LineImage(NamedTuple):
    """A line of writing.

    `absorbed` and `strokes` are uint8 (48, W), the ink bright: as in `ink.Ink`. `to_picture` is the
    affine matrix (2, 3) from its places to those of the picture, in pixels from the upper left
    corner of either; `picture` is the size (width, height) of the latter. `alone` is the digit
    that the line may be as a whole: what it was found by, where that is a single shape.
    """

    absorbed: np.ndarray
    strokes: np.ndarray
    to_picture: np.ndarray
    picture: tuple[int, int]
    alone: Framed | None = None


class Lines(NamedTuple):
    """The lines of a picture, found in two ways.

    `found` are those found by their ink, top to bottom. `whole` is the picture as one line, where
    its shape allows that. Faint writing on printed paper is seen by this way, because nothing has
    to be told from the paper first.
    """

    found: list[LineImage]
    whole: LineImage | None


def find_lines(picture: Picture) -> Lines:
    """The lines of writing in a picture."""
    decoded = load(picture)
    ink = find_ink(decoded.grey)
    if not ink.absorbed.any():
        return Lines([], None)
    rows, columns = shape = decoded.grey.shape
    whole = None
    if rows < columns < LONGEST * rows:
        place = _Place(0.0, float(columns), rows / 2, rows / HEIGHT, 0.0)
        whole = _cut_out(place, ink, decoded)
    shapes, ink = find_in_cells(ink) or (find_shapes(ink.strokes), ink)
    found: list[LineImage] = []
    wide = 0
    for line in in_lines(shapes):
        alone = frame(line[0], decoded) if len(line) == 1 else None
        found.append(_cut_out(_place(line, shape), ink, decoded)._replace(alone=alone))
        wide += found[-1].absorbed.shape[1]
        if wide > WIDTH_IN_ALL:
            break
    return Lines(found, whole)


def in_lines(shapes: list[Component]) -> list[list[Component]]:
    """Group shapes into lines: each joins the line whose last shape shares most of its height."""

    def beside(one: Component, last: Component) -> float:
        shared = min(last.bottom, one.bottom) - max(last.y, one.y)
        return shared / min(last.height, one.height)

    lines: list[list[Component]] = []
    for one in sorted(shapes, key=lambda one: one.x + one.width / 2):
        line = max(lines, key=lambda line: beside(one, line[-1]), default=None)
        if line is None or beside(one, line[-1]) < 0.4:
            lines.append([one])
        else:
            line.append(one)
    return sorted(lines, key=lambda line: np.mean([one.y + one.height / 2 for one in line]))


class _Place(NamedTuple):
    """Where a line lies: its first and last column, the row of its middle at the first one, the
    pixels of the picture for one of the line's, and its slope.
    """

    start: float
    stop: float
    middle: float
    scale: float
    slope: float


def _place(line: list[Component], shape: tuple[int, int]) -> _Place:
    """Where a line of shapes lies in a picture (height, width), with room around it."""
    columns = shape[1]
    edges = np.array([(one.x, one.y, one.right, one.bottom) for one in line], float)
    left, top, right, bottom = edges.T
    height = typical_height(line, least=0.5)
    x, y = (left + right) / 2, (top + bottom) / 2
    slope = 0.0
    if len(line) > 2 and np.ptp(x) > 3 * height:
        slope = float(np.clip(np.polyfit(x, y, 1)[0], -STEEPEST, STEEPEST))
    start = max(0.0, left.min() - ROOM * height)
    stop = min(float(columns), right.max() + ROOM * height)
    along = slope * (x - start)
    highest, lowest = float((top - along).min()), float((bottom - along).max())
    tall = max(height / FILL, (lowest - highest) / 0.92)
    scale = max(tall / HEIGHT, FINEST)
    return _Place(start, stop, (highest + lowest) / 2, scale, slope)


def _cut_out(place: _Place, ink: Ink, decoded: Decoded) -> LineImage:
    start, stop, middle, scale, slope = place
    rows, columns = ink.absorbed.shape
    # From places on the line to places in the picture, as far as it was reduced to be worked on.
    matrix = np.array([[scale, 0, start], [slope * scale, scale, middle - scale * HEIGHT / 2]])
    size = (max(1, round((stop - start) / scale)), HEIGHT)
    strokes, absorbed = (_seen(image, matrix, size) for image in ink)
    to_picture = np.diag([decoded.width / columns, decoded.height / rows]) @ matrix
    return LineImage(absorbed, strokes, to_picture, (decoded.width, decoded.height))


def _seen(image: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The part of an image that `matrix` leads to, uint8 (48, W); it maps places, not pixels."""
    scale, (width, height) = matrix[0, 0], size
    if scale <= 1:
        way = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(image, _of_pixels(matrix), size, flags=way)
    # It is averaged first, so that thin strokes do not vanish: the part around the line alone.
    corners = matrix @ [[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]]
    left, top = np.maximum(corners.min(axis=1) - 2 * scale, 0).astype(int)
    right, bottom = (corners.max(axis=1) + 2 * scale).astype(int)
    part = image[top:bottom, left:right]
    reduced = [max(1, round(side / scale)) for side in part.shape[::-1]]
    small = cv2.resize(part, reduced, interpolation=cv2.INTER_AREA)
    shrink = np.diag(np.divide(small.shape, part.shape)[::-1])
    matrix = shrink @ (matrix - [[0, 0, left], [0, 0, top]])
    way = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(small, _of_pixels(matrix), size, flags=way)


def _of_pixels(matrix: np.ndarray) -> np.ndarray:
    """The matrix of pixels' indices for one of places: the middle of pixel 0 is at place 0.5."""
    half = np.full(2, 0.5)
    return np.column_stack([matrix[:, :2], matrix[:, :2] @ half + matrix[:, 2] - half])
