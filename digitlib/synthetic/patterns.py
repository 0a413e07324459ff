"""What is printed on the paper of cheques and forms: fine families of lines, meshes and squares."""

from collections.abc import Callable

import cv2
import numpy as np

# Of rows (H, 1), columns (1, W) and a generator: how much is printed, float32 (H, W), 0 to 1.
Pattern = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]


def draw_pattern(
    family: str, height: int, width: int, random: np.random.Generator, strength: float = 1.0
) -> np.ndarray:
    """Paper printed with one of the `FAMILIES`, float32 (height, width)."""
    rows = np.arange(height, dtype=np.float32)[:, None]
    columns = np.arange(width, dtype=np.float32)[None]
    printed = FAMILIES[family](rows, columns, random)
    return 1 - np.float32(min(0.9, strength * random.uniform(0.04, 0.38))) * printed


def draw_motifs(
    height: int, width: int, random: np.random.Generator, strength: float = 1.0
) -> np.ndarray:
    """Paper printed with a few small strokes again and again, float32 (height, width)."""
    high, wide = random.integers(8, 48, 2).tolist()
    tile = np.zeros((high, wide), np.uint8)
    for _ in range(random.integers(1, 4)):
        middle, bend = random.uniform(0, (wide, high), (1, 2)), random.normal(0, 6, (4, 2))
        path = middle + np.cumsum(bend * random.uniform(0.3, 1), axis=0)
        for shift in np.ndindex(3, 3):  # what leaves a tile comes in at its other side
            moved = path + (np.array(shift) - 1) * (wide, high)
            thick = int(random.integers(1, 3))
            cv2.polylines(tile, [(16 * moved).astype(np.int32)], False, 255, thick, cv2.LINE_AA, 4)
    angle, size = random.uniform(0, 90), random.uniform(0.4, 1.3)
    turn = cv2.getRotationMatrix2D((0, 0), angle, size)
    turn[:, 2] = random.uniform(0, 50, 2)
    aside = np.float32(random.uniform(0, 1) * wide)  # from one row of tiles to the next
    rows, columns = np.indices((height, width), np.float32)
    x, y = (turn[i, 0] * columns + turn[i, 1] * rows + turn[i, 2] for i in range(2))
    x = (x + aside * np.floor(y / high)) % wide
    wrapped = np.pad(tile, ((0, 1), (0, 1)), mode="wrap")
    y = (y % high).astype(np.float32)
    printed = cv2.remap(wrapped, x.astype(np.float32), y, cv2.INTER_LINEAR) / np.float32(255)
    return 1 - np.float32(strength * random.uniform(0.04, 0.5)) * printed


def _waves(rows: np.ndarray, columns: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Parallel lines that wave, at any angle."""
    angle = random.normal(np.pi / 2, 0.5) if random.random() < 0.7 else random.uniform(0, np.pi)
    return _lines(rows, columns, angle, random)


def _crossing(rows: np.ndarray, columns: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Two families of waving lines across each other."""
    angle = random.uniform(0, np.pi)
    across = angle + random.uniform(0.4, np.pi - 0.4)
    return np.maximum(_lines(rows, columns, angle, random), _lines(rows, columns, across, random))


def _rosette(rows: np.ndarray, columns: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Rings about a point, as around a guilloche."""
    y, x = random.uniform(-60, rows.size + 60), random.uniform(-40, columns.size + 40)
    distance = np.hypot(rows - y, (columns - x) * random.uniform(0.5, 1))
    bend = random.uniform(0, 6) * np.sin((columns + rows) / random.uniform(8, 30))
    return _printed(distance + bend, random)


def _mesh(rows: np.ndarray, columns: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A fine mesh of dots or of woven lines."""
    period = random.uniform(2.2, 7)
    lean = random.uniform(-1, 1)
    a = np.cos((columns + lean * rows) * (2 * np.pi / period))
    b = np.cos((rows - lean * columns) * (2 * np.pi / (period * random.uniform(0.7, 1.4))))
    return np.clip((a * b if random.random() < 0.5 else (a + b) / 2) * 0.7 + 0.3, 0, 1)


def _clipped(rows: np.ndarray, columns: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Short lines: a pattern that a second one interrupts."""
    angle = random.uniform(0, np.pi)
    gate = np.sin((columns * np.sin(angle) + rows * np.cos(angle)) / random.uniform(3, 14))
    gate = gate + np.sin((columns - rows) / random.uniform(4, 16))
    return _lines(rows, columns, random.uniform(0, np.pi), random) * (
        gate > random.uniform(-0.8, 0.6)
    )


def _squared(rows: np.ndarray, columns: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Squared paper, or only its upright lines, as in a ledger."""
    apart, start = random.uniform(10, 60), random.uniform(0, 60)
    upright = (columns + start) % apart < random.uniform(0.8, 2)
    if random.random() < 0.3:
        return np.broadcast_to(upright, (rows.size, columns.size)).astype(np.float32)
    level = (rows + random.uniform(0, 60)) % apart < random.uniform(0.8, 2)
    return (upright | level).astype(np.float32)


FAMILIES: dict[str, Pattern] = {
    "waves": _waves,
    "crossing": _crossing,
    "rosette": _rosette,
    "mesh": _mesh,
    "clipped": _clipped,
    "squared": _squared,
}


def _lines(
    rows: np.ndarray, columns: np.ndarray, angle: float, random: np.random.Generator
) -> np.ndarray:
    along = columns * np.float32(np.cos(angle)) + rows * np.float32(np.sin(angle))
    aside = columns * np.float32(np.sin(angle)) - rows * np.float32(np.cos(angle))
    bend = random.exponential(2.5) * np.sin(
        aside / np.float32(random.uniform(4, 40)) + random.uniform(0, 6)
    )
    return _printed(along + bend, random)


def _printed(phase: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Lines where the phase, in pixels, passes a multiple of their distance: float32, 0 to 1."""
    period, share = random.uniform(2.5, 12), random.uniform(0.2, 0.6)
    wave = np.cos(phase * np.float32(2 * np.pi / period)).astype(np.float32)
    crisp = random.uniform(1, 3)
    return np.clip((wave - np.float32(np.cos(np.pi * share))) * np.float32(crisp), 0, 1)
