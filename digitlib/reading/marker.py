"""Mark what is written, printed and ruled in a picture, by the network of sheets."""

import math
from pathlib import Path
from typing import Self

import cv2
import numpy as np

from digitlib.pixels.sheet_maps import Maps, from_tiles, in_tiles
from digitlib.reading.litert import SheetNetwork
from digitlib.reading.models import PRETRAINED_SHEETS, serving_file

FIRST_LOOK = 256  # pixels; a larger picture is first looked at in this size
SMALLEST = 64  # pixels; a picture with a shorter side is enlarged to this
LOWEST, HIGHEST = 20.0, 64.0  # pixels; where writing is not so high, it is looked at again,
WANTED = 32.0  # so that it is about so high
TINY = 13.0  # pixels; where writing is lower, the picture is enlarged
ENLARGED, LARGEST = 3.0, 1600**2  # times at most, and so many pixels in all
SPECK = 0.15  # share of the highest stroke's height; what is lower is no writing
MARKED = 128  # in 255ths


class Marker:
    """Marks pictures with one trained network.

    Args:
        file: a LiteRT model of sheets.
    """

    def __init__(self, file: Path):
        self.file = file
        self._network = SheetNetwork(file)

    @classmethod
    def load(cls, model_dir: str | Path = PRETRAINED_SHEETS) -> Self:
        """The marker of a folder with a LiteRT model of sheets and ``card.json``.

        Raises:
            ArtifactError: when there is no model in the folder.
        """
        return cls(serving_file(model_dir))

    def mark(self, grey: np.ndarray) -> Maps:
        """What each pixel of a grey picture uint8 (H, W) is made of.

        Where its writing looks too small or too large, it is looked at again.
        """
        scale = min(1.0, FIRST_LOOK / max(grey.shape))
        if min(grey.shape) < SMALLEST:
            scale = min(SMALLEST / min(grey.shape), FIRST_LOOK / max(grey.shape))
        maps = self._mark(grey, scale)
        low, high = _heights(maps) * scale
        if low < LOWEST and scale < 1:
            maps, scale = self._mark(grey, 1.0), 1.0
            low, high = _heights(maps)
        if 0 < low < TINY:
            most = min(ENLARGED, math.sqrt(LARGEST / grey.size))
            return self._mark(grey, max(scale, min(most, LOWEST / low)))
        if high > HIGHEST:
            return self._mark(grey, scale * WANTED / high)
        return maps

    def _mark(self, grey: np.ndarray, scale: float) -> Maps:
        size = [max(1, round(side * scale)) for side in grey.shape[::-1]]
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        seen = grey if scale == 1 else cv2.resize(grey, size, interpolation=way)
        tiles, places = in_tiles(seen)
        return from_tiles(self._network.logits(tiles), places, seen.shape, grey.shape)


def _heights(maps: Maps) -> np.ndarray:
    """How high small and usual writing is, in pixels; (0, 0) where there is none."""
    marked = (np.maximum(maps.writing, maps.printed) >= MARKED).view(np.uint8)
    heights = cv2.connectedComponentsWithStats(marked)[2][1:, cv2.CC_STAT_HEIGHT]
    heights = heights[heights >= SPECK * heights.max(initial=0)]
    return np.percentile(heights, [20, 50]) if len(heights) else np.zeros(2)
