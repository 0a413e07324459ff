"""What is where on a sheet: tables and boxes with their writing, and lines of writing beside them.

Writing, print and rules are told apart beforehand, pixel by pixel (`sheet_maps.Maps`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from digitlib.pixels.components import Component, edges_of, find_components, join
from digitlib.pixels.decoding import Decoded
from digitlib.pixels.grids import Box, Grid, is_for_digits, join_boxes
from digitlib.pixels.ink import (
    BLANK,
    FAINT,
    LEAST,
    MARKED,
    Ink,
    find_ink,
    find_marked_ink,
    on_even_paper,
)
from digitlib.pixels.lines import LEGIBLE, LONGEST, LineImage, cut_out, in_lines, whole_as_line
from digitlib.pixels.ones import find_ones
from digitlib.pixels.sheet_maps import Maps
from digitlib.pixels.straighten import View, straighten, unturned_view
from digitlib.pixels.tables import find_grids
from digitlib.pixels.touching import cut_apart

USUAL_DIGIT = 24.0  # pixels; the height of a digit where nothing is written
SEEN = 2.0  # 255ths of the light that lines absorb at least, more than the paper between them
SCRAP = 0.15  # share of a cell's height; what is lower is a scrap of its lines
INSIDE = 0.2  # share of a stroke that is in a cell if the stroke belongs there
ASTRIDE = 0.33  # share of a shape from which on a second cell may as well be the one it belongs to
MARK = 0.5  # share of the height of boxes that a mark between them is high at most
HANGING = 1.3  # times the height of boxes down to which marks hang
EDGE = 3  # pixels at the edge of the picture in which a rule that it cuts is seen
BESIDE = 0.2, 1.5  # widths of a box from its row to the edge of the picture, if that cuts another
CHANGE = 1.5  # times what a usual shape is marked, for which a line is parted into two kinds
AROUND = 1.5  # heights around a line that are cut out of the picture with it
CORE = 128  # in 255ths; so dark is ink on even paper
UNDERSTOOD = 0.5  # share of it that is marked, or the marks are not to be believed
SEEN_SIZE = 3  # pixels; lower pieces are grain, of which nothing is told
TOO_SMALL = "{} too small to be read"
TOO_FAINT = "{} as faint as the paper's pattern or its other side"
TEXTURE = "no ink that can be told from the grain of the picture"
ROOM = np.ones((5, 5), np.uint8)  # around strokes, in which their ink is kept


@dataclass
class Place:
    """A cell and the lines of writing in it.

    `is_clear` is False if a shape reaches so far into this cell and another that it may belong to
    either.
    """

    box: Box
    lines: list[LineImage]
    is_clear: bool = True


@dataclass
class Block:
    """A table, or boxes, and what is in its cells.

    `whole` is a row of boxes for one digit each as one line, where marks such as a point stand
    between them. `is_cut` tells whether such a row goes on beyond the edge of the picture.
    """

    grid: Grid
    places: list[Place] = field(default_factory=list)
    whole: LineImage | None = None
    is_cut: bool = False


@dataclass
class Layout:
    """A sheet before it is read.

    Attributes:
        view: the picture as it was worked on.
        blocks: tables and boxes.
        lines: the lines of writing outside them.
        is_understood: whether what is dark on even paper is mostly marked as something.
        left_out: why some ink is in no line, and the box (x, y, width, height) around it, in the
            picture's pixels.
    """

    view: View
    blocks: list[Block] = field(default_factory=list)
    lines: list[LineImage] = field(default_factory=list)
    is_understood: bool = True
    left_out: list[tuple[str, tuple[int, int, int, int]]] = field(default_factory=list)

    def leave_out(self, reason: str, components: list[Component]) -> None:
        """Note that some ink is in no line; `reason` may have `{}` for how much it is."""
        if components:
            count = "1 piece" if len(components) == 1 else f"{len(components):,} pieces"
            edges = edges_of(components)
            places = edges.reshape(-1, 2).astype(float)
            self.left_out.append((reason.format(f"{count} of ink"), self.view.box(places)))


def find_layout(decoded: Decoded, maps: Maps) -> Layout:
    """What is where in a picture."""
    view, maps = straighten(decoded, maps)
    ink = find_marked_ink(view.grey, maps)
    if (ones := find_ones(ink, maps)).any():
        maps = Maps(np.maximum(maps.writing, ones), maps.printed, np.where(ones > 0, 0, maps.rules))
        ink = find_marked_ink(view.grey, maps)
    absorbed = ink.absorbed
    ink = Ink(ink.strokes, np.where(_is_rule(maps), 0, absorbed))
    components = find_components(ink.strokes)
    heights = [one.height for one in components if one.height >= LEGIBLE]
    digit = float(np.percentile(heights, 20)) if heights else USUAL_DIGIT
    grids = find_grids(view.grey, maps, digit)
    grids = [grid for grid in grids if _is_seen(grid, absorbed, maps)]
    grids = join_boxes(grids)
    boxes = [box for grid in grids for box in grid.boxes]
    owners, seconds = _owners(components, boxes, view.grey.shape)
    astride = {*owners[seconds > 0], *seconds}
    layout = Layout(view, is_understood=_is_understood(view.grey, maps))
    if not components and (maps.writing >= MARKED).any():
        layout.leave_out(TEXTURE, [Component(0, 0, view.grey)])
    loose = cut_apart([components[i] for i in np.flatnonzero(owners == 0)])
    kept: set[int] = set()
    number = 0
    for grid in grids:
        block, inside, is_row = Block(grid), [], is_for_digits(grid)
        block.is_cut = is_row and _is_cut(grid, maps.rules)
        for box in grid.boxes:
            number += 1
            own = [components[i] for i in np.flatnonzero(owners == number)]
            tall = SCRAP * cv2.boundingRect(box.outline)[3]
            lines = [
                line
                for joined in ([own] if is_row and own else in_lines(own))
                for line in _by_kind(joined, maps)
                if max(one.height for one in line) >= tall
            ]
            images = [_cut_out(line, ink, view, maps, alone=True) for line in lines]
            inside += [one for line in lines for one in line]
            block.places.append(Place(box, images, number not in astride))
        marks = _marks_between(grid, loose) if is_row else []
        if inside and marks:
            line = sorted(inside + marks, key=lambda one: one.x)
            block.whole = _cut_out(line, ink, view, maps, alone=True)
        kept |= {id(one) for one in inside + marks}
        layout.blocks.append(block)
    free = in_lines([one for one in loose if id(one) not in kept])
    free = [line for joined in free for line in _by_kind(joined, maps)]
    kept |= {id(one) for line in free for one in line}
    layout.lines = [_cut_out(line, ink, view, maps, alone=bool(boxes)) for line in free]
    inside = [components[i] for i in np.flatnonzero(owners)]
    small = [one for one in inside + loose if id(one) not in kept and one.height >= SEEN_SIZE]
    layout.leave_out(TOO_SMALL, small)
    layout.leave_out(TOO_FAINT, _faint(absorbed, maps, digit))
    return layout


def _marks_between(grid: Grid, strokes: list[Component]) -> list[Component]:
    """Small strokes between the boxes of a row or in front of them, such as a point or a minus."""
    x, y, width, height = _around(grid)
    front = x - width / grid.columns
    return [
        one
        for one in strokes
        if one.height <= MARK * height
        and y <= one.y + one.height / 2 <= y + HANGING * height
        and front <= one.x
        and one.right <= x + width
    ]


def _around(grid: Grid) -> Sequence[int]:
    """The upright rectangle around its cells: x, y, width, height in the map's pixels."""
    return cv2.boundingRect(np.vstack([box.outline for box in grid.boxes]))


