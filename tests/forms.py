"""A form that is drawn with the pen: what is in it is known, and it is read for certain."""

import numpy as np

from digitlib.apps.canvas import DigitCanvas
from digitlib.apps.canvas.strokes import Stroke, write

ACROSS, DOWN = (60, 260, 460, 660), (40, 160, 280)  # where its rules are


def form() -> np.ndarray:
    """A table, uint8 (320, 720): 47, nothing and 5; below them 208, a scribble and nothing."""
    scribble = [(300 + 12 * i, 190 + 60 * (i % 2)) for i in range(10)]
    strokes = [
        *(_line((x, DOWN[0]), (x, DOWN[-1])) for x in ACROSS),
        *(_line((ACROSS[0], y), (ACROSS[-1], y)) for y in DOWN),
        *write("47", 100, 70, 60, 6),
        *write("5", 520, 70, 60, 6),
        *write("208", 80, 190, 60, 6),
        _line(*scribble, pen=6),
    ]
    return DigitCanvas(strokes=strokes, width=720, height=320).picture


def _line(*points: tuple[int, int], pen: int = 3) -> Stroke:
    return {"points": [side for x, y in points for side in (x, y, pen)], "erases": False}
