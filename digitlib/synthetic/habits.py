"""How one line is written: all that stays the same from its first sign to its last."""

from dataclasses import dataclass

import numpy as np

from digitlib.pixels.line_images import HEIGHT
from digitlib.synthetic.hands import TYPEFACES

ROOM = 24  # pixels of the page above and below the frame, for what is cut off
PAGE = HEIGHT + 2 * ROOM


@dataclass(frozen=True)
class Habits:
    """What is peculiar to a line. Lengths are in pixels, or in heights of a digit where it says so.

    Attributes:
        height: of a digit.
        base: row of the page on which the middle of the line stands.
        boxed: whether each digit stands in a box, which is `cell` wide.
        shear, stretch: how far digits lean, and how much wider they are than the hand's own.
        slope: of the line; `jitter` is how far digits stand off it, in heights.
        gap: between digits.
        weight: of strokes; thin below 0, thick above.
        joins: whether a stroke leads from one zero to the next.
        zeros, cents: sizes of zeros and of decimals, which are raised, beside other digits.
        reach: how far 4, 7 and 9 reach down, and 6 up, in heights.
        dot, comma: width of a dot in pens, and length of a comma in heights.
        cursive: whether letters are joined; `typeset` whether they are in a typeface, `face`.
        odd: whether marks are made in ways that networks do not learn from.
    """

    height: float
    base: float
    boxed: bool
    cell: float
    shear: float
    stretch: float
    slope: float
    jitter: float
    gap: float
    weight: float
    joins: bool
    zeros: float
    cents: float
    reach: float
    dot: float
    comma: float
    cursive: bool
    typeset: bool
    face: int
    odd: bool


def draw_habits(random: np.random.Generator, strength: dict[str, float]) -> Habits:
    """The habits of a line, drawn at random; strengths are those of `lines.Simulation`."""
    fill = random.uniform(0.44, 0.88) if random.random() < 0.8 else random.uniform(0.34, 0.5)
    height = HEIGHT * (0.66 + (fill - 0.66) * min(strength["size"], 1.2))
    return Habits(
        height=height,
        base=PAGE / 2 + random.normal(0, 0.04) * HEIGHT + height / 2,
        boxed=random.random() < 0.07 * strength["boxes"],
        cell=height * random.uniform(0.95, 1.5),
        shear=random.normal(0, 0.13 * strength["slant"]),
        stretch=np.exp(random.normal(0, 0.12 * strength["slant"])),
        slope=random.normal(0, 0.04 * strength["drift"]),
        jitter=random.exponential(0.035) * strength["drift"],
        gap=height
        * float(np.clip(0.13 + strength["spacing"] * random.normal(0.06, 0.13), -0.12, 0.8)),
        weight=random.normal(0, 1) * strength["pen"],
        joins=random.random() < 0.4 * strength["joins"],
        zeros=random.uniform(0.5, 1) if random.random() < 0.3 * strength["size"] else 1.0,
        cents=random.uniform(0.5, 0.9) if random.random() < 0.12 * strength["size"] else 1.0,
        reach=abs(random.normal(0, 0.1)) * strength["drift"],
        dot=random.uniform(0.7, 1.7),
        comma=random.uniform(0.12, 0.34),
        cursive=random.random() < 0.5,
        typeset=random.random() < 0.3,
        face=int(random.choice(TYPEFACES)),
        odd=random.random() < strength["odd_marks"],
    )