def _is_cut(grid: Grid, rules: np.ndarray) -> bool:
    """Whether the edge of the picture cuts a box beside a row of them: rules lead on to it."""
    x, y, width, height = _around(grid)
    rooms = x, rules.shape[1] - x - width
    beside = rules[max(y, 0) : y + height]
    ends = beside[:, :EDGE], beside[:, -EDGE:]
    least, most = (share * width / grid.columns for share in BESIDE)
    return any(
        least < room < most and bool((end >= MARKED).any())
        for room, end in zip(rooms, ends, strict=True)
    )


def _is_understood(grey: np.ndarray, maps: Maps) -> bool:
    """Whether what is dark on even paper is mostly marked as something; True on other paper."""
    absorbed = on_even_paper(grey)
    if absorbed is None:
        return True
    dark = absorbed >= CORE
    marked = np.maximum(np.maximum(maps.writing, maps.printed), maps.rules) >= MARKED
    return bool(np.count_nonzero(dark & marked) >= UNDERSTOOD * np.count_nonzero(dark))


def _faint(absorbed: np.ndarray, maps: Maps, digit: float) -> list[Component]:
    """Dark shapes about as high as a digit that are marked as nothing."""
    marked = np.maximum(np.maximum(maps.writing, maps.printed), maps.rules) >= FAINT
    near = cv2.dilate(marked.view(np.uint8), np.ones((9, 9), np.uint8)) > 0
    dark = np.where((absorbed >= 2 * LEAST) & ~near, 255, 0).astype(np.uint8)
    return [
        one
        for one in find_components(dark)
        if digit / 2 <= one.height <= 3 * digit and one.width <= 3 * digit
    ]


def plain_lines(decoded: Decoded) -> tuple[list[LineImage], LineImage | None]:
    """The lines of a picture whose ink is all that is darker than its paper, or brighter.

    The second is the picture as one line, where its shape allows that. Faint writing on printed
    paper is seen by this way, because nothing has to be told from the paper first.
    """
    ink, view = find_ink(decoded.grey), unturned_view(decoded)
    lines = [_cut_out(line, ink, view) for line in in_lines(find_components(ink.strokes))]
    rows, columns = decoded.grey.shape
    return lines, whole_as_line(ink, view) if rows < columns < LONGEST * rows else None


