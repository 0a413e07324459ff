"""Simulated lines of handwriting that hold numbers, by one hand each.

A line is written with the digits of a hand, set on paper and photographed. Each ingredient of that
has a name and a strength in `Simulation`. A line comes with what it says, token by token.
"""

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from digitlib.pixels.line_images import COLUMN, HEIGHT, MARGIN, to_line
from digitlib.synthetic.backgrounds import on_background
from digitlib.synthetic.camera import take_picture
from digitlib.synthetic.habits import ROOM
from digitlib.synthetic.hands import Hand, drawn_hands, printed_hand, real_hand
from digitlib.synthetic.texts import draw_text
from digitlib.synthetic.writing import Writing

WIDTH = 256  # of the lines that a network is trained on, in pixels
DRAWN, PRINTED = 0.5, 0.03  # shares of the lines, at strength 1
HANDS = 20  # lines for each hand that is made

Seed = int | list[int] | np.random.Generator


@dataclass(frozen=True)
class Simulation:
    """How much there is of each ingredient: 0 is none, 1 what networks learn from, 2 too much.

    `odd_marks` alone is a share of the lines, and 0 in training.

    Attributes:
        drawn: pen-drawn hands among the real ones.
        printed: digits in a typeface.
        warp: real hands bent, each in one way.
        slant: the whole line leans or is stretched.
        size: digits fill more or less of the line's height, and differ in size.
        drift: the line climbs or falls, and digits jump and turn.
        spacing: gaps from overlapping to wide.
        pen: strokes from thin to thick.
        joins: zeros that are joined by a stroke.
        marks: dots, commas and minus signs; currency signs, dashes and others around a number.
        words: words of letters, and lines without a number.
        several: more than one number on the line.
        boxes: a box around each digit, closed or a comb.
        rules: printed lines above, below, or through the writing, and upright ones at its ends.
        pattern: printed patterns on the paper.
        scraps: print and pieces of other lines at the edges.
        stains: spots and specks.
        light: paper that is not equally bright everywhere.
        contrast: faint ink.
        crop: cut out tightly.
        blur: out of focus.
        resolution: few pixels.
        noise: grain.
        jpeg: what compression leaves.
        odd_marks: share of the lines with marks made in ways that networks do not learn from.
    """

    drawn: float = 1.0
    printed: float = 1.0
    warp: float = 1.0
    slant: float = 1.0
    size: float = 1.0
    drift: float = 1.0
    spacing: float = 1.0
    pen: float = 1.0
    joins: float = 1.0
    marks: float = 1.0
    words: float = 1.0
    several: float = 1.0
    boxes: float = 1.0
    rules: float = 1.0
    pattern: float = 1.0
    scraps: float = 1.0
    stains: float = 1.0
    light: float = 1.0
    contrast: float = 1.0
    crop: float = 1.0
    blur: float = 1.0
    resolution: float = 1.0
    noise: float = 1.0
    jpeg: float = 1.0
    odd_marks: float = 0.0


class Line(NamedTuple):
    """A simulated line.

    `grey` is uint8 (48, W), dark ink on brighter paper, with W at most `WIDTH` - 2 `MARGIN`.
    `text` is what it says, `tokens` are the same in characters of `line_images.ALPHABET`, and
    `centres` are their places in pixels from the left.
    """

    grey: np.ndarray
    text: str
    tokens: str
    centres: list[float]


def draw_lines(
    images: np.ndarray, labels: np.ndarray, count: int, seed: Seed, simulation: Simulation
) -> list[Line]:
    """Draw `count` lines.

    They are made of digits uint8 (N, 28, 28) with their `labels` (N,), which lie by writer, and
    of pen-drawn ones; without any digits, of these alone. The same arguments give the same lines.
    """
    random = np.random.default_rng(seed)
    kinds = random.random(-(-count // HANDS))
    share = DRAWN * simulation.drawn if len(images) else 1.0
    drawn = drawn_hands(int(np.sum(kinds < share)), random)
    hands: list[Hand] = []
    for kind in kinds:
        if kind < share:
            hands.append(drawn.pop())
        elif kind > 1 - PRINTED * simulation.printed:
            hands.append(printed_hand(random))
        else:
            hands.append(real_hand(images, labels, random, simulation.warp))
    return [draw_line(hands[i % len(hands)], random, simulation) for i in random.permutation(count)]


def as_seen(lines: list[Line]) -> np.ndarray:
    """Lines as the line network sees them: uint8 (N, 48, 256), with blank paper around each."""
    return np.stack([to_line(255 - line.grey, WIDTH) for line in lines])


def draw_line(hand: Hand, random: np.random.Generator, simulation: Simulation) -> Line:
    """One line by a hand: written, set on paper, cut out and photographed."""
    strength = asdict(simulation)
    room = WIDTH - 2 * MARGIN
    while True:
        writing = Writing(hand, random, room - 6, strength)
        text = draw_text(random, simulation.words, simulation.several, simulation.marks)
        writing.write(text)
        if columns(writing.tokens) <= room // COLUMN:
            break
    left, right = _crop(writing, room, random, simulation.crop)
    page = on_background(writing, left, right, random, strength)
    grey = take_picture(page[ROOM : ROOM + HEIGHT], random, strength)
    return Line(grey, writing.text, "".join(writing.tokens), [x - left for x in writing.centres])


def columns(tokens: str | list[str]) -> int:
    """How many columns of the network it takes at least to say this.

    It is one for each token, and one more between equal neighbours.
    """
    return len(tokens) + sum(a == b for a, b in pairwise(tokens))


def _crop(
    writing: Writing, room: int, random: np.random.Generator, strength: float
) -> tuple[int, int]:
    """The first column that is cut out of the page, and the one after the last."""
    if random.random() < 0.2:
        return 0, room
    loose = 5 / max(strength, 0.1)
    left = int(max(0, 4 - random.exponential(0.4 * loose)))
    right = int(min(room, writing.x + 1 + random.exponential(loose)))
    return left, max(right, left + 12)
