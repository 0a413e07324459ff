"""Pixels of any kind → grey levels, in little more memory than the pixels take.

Large pictures are reduced strip by strip before anything else is made of them: at full size, the
numbers in between would take ten times the memory of the picture.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import cv2
import numpy as np

from digitlib.pixels.normalisation import reduce

WORKING_SIDE = 1600  # pixels; larger pictures are reduced to this on their longest side
LARGE = 16_000_000  # pixels; from here on a picture is reduced in strips
STRIP = 1_000_000  # pixels of a strip, about


class Pixels(NamedTuple):
    """Pixels that are fetched in strips.

    `rows(top, bottom)` gives those of some rows, real numbers (rows, width) or
    (rows, width, 3 or 4): red, green, blue, and how opaque that is.
    """

    height: int
    width: int
    rows: Callable[[int, int], np.ndarray]


def grey_levels(pixels: Pixels) -> np.ndarray:
    """Grey levels uint8 (H, W), at most `WORKING_SIDE` on the longest side.

    Numbers that are not uint8 are stretched so that they cover 0 to 255. Colours are projected on
    that in which neighbours differ most, and transparent ones are laid on paper before.
    """
    if pixels.height * pixels.width > LARGE:
        small = np.concatenate(list(_reduced_strips(pixels)))
    else:
        small = _premultiplied(pixels.rows(0, pixels.height))
    if small.dtype != np.uint8:
        small = _premultiplied(_stretch(small))
    if small.ndim == 3:
        small = _project_colour(_on_paper(small) if small.shape[2] == 4 else small)
    return reduce(small, WORKING_SIDE)


def _strips(height: int, step: int) -> Iterator[tuple[int, int]]:
    """The rows of strips of `step` rows; the last one may have up to twice as many."""
    tops = range(0, max(1, height - step + 1), step)
    return zip(tops, [*tops[1:], height], strict=True)


def _reduced_strips(pixels: Pixels) -> Iterator[np.ndarray]:
    factor = max(1, max(pixels.height, pixels.width) // WORKING_SIDE)
    for top, bottom in _strips(pixels.height, factor * max(1, STRIP // (factor * pixels.width))):
        strip = _premultiplied(pixels.rows(top, bottom))
        if strip.dtype != np.uint8:
            strip = strip.astype(np.float64)
        size = max(1, round(pixels.width / factor)), max(1, round((bottom - top) / factor))
        yield cv2.resize(strip, size, interpolation=cv2.INTER_AREA)


def _premultiplied(pixels: np.ndarray) -> np.ndarray:
    """Transparent uint8 (H, W, 4) with each colour as strong as it is opaque; others unchanged."""
    if pixels.ndim == 2 or pixels.shape[2] == 3 or pixels.dtype != np.uint8:
        return pixels
    opaque = pixels[..., 3]
    colour = cv2.multiply(
        np.ascontiguousarray(pixels[..., :3]), cv2.merge([opaque] * 3), scale=1 / 255
    )
    return cv2.merge([*cv2.split(colour), opaque])


def _on_paper(pixels: np.ndarray) -> np.ndarray:
    """Lay premultiplied pixels (H, W, 4) on white, or on black where a few strokes are bright.

    Returns uint8 (H, W, 3).
    """
    colour, opaque = np.ascontiguousarray(pixels[..., :3]), pixels[..., 3]
    share = float(opaque.mean()) / 255
    if 0 < share < 0.5 and float(colour.mean()) > 128 * share:
        return colour
    return cv2.add(colour, cv2.merge([255 - opaque] * 3))


def _stretch(values: np.ndarray) -> np.ndarray:
    """Real numbers (H, W) as uint8, stretched so that they cover 0 to 255.

    What is infinite becomes brightest or darkest, and what is not a number becomes darkest.
    """
    strips = [slice(*rows) for rows in _strips(len(values), max(1, STRIP // values.shape[1]))]
    ranges = [_range(values[rows]) for rows in strips]
    low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
    stretched = np.zeros(values.shape, np.uint8)
    if low < high:
        for rows in strips:
            known = np.nan_to_num(values[rows].astype(np.float64), nan=low, posinf=high, neginf=low)
            # Halves, because the difference of the largest numbers is infinite.
            stretched[rows] = np.rint((known / 2 - low / 2) * (255 / (high / 2 - low / 2)))
    return stretched


def _range(values: np.ndarray) -> tuple[float, float]:
    """The least and the largest of finite numbers; infinity and minus infinity of none."""
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (np.inf, -np.inf)


def _project_colour(pixels: np.ndarray) -> np.ndarray:
    """Grey along the colour direction in which neighbouring pixels differ most.

    Luminance hides red ink on green paper, and weakens yellow ink. Here, ink of any colour keeps
    its contrast on paper of any colour. The direction is the leading eigenvector of the colour
    gradient's covariance (Di Zenzo 1986).
    """
    small = reduce(pixels, 256).astype(np.float32)
    steps = np.concatenate([np.diff(small, axis=axis).reshape(-1, 3) for axis in (0, 1)])
    if not steps.any():
        return pixels[..., 0].copy()
    axis = np.linalg.eigh(steps.T @ steps)[1][:, -1]
    axis *= np.sign(axis.sum()) or 1.0
    reach = np.abs(axis).sum()
    offset = -255 * axis[axis < 0].sum() / reach
    return cv2.transform(pixels, np.append(axis / reach, offset)[None].astype(np.float32))
