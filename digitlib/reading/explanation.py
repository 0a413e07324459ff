"""Why a digit was read as it was: which pieces of its strokes spoke for which answer."""

from collections.abc import Callable

import numpy as np

from digitlib.pixels.normalisation import SIDE

PIECES = 14  # with the whole picture 15, up to which one at a time is fastest; see litert.py
FADE = 1.5  # pixels over which a piece gives way to its neighbours
INKED = 64  # from this grey level on a pixel may be the middle of a piece


def explain(classify: Callable[[np.ndarray], np.ndarray], image: np.ndarray) -> np.ndarray:
    """How much each pixel of ink speaks for each digit.

    The strokes are divided into pieces, each is erased in turn, and what this takes from the log
    odds of a digit is what the piece gave it: occlusion (Zeiler and Fergus 2014, arXiv
    1311.2901), of strokes here and not of squares.

    Args:
        classify: ``Recognizer.classify``.
        image: uint8 (28, 28), a digit as the network sees it.

    Returns:
        float32 (10, 28, 28) in nats: positive where ink speaks for the digit, negative where it
        speaks against it, 0 where there is none.
    """
    inked = np.argwhere(image > INKED).astype(np.float32)
    if len(inked) == 0:
        return np.zeros((10, SIDE, SIDE), np.float32)
    middles = _spread(inked)
    pixels = np.moveaxis(np.indices((SIDE, SIDE), np.float32), 0, -1)
    distance = np.linalg.norm(pixels - middles[:, None, None], axis=-1)
    weights = np.exp(-(distance - distance.min(axis=0)) / FADE)  # 1 in the piece that is nearest
    erased = np.rint(image * (1 - weights)).astype(np.uint8)
    odds = _log_odds(classify(np.concatenate([image[None], erased])))
    given = odds[0] - odds[1:]
    share = weights / weights.sum(axis=0) * (image / 255)
    return np.einsum("kc,kyx->cyx", given, share).astype(np.float32)


def _log_odds(probabilities: np.ndarray) -> np.ndarray:
    """Log odds of each digit against the others, (N, 10) in nats; finite even at 1."""
    others = probabilities @ (1 - np.eye(10, dtype=np.float32))
    return np.log(np.maximum(probabilities, 1e-9)) - np.log(np.maximum(others, 1e-9))


def _spread(points: np.ndarray) -> np.ndarray:
    """Up to ``PIECES`` of the points (N, 2), far from one another (farthest-point sampling)."""
    from_middle = np.linalg.norm(points - points.mean(axis=0), axis=1)
    chosen = [points[from_middle.argmin()]]
    distance = np.linalg.norm(points - chosen[0], axis=1)
    while len(chosen) < PIECES and distance.max() > 2:
        chosen.append(points[distance.argmax()])
        distance = np.minimum(distance, np.linalg.norm(points - chosen[-1], axis=1))
    return np.stack(chosen)
