"""The shapes on a page that may be digits: their strokes joined, and what is printed left out."""

import cv2
import numpy as np

from digitlib.pixels.components import Component, find_components, join, typical_height
from digitlib.pixels.ink import Ink
from digitlib.pixels.ruled_lines import cells, without_frame, without_lines


def find_shapes(strokes: np.ndarray) -> list[Component]:
    """The shapes in an ink map uint8 (H, W), in no particular order.

    A shape is one digit, several that touch, or something else of about their size. Specks, lines
    across the picture and what its edge cuts are left out.
    """
    size = strokes.shape
    components = find_components(without_lines(strokes))
    return _gather(_without_background(without_frame(components, size) or components, size))


def find_in_cells(ink: Ink) -> tuple[list[Component], Ink] | None:
    """Where a picture is a form: the shapes in its cells, and its ink without walls; else None."""
    form = cells(ink.strokes)
    if not form:
        return None
    shapes, kept = [], np.zeros_like(ink.strokes)
    for cell in form:
        inside = find_components(without_lines(cell.strokes))
        inside = without_frame(inside, cell.strokes.shape)
        for one in inside:
            window = kept[cell.y + one.y :, cell.x + one.x :][: one.height, : one.width]
            np.maximum(window, one.strokes, out=window)
        # In an empty cell, scraps of its walls would be the largest components.
        tall = [one for one in inside if one.height >= cell.height / 4]
        shapes += [s._replace(x=s.x + cell.x, y=s.y + cell.y) for s in _gather(tall)]
    walls = (ink.strokes > 0) & (kept == 0)
    element = np.ones((3, 3), np.uint8)
    near = cv2.dilate(walls.view(np.uint8), element) > cv2.dilate(
        (kept > 0).view(np.uint8), element
    )
    return shapes, Ink(kept, np.where(near, 0, ink.absorbed))


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
        others = typical_height([other for other in components if other is not component])
        return max(component.width, component.height) > 1.5 * others > 0

    return [component for component in components if not is_background(component)]


def _gather(components: list[Component]) -> list[Component]:
    """Join the strokes of each digit, such as the two of a 5, and drop specks and dashes."""
    size = typical_height(components)
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
