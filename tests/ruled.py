"""Sheets for tests: real handwritten digits in ruled cells, dark on white paper."""

from collections.abc import Collection, Sequence
from functools import cache

import cv2
import numpy as np

from digitlib import datasets

WIDE, HIGH = 110, 60  # pixels; size of a cell
LEFT, TOP = 50, 100  # where a table begins
DIGIT = 32  # height of a digit
WHITE, PRINT = 255, 60  # grey levels


@cache
def handwriting() -> list[np.ndarray]:
    """A few images uint8 (N, 28, 28) of each digit, by people who are not in MNIST."""
    known = datasets.load_dataset("optdigits", "test")
    return [known.images[known.labels == digit][:4] for digit in range(10)]


def paper(height: int, width: int) -> np.ndarray:
    """A blank sheet."""
    return np.full((height, width), WHITE, np.uint8)


def write(page: np.ndarray, text: str, x: int, y: int) -> int:
    """Write a number with its upper left corner at (x, y); returns the column after it."""
    for i, digit in enumerate(text):
        images = handwriting()[int(digit)]
        image = images[(i + x) % len(images)]
        left, top, width, height = cv2.boundingRect((image > 40).view(np.uint8))
        size = round(width * DIGIT / height), DIGIT
        ink = image[top : top + height, left : left + width]
        ink = cv2.resize(ink, size, interpolation=cv2.INTER_CUBIC)
        window = page[y : y + DIGIT, x : x + size[0]]
        np.minimum(window, WHITE - ink, out=window)
        x += size[0] + DIGIT // 6
    return x


def table(
    texts: Sequence[Sequence[str]], dash: int = 0, merged: Collection[tuple[int, int]] = ()
) -> np.ndarray:
    """A table with a number, or nothing, in each cell.

    `dash` is how long dashes and the gaps between them are, in pixels; 0 is for solid rules. The
    cells (row, column) in `merged` reach over the next column.
    """
    rows, columns = len(texts), len(texts[0])
    page = paper(TOP + rows * HIGH + LEFT, columns * WIDE + 2 * LEFT)
    for i, j in np.ndindex(rows, columns):
        if (i, j - 1) not in merged:
            box(page, *corner(i, j), WIDE * (1 + ((i, j) in merged)), HIGH)
    if dash:
        down, across = np.indices(page.shape)
        page[(down + across) % (2 * dash) < dash] = WHITE
    for i, j in np.ndindex(rows, columns):
        x, y = corner(i, j)
        write(page, texts[i][j], x + 14, y + (HIGH - DIGIT) // 2)
    return page


def corner(row: int, column: int) -> tuple[int, int]:
    """The upper left corner (x, y) of a cell of `table`."""
    return LEFT + column * WIDE, TOP + row * HIGH


def box(page: np.ndarray, x: int, y: int, width: int, height: int) -> None:
    """Print a rectangle."""
    cv2.rectangle(page, (x, y), (x + width, y + height), PRINT, 3)


def boxes(text: str, gap: int = 0) -> np.ndarray:
    """A number with a box for each of its digits, some pixels apart."""
    side = 48
    page = paper(160, 2 * LEFT + len(text) * (side + gap))
    for i, digit in enumerate(text):
        x = LEFT + i * (side + gap)
        box(page, x, LEFT, side, side + 12)
        write(page, digit, x + 13, LEFT + 14)
    return page


def turned(page: np.ndarray, degrees: float) -> np.ndarray:
    """A page turned counterclockwise, on white paper."""
    height, width = page.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return cv2.warpAffine(page, matrix, (width, height), borderValue=WHITE)
