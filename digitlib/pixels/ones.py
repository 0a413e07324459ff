"""Tell a 1 from a line that is printed beside it."""

import numpy as np

from digitlib.pixels.components import edges_of, find_components, typical_height
from digitlib.pixels.ink import MARKED, Ink
from digitlib.pixels.normalisation import stroke_width
from digitlib.pixels.sheet_maps import Maps

CORE = 128  # in 255ths: a pixel in the middle of a stroke
ALIKE = 0.5, 1.8  # times as high, thick and dark as a stroke that another is like
BESIDE = 0.8  # heights of a digit within which a 1 has neighbours, and a line goes on


def find_ones(ink: Ink, maps: Maps) -> np.ndarray:
    """Upright lines that are like the strokes of the writing, uint8 (H, W): 1s, and no rules.

    They are about as high as the digits on both sides of them, as dark and as thick, and end there.
    """
    ones = np.zeros_like(maps.rules)
    written = ink.strokes >= CORE
    if not written.any():
        return ones
    marked = maps.rules >= MARKED
    dark = marked & (ink.absorbed >= ALIKE[0] * float(ink.absorbed[written].mean()))
    writing = find_components(ink.strokes)
    pen, tall = stroke_width(ink.strokes), typical_height(writing, least=0.5)
    left, top, right, bottom = edges_of(writing).T
    on = round(BESIDE * tall)
    for one in find_components(np.where(dark, 255, 0).astype(np.uint8)):
        thick = np.count_nonzero(one.strokes) / one.height
        level = np.minimum(bottom, one.bottom) - np.maximum(top, one.y) >= ALIKE[0] * one.height
        before = level & (left < one.x) & (right > one.x - on)
        after = level & (right > one.right) & (left < one.right + on)
        above = marked[max(0, one.y - on) : one.y, one.x : one.right]
        below = marked[one.bottom : one.bottom + on, one.x : one.right]
        if (
            ALIKE[0] * tall <= one.height <= ALIKE[1] * tall
            and one.height >= 2 * one.width
            and ALIKE[0] * pen <= thick <= ALIKE[1] * pen
            and before.any()
            and after.any()
            and max(np.count_nonzero(more.any(axis=1)) for more in (above, below)) <= on / 2
        ):
            ones[one.y : one.bottom, one.x : one.right] = one.strokes
    return ones
