"""Characters drawn with a pen, from its path: each time as if by another writer."""

from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np

Seed = int | np.random.Generator

_SCALE = 4  # strokes are drawn four times as large as they will be, and then averaged
NARROWEST = 0.6  # of its width, to which a character is pressed together at most
_SIDE = 44  # pixels of the page, of which 28 around the centre of mass are cut out


class Manner(NamedTuple):
    """How each of n people writes, whatever the digit; all are float (n, 1).

    `care` scales how far the pen strays, `roundness` is that of corners (0 to 1), `stretch` that
    of the width, `slant` the shift to the right per height, `turn` an angle in radians, and `pen`
    the width of the strokes in pixels, for a digit that is 20 pixels high. `waist` moves the middle
    of a digit up (below 1) or down.
    """

    care: np.ndarray
    roundness: np.ndarray
    stretch: np.ndarray
    slant: np.ndarray
    turn: np.ndarray
    pen: np.ndarray
    waist: np.ndarray


def draw_manners(n: int, rng: np.random.Generator) -> Manner:
    """The manners of n people."""
    one = (n, 1)
    return Manner(
        care=rng.lognormal(0, 0.4, one).clip(0.4, 2),  # some write more neatly than others
        roundness=rng.beta(0.7, 1.2, one),
        stretch=rng.lognormal(0, 0.2, one),
        slant=rng.normal(0.18, 0.23, one).clip(-0.45, 0.7),
        turn=rng.normal(0, 0.06, one).clip(-0.15, 0.15),
        pen=rng.lognormal(np.log(2.1), 0.38, one),
        waist=rng.lognormal(0, 0.12, one).clip(0.75, 1.33),
    )


def draw_strokes(
    path: str, count: int, seed: Seed, thickest: float = 4.0, widest: float = 1.7
) -> np.ndarray:
    """Draw a character from its pen's path, each time as if by another writer.

    `path` is written as in ``numerals.yaml``, `thickest` is the widest pen in pixels, and `widest`
    the most that a character is stretched in width. Returns uint8 (count, 28, 28).
    """
    rng = np.random.default_rng(seed)
    manners = draw_manners(count, rng)
    manners = manners._replace(stretch=manners.stretch.clip(NARROWEST, widest))
    return draw_by(manners, path, rng, thickest)


def draw_by(
    manners: Manner, path: str, rng: np.random.Generator, thickest: float = 4.0, size: int = 28
) -> np.ndarray:
    """Draw a character once in each of the n manners: uint8 (n, size, size), framed as MNIST's.

    Arguments as for `draw_strokes`; `size` is a multiple of 28.
    """
    count = len(manners.pen)
    paths, ends = _write(_parse(path), manners, rng)
    curves = _deform(paths, manners, rng)
    # In a narrow digit a thick pen would fill the loops.
    pen = manners.pen.clip(1, thickest * manners.stretch.clip(0.6, 1))
    low, high = curves.min(axis=1), curves.max(axis=1)
    scale = (19.5 - pen) / (high - low).max(axis=1, keepdims=True)
    curves = (curves - (low + high)[:, None] / 2) * scale[:, None] + _SIDE / 2
    widths = pen * _pressure(curves.shape[:2], rng)
    images = [_ink(path, width, ends, size) for path, width in zip(curves, widths, strict=True)]
    return np.array(images, np.uint8).reshape(count, size, size)


class _Stroke(NamedTuple):
    """A stroke of P points, with T points on its curve.

    `points` (P, 2) are in a unit box. `sharp` and `smooth` (T, P) lead from the points to the
    curve: with the corners, and with none. `spread` (P, P) mixes noise of nearby points.
    """

    points: np.ndarray
    sharp: np.ndarray
    smooth: np.ndarray
    spread: np.ndarray


@lru_cache(1000)
def _parse(path: str) -> list[_Stroke]:
    strokes = []
    for tokens in map(str.split, path.split("/")):
        points = np.array([token.rstrip("!").split(",") for token in tokens], float) / 100
        corners = [i for i, token in enumerate(tokens) if token.endswith("!")]
        along = np.r_[0, np.cumsum(np.hypot(*np.diff(points, axis=0).T))]
        spread = np.exp(-((along[:, None] - along) ** 2) / (2 * 0.3**2))
        spread /= np.linalg.norm(spread, axis=1, keepdims=True)
        strokes.append(_Stroke(points, _spline(points, corners), _spline(points, []), spread))
    return strokes


def _spline(points: np.ndarray, corners: list[int]) -> np.ndarray:
    """Matrix (T, P) from P points to T points along a Catmull-Rom curve with centripetal knots.

    After Yuksel, Schaefer and Keyser (2011), doi:10.1016/j.cad.2010.08.008.
    """
    length = np.hypot(*np.diff(points, axis=0).T)
    h, at = np.sqrt(length)[:, None], np.eye(len(points))
    slope = np.diff(at, axis=0) / h
    start, stop = slope.copy(), slope.copy()  # the tangents at both ends of each piece
    inner = [i for i in range(1, len(points) - 1) if i not in corners]
    for i in inner:
        stop[i - 1] = start[i] = (h[i] * slope[i - 1] + h[i - 1] * slope[i]) / (h[i - 1] + h[i])
    rows = []
    for i, count in enumerate(np.round(20 * length).clip(2).astype(int)):
        if i not in inner:  # nothing determines this tangent, so the piece becomes a parabola
            start[i] = (3 * slope[i] - stop[i]) / 2
        if i + 1 not in inner:
            stop[i] = (3 * slope[i] - start[i]) / 2
        u = np.linspace(0, 1, count, endpoint=False)[:, None]
        bend = h[i] * (start[i] * u * (1 - u) ** 2 - stop[i] * u**2 * (1 - u))
        rows.append(at[i] * (1 - u) ** 2 * (1 + 2 * u) + at[i + 1] * u**2 * (3 - 2 * u) + bend)
    return np.concatenate([*rows, at[-1:]])


