"""Find the lines of writing in a picture, and show each as the line network sees it.

A line is found by its ink: strokes that may be digits, beside each other. It is cut out along its
slope with room to all sides, so that what the ink map missed is seen all the same.
"""

from typing import NamedTuple

import cv2
import numpy as np

from digitlib.pixels.components import Component
from digitlib.pixels.decoding import Decoded, Picture, load
from digitlib.pixels.ink import Ink, find_ink
from digitlib.pixels.line_images import HEIGHT
from digitlib.pixels.segmentation import Framed, frame
from digitlib.pixels.shapes import find_shapes

FILL = 0.62  # of a line's height that its digits fill, when there is room around them
ROOM = 1.0  # heights of a digit that are seen to the left and right of the outermost ones
STEEPEST = 0.3  # slope of a line
FULL = 0.55  # a line that fills this share of the picture's height is cut out at its full height


class LineImage(NamedTuple):
    """A line of writing.

    `absorbed` and `strokes` are uint8 (48, W), the ink bright: as in `ink.Ink`. `to_picture` is the
    affine matrix (2, 3) from its pixels to those of the picture. `alone` is the digit that the
    line may be as a whole: what it was found by, where that is a single shape.
    """

    absorbed: np.ndarray
    strokes: np.ndarray
    to_picture: np.ndarray
    alone: Framed | None


def find_lines(picture: Picture) -> list[LineImage]:
    """The lines of writing in a picture, top to bottom; [] where there is no ink."""
    decoded = load(picture)
    shapes, ink = find_shapes(find_ink(decoded.grey))
    return [_cut_out(line, ink, decoded) for line in _group(shapes)]


def _group(shapes: list[Component]) -> list[list[Component]]:
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


def _cut_out(line: list[Component], ink: Ink, decoded: Decoded) -> LineImage:
    edges = np.array([(one.x, one.y, one.right, one.bottom) for one in line], float)
    left, top, right, bottom = edges.T
    heights = bottom - top
    height = float(np.median(heights[heights >= 0.5 * heights.max()]))
    x, y = (left + right) / 2, (top + bottom) / 2
    slope = 0.0
    if len(line) > 2 and np.ptp(x) > 3 * height:
        slope = float(np.clip(np.polyfit(x, y, 1)[0], -STEEPEST, STEEPEST))
    along = slope * (x - x.mean())
    highest, lowest = float((top - along).min()), float((bottom - along).max())
    tall = max(height / FILL, (lowest - highest) / 0.92)
    middle = (highest + lowest) / 2
    rows, columns = ink.absorbed.shape
    if height >= FULL * rows and not slope or tall > rows:
        tall, middle = float(rows), rows / 2
    start = max(0.0, left.min() - ROOM * height)
    stop = min(float(columns), right.max() + ROOM * height)
    scale = tall / HEIGHT  # pixels of the picture for one of the line's
    # from the line's pixels (u, v) to those of the working picture
    matrix = np.array(
        [
            [scale, 0, start + scale / 2 - 0.5],
            [slope * scale, scale, middle - tall / 2 + slope * (start - x.mean()) + scale / 2 - 0.5],
        ]
    )
    size = (max(1, round((stop - start) / scale)), HEIGHT)
    absorbed, strokes = (_seen(image, matrix, size) for image in ink)
    to_picture = np.diag([decoded.width / columns, decoded.height / rows]) @ matrix
    alone = frame(line[0], decoded) if len(line) == 1 else None
    return LineImage(absorbed, strokes, to_picture, alone)


def _seen(image: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The part of an image that `matrix` leads to, uint8 (48, W)."""
    scale = matrix[0, 0]
    if scale > 1:  # an average first, so that thin strokes do not vanish
        small = cv2.resize(image, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA)
        shrink = np.diag(np.divide(small.shape, image.shape)[::-1])
        matrix = shrink @ matrix
        matrix[:, 2] += np.diag(shrink) / 2 - 0.5
        image = small
    way = cv2.INTER_LINEAR if scale > 1 else cv2.INTER_CUBIC
    return cv2.warpAffine(image, matrix, size, flags=way | cv2.WARP_INVERSE_MAP)
