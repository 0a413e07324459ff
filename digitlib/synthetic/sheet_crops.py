"""Crops of simulated sheets, from which a network learns what is written and what is ruled."""

from typing import NamedTuple

import cv2
import numpy as np

from digitlib.pixels.sheet_maps import MAP_STEP, PAST, TILE
from digitlib.synthetic.lines import Seed
from digitlib.synthetic.sheets import Sheet, draw_hand, draw_sheet

CROPS = 5  # of a sheet
TIGHT = 0.35  # share of the crops that hold one number or cell, cut out tightly
INVERTED = 0.15  # share of the crops that are bright on dark
PALE = 0.2  # share of the crops with little contrast


class Crop(NamedTuple):
    """What is seen, uint8 (256, 256), and the `Sheet.maps` at half its size, (128, 128, 3)."""

    grey: np.ndarray
    maps: np.ndarray


def draw_crops(images: np.ndarray, labels: np.ndarray, count: int, seed: Seed) -> list[Crop]:
    """Crops of sheets by the hands of digits uint8 (N, 28, 28), which lie by writer."""
    random = np.random.default_rng(seed)
    crops: list[Crop] = []
    while len(crops) < count:
        height, width = random.integers(400, 900, 2).tolist()
        sheet = draw_sheet(draw_hand(images, labels, random), random, height, width)
        crops += [_crop(sheet, random) for _ in range(CROPS)]
    return [crops[i] for i in random.permutation(count)]


def _crop(sheet: Sheet, random: np.random.Generator) -> Crop:
    box = _around_number(sheet, random) if random.random() < TIGHT else None
    if box is None:
        height, width = sheet.grey.shape
        side = int(TILE / np.exp(random.uniform(np.log(0.5), np.log(2.2))))
        side = min(side, height, width)
        x, y = random.integers(0, width - side + 1), random.integers(0, height - side + 1)
        box, size = (x, y, x + side, y + side), (TILE, TILE)
    else:
        wide, high = box[2] - box[0], box[3] - box[1]
        scale = min(random.uniform(28, 180) / high, TILE / wide, TILE / high)
        size = max(4, round(scale * wide)), max(4, round(scale * high))
    x0, y0, x1, y1 = box
    way = cv2.INTER_AREA if size[0] < x1 - x0 else cv2.INTER_LINEAR
    grey = cv2.resize(sheet.grey[y0:y1, x0:x1], size, interpolation=way)
    maps = cv2.resize(sheet.maps[y0:y1, x0:x1], size, interpolation=way)
    if random.random() < PALE:
        mean = grey.mean()
        grey = np.clip(mean + (grey - mean) * random.uniform(0.45, 1), 0, 255).astype(np.uint8)
    if random.random() < INVERTED:
        grey = 255 - grey
    right, below = TILE - size[0], TILE - size[1]
    grey = cv2.copyMakeBorder(grey, 0, below, 0, right, cv2.BORDER_CONSTANT, value=PAST)
    maps = cv2.copyMakeBorder(maps, 0, below, 0, right, cv2.BORDER_CONSTANT, value=0)
    half = TILE // MAP_STEP
    return Crop(grey, cv2.resize(maps, (half, half), interpolation=cv2.INTER_AREA))


def _around_number(sheet: Sheet, random: np.random.Generator) -> tuple | None:
    """The box (x0, y0, x1, y1) of a number or its cell, with hardly any room; None without one."""
    filled = [cell for cell in sheet.cells if cell.text]
    if not filled:
        return None
    corners = filled[random.integers(len(filled))].corners
    x0, y0 = np.maximum(corners.min(axis=0), 0).astype(int)
    x1, y1 = corners.max(axis=0).astype(int)
    ink = sheet.maps[y0:y1, x0:x1, :2].max(axis=2, initial=0) > 80
    if np.count_nonzero(ink) < 10:
        return None
    left, top, wide, high = cv2.boundingRect(ink.view(np.uint8))
    if random.random() < 0.3:
        left, top, wide, high = 0, 0, x1 - x0, y1 - y0
    room = random.normal(0.02, 0.06, 4) * high
    height, width = sheet.grey.shape
    x1, y1 = min(width, x0 + left + wide + room[0]), min(height, y0 + top + high + room[1])
    x0, y0 = max(0, x0 + left - room[2]), max(0, y0 + top - room[3])
    box = tuple(int(side) for side in (x0, y0, x1, y1))
    return box if box[2] - box[0] >= 4 and box[3] - box[1] >= 4 else None
