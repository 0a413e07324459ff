"""The frame in which the line network sees a line: 48 pixels high, ink bright on paper at 0."""

import cv2
import numpy as np

HEIGHT = 48  # of a line, in pixels
COLUMN = 4  # pixels of width that become one column of the network's answer
MARGIN = 16  # pixels of blank paper on both sides of a line
# What the network says of a column, beside the blank. "-" is any short level stroke: a minus in
# front of a number, else the dash that closes one. "?" is other ink: letters, signs, print.
ALPHABET = "0123456789.,-?"
LEAST_CONTRAST = 16  # grey levels between paper and ink, below which contrast is not stretched


def to_line(absorbed: np.ndarray, width: int = 0) -> np.ndarray:
    """A line uint8 (48, W), brighter where there is more ink, as the network sees it.

    Its contrast is stretched: paper, which is the median, becomes 0, and the brightest half
    percent 255. Blank paper is put on both sides. Returns uint8 (48, `width`), or where no width
    is given one a little above W that is a multiple of 32.
    """
    paper = float(np.median(absorbed))
    at = absorbed.size - 1 - absorbed.size // 200
    ink = float(np.partition(absorbed.ravel(), at)[at])
    scale = 255 / max(ink - paper, LEAST_CONTRAST)
    wide = absorbed.shape[1] + 2 * MARGIN
    image = np.zeros((HEIGHT, width or wide + -wide % 32), np.uint8)
    stretched = np.clip((absorbed.astype(np.float32) - paper) * scale, 0, 255)
    image[:, MARGIN : MARGIN + absorbed.shape[1]] = stretched
    return image


def look_at(absorbed: np.ndarray, zoom: float, lean: float) -> np.ndarray:
    """A line uint8 (48, W), enlarged by `zoom` and leaning to the right by `lean` of its height.

    Its middle row stays in its place, and what comes in from outside is paper. Returns uint8
    (48, about `zoom` W).
    """
    if zoom == 1 and not lean:
        return absorbed
    centre = (HEIGHT - 1) / 2
    matrix = np.array([[1, lean, -lean * centre], [0, 1, 0]]) / zoom
    matrix[1, 2] += centre - centre / zoom
    size = (max(1, round(zoom * absorbed.shape[1])), HEIGHT)
    way, paper = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, float(np.median(absorbed))
    return cv2.warpAffine(absorbed, matrix, size, flags=way, borderValue=paper)
