"""Which columns of a table are the pixels of a digit, and which one is its label."""

import re
from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

from digitlib.pixels.normalisation import SIDE

PIXELS = SIDE * SIDE
PIXEL_COLUMNS = [f"pixel{i}" for i in range(PIXELS)]  # as Kaggle's tables name them
EXPECTED = "expected label,pixel0,…,pixel783 (or pixel0,…,pixel783 without labels)"
LABELS = {"label", "labels", "class", "digit", "target", "y"}
NUMBERS = {"", "unnamed: 0", "index", "id", "imageid"}  # columns that count the rows
# What the numbers in the names of pixels may be: pixel0 …, pixel1 …, 0x0 …, 1x1 ….
_GRIDS: list[list[tuple[int, ...]]] = [[(i + first,) for i in range(PIXELS)] for first in (0, 1)]
_GRIDS += [list(product(range(first, SIDE + first), repeat=2)) for first in (0, 1)]


class Columns(NamedTuple):
    """Where in a row the pixels are, 784 places in reading order, and where its label is."""

    pixels: list[int]
    label: int | None


def named_columns(names: Sequence[str]) -> Columns | None:
    """What columns of these names hold; None where that is not plain.

    The numbers in the names of the pixels say where these belong, whatever their order.
    """
    names = [name.strip().lower() for name in names]
    labels = [i for i, name in enumerate(names) if name in LABELS]
    pixels = [i for i, name in enumerate(names) if name not in LABELS | NUMBERS]
    places = {i: tuple(map(int, re.findall(r"\d+", names[i]))) for i in pixels}
    pixels.sort(key=lambda i: places[i])
    if len(labels) > 1 or [places[i] for i in pixels] not in _GRIDS:
        return None
    return Columns(pixels, labels[0] if labels else None)


def unnamed_columns(first: set[str], last: set[str]) -> Columns | None:
    """What 785 columns without names hold, by what there is in the first and in the last of them.

    None where either may be the label. The pixels in the corners are blank.
    """
    digits = {*"0123456789"}
    ends = [
        place
        for place, found, other in ((0, first, last), (PIXELS, last, first))
        if found <= digits and (not other <= digits or other == {"0"})
    ]
    if len(ends) != 1:
        return None
    return Columns([i for i in range(PIXELS + 1) if i != ends[0]], ends[0])


def told(names: Sequence[str]) -> str:
    """How many columns there are and what the first ones are called, in few words."""
    return f"its {len(names)} columns are {', '.join(name[:20] for name in names[:3])}…"
