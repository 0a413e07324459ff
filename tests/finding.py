"""Digits found in a picture by their shape alone, or with a judge in the place of a network."""

from collections.abc import Callable

import numpy as np

from digitlib.pixels.decoding import Picture
from digitlib.pixels.segmentation import Framed, choose, find_candidates


def find_digits(
    picture: Picture, judge: Callable[[np.ndarray], np.ndarray] | None = None
) -> list[Framed]:
    """All digits in reading order; ``judge`` takes images (N, 28, 28) and gives certainty (N,)."""
    candidates = find_candidates(picture)
    if not candidates:
        return []
    images = np.stack([candidate.framed.image for candidate in candidates])
    certainty = judge(images) if judge else np.ones(len(images))
    return [candidates[i].framed for line in choose(candidates, certainty) for i in line]
