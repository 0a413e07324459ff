"""Find the ink in a grey picture: bright strokes on black, whatever the paper and the light."""

from typing import NamedTuple

import cv2
import numpy as np

from digitlib.pixels.background import without_table
from digitlib.pixels.normalisation import reduce, stroke_width
from digitlib.pixels.polarity import LIGHT_SIDE, ink_is_bright
from digitlib.pixels.sheet_maps import Maps

GRAIN = 32  # regions of at most one pixel for each 32 of the picture's side are grain, not ink
SHARP = 4.0  # at the edge of ink, brightness changes at least this much faster than on paper
LEAST = 10.0  # least absorption, in 255ths, that counts as ink
EVEN = 0.9  # share of the border that has the paper's level where the paper is perfectly even
MARKED = 50  # in 255ths: from here on a pixel is marked as ink
WHOLE = 0.4  # share of a dark region that is marked as writing, if all of it is writing
BLANK = 40  # in 255ths: a pixel that is marked as nothing, up to here
PALEST = 0.15  # times as dark as the usual ink that ink is at least
SIGMA = 1.48  # times the median of what is off, for a normal distribution
NOISE = 0.45  # times as dark as ink that the grain is where all is grain
FAINT = 8  # in 255ths: a pixel that may be ink, where it goes on from what is
NEAR = 1.5  # widths of a stroke from what is marked, within which it goes on
CERTAIN = 0.6  # share of Otsu's threshold: next to a printed line, pencil is below the threshold


class Ink(NamedTuple):
    """Where a picture is written on, both uint8 (H, W) with the ink bright.

    `strokes` is the ink map: strokes near 255 on exactly 0. `absorbed` is what it was made of:
    the share of the light that is lost, in 255ths, print and grain and faint ink included.
    """

    strokes: np.ndarray
    absorbed: np.ndarray


def find_ink(grey: np.ndarray) -> Ink:
    """The ink of a grey picture uint8 (H, W), dark or bright.

    A picture without strokes (blank paper, an empty canvas) gives a map of zeros.

    The paper under the strokes is found in two passes. First, a morphological closing wider than
    any stroke gives a mask of the ink. Then the paper is the mean of the unmasked pixels around
    (a normalised convolution, Knutsson and Westin 1993), which follows soft shadows. It is never
    brighter than the closing, which follows hard shadows.
    What is darker than its paper is ink by Otsu's threshold (1979) with hysteresis (Canny 1986): a
    faint pixel counts where it is connected to a certain one.
    """
    if grey.min() == grey.max():
        return Ink(np.zeros_like(grey), np.zeros_like(grey))
    even = on_even_paper(grey)
    absorbed, noise = (even, LEAST) if even is not None else _on_paper(grey)
    visible = absorbed[absorbed > noise]
    if visible.size == 0:
        return Ink(np.zeros_like(grey), absorbed)
    certain = max(noise, _otsu(visible) * CERTAIN)
    grain = max(grey.shape) // GRAIN if even is None else 0
    mask = _hysteresis(absorbed, max(noise, certain / 2), certain, grain)
    if even is None:
        mask = _sharp(mask, absorbed)
    mask = cv2.dilate(mask, np.ones((3, 3)))
    if not mask.any():
        return Ink(mask, absorbed)
    core, edge = float(absorbed[absorbed > certain].mean()), noise / 2
    strokes = (absorbed.astype(np.float32) - edge) * (255 / (core - edge))
    return Ink(np.where(mask > 0, np.clip(strokes, 0, 255), 0).astype(np.uint8), absorbed)


