"""Lines of writing: which shapes make up one, and how the line network sees it.

A line is cut out along its slope with room to all sides, so that what the ink map missed is seen
all the same.
"""

from typing import NamedTuple

import cv2
import numpy as np

from digitlib.pixels.components import Component, edges_of, typical_height
from digitlib.pixels.ink import Ink
from digitlib.pixels.line_images import HEIGHT
from digitlib.pixels.segmentation import Box, Framed, frame
from digitlib.pixels.shapes import gather
from digitlib.pixels.straighten import View, box_around

FILL = 0.62  # of a line's height that its digits fill, when there is room around them
ROOM = 1.0  # heights of a digit that are seen to the left and right of the outermost ones
STEEPEST = 0.3  # slope of a line
FINEST = 1 / 8  # pixels of the picture for one of the line's, at least
LEGIBLE = 8  # pixels; lower strokes are specks and marks
APART = 2.8  # heights that neighbours of a line are apart at most
ALIKE = 0.45  # share of its neighbour's height that a stroke of the same line has at least
LEVEL = 0.45  # share of the lower one's height at which both are
SPECK = 0.4  # share of the lines' usual height below which a stroke by itself is dirt
WITHIN = 0.6  # share of the height of a stroke that lies within its line
PIECE = 0.8  # times the height of its digits that a stroke has at most which is a part of one
HANGING = 0.1  # times its height that a stroke may be below another of which it is a part
MARKS = 0.6  # heights of its digits by which marks lie outside a line
LONGEST = 40  # times its height that a picture may be wide, and still be one line


class LineImage(NamedTuple):
    """A line of writing.

    `absorbed` and `strokes` are uint8 (48, W), the ink bright: as in `ink.Ink`. `to_picture` is the
    affine matrix (2, 3) from its places to those of the picture, in pixels from the upper left
    corner of either; `picture` is the size (width, height) of the latter. `alone` is the digit
    that the line may be as a whole: what it was found by, where that is a single shape. `printed`
    tells whether it is in type.
    """

    absorbed: np.ndarray
    strokes: np.ndarray
    to_picture: np.ndarray
    picture: tuple[int, int]
    alone: Framed | None = None
    printed: bool = False


def box_of(line: LineImage) -> Box:
    """The box around the strokes of a line, (x, y, width, height) in the picture's pixels."""
    x, y, width, height = cv2.boundingRect((line.strokes > 0).view(np.uint8))
    ends = np.array([(a, b) for a in (x, x + width) for b in (y, y + height)], float)
    return box_around(ends, line.to_picture, line.picture)


