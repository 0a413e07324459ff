"""What the sheet network says of a picture, and the frame in which it sees one: tile by tile."""

from typing import NamedTuple

import cv2
import numpy as np

TILE = 256  # pixels of a side
MAP_STEP = 2  # pixels of a tile for one of what is said of it
PAST = 128  # grey level past the picture's edges
OVERLAP = 64  # pixels that neighbouring tiles share; each answers for the half that is its own


class Maps(NamedTuple):
    """What each pixel of a picture is made of: uint8 (H, W) each, a probability in 255ths.

    `writing` is by hand, `printed` in type, and `rules` are lines, the gaps in them included.
    """

    writing: np.ndarray
    printed: np.ndarray
    rules: np.ndarray


def in_tiles(grey: np.ndarray) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """A picture uint8 (H, W) as tiles uint8 (N, 256, 256), and where each begins: row, column."""
    height, width = grey.shape
    places = [(y, x) for y in _starts(height) for x in _starts(width)]
    tiles = np.full((len(places), TILE, TILE), PAST, np.uint8)
    for tile, (y, x) in zip(tiles, places, strict=True):
        part = grey[y : y + TILE, x : x + TILE]
        tile[: part.shape[0], : part.shape[1]] = part
    return tiles, places


def _starts(length: int) -> range:
    return range(0, max(1, length - OVERLAP), TILE - OVERLAP)


def from_tiles(
    said: np.ndarray, places: list[tuple[int, int]], shape: tuple[int, int], size: tuple[int, int]
) -> Maps:
    """The maps of a picture that was seen in tiles.

    `said` are logits (N, 128, 128, 3) of the tiles that begin at `places`, `shape` (height, width)
    is of the picture in which they lie, and `size` of the maps that are returned.
    """
    half = OVERLAP // MAP_STEP // 2
    ends = [max(side) // MAP_STEP + TILE // MAP_STEP for side in zip(*places, strict=True)]
    whole = np.zeros((*ends, 3), np.uint8)
    chance = 255 / (1 + np.exp(-said))
    for answer, (y, x) in zip(chance.astype(np.uint8), places, strict=True):
        down, across = half if y else 0, half if x else 0
        top, left = y // MAP_STEP, x // MAP_STEP
        window = np.s_[top + down : top + TILE // MAP_STEP, left + across : left + TILE // MAP_STEP]
        whole[window] = answer[down:, across:]
    rows, columns = (-(-side // MAP_STEP) for side in shape)
    whole = whole[:rows, :columns]
    large = cv2.resize(whole, size[::-1], interpolation=cv2.INTER_LINEAR)
    return Maps(*(np.ascontiguousarray(large[..., i]) for i in range(3)))