def find_marked_ink(grey: np.ndarray, maps: Maps) -> Ink:
    """The ink of a grey picture uint8 (H, W) in which it is marked what is written and ruled.

    What is marked as writing or print is ink. The paper under it is the mean of the pixels around
    that are marked as nothing (see `find_ink`). Those nearby count most, so that an edge of a
    shadow stays where it is.
    """
    marked = np.maximum(maps.writing, maps.printed)
    blank = cv2.dilate(np.maximum(marked, maps.rules), np.ones((3, 3), np.uint8)) < BLANK
    paper = _paper_between(grey, blank)
    ink = marked >= MARKED
    if not ink.any():
        absorbed = _absorbed(grey, paper)
        return Ink(np.zeros_like(grey), absorbed)
    if (grey[ink].astype(np.float32) > paper[ink]).mean() > 0.5:
        grey, paper = 255 - grey, 255 - paper
    absorbed = _absorbed(grey, paper)
    usual = max(LEAST, float(np.percentile(absorbed[ink], 60)))
    grain = _grain(grey, paper, blank)
    if grain >= NOISE * usual:
        return Ink(np.zeros_like(grey), absorbed)
    dark = (absorbed > usual / 2) & (maps.rules < MARKED) & (marked >= FAINT)
    ink |= _grown(ink, dark)
    core = _core(absorbed, ink)
    ink &= core >= max(PALEST * usual, grain)
    strokes = (absorbed - core / 4) * (255 / (0.75 * core))
    return Ink(np.where(ink, np.clip(strokes, 0, 255), 0).astype(np.uint8), absorbed)


def _grown(ink: np.ndarray, dark: np.ndarray) -> np.ndarray:
    """What is dark in regions of which a good part is marked as ink, near to that: bool (H, W)."""
    side = 2 * round(NEAR * stroke_width(ink * np.uint8(255))) + 1
    near = cv2.dilate(ink.view(np.uint8), np.ones((side, side), np.uint8)) > 0
    count, labels = cv2.connectedComponents((dark & near).view(np.uint8))
    sizes = np.bincount(labels.ravel(), minlength=count)
    own = np.bincount(labels[ink], minlength=count) >= WHOLE * sizes
    own[0] = False
    return own[labels]


def _grain(grey: np.ndarray, paper: np.ndarray, blank: np.ndarray) -> float:
    """How much the paper differs from pixel to pixel, in 255ths of its brightness: as one sigma."""
    if not blank.any():
        return 0.0
    smooth = cv2.blur(grey, (5, 5)).astype(np.float32)
    return 255 * SIGMA * float(np.median((abs(grey - smooth) / np.maximum(paper, 16))[blank]))


def _core(absorbed: np.ndarray, ink: np.ndarray) -> np.ndarray:
    """How much the middle of a stroke absorbs, of each region of ink: float32 (H, W)."""
    count, labels = cv2.connectedComponents(ink.view(np.uint8))
    core = np.zeros(count, np.float32)
    for _ in range(2):  # the mean of what is above the mean
        inner = absorbed >= core[labels]
        total = np.bincount(labels[inner], absorbed[inner], count)
        core = (total / np.maximum(np.bincount(labels[inner], minlength=count), 1)).astype(
            np.float32
        )
    return np.maximum(core, LEAST)[labels]


def _paper_between(grey: np.ndarray, blank: np.ndarray) -> np.ndarray:
    """Brightness of the paper, float32 (H, W): a mean of the blank pixels, mostly near ones."""
    weight = blank.astype(np.float32)
    total = grey * weight
    paper, known = np.zeros(grey.shape, np.float32), np.full(grey.shape, 1e-6, np.float32)
    trust, side = 1.0, 9
    while True:
        paper += trust * cv2.blur(total, (side, side))
        known += trust * cv2.blur(weight, (side, side))
        if side >= max(grey.shape):
            return paper / known
        trust, side = trust / 50, 4 * side + 1


def on_even_paper(grey: np.ndarray) -> np.ndarray | None:
    """What the ink of a drawing, a grey picture uint8 (H, W), absorbs, in 255ths: uint8 (H, W).

    The paper of a drawing has one grey level. None where the picture has no such paper.
    """
    level = int(cv2.calcHist([grey], [0], None, [256], [0, 256]).argmax())
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    if (
        np.count_nonzero(border == level) < EVEN * border.size
        or np.count_nonzero(grey == level) < grey.size / 2
    ):
        return None
    # cv2.subtract would take a picture of four pixels for a colour.
    darker, brighter = level - np.minimum(grey, level), np.maximum(grey, level) - level
    if brighter.sum() > darker.sum():
        darker, level = brighter, 255 - level
    return cv2.convertScaleAbs(darker, alpha=255 / max(level, 16))


