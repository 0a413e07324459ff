"""Remove a thin line that was drawn across a digit in MNIST's frame."""

import cv2
import numpy as np

from digitlib.reading.normalisation import SIDE

WIDE = 21  # pixels: no digit of MNIST's reaches further
COLUMNS = np.arange(SIDE)
MARGINS = np.abs(COLUMNS - (SIDE - 1) / 2) > 9  # columns in which a digit has no ink
DISC = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
# The rows of all straight lines from the left side to the right, by half pixels, int (3025, 28).
LINES = np.stack(np.meshgrid(np.arange(0, SIDE - 0.5, 0.5), np.arange(0, SIDE - 0.5, 0.5)), axis=-1)
LINES = np.rint(np.linspace(*LINES.reshape(-1, 2).T, SIDE, axis=-1)).astype(np.intp)


def without_line(image: np.ndarray) -> np.ndarray:
    """The picture without a line that runs from side to side: a zigzag, or a straight dotted one.

    Takes and gives uint8 (28, 28), ink bright on 0; without such a line, the picture as it is. It
    must show in the margins at both sides, and have more bends or gaps than a digit has.
    """
    ink = (image > 80).astype(np.uint8)
    if cv2.boundingRect(ink)[2] <= WIDE:
        return image
    tall = cv2.morphologyEx(
        np.pad(ink, ((8, 8), (0, 0))), cv2.MORPH_OPEN, np.ones((6, 1), np.uint8)
    )
    thin = (ink > 0) & (tall[8:-8] == 0)
    path = _zigzag(np.where(thin, 1, np.where(ink > 0, 0.2, -1)).astype(np.float32))
    on = thin[path, COLUMNS]
    margins = min(on[2:5].sum(), on[-6:-2].sum()) >= 2
    swings = _swings(path)
    zigzag = np.count_nonzero((swings >= 3) & (swings <= 6)) >= 3 and swings.max() <= 8
    if margins and zigzag and ink[path, COLUMNS][2:-2].mean() >= 0.85:
        return _erase(image, path, thin)
    path = _straight(cv2.GaussianBlur(image, (1, 3), 0) * thin)
    on = thin[path, COLUMNS]
    margins = min(on[:5].sum(), on[-5:].sum()) >= 2
    if margins and np.count_nonzero(np.diff(ink[path, COLUMNS].astype(int)) == 1) >= 4:
        return _erase(image, path, thin)
    return image


def _zigzag(reward: np.ndarray) -> np.ndarray:
    """The path of most reward from left to right: the row in each column, int (28,).

    Dynamic programming over columns: from one to the next a path moves by 0 to 2 rows, mostly by
    one; to change between up and down costs a little.
    """
    best = np.stack([reward[:, 2], reward[:, 2]])
    steps = np.zeros((SIDE, 2, SIDE), np.int64)
    for column in range(3, SIDE - 2):
        both = np.pad(best, ((0, 0), (2, 2)), constant_values=-1e9)
        ways = np.empty((2, 6, SIDE), np.float32)
        for way, sign in enumerate((-1, 1)):
            for source in range(2):
                for step, cost in enumerate((0.6, 0.0, 0.3)):
                    start = 2 - sign * step
                    from_there = both[source, start : start + SIDE]
                    ways[way, 3 * (source != way) + step] = (
                        from_there - cost - 0.5 * (source != way)
                    )
        steps[column] = ways.argmax(axis=1)
        best = ways.max(axis=1) + reward[:, column]
    way, row = np.unravel_index(best.argmax(), best.shape)
    path = np.full(SIDE, row)
    for column in range(SIDE - 3, 2, -1):
        path[column] = row
        step = steps[column, way, row]
        row -= (-1, 1)[way] * (step % 3)
        way = 1 - way if step >= 3 else way
    path[:3] = row
    return path


def _swings(path: np.ndarray) -> np.ndarray:
    """How many rows a path goes up or down between one turn and the next."""
    steps = np.diff(path[2:-2])
    steps = steps[steps != 0]
    if len(steps) == 0:
        return np.zeros(1, int)
    turns = np.flatnonzero(np.diff(np.sign(steps))) + 1
    return np.abs(np.add.reduceat(steps, [0, *turns]))


def _straight(light: np.ndarray) -> np.ndarray:
    """The rows, int (28,), of the straight line from side to side along which light adds to most.

    The margins, where a digit has no ink, count three times.
    """
    weights = np.where(MARGINS, 3, 1)
    sums = light[LINES, COLUMNS].astype(np.float32) @ weights
    return LINES[sums.argmax()]


def _erase(image: np.ndarray, path: np.ndarray, thin: np.ndarray) -> np.ndarray:
    """Take the thin ink along a path away, but where a stroke goes on at both sides of the cut."""
    near = np.abs(COLUMNS[:, None] - path) <= 2
    on = np.zeros(image.shape, bool)
    on[path, COLUMNS] = thin[path, COLUMNS]
    for _ in range(2):  # along the columns, as far as there is ink
        on[1:] |= on[:-1] & (image[1:] > 30)
        on[:-1] |= on[1:] & (image[:-1] > 30)
    erased = np.where(on & near, 0, image).astype(np.uint8)
    mended = cv2.morphologyEx(np.pad(erased, 4), cv2.MORPH_CLOSE, DISC)[4:-4, 4:-4]
    return np.maximum(erased, np.minimum(image, mended))
