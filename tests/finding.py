"""The shapes that may be digits in a picture, as the network of 03 would see them."""

from digitlib.pixels.decoding import Picture, load
from digitlib.pixels.ink import find_ink
from digitlib.pixels.lines import in_lines
from digitlib.pixels.segmentation import Framed, frame
from digitlib.pixels.shapes import find_in_cells, find_shapes


def find_digits(picture: Picture) -> list[Framed]:
    """All shapes in reading order."""
    decoded = load(picture)
    ink = find_ink(decoded.grey)
    shapes, _ = find_in_cells(ink) or (find_shapes(ink.strokes), ink)
    return [frame(one, decoded) for line in in_lines(shapes) for one in line]
