"""Digits on simulated paper and screens, for where no real photos are at hand.

Light, ruling, place and size are drawn at random. The writing is that of the given digit.
"""

import cv2
import numpy as np

PAGE = 160  # side of a picture, in pixels


def on_paper(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A digit uint8 (28, 28) as a phone might see it on paper: RGB uint8 (160, 160, 3).

    Paper and ink have a colour, and the paper may be ruled or squared. The light falls from one
    side, with a shadow. The digit's place, size and slope are random, as are blur and grain.
    """
    rows, columns = np.mgrid[:PAGE, :PAGE] / PAGE
    paper = random.choice([[246, 243, 236], [240, 228, 196], [222, 232, 243], [236, 220, 222]])
    page = np.broadcast_to(paper, (PAGE, PAGE, 3)).astype(np.float32)
    ruling, apart = random.integers(3), int(random.integers(26, 44))
    line = np.array([150, 175, 215], np.float32)
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
    """A digit uint8 (28, 28) as drawn on a screen, in any place and size: uint8 (160, 160).

    It is black on white or white on black, each half of the time, in slightly thinner strokes.
    """
    drawn = _place(image, random, random.uniform(0.2, 0.8), level=0.52)
    picture = np.rint(255 * drawn).astype(np.uint8)
    return picture if random.random() < 0.5 else 255 - picture


def _place(
    image: np.ndarray, random: np.random.Generator, size: float, level: float = 0.45
) -> np.ndarray:
    """A digit with crisp strokes in a random place: float32 (160, 160), from 0 to 1.

    It fills ``size`` (0 to 1) of the page's side. A higher ``level`` (0 to 1) thins its strokes.
    """
    x, y, width, height = cv2.boundingRect((image > 64).astype(np.uint8))
    scale = size * PAGE / max(width, height)
    middle = (x + width / 2, y + height / 2)
    turn: np.ndarray = cv2.getRotationMatrix2D(middle, random.uniform(-6, 6), scale)
    reach = np.array([width, height]) * scale / 2 + 6
    turn[:, 2] += random.uniform(reach, PAGE - reach) - middle
    large = cv2.warpAffine(
        image.astype(np.float32) / 255, turn, (PAGE, PAGE), flags=cv2.INTER_CUBIC
    )
    return np.clip((large - level) * scale / 1.5 + 0.5, 0, 1)
