"""Lines that are printed on forms: solid, dashed, dotted, broken, in halftone, double, wavering."""

import itertools
from collections.abc import Sequence

import cv2
import numpy as np

STYLES = ("solid", "dashed", "dotted", "broken", "halftone", "wavering")
HELD_STYLES = ("solid", "broken", "double", "chain")  # no network learns from the last two
STEP = 2.0  # pixels between two places of a line


def draw_rule(
    page: np.ndarray,
    whole: np.ndarray,
    points: Sequence[tuple[float, float]],
    width: float,
    darkness: float,
    style: str,
    random: np.random.Generator,
) -> None:
    """Print a line through points (x, y) on a page, uint8 (H, W) with print bright on 0.

    `whole` (H, W) gets the line as it would be without gaps. `width` is in pixels, `darkness` from
    0 to 1.
    """
    path = _dense(np.array(points, float))
    if style == "wavering":
        path = path + cv2.blur(random.normal(0, 3, path.shape), (1, 9))
    thick = max(1, round(width))
    low = np.maximum(path.min(axis=0).astype(int) - thick - 6, 0)
    high = np.minimum(path.max(axis=0).astype(int) + thick + 6, page.shape[::-1])
    if (high <= low).any():
        return
    window = np.s_[low[1] : high[1], low[0] : high[0]]
    layer = np.zeros(page[window].shape, np.uint8)
    shown = _shown(path, style, random)
    edges = np.flatnonzero(np.diff(np.r_[False, shown, False])).reshape(-1, 2)
    lines, pen = [path], thick
    if style == "double":
        lines, pen = _beside(path, width / 4 + 1.5), max(1, thick // 2)
    for line in lines:
        for first, last in edges:
            _draw(layer, line[first:last] - low, round(255 * darkness), pen)
    if style == "halftone":
        rows, columns = np.indices(layer.shape)
        size = int(random.integers(1, 3))
        layer[(rows // size + columns // size) % 2 == 0] = 0
    np.maximum(page[window], layer, out=page[window])
    _draw(whole[window], path - low, 255, thick + 3 if style == "double" else max(2, thick))


def _dense(corners: np.ndarray) -> np.ndarray:
    """Places about `STEP` apart on the way from corner to corner."""
    parts = [corners[:1]]
    for a, b in itertools.pairwise(corners):
        count = max(2, int(np.hypot(*(b - a)) / STEP))
        parts.append(a + (b - a) * np.linspace(0, 1, count + 1)[1:, None])
    return np.concatenate(parts)


def _shown(path: np.ndarray, style: str, random: np.random.Generator) -> np.ndarray:
    """Which places of a line are printed."""
    along = np.r_[0, np.cumsum(np.hypot(*np.diff(path, axis=0).T))]
    if style == "dotted":
        return along % random.uniform(3, 6) < STEP
    if style == "dashed":
        period = random.uniform(6, 18)
        return along % period < period * random.uniform(0.4, 0.75)
    if style == "chain":  # a dash, a dot
        place = along % random.uniform(14, 24)
        return (place < 8) | ((place > 10) & (place < 12))
    shown = np.ones(len(path), bool)
    if style == "broken":
        for _ in range(random.integers(1, 4)):
            shown &= np.abs(along - random.uniform(0, along[-1])) > random.uniform(1.5, 8)
    return shown


def _beside(path: np.ndarray, distance: float) -> list[np.ndarray]:
    """The two lines at a distance on both sides of a line."""
    way = np.gradient(path, axis=0)
    aside = np.stack([-way[:, 1], way[:, 0]], axis=1)
    aside *= distance / np.maximum(np.hypot(*aside.T), 1e-6)[:, None]
    return [path - aside, path + aside]


def _draw(layer: np.ndarray, path: np.ndarray, grey: int, thick: int) -> None:
    if len(path) == 1:  # a dot, which OpenCV draws of a line of two places
        path = path + np.array([[-0.5, 0], [0.5, 0]])
    dots = (path * 16).round().astype(np.int32)
    cv2.polylines(layer, [dots], False, grey, thick, cv2.LINE_AA, 4)
