"""Lines of writing: which shapes make up one, and how the line network sees it.

A line is cut out along its slope with room to all sides, so that what the ink map missed is seen
all the same.
"""

from itertools import groupby
from typing import NamedTuple

import cv2
import numpy as np

from digitlib.pixels.components import Component, edges_of, typical_height
from digitlib.pixels.ink import Ink
from digitlib.pixels.line_images import HEIGHT, MARGIN, to_line
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
DARK = 190  # of 255, as the network sees a line: what the edge of the picture cuts is darker there
CROSSING = 3  # rows in which it is, at least


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

    @property
    def at_edge(self) -> tuple[bool, bool]:
        """Whether the edge of the picture is its left end, and its right one."""
        height, width = self.absorbed.shape
        ends = self.to_picture @ [[0, width], [height / 2, height / 2], [1, 1]]
        room = np.minimum(ends, np.array(self.picture)[:, None] - ends).min(axis=0)
        left, right = room <= np.hypot(*self.to_picture[:, 0])
        return bool(left), bool(right)

    @property
    def cut_ends(self) -> tuple[bool, bool]:
        """Whether the edge of the picture cuts a stroke at its left end, and at its right one.

        Whether a digit ends exactly there cannot be seen: one that fills the picture to its edge
        looks cut.
        """
        left, right = self.at_edge
        seen = to_line(self.absorbed)[:, MARGIN : MARGIN + self.absorbed.shape[1]]
        ends = seen[:, :2], seen[:, -2:]
        crossed = [_longest_run(end.max(axis=1) > DARK) >= CROSSING for end in ends]
        return left and crossed[0], right and crossed[1]


def _longest_run(flags: np.ndarray) -> int:
    """How many neighbours in a row are true, at most."""
    return max((len(list(run)) for is_true, run in groupby(flags) if is_true), default=0)


def box_of(line: LineImage) -> Box:
    """The box around the strokes of a line, (x, y, width, height) in the picture's pixels."""
    x, y, width, height = cv2.boundingRect((line.strokes > 0).view(np.uint8))
    ends = np.array([(a, b) for a in (x, x + width) for b in (y, y + height)], float)
    return box_around(ends, line.to_picture, line.picture)


class _Band(NamedTuple):
    """What some strokes cover: the edges around them, and their usual height, in pixels."""

    left: float
    top: float
    right: float
    bottom: float
    usual: float

    @classmethod
    def of(cls, edges: np.ndarray) -> "_Band":
        """That of strokes with these edges (N, 4)."""
        (left, top), (right, bottom) = edges[:, :2].min(axis=0), edges[:, 2:].max(axis=0)
        usual = np.median(edges[:, 3] - edges[:, 1])
        return cls(*map(float, (left, top, right, bottom, usual)))

    @property
    def height(self) -> float:
        """From the highest edge to the lowest."""
        return self.bottom - self.top


def in_lines(components: list[Component]) -> list[list[Component]]:
    """Group the strokes on a page, large and small, into lines of writing, top to bottom.

    A stroke goes on with the nearest one to its right that is about as high and at the same height.
    What lies within a line, such as a dot or the bar of a 5, belongs to it.
    Wide gaps end a line.
    """
    if not components:
        return []
    edges = edges_of(components).astype(float)
    chains = _chains(edges)
    lines: list[np.ndarray] = []
    bands = np.empty((len(chains), 5))  # of lines as they were found; what joins them changes none
    for members in chains:
        band = _Band.of(edges[members])
        for k in _near(bands[: len(lines)], band):
            if _belongs(band, len(members), edges[lines[k]], bands[k, 4]):
                lines[k] = np.append(lines[k], members)
                break
        else:
            if band.height >= LEGIBLE:
                bands[len(lines)] = band
                lines.append(members)
    _, top, _, bottom, _ = bands[: len(lines)].T
    least = SPECK * np.median(bottom - top) if lines else 0.0
    kept = [
        lines[k]
        for k in np.argsort(top + bottom, kind="stable")
        if len(lines[k]) > 1 or bottom[k] - top[k] >= least
    ]
    return [[components[i] for i in line[np.argsort(edges[line, 0])]] for line in kept]


def _chains(edges: np.ndarray) -> list[np.ndarray]:
    """Which strokes with edges (N, 4) follow each other at the same height, the highest first."""
    left, top, right, bottom = edges.T
    height = bottom - top
    chain = np.arange(len(edges))
    for i in np.argsort(left):
        gap = left - right[i]
        shared = np.minimum(bottom, bottom[i]) - np.maximum(top, top[i])
        low, high = np.minimum(height, height[i]), np.maximum(height, height[i])
        follows = (left > left[i]) & (gap < APART * high) & (low >= ALIKE * high)
        follows &= shared >= LEVEL * low
        if follows.any():
            j = np.flatnonzero(follows)[np.argmin(left[follows])]
            chain[chain == chain[j]] = chain[i]
    found = [np.flatnonzero(chain == one) for one in np.unique(chain)]
    return sorted(found, key=lambda members: -height[members].max())


def _near(bands: np.ndarray, band: _Band) -> np.ndarray:
    """Which lines, with bands (N, 5), are so near that a mark of them may lie in this band."""
    left, top, right, bottom, usual = bands.T
    reach = MARKS * usual
    near = (left - reach <= band.right) & (band.left <= right + reach)
    near &= (top - reach <= band.bottom) & (band.top <= bottom + reach)
    return np.flatnonzero(near)


def _belongs(band: _Band, count: int, line: np.ndarray, usual: float) -> bool:
    """Whether so many strokes in a band lie within a line, or are pieces of one of its digits.

    `line` (N, 4) are the edges of the line's strokes, and `usual` is its digits' height.
    """
    line = line[(line[:, 0] <= band.right + usual) & (line[:, 2] >= band.left - usual)]
    if not len(line):
        return False
    is_piece = band.usual < ALIKE * usual or (count == 1 and band.usual < PIECE * usual)
    if is_piece and _hangs(band, line):
        return True
    near_by = MARKS / 2 * usual if is_piece else 0.0
    highest, lowest = line[:, 1].min() - near_by, line[:, 3].max() + near_by
    return min(band.bottom, lowest) - max(band.top, highest) >= WITHIN * band.height


def _hangs(band: _Band, line: np.ndarray) -> bool:
    """Whether a stroke almost touches the foot of one that is wider, as a 4's leg may."""
    left, _, right, bottom = line.T
    touches = abs(band.top - bottom) <= HANGING * band.height
    return bool((touches & (left <= band.left) & (right >= band.right)).any())


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
