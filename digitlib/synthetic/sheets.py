"""Simulated sheets: tables, form fields and lines of handwriting on paper, photographed.

A sheet comes with what it is made of, pixel by pixel, and with what stands in each of its cells.
"""

from typing import NamedTuple

import cv2
import numpy as np

from digitlib.synthetic.camera import take_picture
from digitlib.synthetic.hands import Hand, drawn_hands, real_hand
from digitlib.synthetic.layouts import FORM, PLAIN, squared
from digitlib.synthetic.pages import Cell, Page
from digitlib.synthetic.patterns import FAMILIES, draw_motifs, draw_pattern

HELD_PATTERNS = ("rosette", "clipped")  # papers that no network learns from
DRAWN = 0.5  # share of the sheets that are by pen-drawn hands
BENT = 0.7  # pixels of MNIST's frame by which the digits of real hands are bent
PHOTOGRAPHED = 0.6  # share of the sheets; the others are scans
UNRULED, EMPTY = 0.2, 0.04  # shares of the sheets with lines of writing alone, and with nothing
PATTERNED = 0.35  # share of the sheets on patterned paper
MOTIFS = 0.5  # share of the patterns from which networks learn that repeat a few small strokes
BLEEDING = 0.2  # share of the sheets on which the other side shows
CAMERA = dict.fromkeys(("blur", "resolution", "noise", "jpeg"), 0.7)


class Sheet(NamedTuple):
    """A sheet.

    `grey` uint8 (H, W) is what is seen of it. `maps` uint8 (H, W, 3) tells what that is made of,
    each bright on 0: writing, print, and rules, the latter without the gaps in them. `cells` are
    where numbers may stand, and which do.
    """

    grey: np.ndarray
    maps: np.ndarray
    cells: list[Cell]


def draw_hand(images: np.ndarray, labels: np.ndarray, random: np.random.Generator) -> Hand:
    """The hand of a sheet's writer, from digits uint8 (N, 28, 28) that lie by writer, or drawn."""
    if random.random() < DRAWN or not len(images):
        return drawn_hands(1, random)[0]
    return real_hand(images, labels, random, BENT)


def draw_sheet(
    hand: Hand, random: np.random.Generator, height: int, width: int, held: bool = False
) -> Sheet:
    """A sheet `height` by `width` pixels large, by one hand.

    With `held`, line styles, papers and layouts include those that no network learns from.
    """
    page = Page(hand, random, height, width, held)
    kind = random.random()
    page.ruled = kind > UNRULED
    layout = FORM if page.ruled else PLAIN
    blocks, weights = list(layout), list(layout.values())
    y = random.uniform(0.01, 0.06) * height if kind > EMPTY else height
    while y < 0.95 * height:
        block = blocks[random.choice(len(blocks), p=weights)]
        y = max(block(page, y), y + 10)
    if random.random() < 0.12:
        squared(page)
    paper: np.ndarray = page.shade
    if random.random() < PATTERNED:
        families = HELD_PATTERNS if held else sorted(set(FAMILIES) - set(HELD_PATTERNS))
        if not held and random.random() < MOTIFS:
            paper = paper * draw_motifs(height, width, random, 0.6)
        else:
            paper = paper * draw_pattern(str(random.choice(families)), height, width, random, 0.6)
    if random.random() < BLEEDING:
        paper = paper * _bled_through(page, random)
    pen = 1 - 0.87 * random.beta(1.6, 2.5) if random.random() < 0.8 else 1.0
    for layer, dark in (
        (page.writing, pen),
        (page.printed, random.uniform(0.4, 1)),
        (page.ruling, 1.0),
    ):
        paper = paper * (1 - layer.astype(np.float32) * (dark / 255))
    maps: np.ndarray = np.dstack([page.writing, page.printed, page.rules])
    cells = page.cells
    if random.random() < PHOTOGRAPHED:
        matrix = _perspective(height, width, random)
        size, table = (width, height), random.uniform(0.05, 0.4)
        paper = cv2.warpPerspective(paper, matrix, size, borderValue=table)
        paper = paper * _light(height, width, random)
        maps = cv2.warpPerspective(maps, matrix, size)
        corners = np.array([cell.corners for cell in cells]).reshape(1, -1, 2)
        if corners.size:
            moved = cv2.perspectiveTransform(corners, matrix).reshape(-1, 4, 2)
            cells = [c._replace(corners=k) for c, k in zip(cells, moved, strict=True)]
    brightness = random.uniform(0.5, 1) if random.random() < 0.7 else 1.0
    grey = take_picture(255 * brightness * paper, random, CAMERA)
    return Sheet(grey, maps, cells)


def _bled_through(page: Page, random: np.random.Generator) -> np.ndarray:
    """What shows of the paper's other side, float32 (height, width): here a page like this one."""
    layers = page.writing, page.printed, page.ruling
    dark = np.maximum.reduce(
        [layer[:, ::-1] for layer in layers if random.random() < 0.8] or [layers[1]]
    )
    shift = random.integers(-page.height // 3, page.height // 3)
    blurred = cv2.GaussianBlur(np.roll(dark, shift, axis=0), (0, 0), random.uniform(0.8, 2.5))
    return 1 - blurred.astype(np.float32) * (random.uniform(0.02, 0.2) / 255)


def _perspective(height: int, width: int, random: np.random.Generator) -> np.ndarray:
    """How a photo shows a page: turned a little, now and then a lot, and from aside."""
    source = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    turn = random.normal(0, 0.04) if random.random() < 0.9 else random.uniform(-0.55, 0.55)
    centre = np.array([width / 2, height / 2], np.float32)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]], np.float32)
    target = (source - centre) @ rotation * random.uniform(0.8, 1.02) + centre
    target += random.normal(0, 0.015 * min(height, width), (4, 2))
    return cv2.getPerspectiveTransform(source, target.astype(np.float32))


def _light(height: int, width: int, random: np.random.Generator) -> np.ndarray:
    """A gradient and, now and then, a hard or soft shadow or a glare: float32 (height, width)."""
    rows = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, width, dtype=np.float32)[None]
    light = 1 + random.normal(0, 0.12) * columns + random.normal(0, 0.12) * rows
    if random.random() < 0.4:
        angle = random.uniform(0, 2 * np.pi)
        side = columns * np.cos(angle) + rows * np.sin(angle)
        edge, soft = random.uniform(-0.6, 0.6), random.exponential(0.06) + 0.003
        deep = random.uniform(0.15, 0.7)
        light = light * (1 - deep / (1 + np.exp(np.clip((side - edge) / soft, -30, 30))))
    if random.random() < 0.1:
        x, y = random.uniform(-1, 1, 2)
        far = ((columns - x) ** 2 + (rows - y) ** 2) / random.uniform(0.02, 0.3)
        light = light + random.uniform(0.2, 0.8) * np.exp(-far)
    if random.random() < 0.3:  # the paper is not smooth
        coarse = max(4, height // int(random.integers(3, 60)))
        mottled = random.normal(0, random.exponential(0.03), (coarse, coarse)).astype(np.float32)
        light = light * (1 + cv2.resize(mottled, (width, height), interpolation=cv2.INTER_CUBIC))
    return light.astype(np.float32)
