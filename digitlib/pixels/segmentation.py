"""Find the digits in a picture, in reading order, and show each as MNIST would.

`find_digit` and `normalise` take the whole picture for one digit. `find_candidates` looks for
several. Where digits touch, it offers every way to cut them apart. Once a network has said how
confident it is of each candidate, `choose` picks the best.
"""

from typing import NamedTuple

import cv2
import numpy as np

from digitlib.pixels.components import Component, crop_columns, find_components, join
from digitlib.pixels.decoding import Decoded, Picture, load
from digitlib.pixels.ink import find_ink
from digitlib.pixels.normalisation import SIDE, stroke_width, to_mnist
from digitlib.pixels.ruled_lines import cells, without_frame, without_lines

SPECK = 0.03  # a component with less than this share of the largest one's ink is dirt
MAX_ASPECT = 2.0  # greatest width of a digit over its height; a dash, an arrow or a word is wider
MAX_CUTS = 8  # at most in one shape of touching digits

Box = tuple[int, int, int, int]


class Framed(NamedTuple):
    """One digit, cut out of a picture.

    `box` is (x, y, width, height) in the picture's own pixels, `image` uint8 (28, 28) as MNIST
    would show the digit.
    """

    box: Box
    image: np.ndarray


class Candidate(NamedTuple):
    """Ink that may be one digit: the part of a shape between two cuts.

    Attributes:
        framed: the digit as the network sees it, and its box in the picture.
        ink: its component of the ink map.
        shape: the number of its shape, which is one digit or several that touch.
        start, end: the numbers of the two cuts; 0 is the left edge of the shape.
    """

    framed: Framed
    ink: Component
    shape: int
    start: int
    end: int


def normalise(picture: Picture) -> np.ndarray:
    """The one digit that a picture shows, uint8 (28, 28); all zeros where there is no ink.

    Raises `PictureError` for a picture that cannot be read.
    """
    found = find_digit(picture)
    return np.zeros((SIDE, SIDE), np.uint8) if found is None else found.image


def find_digit(picture: Picture) -> Framed | None:
    """The digit that the whole picture is, or None where there is no ink.

    All strokes belong to it, apart from specks, lines across the picture, and pieces of a frame at
    its edge. Such pieces count where there is nothing else. Raises `PictureError`.
    """
    decoded = load(picture)
    components = find_components(without_lines(find_ink(decoded.grey)))
    components = without_frame(components, decoded.grey.shape) or components
    if not components:
        return None
    amounts = np.array([component.strokes.sum() for component in components])
    kept = np.flatnonzero(amounts >= SPECK * amounts.max())
    return _frame(join([components[i] for i in kept]), decoded)


def find_candidates(picture: Picture) -> list[Candidate]:
    """Everything in a picture that may be a digit; `choose` picks from it.

    A shape is cut at every column with little ink, and each run of neighbouring pieces is a
    candidate (over-segmentation, LeCun et al. 1998, section VII). Where the picture is a form with
    cells, only the cells are read. Letters are candidates like digits. Raises `PictureError`.
    """
    decoded = load(picture)
    candidates = []
    for number, shape in enumerate(_find_shapes(find_ink(decoded.grey))):
        cuts = _cuts(shape) if shape.width > 0.8 * shape.height else []
        ends = [0, *cuts, shape.width]
        for end in range(1, len(ends)):
            for start in range(end):
                ink = crop_columns(shape, ends[start], ends[end])
                if cuts or _may_be_digit(ink):
                    candidates.append(Candidate(_frame(ink, decoded), ink, number, start, end))
    return candidates


def choose(candidates: list[Candidate], certainty: np.ndarray) -> list[list[int]]:
    """The candidates that are digits: their indices by line, top to bottom and left to right.

    `certainty` (N,) says how confident a network is that each candidate is one digit, in [0, 1].
    Each shape is cut into the pieces with the greatest product of certainty, plausibility and one
    half. The half makes every further piece cost something, so that a cut needs evidence. What is
    too wide for a digit is left out.
    """
    plausibility = np.array([_plausibility(candidate.ink) for candidate in candidates])
    values = np.log(np.maximum(plausibility * certainty, 1e-9) / 2)
    shapes: dict[int, list[int]] = {}
    for index, candidate in enumerate(candidates):
        shapes.setdefault(candidate.shape, []).append(index)
    chosen = [i for members in shapes.values() for i in _best_way(members, candidates, values)]
    return _lines([i for i in chosen if _may_be_digit(candidates[i].ink)], candidates)


def _find_shapes(ink: np.ndarray) -> list[Component]:
    """The shapes of an ink map: single digits, and touching digits that are not cut yet."""
    form = cells(ink)
    shapes = []
    for region in form or [Component(0, 0, ink)]:
        size = region.strokes.shape
        components = find_components(without_lines(region.strokes))
        inside = without_frame(components, size)
        if form:  # in an empty cell, scraps of its walls would be the largest components
            components = [one for one in inside if one.height >= size[0] / 4]
        else:
            components = _without_background(inside or components, size)
        shapes += [s._replace(x=s.x + region.x, y=s.y + region.y) for s in _gather(components)]
    return shapes


def _typical_height(components: list[Component]) -> float:
    heights = np.array([component.height for component in components])
    return float(np.median(heights[heights >= 0.3 * heights.max()])) if components else 0.0


