"""The shapes that may be digits in a picture, as the network of 03 would see them."""

from digitlib.pixels.components import find_components
from digitlib.pixels.decoding import Picture, load
from digitlib.pixels.ink import find_ink
from digitlib.pixels.lines import in_lines
from digitlib.pixels.segmentation import Framed, frame
from digitlib.pixels.shapes import gather
from digitlib.pixels.straighten import unturned_view


def find_digits(picture: Picture) -> list[Framed]:
    """All shapes in reading order, where all ink is writing."""
    decoded = load(picture)
    lines = in_lines(find_components(find_ink(decoded.grey).strokes))
    shapes = [shape for line in lines for shape in sorted(gather(line), key=lambda one: one.x)]
    return [frame(one, unturned_view(decoded)) for one in shapes]