def _cut_out(
    line: list[Component], ink: Ink, view: View, maps: Maps | None = None, alone: bool = False
) -> LineImage:
    """A line of strokes as an image that does not show the strokes of other lines.

    With `alone`, it shows nothing but these strokes.
    """
    edges = edges_of(line)
    room = int(AROUND * (edges[:, 3] - edges[:, 1]).max())
    x0, y0 = np.maximum(edges[:, :2].min(axis=0) - room, 0).tolist()
    x1, y1 = (edges[:, 2:].max(axis=0) + room).tolist()
    strokes: np.ndarray = np.zeros_like(ink.strokes[y0:y1, x0:x1])
    whole = join(line)
    strokes[whole.y - y0 :, whole.x - x0 :][: whole.height, : whole.width] = whole.strokes
    own = cv2.dilate((strokes > 0).view(np.uint8), ROOM)
    others = (ink.strokes[y0:y1, x0:x1] > 0) & (strokes == 0)
    shown = own > 0 if alone else (own > 0) | (cv2.dilate(others.view(np.uint8), ROOM) == 0)
    part = Ink(strokes, np.where(shown, ink.absorbed[y0:y1, x0:x1], 0))
    return cut_out(line, part, view, (x0, y0), maps is not None and _is_printed(line, maps))


def _is_seen(grid: Grid, absorbed: np.ndarray, maps: Maps) -> bool:
    """Whether the lines of a grid are darker than its paper."""
    lines = np.zeros_like(absorbed)
    for box in grid.boxes:
        cv2.polylines(lines, [box.outline.astype(np.int32)], True, 1, 9)
    marked = np.maximum(maps.writing, maps.printed) > BLANK
    x, y, width, height = _around(grid)
    window = np.s_[max(y, 0) : y + height, max(x, 0) : x + width]
    on = (lines[window] > 0) & (maps.rules[window] >= MARKED) & ~marked[window]
    off = (maps.rules[window] < BLANK) & ~marked[window]
    if not on.any() or not off.any():
        return True
    return float(absorbed[window][on].mean() - absorbed[window][off].mean()) >= SEEN


def _is_rule(maps: Maps) -> np.ndarray:
    marked = np.maximum(maps.writing, maps.printed)
    near = cv2.dilate((maps.rules >= MARKED).view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return near & (marked < MARKED / 2)


def _inside(boxes: list[Box], shape: tuple[int, int]) -> np.ndarray:
    """The number of the cell that each pixel is in, from 1 on, int32; 0 outside. Inner ones win."""
    numbers = np.zeros(shape, np.int32)
    hulls = [cv2.convexHull(box.outline.astype(np.int32)) for box in boxes]
    for i in sorted(range(len(hulls)), key=lambda i: -cv2.contourArea(hulls[i])):
        cv2.fillConvexPoly(numbers, hulls[i], i + 1)
    return numbers


def _owners(
    components: list[Component], boxes: list[Box], shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """The number of the cell in which each component lies, and of a second one that it is astride.

    Both are (N,), and 0 for none.
    """
    owners, seconds = np.zeros((2, len(components)), int)
    if boxes:
        numbers = _inside(boxes, shape)
        for i, one in enumerate(components):
            window = numbers[one.y : one.bottom, one.x : one.right]
            inside = np.bincount(window[one.strokes > 0], minlength=3)
            share = inside / inside.sum()
            second, first = np.argsort(share[1:], kind="stable")[-2:] + 1
            owners[i] = first if share[first] >= INSIDE else 0
            seconds[i] = second if share[second] >= ASTRIDE else 0
    return owners, seconds


def _by_kind(line: list[Component], maps: Maps) -> list[list[Component]]:
    """A line of shapes from left to right, parted where type and handwriting meet.

    The parts are those that the marks of all shapes speak for most, less `CHANGE` for each change
    (Viterbi 1967, doi:10.1109/TIT.1967.1054010), so that one shape alone parts nothing.
    """
    printed = np.array([_printed(one, maps) for one in line])
    change = CHANGE * float(np.median(abs(printed)))
    best, ways = np.zeros(2), []  # of lines that end in handwriting, and in type
    for balance in printed:
        ways.append(np.where(best[::-1] - change > best, [1, 0], [0, 1]))
        best = np.maximum(best, best[::-1] - change) + np.array([-balance, balance])
    kind = int(best.argmax())
    parts: list[list[Component]] = [[]]
    for one, way in zip(line[::-1], ways[::-1], strict=True):
        parts[-1].insert(0, one)
        if way[kind] != kind:
            kind = int(way[kind])
            parts.append([])
    return [part for part in parts[::-1] if part]


def _is_printed(line: list[Component], maps: Maps) -> bool:
    """Whether a line of shapes is in type rather than by hand."""
    return sum(_printed(one, maps) for one in line) > 0


def _printed(one: Component, maps: Maps) -> int:
    """How much more a shape is marked as type than as handwriting: below 0 for the contrary."""
    window = np.s_[one.y : one.bottom, one.x : one.right]
    of = one.strokes > 0
    return int(maps.printed[window][of].sum()) - int(maps.writing[window][of].sum())