def _without_background(components: list[Component], size: tuple[int, int]) -> list[Component]:
    """The components without large ones that the picture's edge cuts, such as a table's."""
    height, width = size

    def is_background(component: Component) -> bool:
        ink = component.strokes > 0
        cut = max(
            np.count_nonzero(ink[0]) / width if component.y <= 1 else 0,
            np.count_nonzero(ink[-1]) / width if component.bottom >= height - 1 else 0,
            np.count_nonzero(ink[:, 0]) / height if component.x <= 1 else 0,
            np.count_nonzero(ink[:, -1]) / height if component.right >= width - 1 else 0,
        )
        if cut <= 0.2:
            return False
        others = _typical_height([other for other in components if other is not component])
        return max(component.width, component.height) > 1.5 * others > 0

    return [component for component in components if not is_background(component)]


def _gather(components: list[Component]) -> list[Component]:
    """Join the strokes of each digit, such as the two of a 5, and drop specks and dashes."""
    size = _typical_height(components)
    strokes = [one for one in components if max(one.width, one.height) >= 0.2 * size]
    digits: list[Component] = []
    edges = np.empty((len(strokes), 4))  # left, top, right and bottom of each digit
    for stroke in sorted(strokes, key=lambda one: -one.height * one.width):
        owners = _owners(stroke, edges[: len(digits)], size)
        i = owners[0] if len(owners) else len(digits)
        digits[i : i + 1] = [join([*digits[i : i + 1], stroke])]
        edges[i] = digits[i].x, digits[i].y, digits[i].right, digits[i].bottom
    return [digit for digit in digits if digit.height >= 0.4 * size]


def _owners(stroke: Component, edges: np.ndarray, size: float) -> np.ndarray:
    """Indices of the digits that a stroke may belong to: it is in, closely above or below them.

    `edges` (N, 4) are those of the digits, and `size` is their typical height.
    """
    left, top, right, bottom = edges.T
    overlap = np.minimum(right, stroke.right) - np.maximum(left, stroke.x)
    gap = np.maximum(top, stroke.y) - np.minimum(bottom, stroke.bottom)
    height = np.maximum(bottom, stroke.bottom) - np.minimum(top, stroke.y)
    near = (overlap >= 0.5 * stroke.width) & (gap <= 0.25 * size)
    return np.flatnonzero(near & (height <= 1.8 * np.maximum(size, bottom - top)))


def _cuts(shape: Component) -> list[int]:
    """Columns at which a shape may be cut: those with the least ink, about a stroke at most."""
    ink = shape.strokes.sum(axis=0, dtype=np.float32)[None] / 255
    ink = cv2.blur(ink, (3, 1))[0]
    limit, apart = 2.5 * stroke_width(shape.strokes), max(2, round(0.2 * shape.height))
    cuts: list[int] = []
    for column in np.argsort(ink, kind="stable"):
        if ink[column] > limit or len(cuts) == MAX_CUTS:
            break
        if all(abs(int(column) - other) >= apart for other in (0, shape.width, *cuts)):
            cuts.append(int(column))
    return sorted(cuts)


def _plausibility(ink: Component) -> float:
    """How likely it is that a digit has this aspect ratio: 1 up to 1.1, and less above."""
    return float(np.exp(-3 * max(0.0, ink.width / ink.height - 1.1)))


def _may_be_digit(ink: Component) -> bool:
    return ink.width <= MAX_ASPECT * ink.height


def _best_way(members: list[int], candidates: list[Candidate], values: np.ndarray) -> list[int]:
    """The candidates that make up a shape with the greatest sum of `values`.

    They are found by dynamic programming, from the left edge to the last cut.
    """
    best: list[list[int]] = [[]]  # the way to each cut
    for end in range(1, 1 + max(candidates[i].end for i in members)):
        last = [i for i in members if candidates[i].end == end]
        ways = [[*best[candidates[i].start], i] for i in last]
        best.append(max(ways, key=lambda way: values[way].sum()))
    return best[-1]


def _lines(digits: list[int], candidates: list[Candidate]) -> list[list[int]]:
    """Group digits into lines: each joins the line whose last digit shares most of its height."""
    ink = {i: candidates[i].ink for i in digits}

    def beside(i: int, last: int) -> float:
        shared = min(ink[last].bottom, ink[i].bottom) - max(ink[last].y, ink[i].y)
        return shared / min(ink[last].height, ink[i].height)

    lines: list[list[int]] = []
    for i in sorted(digits, key=lambda i: ink[i].x + ink[i].width / 2):
        line = max(lines, key=lambda line: beside(i, line[-1]), default=None)
        if line is None or beside(i, line[-1]) < 0.4:
            lines.append([i])
        else:
            line.append(i)
    return sorted(lines, key=lambda line: np.mean([ink[i].y + ink[i].height / 2 for i in line]))


def _frame(ink: Component, decoded: Decoded) -> Framed:
    across = decoded.width / decoded.grey.shape[1]
    down = decoded.height / decoded.grey.shape[0]
    x, y = int(ink.x * across), int(ink.y * down)
    right, bottom = round(ink.right * across), round(ink.bottom * down)
    return Framed((x, y, max(1, right - x), max(1, bottom - y)), to_mnist(ink.strokes))
