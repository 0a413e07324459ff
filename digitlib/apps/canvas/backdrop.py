"""The page under the strokes: white, or a picture amid its own paper."""

import base64
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from digitlib.apps.canvas.strokes import WHITE, Stroke
from digitlib.pixels.decoding import PictureError, load

Box = tuple[int, int, int, int]  # left, top, right, bottom; in pixels of the page


class Backdrop(NamedTuple):
    """Grey levels, uint8 in the canvas's proportions and not smaller than it; around and under
    the picture ``ground``; ``place`` is where the picture lies."""

    grey: np.ndarray
    ground: int
    place: Box


@lru_cache(maxsize=4)
def lay_out(backdrop: str, width: int, height: int) -> Backdrop:
    """What is under the strokes: white, or a picture amid its own paper."""
    if not backdrop:
        return Backdrop(np.full((height, width), WHITE, np.uint8), WHITE, (0, 0, width, height))
    try:
        decoded = base64.b64decode(backdrop.partition(",")[2], validate=True)
    except ValueError:
        raise PictureError("the backdrop is no data URL of a picture") from None
    grey = load(decoded).grey
    scale = max(1.0, grey.shape[1] / width, grey.shape[0] / height)
    tall, wide = round(height * scale), round(width * scale)
    fit = min(wide / grey.shape[1], tall / grey.shape[0])
    if fit > 1:
        grey = cv2.resize(grey, None, None, fit, fit, cv2.INTER_CUBIC)[:tall, :wide]
    ground = int(np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])))
    page = np.full((tall, wide), ground, np.uint8)
    top, left = (tall - grey.shape[0]) // 2, (wide - grey.shape[1]) // 2
    bottom, right = top + grey.shape[0], left + grey.shape[1]
    page[top:bottom, left:right] = grey
    return Backdrop(page, ground, (left, top, right, bottom))


def inked(page: Backdrop, strokes: Sequence[Stroke], scale: float) -> Box:
    """The part of the page that is read: the picture, and the strokes beside it."""
    left, top, right, bottom = page.place
    height, width = page.grey.shape
    for stroke in strokes:
        if not stroke.get("erases"):
            x, y, pen = scale * np.reshape(stroke["points"], (-1, 3)).T
            left, right = min(left, int((x - pen).min())), max(right, math.ceil((x + pen).max()))
            top, bottom = min(top, int((y - pen).min())), max(bottom, math.ceil((y + pen).max()))
    return max(0, left), max(0, top), min(right, width), min(bottom, height)