def in_lines(components: list[Component]) -> list[list[Component]]:
    """Group the strokes on a page, large and small, into lines of writing, top to bottom.

    A stroke goes on with the nearest one to its right that is about as high and at the same height.
    What lies within a line, such as a dot or the bar of a 5, belongs to it.
    Wide gaps end a line.
    """
    if not components:
        return []
    left, top, right, bottom = edges_of(components).astype(float).T
    height = bottom - top
    line = np.arange(len(components))
    for i in np.argsort(left):
        gap = left - right[i]
        shared = np.minimum(bottom, bottom[i]) - np.maximum(top, top[i])
        low, high = np.minimum(height, height[i]), np.maximum(height, height[i])
        beside = (left > left[i]) & (gap < APART * high) & (low >= ALIKE * high)
        beside &= shared >= LEVEL * low
        if beside.any():
            j = np.flatnonzero(beside)[np.argmin(left[beside])]
            line[line == line[j]] = line[i]
    found = [np.flatnonzero(line == one) for one in np.unique(line)]
    found.sort(key=lambda members: -height[members].max())
    lines: list[np.ndarray] = []
    bands = np.empty((len(found), 5))  # left, top, right and bottom of each line, and its height
    for members in found:
        edges = left[members].min(), top[members].min(), right[members].max(), bottom[members].max()
        size = float(np.median(height[members]))
        a, b, c, d, tall = bands[: len(lines)].T
        near = (a - MARKS * tall <= edges[2]) & (edges[0] <= c + MARKS * tall)
        near &= (b - MARKS * tall <= edges[3]) & (edges[1] <= d + MARKS * tall)
        for k in np.flatnonzero(near):
            beside = lines[k][_beside(left[lines[k]], right[lines[k]], edges, tall[k])]
            piece = size < ALIKE * tall[k] or (len(members) == 1 and size < PIECE * tall[k])
            near_by = MARKS / 2 * tall[k] if piece else 0.0
            shared = min(edges[3], bottom[beside].max(initial=-np.inf) + near_by)
            shared -= max(edges[1], top[beside].min(initial=np.inf) - near_by)
            hangs = piece and _hangs(
                edges, left[beside], top[beside], right[beside], bottom[beside]
            )
            if hangs or shared >= WITHIN * (edges[3] - edges[1]):
                lines[k] = np.append(lines[k], members)
                break
        else:
            if edges[3] - edges[1] >= LEGIBLE:
                bands[len(lines)] = (*edges, size)
                lines.append(members)
    bands = bands[: len(lines)]
    tall = bands[:, 3] - bands[:, 1]
    several = np.array([len(members) > 1 for members in lines], bool)
    kept = several | (tall >= SPECK * np.median(tall)) if lines else several
    lines = [line for line, keep in zip(lines, kept, strict=True) if keep]
    bands = bands[kept]
    order = np.argsort(bands[:, 1] + bands[:, 3])
    return [[components[i] for i in lines[k][np.argsort(left[lines[k]])]] for k in order]


def _beside(
    left: np.ndarray, right: np.ndarray, edges: tuple[float, ...], tall: float
) -> np.ndarray:
    """Which strokes are above, below or next to what lies from `edges[0]` to `edges[2]`."""
    return (left <= edges[2] + tall) & (right >= edges[0] - tall)


def _hangs(edges: tuple[float, ...], *strokes: np.ndarray) -> bool:
    """Whether a stroke almost touches the foot of one that is wider, as a 4's leg may."""
    left, _, right, bottom = strokes
    gap = abs(edges[1] - bottom) <= HANGING * (edges[3] - edges[1])
    return bool((gap & (left <= edges[0]) & (right >= edges[2])).any())


def cut_out(
    line: list[Component],
    ink: Ink,
    view: View,
    origin: tuple[int, int] = (0, 0),
    printed: bool = False,
) -> LineImage:
    """A line of strokes as an image; `ink` is of the part of the picture from `origin` on."""
    shapes = gather(line)
    place = _place(shapes, view.grey.shape)
    alone = None
    if len(shapes) == 1:
        alone = frame(shapes[0], view)
    image = _cut_out(place, ink, view, origin)
    return image._replace(alone=alone, printed=printed)


def whole_as_line(ink: Ink, view: View) -> LineImage:
    """A picture as one line."""
    rows, columns = view.grey.shape
    place = _Place(0.0, float(columns), rows / 2, rows / HEIGHT, 0.0)
    return _cut_out(place, ink, view, (0, 0))


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
    left, top, right, bottom = edges_of(line).T
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


def _cut_out(place: _Place, ink: Ink, view: View, origin: tuple[int, int]) -> LineImage:
    start, stop, middle, scale, slope = place
    # From places on the line to places in the picture, as far as it was reduced to be worked on.
    matrix = np.array([[scale, 0, start], [slope * scale, scale, middle - scale * HEIGHT / 2]])
    size = (max(1, round((stop - start) / scale)), HEIGHT)
    in_part = matrix - np.array([[0, 0, origin[0]], [0, 0, origin[1]]])
    strokes, absorbed = (_seen(image, in_part, size) for image in ink)
    to_picture = view.to_picture @ np.vstack([matrix, [0, 0, 1]])
    return LineImage(absorbed, strokes, to_picture, view.picture)


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
