"""Paper that numbers are written on: plain, ruled, or with the fine line patterns of cheques.

Paper is float32 (H, W): 1 where it is blank, and less where something is printed.
"""

import cv2
import numpy as np

from digitlib.pixels.line_images import HEIGHT
from digitlib.synthetic.habits import PAGE, ROOM
from digitlib.synthetic.patterns import FAMILIES, draw_pattern
from digitlib.synthetic.writing import Writing

# Shares of the lines at strength 1
PATTERNED, RULED, SCRAPPED, STAINED, SHADED = 0.7, 0.35, 0.25, 0.3, 0.5


def on_background(
    writing: Writing,
    left: int,
    right: int,
    random: np.random.Generator,
    strength: dict[str, float],
) -> np.ndarray:
    """The page with its writing, from column `left` to `right`: float32 (`PAGE`, W).

    Blank paper is at most at 255, or a little above in the light.

    Strengths are those of pattern, rules, scraps, stains, light and contrast; see
    `lines.Simulation`.
    """
    ink, width = writing.ink[:, left:right], right - left
    paper = np.ones((PAGE, width), np.float32)
    if random.random() < PATTERNED * strength["pattern"]:
        family = list(FAMILIES)[random.integers(len(FAMILIES))]
        paper = draw_pattern(family, PAGE, width, random, strength["pattern"])
    if writing.cells:
        _boxes(paper, writing, left, random)
    elif random.random() < RULED * strength["rules"]:
        _rules(paper, writing, random)
    if random.random() < SCRAPPED * strength["scraps"]:
        ink = _scraps(ink, paper, writing, random)
    if random.random() < STAINED * strength["stains"]:
        _stains(paper, random)
    if random.random() < SHADED * strength["light"]:
        across, down = random.normal(0, 0.12 * strength["light"], 2)
        rows, columns = (np.linspace(-1, 1, n, dtype=np.float32) for n in paper.shape)
        paper = paper * (1 + np.float32(across) * columns + np.float32(down) * rows[:, None])
    brightness = random.uniform(0.45, 1) if random.random() < 0.7 else 1.0
    darkness = _darkness(width, random, strength["contrast"])
    return np.float32(255 * brightness) * paper * (1 - ink * (darkness / np.float32(255)))


def _darkness(width: int, random: np.random.Generator, strength: float) -> np.ndarray:
    """Of the ink along the line, float32 (W,) up to 1: from full to faint, even or uneven."""
    if random.random() < 0.25:
        return np.ones(width, np.float32)
    darkness = np.full(width, 1 - random.beta(1.6, 3) * min(0.85 * strength, 0.97), np.float32)
    if random.random() < 0.3 and darkness[0] < 0.85:
        phase = np.arange(width) / random.uniform(5, 30) + random.uniform(0, 6)
        darkness *= (1 + 0.17 * np.sin(phase)).astype(np.float32)
    return darkness


def _rules(paper: np.ndarray, writing: Writing, random: np.random.Generator) -> None:
    """Printed lines along the writing, whole or dotted, and upright ones at its ends."""
    base, height, width = writing.habits.base, writing.habits.height, paper.shape[1]
    darkness, thick = random.uniform(0.15, 0.85), int(random.integers(1, 3))
    through = base - random.uniform(0, 1) * height
    rows = (base + 0.06 * height, base - 1.12 * height, base + 0.3 * height, through)
    for which in random.choice(len(rows), random.integers(1, 3), replace=False):
        start = int(rows[which] + random.normal(0, 2))
        layer = np.zeros(paper.shape, np.uint8)
        stop = int(start + random.normal(0, 1.2))
        cv2.line(layer, (0, start), (width, stop), 255, thick, cv2.LINE_AA)
        if random.random() < 0.25:
            layer[:, np.arange(width) % 5 < 2] = 0
        _print(paper, layer, darkness)
    for x in (int(random.integers(0, 4)), width - 1 - int(random.integers(0, 4))):
        if random.random() < 0.12:
            paper[:, x : x + thick] = np.minimum(paper[:, x : x + thick], 1 - darkness)


