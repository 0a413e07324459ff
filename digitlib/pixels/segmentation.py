"""Take a whole picture for one digit, and show it as MNIST would."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from digitlib.pixels.components import Component, find_components, join
from digitlib.pixels.decoding import Picture, load
from digitlib.pixels.ink import find_ink, find_marked_ink
from digitlib.pixels.normalisation import SIDE, to_mnist
from digitlib.pixels.ruled_lines import without_frame, without_lines
from digitlib.pixels.sheet_maps import Maps
from digitlib.pixels.straighten import View, unturned_view

SPECK = 0.03  # a component with less than this share of the largest one's ink is dirt

ENCLOSED = 0.25  # share of a circle's or a box's height that what stands in it has at least

Box = tuple[int, int, int, int]


class Framed(NamedTuple):
    """One digit, cut out of a picture.

    `box` is (x, y, width, height) in the picture's own pixels, `image` uint8 (28, 28) as MNIST
    would show the digit.
    """

    box: Box
    image: np.ndarray


def normalise(picture: Picture) -> np.ndarray:
    """The one digit that a picture shows, uint8 (28, 28); all zeros where there is no ink.

    Raises `PictureError` for a picture that cannot be read.
    """
    found = find_digit(picture)
    return np.zeros((SIDE, SIDE), np.uint8) if found is None else found.image


def find_digit(picture: Picture, mark: Callable[[np.ndarray], Maps] | None = None) -> Framed | None:
    """The digit that the whole picture is, or None where there is no ink.

    All strokes belong to it, apart from specks, lines across the picture, and pieces of a frame at
    its edge. Such pieces count where there is nothing else. Where a stroke is around another, as a
    circle or a box is, `mark` is asked what of the grey picture is written and what is ruled.
    Raises `PictureError`.
    """
    decoded = load(picture)
    components = find_components(without_lines(find_ink(decoded.grey).strokes))
    components = without_frame(components, decoded.grey.shape) or components
    if mark is not None and _is_around(components):
        marked = find_marked_ink(decoded.grey, mark(decoded.grey))
        components = find_components(marked.strokes) or components
    if not components:
        return None
    amounts = np.array([component.strokes.sum() for component in components])
    kept = np.flatnonzero(amounts >= SPECK * amounts.max())
    return frame(join([components[i] for i in kept]), unturned_view(decoded))


def _is_around(components: list[Component]) -> bool:
    """Whether the largest component is around another that is no speck."""
    if len(components) < 2:
        return False
    largest = max(components, key=lambda one: one.width * one.height)
    return any(
        one.x > largest.x
        and one.y > largest.y
        and one.right < largest.right
        and one.bottom < largest.bottom
        and one.height >= ENCLOSED * largest.height
        for one in components
    )


def frame(ink: Component, view: View) -> Framed:
    """Ink that is one digit, as MNIST would show it, and its box in the picture."""
    ends = np.array(
        [(ink.x, ink.y), (ink.right, ink.y), (ink.x, ink.bottom), (ink.right, ink.bottom)]
    )
    return Framed(view.box(ends), to_mnist(ink.strokes))
