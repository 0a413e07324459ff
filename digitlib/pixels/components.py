"""Connected components of an ink map, which `shapes` joins into digits."""

from typing import NamedTuple

import cv2
import numpy as np

MAX_COMPONENTS = 20_000  # a picture with more of them shows texture, not writing


class Component(NamedTuple):
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
        """First column after the component."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """First row after the component."""
        return self.y + self.height


def find_components(strokes: np.ndarray) -> list[Component]:
    """The connected components of an ink map uint8 (H, W), in no particular order.

    Returns [] where there are more than `MAX_COMPONENTS`.
    """
    mask = (strokes > 0).view(np.uint8)
    contours, tree = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    outer = [contour for i, contour in enumerate(contours) if tree[0, i, 3] < 0]
    if len(outer) > MAX_COMPONENTS:
        return []
    labels = cv2.connectedComponents(mask)[1]
    components = []
    for contour in outer:
        x, y, width, height = cv2.boundingRect(contour)
        window = np.s_[y : y + height, x : x + width]
        own = labels[window] == labels[contour[0, 0, 1], contour[0, 0, 0]]
        components.append(Component(x, y, strokes[window] * own))
    return components


def edges_of(components: list[Component]) -> np.ndarray:
    """Left, top, right and bottom of components, int (N, 4)."""
    return np.array([(one.x, one.y, one.right, one.bottom) for one in components])


def join(components: list[Component]) -> Component:
    """Join one or more components into one."""
    x, y = min(one.x for one in components), min(one.y for one in components)
    right, bottom = max(one.right for one in components), max(one.bottom for one in components)
    strokes = np.zeros((bottom - y, right - x), np.uint8)
    for one in components:
        window = strokes[one.y - y : one.bottom - y, one.x - x : one.right - x]
        np.maximum(window, one.strokes, out=window)
    return Component(x, y, strokes)


def typical_height(components: list[Component], least: float = 0.3) -> float:
    """The median height of components, in pixels; 0 of none.

    Those lower than the share `least` of the highest do not count.
    """
    heights = np.array([component.height for component in components])
    return float(np.median(heights[heights >= least * heights.max()])) if components else 0.0
