"""The strokes of marks: dots, commas, dashes, and the two raised strokes beside cents.

Lengths are in pixels, `height` is that of a digit, and rows count downwards.
"""

from typing import NamedTuple

import numpy as np

from digitlib.synthetic.habits import Habits

THINNEST_DOT = 1.8  # pixels; smaller ones cannot be seen

Point = tuple[float, float]


class Stroke(NamedTuple):
    """A stroke of the pen through some points; `width` is the pen's."""

    points: list[Point]
    width: float


def dot(x: float, y: float, pen: float, habits: Habits, random: np.random.Generator) -> Stroke:
    """A dot about (x, y)."""
    dx, dy = random.normal(0, 0.02, 2) * habits.height
    return Stroke([(x, y), (x + dx, y + dy)], max(THINNEST_DOT, pen * habits.dot))


def comma(x: float, y: float, pen: float, habits: Habits, random: np.random.Generator) -> Stroke:
    """A comma from about (x, y) downwards."""
    long = habits.comma * habits.height * np.exp(random.normal(0, 0.15))
    long = max(long, 2 * pen)  # a shorter one is a dot
    lean = random.normal(0.35, 0.25) * long
    y -= 0.25 * long
    bend = (x - 0.3 * lean + 0.1 * long, y + 0.5 * long)
    return Stroke([(x, y), bend, (x - lean, y + long)], pen)


def odd_mark(
    character: str, x: float, y: float, pen: float, habits: Habits, random: np.random.Generator
) -> list[Stroke]:
    """A dot as a small ring or a tick, a comma as a bar or with a head."""
    size, first_way = habits.height * random.uniform(0.05, 0.09), random.random() < 0.5
    if character == "." and first_way:
        turns = np.linspace(0, 2 * np.pi, 9)
        ring = np.stack([x + size * np.cos(turns), y + size * np.sin(turns)], axis=1)
        return [Stroke([(float(a), float(b)) for a, b in ring], 1)]
    if character == ".":
        return [Stroke([(x - size, y), (x, y + size / 2), (x + size, y - size)], 0.7 * pen)]
    if first_way:
        return [Stroke([(x, y - 2 * size), (x - size, y + 3 * size)], 0.8 * pen)]
    head = Stroke([(x, y), (x + 0.5, y + 0.5)], 1.4 * pen)
    return [head, Stroke([(x, y), (x - size, y + 3 * size)], 1)]


def dash(left: float, long: float, y: float, pen: float, random: np.random.Generator) -> Stroke:
    """A level stroke from (left, y) to the right, not quite straight."""
    tilt, wave = random.normal(0, (0.08, 0.04)) * long
    middle = (left + long / 2, y + tilt / 2 + wave)
    return Stroke([(left, y), middle, (left + long, y + tilt)], pen)


def ditto(left: float, long: float, y: float, pen: float, height: float) -> list[Stroke]:
    """Two short strokes, the upper one at row y."""
    rows = (y, y + 0.16 * height)
    return [Stroke([(left, row), (left + long, row - 0.5)], pen) for row in rows]
