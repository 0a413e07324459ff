"""Turn a picture so that its lines are level, and keep where everything comes from."""

from typing import NamedTuple

import cv2
import numpy as np

from digitlib.pixels.decoding import Decoded
from digitlib.pixels.normalisation import reduce
from digitlib.pixels.sheet_maps import Maps

SIDE = 400  # pixels; the angle is looked for at this size
MOST, STEP = 44.0, 1.0  # degrees
LEAST_OF_RULES, LEAST_OF_WRITING = 0.6, 2.0  # degrees; a smaller angle is a slope of the lines
RULES_CLEARER, WRITING_CLEARER = 1.5, 1.6  # times as clear rows as in the picture as it is
PIECES = 8  # of writing; fewer do not tell how they are turned, where nothing is ruled
MARKED = 110  # in 255ths


class View(NamedTuple):
    """A picture as it is worked on.

    `grey` is uint8 (H, W), `to_picture` the affine matrix (2, 3) from places in it to those of the
    picture, and `picture` the size (width, height) of the latter.
    """

    grey: np.ndarray
    to_picture: np.ndarray
    picture: tuple[int, int]

    def box(self, places: np.ndarray) -> tuple[int, int, int, int]:
        """The box (x, y, width, height) in the picture around places (N, 2) of the view."""
        return box_around(places, self.to_picture, self.picture)


def box_around(
    places: np.ndarray, matrix: np.ndarray, size: tuple[int, int]
) -> tuple[int, int, int, int]:
    """The box (x, y, width, height) around places (N, 2) after `matrix`, in a picture of `size`."""
    there = places @ matrix[:, :2].T + matrix[:, 2]
    left, top = np.floor(there.min(axis=0)).clip(0).astype(int).tolist()
    right, bottom = np.minimum(np.round(there.max(axis=0)), size).astype(int).tolist()
    return left, top, max(1, right - left), max(1, bottom - top)


def straighten(decoded: Decoded, maps: Maps) -> tuple[View, Maps]:
    """A picture and its maps, turned so that lines of writing and rules are level."""
    view, angle = unturned_view(decoded), skew(maps)
    if not angle:
        return view, maps
    rows, columns = decoded.grey.shape
    turn = cv2.getRotationMatrix2D((columns / 2, rows / 2), angle, 1.0)
    wide = abs(rows * turn[0, 1]) + abs(columns * turn[0, 0])
    high = abs(rows * turn[0, 0]) + abs(columns * turn[0, 1])
    turn[:, 2] += (wide - columns) / 2, (high - rows) / 2
    frame = round(wide), round(high)
    grey = cv2.warpAffine(decoded.grey, turn, frame, borderMode=cv2.BORDER_REPLICATE)
    turned = Maps(*(cv2.warpAffine(one, turn, frame) for one in maps))
    back = np.vstack([cv2.invertAffineTransform(turn), [0, 0, 1]])
    return View(grey, view.to_picture @ back, view.picture), turned


def unturned_view(decoded: Decoded) -> View:
    """A picture as it is."""
    rows, columns = decoded.grey.shape
    scale = np.array([[decoded.width / columns, 0, 0], [0, decoded.height / rows, 0]])
    return View(decoded.grey, scale, (decoded.width, decoded.height))


def skew(maps: Maps) -> float:
    """By how many degrees a picture is to be turned counterclockwise; 0 for not at all.

    The rows of a page are clearest, the sums of what is in them most different from one to the
    next, when it is level (Postl 1986, US patent 4723297). Of rules every pixel counts, and of
    writing, where nothing is ruled, the middle of each stroke: a slant does not move it.
    """
    rules = reduce(maps.rules, SIDE) >= MARKED
    if np.count_nonzero(rules) > SIDE / 4:
        places = np.argwhere(rules).astype(float)
        clearer, least = RULES_CLEARER, LEAST_OF_RULES
    else:
        writing = (reduce(maps.writing, SIDE) >= MARKED).view(np.uint8)
        _, _, stats, middles = cv2.connectedComponentsWithStats(writing)
        heights = stats[1:, cv2.CC_STAT_HEIGHT]
        if len(heights) < PIECES:
            return 0.0
        tall = heights >= np.median(heights) / 2
        places = middles[1:][tall, ::-1] * (4 / np.median(heights))
        clearer, least = WRITING_CLEARER, LEAST_OF_WRITING
    angles = np.arange(-MOST, MOST + STEP, STEP)
    clear = [_clearness(places, angle) for angle in angles]
    best = float(angles[int(np.argmax(clear))])
    if max(clear) < clearer * _clearness(places, 0.0):
        return 0.0
    near = np.arange(best - STEP, best + STEP, STEP / 5)
    best = float(near[np.argmax([_clearness(places, angle) for angle in near])])
    return best if abs(best) >= least else 0.0


def _clearness(places: np.ndarray, angle: float) -> float:
    """How unevenly places (N, 2), row and column, fall on rows after a turn by so many degrees."""
    turn = np.radians(angle)
    rows = places[:, 0] * np.cos(turn) - places[:, 1] * np.sin(turn)
    counts = np.bincount((rows - rows.min()).astype(int)).astype(float)
    return float((np.convolve(counts, [1, 1]) ** 2).sum())
