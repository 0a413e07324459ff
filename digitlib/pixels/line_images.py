"""The frame in which the line network sees a line: 48 pixels high, ink bright on paper at 0."""

import re

import cv2
import numpy as np

HEIGHT = 48  # of a line, in pixels
COLUMN = 4  # pixels of width that become one column of the network's answer
MARGIN = 16  # pixels of blank paper on both sides of a line
# What the network can say of a column, besides the blank. "-" is any short level stroke: a minus in
# front of a number, else the dash that closes one. "?" is other ink: letters, signs, print.
ALPHABET = "0123456789.,-?"
# A number in what is read: marks stand between digits, a minus does not follow a digit or a mark.
NUMBER = re.compile(r"((?<![\d.,])-)?\d+([.,]\d+)*")
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


def look_at(image: np.ndarray, zoom: float, lean: float) -> np.ndarray:
    """A line as `to_line` gives it, enlarged by `zoom` and leaning right by `lean` of its height.

    Its middle row stays in its place, and column x comes to `zoom` x there. Returns uint8 (48, W),
    W a multiple of 32.
    """
    if zoom == 1 and not lean:
        return image
    centre = (HEIGHT - 1) / 2
    matrix = np.array([[1, lean, -lean * centre], [0, 1, 0]]) / zoom
    matrix[:, 2] += [0.5 / zoom - 0.5, centre - centre / zoom]
    wide = round(zoom * image.shape[1])
    size = (wide + -wide % 32, HEIGHT)
    return cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
