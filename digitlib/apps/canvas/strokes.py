"""Strokes of the canvas: written as a hand would, and drawn into a picture."""

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

WHITE, BLACK = 255, 0
FRACTION = 4  # bits below a pixel that OpenCV draws with
#: A way to write each digit: strokes of points (x, y) in a box of 1, y down.
HANDWRITING = json.loads(Path(__file__).with_name("handwriting.json").read_text())

Stroke = dict  # {"points": [x, y, width, …], "erases": bool}, in pixels of the canvas


def write(
    text: str, left: float = 60.0, top: float = 60.0, height: float = 180.0, pen: float = 14.0
) -> list[Stroke]:
    """Strokes of digits side by side, in pixels of the canvas, as ``HANDWRITING`` has them."""
    strokes = []
    for i, digit in enumerate(text):
        for path in HANDWRITING[digit]:
            x, y = np.array(path).T
            places = left + height * (0.75 * i + 0.7 * x), top + height * y
            points = np.column_stack([*places, np.full(len(x), pen)]).round(1)
            strokes.append({"points": points.ravel().tolist(), "erases": False})
    return strokes


def rasterise(
    page: np.ndarray, strokes: Sequence[Stroke], scale: float, ink: int, ground: int
) -> None:
    """Draw strokes on ``page``, uint8 (h, w), as the browser does; erasing draws in ``ground``.

    Coordinates and widths are multiplied by ``scale`` first.
    """
    for stroke in strokes:
        points = np.asarray(stroke["points"], np.float32).reshape(-1, 3) * scale
        places = np.rint(points[:, :2].clip(-9999, 9999) * (1 << FRACTION)).astype(int).tolist()
        colour = ground if stroke.get("erases") else ink
        pens = np.rint(points[:, 2]).clip(1, 999).astype(int)
        # A piece of one width is one line; a mouse draws nothing else.
        cuts = [0, *(np.flatnonzero(np.diff(pens)) + 1), len(pens)]
        for first, last in pairwise(cuts):
            line = places[max(0, first - 1) : last]
            line = np.array(line if len(line) > 1 else 2 * line, np.int32)
            pen = int(pens[first])
            cv2.polylines(page, [line], False, colour, pen, cv2.LINE_AA, FRACTION)
