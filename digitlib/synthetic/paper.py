"""Digits laid on simulated paper and screens: what reading a photo has to cope with, in small.

A stand-in where no real photos are at hand: the light, the rulings and the place are chance, but
the writing is that of the digits it starts from.
"""

import cv2
import numpy as np

PAGE = 160  # px: the side of a picture


def on_paper(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A digit, uint8 (28, 28), as a phone might see it on paper: RGB uint8 (160, 160, 3).

    Paper and ink have a colour, the light falls from one side and leaves a shadow, the paper may
    be ruled or squared, and place, size and slope of the digit are chance; so are blur and grain.
    """
    rows, columns = np.mgrid[:PAGE, :PAGE] / PAGE
    paper = random.choice([[246, 243, 236], [240, 228, 196], [222, 232, 243], [236, 220, 222]])
    page = np.broadcast_to(paper, (PAGE, PAGE, 3)).astype(np.float32)
    ruling, apart = random.integers(3), int(random.integers(26, 44))
    line = np.float32([150, 175, 215])
    start = int(random.integers(apart))
    if ruling:  # 1 ruled, 2 squared
        page[start::apart] = line
    if ruling == 2:
        page[:, start::apart] = line
    pen = random.choice([[25, 25, 30], [30, 45, 130], [95, 95, 100]])  # black, blue, pencil
    strokes = _place(image, random, random.uniform(0.35, 0.65))[..., None]
    page = page * (1 - strokes) + pen * strokes
    across, down = random.uniform(-0.35, 0.35, 2)
    light = 0.85 + across * (columns - 0.5) + down * (rows - 0.5)
    edge = random.uniform(0.1, 0.9) + random.uniform(-0.5, 0.5) * rows
    shadow = 1 - random.uniform(0, 0.35) / (1 + np.exp((edge - columns) / 0.04))
    page = cv2.GaussianBlur(page * (light * shadow)[..., None], (0, 0), random.uniform(0.5, 1.1))
    page += random.normal(0, random.uniform(1, 4), (PAGE, PAGE, 1))
    return np.clip(page, 0, 255).astype(np.uint8)


def on_screen(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A digit, uint8 (28, 28), as drawn anywhere on a screen, at any size: uint8 (160, 160).

    Black on white or, one time in two, white on black; the strokes a little thinner than they were.
    """
    drawn = _place(image, random, random.uniform(0.2, 0.8), level=0.52)
    picture = np.rint(255 * drawn).astype(np.uint8)
    return picture if random.random() < 0.5 else 255 - picture


def _place(
    image: np.ndarray, random: np.random.Generator, size: float, level: float = 0.45
) -> np.ndarray:
    """Crisp strokes, float32 (160, 160) from 0 to 1, that fill ``size`` of the page somewhere.

    A higher ``level``, from 0 to 1, makes them thinner.
    """
    x, y, width, height = cv2.boundingRect((image > 64).astype(np.uint8))
    scale = size * PAGE / max(width, height)
    turn = cv2.getRotationMatrix2D((x + width / 2, y + height / 2), random.uniform(-6, 6), scale)
    reach = np.array([width, height]) * scale / 2 + 6
    turn[:, 2] += random.uniform(reach, PAGE - reach) - (x + width / 2, y + height / 2)
    large = cv2.warpAffine(
        image.astype(np.float32) / 255, turn, (PAGE, PAGE), flags=cv2.INTER_CUBIC
    )
    return np.clip((large - level) * scale / 1.5 + 0.5, 0, 1)