def _write(
    strokes: list[_Stroke], manners: Manner, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Paths of n pens, (n, T, 2) in a unit box about 0, and the index where each stroke ends."""
    n, care, roundness = len(manners.pen), manners.care[..., None], manners.roundness[..., None]
    paths = []
    for points, sharp, smooth, spread in strokes:
        shared, own = rng.normal(size=(2, n, *points.shape))
        noise = 0.035 * spread @ shared + 0.012 * own  # points move together, and by themselves
        if len(strokes) > 1:
            noise += 0.025 * rng.normal(size=(n, 1, 2))  # the pen is not set down quite in place
        points = points + care * noise
        path = (1 - roundness) * (sharp @ points) + roundness * (smooth @ points)
        # The pen starts and stops a little early or late. Beyond an end the line goes straight on.
        last = len(sharp) - 1
        begin, end = rng.normal(0, 0.02 * last, (2, n, 1)).clip(-1.5, 1.5)
        place = begin + (last - end - begin) * np.linspace(0, 1, last + 1)
        before = place.astype(int).clip(0, last - 1)[..., None]
        here, there = (np.take_along_axis(path, before + k, axis=1) for k in (0, 1))
        paths.append(here + (there - here) * (place[..., None] - before))
    return np.concatenate(paths, axis=1) - 0.5, np.cumsum([path.shape[1] for path in paths])


def _deform(curves: np.ndarray, manners: Manner, rng: np.random.Generator) -> np.ndarray:
    """Bend, shake, stretch, slant and turn the curves, (n, T, 2) in a unit box about 0."""
    n, length = curves.shape[:2]
    for _ in range(2):  # a smooth wave across the page
        phase = curves @ rng.normal(0, 3, (n, 2, 1)) + rng.uniform(0, 2 * np.pi, (n, 1, 1))
        curves = curves + np.sin(phase) * rng.normal(0, 0.03, (n, 1, 2))
    noise = rng.normal(size=(n, length + 2, 2))
    tremor = noise[:, :-2] + noise[:, 1:-1] + noise[:, 2:]
    curves = curves + tremor * rng.exponential(0.0035, (n, 1, 1)).clip(0, 0.015)
    x, y = curves[..., 0], curves[..., 1]
    inside = np.abs(y) < 0.5
    y = np.where(inside, np.where(inside, y + 0.5, 0) ** manners.waist - 0.5, y)
    x = x * manners.stretch
    x = x * (1 + y * rng.normal(0, 0.15, (n, 1)))  # wider at the top or at the bottom
    x, turn = x - y * manners.slant, manners.turn
    return np.stack([x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)], -1)


def _pressure(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """The pen's relative width along the paths, (n, T); 0 where it leaves a gap."""
    time, n = np.linspace(0, 1, shape[1]), (shape[0], 1)
    wave = np.sin(2 * np.pi * (time * rng.uniform(0.5, 2.5, n) + rng.random(n)))
    skip = np.where(rng.random(n) < 0.04, rng.uniform(0.1, 0.9, n), 9)
    widths = 1 + wave * rng.exponential(0.08, n).clip(0, 0.35)
    return np.where(np.abs(time - skip) < 0.02, 0, widths)


def _ink(path: np.ndarray, widths: np.ndarray, ends: np.ndarray, size: int) -> np.ndarray:
    """Draw a path (T, 2) with widths (T,), both in pixels of the page: uint8 (size, size)."""
    page = np.zeros((_SIDE * _SCALE, _SIDE * _SCALE), np.uint8)
    dots = np.round(path * (_SCALE * 16)).astype(np.int32)  # cv2 takes sixteenths of a pixel
    thick = np.round(widths * _SCALE).astype(int)
    cuts = np.unique([0, *(np.flatnonzero(np.diff(thick)) + 1), *ends])
    for a, b in pairwise(cuts.tolist()):
        if thick[a]:  # each piece reaches to the next one, but for the last of a stroke
            piece = dots[a : b + (b not in ends)]
            cv2.polylines(page, [piece], False, 255, int(thick[a]), cv2.LINE_8, 4)
    mass, side, middle = cv2.moments(page), 28 * _SCALE, 14.5 * _SCALE - 0.5  # of pixel 14
    corner = np.array([mass["m01"], mass["m10"]]) / mass["m00"] - middle
    y, x = np.round(corner).astype(int).clip(0, len(page) - side)
    return cv2.resize(page[y : y + side, x : x + side], (size, size), interpolation=cv2.INTER_AREA)
