"""Remove ruled lines and the pieces of a frame from around a single digit."""

import cv2
import numpy as np

from digitlib.pixels.components import Component
from digitlib.pixels.normalisation import reduce, stroke_width

DETECTION_SIDE = 256  # lines are looked for at this size
# All as shares of the picture's side, but for the number of lines.
REACH = 0.02  # a line ends at most this far from the picture's edges
MOST_IN_DIGIT = 3  # a digit has at most so many straight lines from edge to edge
EDGE = 0.2  # in this outer part a line may be thick, because it may belong to a frame
THICK, THIN = 0.1, 0.03  # greatest thickness of a line in that outer part, and elsewhere
MARGIN = 0.12  # pieces of a frame lie in this outer part


def without_lines(strokes: np.ndarray) -> np.ndarray:
    """Ink map uint8 (H, W) without the straight lines that span it, nearly level or upright.

    A line reaches from edge to edge and survives a morphological opening with a long thin element.
    Where a stroke crosses it, the stroke is closed again. In two cases lines are kept because they
    belong to the digit: where a few lines are most of the ink, and where the only line runs along
    an edge and is as thick as the strokes. That is the base of a 2 or the bar of a 7 in a tight
    crop.
    """
    scale = min(1.0, DETECTION_SIDE / max(strokes.shape))
    mask = (reduce(strokes, DETECTION_SIDE) > 48).view(np.uint8)
    pen = stroke_width(mask * 255)
    upright, sure, number = _upright_lines(mask, pen)
    across, sure_across, number_across = _upright_lines(np.ascontiguousarray(mask.T), pen)
    level = np.ascontiguousarray(across.T)
    if not (sure or sure_across or number + number_across > 1):
        return strokes
    erased = cv2.dilate(upright | level, np.ones((3, 3), np.uint8))
    erased = cv2.resize(erased, strokes.shape[::-1], interpolation=cv2.INTER_NEAREST)
    kept = (strokes > 0) & (erased == 0)
    few = number + number_across <= MOST_IN_DIGIT
    if few and np.count_nonzero(kept) < 0.2 * np.count_nonzero(strokes):
        return strokes
    crossed: np.ndarray = np.zeros(strokes.shape, np.uint8)
    for lines, axis in ((upright, 1), (level, 0)):
        if lines.any():
            thickness = 2 * cv2.distanceTransform(lines, cv2.DIST_L2, 3).max() + 2
            element = [1, 1]
            element[axis] = 2 * round(thickness / scale) + 1
            crossed |= cv2.morphologyEx(kept.view(np.uint8), cv2.MORPH_CLOSE, np.ones(element))
    return strokes * ((erased == 0) | (crossed > 0))


def without_frame(components: list[Component], shape: tuple[int, int]) -> list[Component]:
    """The components of a picture (height, width), without the pieces of a frame.

    Such a piece touches the edge, and less than three tenths of its ink lie outside the margin.
    """
    height, width = shape
    left, top = round(width * MARGIN), round(height * MARGIN)

    def is_frame(one: Component) -> bool:
        if one.x > 1 and one.y > 1 and one.right < width - 1 and one.bottom < height - 1:
            return False
        inner = one.strokes[
            max(0, top - one.y) : max(0, height - top - one.y),
            max(0, left - one.x) : max(0, width - left - one.x),
        ]
        return bool(np.count_nonzero(inner) < 0.3 * np.count_nonzero(one.strokes))

    return [component for component in components if not is_frame(component)]


def _upright_lines(mask: np.ndarray, pen: float) -> tuple[np.ndarray, int, int]:
    """The nearly upright lines from top to bottom of a mask uint8 {0, 1}.

    Returns a mask of them, the number of those that cannot belong to a digit, and the number of
    all. A line may belong to a digit if it runs along the edge, as in a tight crop, and is at
    least half as thick as `pen`, the width of the strokes in pixels.
    """
    height, width = mask.shape
    bridged = cv2.dilate(mask, np.ones((1, 3), np.uint8))  # a slanted line is a staircase
    element = np.ones((max(5, height // 4), 1), np.uint8)
    straight = cv2.morphologyEx(bridged, cv2.MORPH_OPEN, element) & mask
    if not cv2.countNonZero(straight):
        return straight, 0, 0
    count, labels, stats, _ = cv2.connectedComponentsWithStats(straight)
    lines, sure, number = np.zeros_like(mask), 0, 0
    for label in range(1, count):
        x, y, w, h, _ = stats[label]
        line = labels[y : y + h, x : x + w] == label
        widths = np.count_nonzero(line, axis=1)
        thickness = np.median(widths)
        at_edge = x + w <= EDGE * width or x >= (1 - EDGE) * width
        reaches = max(y, height - y - h) <= REACH * height
        if reaches and thickness <= width * (THICK if at_edge else THIN):
            number += 1
            inside = REACH * width < x < (1 - REACH) * width - w
            sure += inside or thickness < pen / 2
            line[widths > 2 * thickness] = False  # a stroke runs along it there
            lines[y : y + h, x : x + w] |= line
    return lines, sure, number
