"""The shapes on a page that may be digits: strokes of each digit joined, specks left out."""

import numpy as np

from digitlib.pixels.components import Component, join, typical_height


def gather(components: list[Component]) -> list[Component]:
    """Join the strokes of each digit, such as the two of a 5, and drop specks and dashes.

    A shape is one digit, several that touch, or something else of about their size.
    """
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