def _boxes(paper: np.ndarray, writing: Writing, left: int, random: np.random.Generator) -> None:
    """A box around each digit: closed, open at the top as a comb, or apart from the next one."""
    darkness, thick = random.uniform(0.2, 1), int(random.integers(1, 4))
    bottom = round(writing.habits.base + random.uniform(0.05, 0.3) * writing.habits.height)
    top = round(writing.habits.base - random.uniform(1.05, 1.4) * writing.habits.height)
    comb, apart = random.random() < 0.25, random.choice([0, 0, 2, 4])
    layer = np.zeros(paper.shape, np.uint8)
    for start, stop in writing.cells:
        x0, x1 = round(start) - left + apart // 2, round(stop) - left - apart // 2
        if comb:
            top_here = bottom - round(random.uniform(0.2, 0.5) * writing.habits.height)
            corners = [(x0, top_here), (x0, bottom), (x1, bottom), (x1, top_here)]
            cv2.polylines(layer, [np.array(corners, np.int32)], False, 255, thick)
        else:
            cv2.rectangle(layer, (x0, top), (x1, bottom), 255, thick)
    _print(paper, layer, darkness)


def _scraps(
    ink: np.ndarray, paper: np.ndarray, writing: Writing, random: np.random.Generator
) -> np.ndarray:
    """What else is at the edges of a crop: print, or the feet or heads of another line's digits."""
    above = random.random() < 0.5
    if random.random() < 0.6:
        text = "".join(chr(c) for c in random.integers(97, 123, random.integers(4, 30)))
        layer = np.zeros(paper.shape, np.uint8)
        y = ROOM + int(random.integers(-2, 5) if above else HEIGHT + random.integers(2, 10))
        font, scale = int(random.integers(0, 5)), random.uniform(0.25, 0.6)
        cv2.putText(layer, text, (int(random.integers(-20, 60)), y), font, scale, 255, 1, 16)
        _print(paper, layer, random.uniform(0.3, 0.9))
        return ink
    ink = ink.copy()
    y = int(random.integers(ROOM - 38, ROOM - 33) if above else PAGE - ROOM - random.integers(2, 6))
    for _ in range(random.integers(1, 5)):
        image = writing.hand[int(random.integers(10))][0]
        left, top, wide, high = cv2.boundingRect((image > 100).view(np.uint8))
        if not high:
            continue
        glyph = image[top : top + high, left : left + wide]
        wide = min(max(4, round(40 * wide / high)), 60)
        glyph = cv2.resize(glyph, (wide, 40))
        x = int(random.integers(0, max(1, ink.shape[1] - wide)))
        part = ink[max(y, 0) : y + 40, x : x + wide]
        np.maximum(part, glyph[max(-y, 0) :][: part.shape[0], : part.shape[1]], out=part)
    return ink


def _stains(paper: np.ndarray, random: np.random.Generator) -> None:
    """Spots that darken the paper, and specks."""
    height, width = paper.shape
    layer: np.ndarray = np.zeros(paper.shape, np.uint8)
    for _ in range(random.integers(1, 4)):
        centre = (int(random.integers(width)), int(random.integers(height)))
        axes = (int(random.integers(4, 40)), int(random.integers(4, 30)))
        tilt, level = float(random.integers(180)), int(random.integers(20, 90))
        cv2.ellipse(layer, centre, axes, tilt, 0, 360, level, -1)
    if random.random() < 0.5:
        layer = cv2.GaussianBlur(layer, (0, 0), 3)
    for _ in range(random.integers(0, 12)):
        place = (int(random.integers(width)), int(random.integers(height)))
        radius = int(random.random() < 0.3)
        cv2.circle(layer, place, radius, int(random.integers(60, 200)), -1)
    paper *= 1 - layer / np.float32(255)


def _print(paper: np.ndarray, layer: np.ndarray, darkness: float) -> None:
    """Print a layer uint8 (H, W) on the paper."""
    np.minimum(paper, 1 - np.float32(darkness / 255) * layer, out=paper)
