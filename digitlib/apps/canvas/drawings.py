"""What was drawn and labelled on the canvas, as data to measure on and to learn from."""

import numpy as np

from digitlib.apps.canvas.strokes import BLACK, HANDWRITING, WHITE, rasterise
from digitlib.artifacts import resolve
from digitlib.datasets import Dataset, load_dataset, split
from digitlib.pixels.segmentation import normalise

SIDE, PEN = 120, 8.0  # pixels: height of the page that a simulated hand writes on, and its pen
LEAN = 1.3  # sideways for each pixel up: further than the model was taught


def load_drawings(folder: str, fewest: int, seed: int = 0) -> tuple[Dataset, Dataset]:
    """Drawings to learn from and others to judge by; ``source`` says where they are from.

    Those in ``folder``/0 … 9, of which a fixed fifth judges; or a simulated hand's, where there
    are fewer than ``fewest`` (or 50: a fifth must hold every digit) or a digit has only one.

    Raises:
        DataError: when the folder is damaged.
    """
    counts = [len(list(resolve(folder).glob(f"{digit}/*.png"))) for digit in range(10)]
    if sum(counts) >= max(50, fewest) and min(counts) > 1:
        spec = f"folder:{folder}"
        return load_dataset(spec, "train"), load_dataset(spec, "test")
    return split(leaning_hand(300, seed), 0.5, seed)


def leaning_hand(n: int, seed: int = 0, lean: float = LEAN) -> Dataset:
    """``n`` digits as one hand draws them that leans like few do."""
    random = np.random.default_rng(seed)
    labels = (np.arange(n) % 10).astype(np.uint8)
    images = np.stack([normalise(_page(str(label), lean, random)) for label in labels])
    return Dataset("drawings", images, labels, "a simulated hand that leans far forward")


def _page(digit: str, lean: float, random: np.random.Generator) -> np.ndarray:
    """A digit in dark ink on white: uint8 (SIDE, 3 · SIDE)."""
    page = np.full((SIDE, 3 * SIDE), WHITE, np.uint8)
    lean, strokes = lean + random.normal(0, 0.1), []
    for path in HANDWRITING[digit]:
        x, y = np.array(path).T + random.normal(0, 0.02, (2, len(path)))
        x, y = 1.25 + 0.5 * x + 0.7 * lean * (0.5 - y), 0.15 + 0.7 * y
        points = np.column_stack([SIDE * x, SIDE * y, np.full(len(x), PEN)])
        strokes.append({"points": points.ravel()})
    rasterise(page, strokes, 1.0, BLACK, WHITE)
    return page