def _on_paper(grey: np.ndarray) -> tuple[np.ndarray, float]:
    """What the ink of any picture absorbs, in 255ths, and below which level it is paper's grain."""
    grey = without_table(grey)
    if ink_is_bright(grey):
        grey = 255 - grey
    small = reduce(grey, LIGHT_SIDE)
    side = max(3, min(small.shape) // 3)
    closed = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    absorbed = _absorbed(small, cv2.blur(closed, (side // 3, side // 3)))
    grain = float(np.percentile(absorbed, 25))  # the closing is as bright as the brightest grains
    mask = (absorbed > max(_otsu(absorbed) / 2, 2 * grain)).view(np.uint8)
    blank = cv2.dilate(mask, np.ones((3, 3), np.uint8)) == 0
    absorbed = _absorbed(grey, _paper(small, blank, closed, grey.shape))
    blank = cv2.resize(blank.view(np.uint8), grey.shape[::-1], interpolation=cv2.INTER_NEAREST)
    paper = absorbed[blank > 0]
    return absorbed, max(LEAST, 10 * float(paper.mean())) if paper.size else LEAST


def _paper(
    small: np.ndarray, blank: np.ndarray, closed: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    """Brightness of the paper, float32 of `shape`: the mean of the blank pixels around each pixel.

    It is never above the `closed` picture, so that the edge of a hard shadow stays in its place.
    """
    weight: np.ndarray = blank.astype(np.float32)
    total: np.ndarray = small * weight
    side = max(3, min(small.shape) // 8) | 1
    for _ in range(2):  # twice a box is nearly a Gaussian
        total, weight = cv2.blur(total, (side, side)), cv2.blur(weight, (side, side))
    paper = np.minimum((total + 0.01 * closed) / (weight + 0.01), closed)
    return cv2.resize(paper, shape[::-1], interpolation=cv2.INTER_LINEAR)


def _sharp(mask: np.ndarray, absorbed: np.ndarray) -> np.ndarray:
    """A mask of regions {0, 1} without the blurred ones, which are shadows on the paper.

    Along the edge of ink, brightness changes at least `SHARP` times as fast as on paper.
    """
    smooth = cv2.blur(absorbed, (3, 3))
    slope = np.abs(cv2.Sobel(smooth, cv2.CV_32F, 1, 0))
    slope += np.abs(cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    paper = slope[cv2.dilate(mask, np.ones((7, 7), np.uint8)) == 0]
    least = SHARP * max(2.0, float(np.median(paper[::7])) if paper.size else 0.0)
    edge = mask & (cv2.erode(mask, np.ones((3, 3), np.uint8), borderValue=0) == 0)
    count, labels = cv2.connectedComponents(mask)
    where = labels[edge > 0]
    total = np.bincount(where, slope[edge > 0], count)
    sharp = total >= least * np.bincount(where, minlength=count)
    return mask & sharp[labels].view(np.uint8)


def _absorbed(grey: np.ndarray, paper: np.ndarray) -> np.ndarray:
    """Share of the light that ink absorbs, in 255ths; it does not depend on the light."""
    share = 1 - grey.astype(np.float32) / np.maximum(paper, 16).astype(np.float32)
    return np.clip(255 * share, 0, 255).astype(np.uint8)


def _otsu(image: np.ndarray) -> float:
    return cv2.threshold(image, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[0]


def _hysteresis(image: np.ndarray, low: float, high: float, grain: int) -> np.ndarray:
    """Mask uint8 {0, 1} of the regions above `low` that are somewhere above `high`.

    Regions of up to `grain` pixels are left out.
    """
    count, labels = cv2.connectedComponents((image > low).view(np.uint8))
    certain = np.zeros(count, np.uint8)
    certain[labels[image > high]] = 1
    certain[np.bincount(labels.ravel(), minlength=count) <= grain] = 0
    certain[0] = 0
    return certain[labels]
