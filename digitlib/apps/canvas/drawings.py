"""What was drawn and labelled on the canvas, as data to measure on and to learn from."""

from datetime import datetime
from pathlib import Path

import numpy as np
from PIL import Image

from digitlib.apps.canvas.strokes import BLACK, HANDWRITING, WHITE, rasterise
from digitlib.artifacts import resolve, writing
from digitlib.datasets import Dataset, load_dataset, split
from digitlib.pixels.segmentation import normalise

DRAWINGS = "outputs/drawings"
SIDE = 120  # pixels; height of the page that a simulated hand writes on


def save_drawing(picture: np.ndarray, label: int | str, folder: str | Path = DRAWINGS) -> Path:
    """Write a picture of one digit, uint8 (h, w), to ``folder/<label>/<time>.png``.

    Raises:
        ValueError: for a label that is no digit.
    """
    if str(label) not in set("0123456789"):
        raise ValueError(f"a drawing's label is a digit from 0 to 9, not {label!r}")
    name = datetime.now().strftime("%Y-%m-%d-%H%M%S-%f")
    target = resolve(folder) / str(label) / f"{name}.png"
    with writing(target) as unfinished:
        Image.fromarray(picture).save(unfinished)
    return target


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
    random = np.random.default_rng(seed)
    labels = (np.arange(300) % 10).astype(np.uint8)
    images = np.stack([normalise(_page(str(label), random)) for label in labels])
    source = "a simulated hand that leans far forward"
    return split(Dataset("drawings", images, labels, source), 0.5, seed)


def _page(digit: str, random: np.random.Generator) -> np.ndarray:
    """A digit by a simulated hand that leans far: uint8 (SIDE, 3 · SIDE), dark on white."""
    page = np.full((SIDE, 3 * SIDE), WHITE, np.uint8)
    # Sideways for each pixel up: further than the model was taught.
    lean, strokes = 1.3 + random.normal(0, 0.1), []
    for path in HANDWRITING[digit]:
        x, y = np.array(path).T + random.normal(0, 0.02, (2, len(path)))
        x, y = 1.25 + 0.5 * x + 0.7 * lean * (0.5 - y), 0.15 + 0.7 * y
        pen = np.full(len(x), 8.0)
        strokes.append({"points": np.column_stack([SIDE * x, SIDE * y, pen]).ravel()})
    rasterise(page, strokes, 1.0, BLACK, WHITE)
    return page
