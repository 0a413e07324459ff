"""Pen-written digits, drawn from a table of how people form them.

MNIST was written in the United States around 1990: it hardly has a crossed 7, a 1 with a long
upstroke, or a 9 with a straight leg. This generator draws them, and the common forms, as extra
training data. The table was written by hand, not fitted to pictures or recordings.
Forms that people themselves confuse (a 4 closed by a curve, a 1 with a level flag) are left out,
and the variation is bounded so as not to make them.
"""

from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np

# The ways to form each digit (allographs), by name: how often one is drawn, and its strokes as
# points "x,y" in a box of 100, y down; "!" marks a corner, "/" lifts the pen.
ALLOGRAPHS: dict[int, dict[str, tuple[float, str]]] = {
    0: {"oval": (5, "52,1 26,12 15,50 26,88 50,99 75,87 85,50 75,13 48,2"),
        "overshoot": (3, "66,8 45,1 22,18 14,52 26,88 50,99 76,84 86,50 76,16 56,4 36,9"),
        "tail": (1, "6,10 45,3 78,18 86,50 74,86 48,99 22,84 14,50 24,18 52,4"),
        "slash start": (2, "90,-6 62,3 32,12 15,50 26,88 50,99 76,84 84,48 74,16 52,4"),
        "curl": (1, "52,22 62,9 46,0 22,14 14,52 26,88 50,99 76,86 86,50 76,18 56,6"),
        "open": (1, "40,4 20,20 14,54 26,88 50,99 75,86 86,50 76,18 58,4"),
        "slashed": (0.5, "50,0 18,12 4,50 18,88 50,99 82,88 96,50 82,12 48,1 / 90,6 50,50 10,94")},
    1: {"plain": (4, "50,0 50,50 50,100"),
        "right": (3, "64,0 50,50 36,100"),
        "far right": (2, "78,0 50,50 22,100"),
        "left": (1, "38,0 50,50 62,100"),
        "short flag": (3, "32,20 44,12 55,0! 55,50 55,100"),
        "tiny flag": (2, "40,15 54,0! 54,50 54,100"),
        "long flag": (3, "20,46 40,25 58,0! 58,50 58,100"),
        "very long flag": (2, "18,62 38,34 56,0! 54,50 52,100"),
        "base to the left": (1, "26,34 44,16 66,0! 54,48 42,92 / 0,100 22,95 46,88"),
        "base": (2, "28,22 42,13 52,0! 52,50 52,97 / 18,97 50,98 86,97"),
        "long flag, base": (2, "22,42 40,23 54,0! 54,50 54,97 / 14,97 54,98 94,97")},
    2: {"plain": (4, "12,24 28,6 52,1 76,14 76,36 56,62 32,84 10,97! 50,96 90,94"),
        "looped": (3, "24,24 46,0 74,8 72,32 50,62 24,92 5,96 0,82 18,68 46,76 70,93 98,88"),
        "big loop": (2, "14,26 34,3 64,4 78,28 64,56 38,86 14,96 3,86 14,74 36,80 62,96 98,92"),
        "narrow, looped": (3, "24,18 44,0 64,9 64,36 48,68 24,94 6,90 14,72 42,78 70,94 94,92"),
        "slanted, looped": (3, "30,24 54,2 84,8 80,32 50,62 18,95 0,92 4,72 30,66 54,80 92,92"),
        "flat loop": (3, "10,34 16,12 40,0 64,8 66,32 46,68 18,94 12,88 50,86 98,84"),
        "descending tail": (2, "16,20 36,4 58,8 62,30 44,62 14,84 4,76 22,67 54,78 94,100"),
        "flat": (2, "10,14 44,4 82,6! 48,50 10,95! 50,94 90,93"),
        "wide": (2, "4,32 30,12 70,10 86,28 60,58 24,86 4,95! 50,91 102,93"),
        "wave": (2, "14,28 30,5 60,2 76,22 60,52 32,80 8,96! 30,86 58,93 94,97")},
    3: {"round": (4, "14,14 36,2 64,5 74,24 60,42 38,48! 64,52 82,70 74,90 46,99 12,86"),
        "looped": (2, "14,14 40,1 70,10 68,32 46,47 33,49 40,41 60,48 82,66 74,90 44,99 10,86"),
        "flat top": (2, "12,4 45,4 78,4! 60,23 42,42! 66,46 82,66 74,90 44,99 12,88"),
        "angular": (1, "14,6 42,8 74,12! 38,46! 60,58 80,72! 48,90 14,98"),
        "small top": (1, "22,16 42,3 62,8 66,24 46,38! 76,46 86,70 70,94 36,99 8,86"),
        "big top": (2, "8,18 36,2 72,6 80,28 58,50 34,54! 66,58 76,74 64,92 34,98 0,94")},
    4: {"open": (4, "22,2 15,32 8,60! 50,60 92,58 / 70,0 67,50 64,100"),
        "slanted": (3, "38,0 22,32 6,62! 50,61 94,60 / 66,26 62,62 58,100"),
        "closed": (3, "60,0 34,34 6,67! 50,67 96,66 / 62,0 62,50 62,100"),
        "cup": (3, "10,4 6,32 18,54 54,55 80,36 / 86,0 77,50 68,100"),
        "cup, one stroke": (2, "6,4 4,36 22,57 60,50 90,0! 80,50 68,100"),
        "short stem": (4, "46,0 26,30 10,58! 40,58 74,52 / 61,39 53,68 45,100"),
        "lightning": (2, "38,0 20,32 6,60! 44,60 82,36! 66,68 56,100"),
        "narrow lightning": (2, "52,0 38,28 26,56! 44,54 66,42! 58,72 52,100"),
        "low stem": (2, "46,0 26,34 10,62! 50,61 88,58 / 62,38 56,70 50,104")},
    5: {"two strokes": (4, "30,5 24,43! 50,37 76,52 80,76 60,96 34,99 10,88 / 30,5 60,4 88,3"),
        "detached bar": (2, "28,14 24,46! 50,40 76,54 80,77 60,96 34,99 10,88 / 38,2 94,-3"),
        "one stroke": (3, "86,4 60,5 34,6! 26,44! 54,40 80,56 80,82 52,99 12,90"),
        "smooth": (2, "86,5 54,2 32,12 30,34 56,48 78,66 70,90 42,99 10,88"),
        "slanted": (3, "42,14 34,46! 56,49 66,70 46,93 6,96 / 42,14 70,9 102,2"),
        "square": (0.5, "84,4 54,4 22,4! 20,46! 50,46 78,46! 79,72 78,96! 48,96 16,96"),
        "belly": (2, "36,4 28,38! 60,34 88,54 84,82 54,99 20,96 4,84 / 36,4 62,4 84,2"),
        "curl": (1, "82,3 56,5 32,5! 26,42! 54,38 80,56 78,84 50,99 20,95 10,82 20,74")},
    6: {"plain": (4, "70,3 40,24 19,58 22,88 46,99 72,87 75,66 56,54 33,62 21,80"),
        "big loop": (2, "64,0 34,24 16,60 28,93 56,99 82,80 74,56 48,49 20,68"),
        "straight": (2, "58,0 38,32 20,66 28,94 54,99 74,84 66,62 44,60 22,76"),
        "upright": (2, "34,0 23,38 20,74 34,97 62,97 78,76 64,56 38,58 20,76"),
        "hook": (2, "80,14 62,2 36,14 18,48 20,84 48,99 76,86 78,64 56,52 32,60 20,76"),
        "small loop": (2, "60,0 34,34 18,74 28,97 52,97 62,82 48,70 24,80"),
        "wide": (2, "34,0 12,38 6,74 32,97 70,92 96,70 82,52 54,60 32,86"),
        "curled": (2, "64,26 72,10 54,0 32,14 20,46 22,84 46,99 70,86 68,62 48,54 26,72"),
        "narrow, hooked": (2, "70,20 62,3 44,6 30,34 26,74 42,98 62,88 66,66 52,54 32,72"),
        "leaning": (2, "54,0 26,38 8,74 20,96 52,94 84,66 74,48 48,60 28,90")},
    7: {"plain": (4, "8,6 46,5 86,4! 62,46 42,100"),
        "serif": (2, "10,24 11,5! 46,5 87,4! 62,46 44,100"),
        "wavy bar, crossed": (2, "5,20 18,3 36,12 62,13 90,1! 58,50 36,100 / 30,55 86,50"),
        "crossed": (3, "8,6 46,5 86,4! 62,46 44,100 / 26,51 56,50 86,48"),
        "crossed, serif": (2, "10,17 11,5! 46,5 86,4! 62,46 44,100 / 36,52 86,49"),
        "curved bar": (3, "8,18 24,5 54,9 86,3! 58,48 46,100"),
        "curved bar, crossed": (2, "10,15 24,5 52,9 84,3! 60,46 46,100 / 32,55 60,52 90,49"),
        "upstroke, crossed": (2, "4,36 16,20 28,6! 34,16 62,12 90,0! 62,50 40,100 / 22,64 94,54"),
        "upstroke": (1, "4,32 16,18 28,5! 38,14 64,11 90,0! 64,46 46,100"),
        "looped start": (1, "12,26 14,8 26,6 28,18 16,20 50,12 90,2! 60,52 38,100 / 28,62 88,54"),
        "round": (1, "8,12 40,3 76,4 80,20 60,52 44,100"),
        "round, crossed": (1, "10,9 38,3 74,4 78,20 60,52 46,100 / 32,55 88,52"),
        "upright": (1, "6,7 40,6 76,5! 71,50 66,100"),
        "upright, crossed": (1, "8,7 40,6 76,5! 70,50 64,100 / 38,52 98,50")},
    8: {"s": (4, "70,14 46,1 26,18 40,40 64,58 76,80 50,99 26,82 38,58 62,38 74,16"),
        "mirrored s": (2, "30,14 54,1 74,18 60,40 36,58 24,80 50,99 76,82 62,58 38,38 26,16"),
        "circles": (2, "50,2 28,18 50,46 72,18 48,2 / 50,46 27,55 22,78 50,99 78,78 73,55 48,46"),
        "open top": (2, "76,8 46,1 25,18 40,42 66,60 76,82 50,99 26,82 40,58 66,34 90,8"),
        "spike": (1, "62,12 42,3 26,20 42,42 64,60 72,82 48,99 26,82 42,56 70,26 94,-4"),
        "small top": (2, "64,12 50,2 34,14 42,32 68,54 84,78 50,99 16,80 34,54 58,32 66,16"),
        "big top": (1, "76,16 48,0 20,20 38,48 60,66 68,84 50,99 32,84 42,64 66,44 80,20")},
    9: {"plain": (4, "72,14 46,2 22,24 32,46 58,40 74,12! 68,52 56,100"),
        "straight leg": (4, "72,18 46,2 20,20 28,45 54,44 72,16! 71,58 70,100"),
        "curved leg": (3, "74,20 46,2 20,24 34,48 62,42 75,16 76,56 62,88 28,99"),
        "hooked leg": (2, "74,18 46,2 20,24 34,48 62,42 75,16! 78,56 70,88 46,99 20,90"),
        "g": (2, "72,18 46,2 22,20 34,42 60,38 74,12! 77,56 72,88 46,100 10,86"),
        "wide hook": (1, "70,16 44,2 22,20 34,40 58,36 72,12! 74,62 58,92 28,98 0,94"),
        "open top": (2, "66,6 38,5 19,24 30,47 58,42 76,8! 74,54 70,100"),
        "from the side": (3, "70,36 46,48 23,34 27,11 50,1 72,12 76,36 69,70 58,100"),
        "turned 6": (2, "72,32 48,46 22,34 26,10 52,1 76,16 78,46 62,82 24,99"),
        "two strokes": (2, "70,14 44,2 20,22 30,46 56,44 73,22 / 76,2 74,50 72,100"),
        "small loop": (3, "66,12 46,2 29,15 37,31 58,27 72,12 75,52 62,86 16,99")},
}  # fmt: skip

Seed = int | np.random.Generator

_SCALE = 4  # strokes are drawn at four times the size, then averaged
_SIDE = 44  # px of the page, from which 28 around the centre of mass are cut


def draw_digits(labels: np.ndarray, seed: Seed) -> np.ndarray:
    """Draw one digit for each label, in allographs chosen by their weights.

    `labels` are integers 0 to 9, (N,). Returns uint8 (N, 28, 28), ink bright on 0, about 20 px on
    the longer side and the centre of mass at pixel (14, 14), as MNIST has them. The same labels
    and seed give the same images. Raises ValueError for other labels.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or not set(np.unique(labels)) <= set(range(10)):
        raise ValueError("labels must be one row of integers from 0 to 9")
    rng = np.random.default_rng(seed)
    images = np.empty((len(labels), 28, 28), np.uint8)
    for digit, forms in ALLOGRAPHS.items():
        rows = np.flatnonzero(labels == digit)
        weights = np.array([weight for weight, _ in forms.values()])
        chosen = rng.choice(list(forms), len(rows), p=weights / weights.sum())
        for name in forms:
            mine = rows[chosen == name]
            images[mine] = draw_allograph(digit, name, len(mine), rng)
    return images


def draw_allograph(digit: int, name: str, count: int, seed: Seed) -> np.ndarray:
    """Draw one way of writing a digit, a key of `ALLOGRAPHS[digit]`: uint8 (count, 28, 28)."""
    # A 1 has no loop that a thick pen would fill, but a flag that must not lie level as in a 7.
    thickest, widest = (5.5, 1.1) if digit == 1 else (4.0, 1.7)
    return draw_strokes(ALLOGRAPHS[digit][name][1], count, seed, thickest, widest)


def draw_strokes(
    strokes: str, count: int, seed: Seed, thickest: float = 4.0, widest: float = 1.7
) -> np.ndarray:
    """Draw a character given as in `ALLOGRAPHS`: uint8 (count, 28, 28), each by another hand.

    `thickest` is the widest pen, in pixels; `widest` how many times broader than tall its box may
    become.
    """
    rng = np.random.default_rng(seed)
    paths, ends = _write(_parse(strokes), count, rng)
    curves = _deform(paths, widest, rng)
    pen = rng.lognormal(np.log(2.1), 0.38, (count, 1)).clip(1, thickest)
    low, high = curves.min(axis=1), curves.max(axis=1)
    scale = (19.5 - pen) / (high - low).max(axis=1, keepdims=True)
    curves = (curves - (low + high)[:, None] / 2) * scale[:, None] + _SIDE / 2
    widths = pen * _pressure(curves.shape[:2], rng)
    images = [_ink(path, width, ends) for path, width in zip(curves, widths, strict=True)]
    return np.array(images, np.uint8).reshape(count, 28, 28)


@lru_cache(1000)
def _parse(strokes: str) -> list[tuple[np.ndarray, ...]]:
    """For each stroke of P points: the points in a unit box, and three matrices for `_write`."""
    parsed = []
    for tokens in map(str.split, strokes.split("/")):
        points = np.array([token.rstrip("!").split(",") for token in tokens], float) / 100
        corners = [i for i, token in enumerate(tokens) if token.endswith("!")]
        along = np.r_[0, np.cumsum(np.hypot(*np.diff(points, axis=0).T))]
        spread = np.exp(-((along[:, None] - along) ** 2) / (2 * 0.3**2))
        spread /= np.linalg.norm(spread, axis=1, keepdims=True)
        parsed.append((points, _spline(points, corners), _spline(points, []), spread))
    return parsed


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
        if i not in inner:  # nothing fixes this tangent: the piece is a parabola
            start[i] = (3 * slope[i] - stop[i]) / 2
        if i + 1 not in inner:
            stop[i] = (3 * slope[i] - start[i]) / 2
        u = np.linspace(0, 1, count, endpoint=False)[:, None]
        bend = h[i] * (start[i] * u * (1 - u) ** 2 - stop[i] * u**2 * (1 - u))
        rows.append(at[i] * (1 - u) ** 2 * (1 + 2 * u) + at[i + 1] * u**2 * (3 - 2 * u) + bend)
    return np.concatenate([*rows, at[-1:]])


def _write(strokes: list, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The pen's paths, (n, T, 2) about 0, and the index at which each stroke ends."""
    care = rng.lognormal(0, 0.4, (n, 1, 1)).clip(0.4, 2)  # some write neatly, some do not
    roundness = rng.beta(0.7, 1.2, (n, 1, 1))  # of the corners
    paths = []
    for points, sharp, smooth, spread in strokes:
        noise, own = rng.normal(size=(2, n, *points.shape))  # spread: alike at points nearby
        noise = 0.035 * spread @ noise + 0.012 * own
        if len(strokes) > 1:
            noise += 0.025 * rng.normal(size=(n, 1, 2))  # pen set down beside its place
        points = points + care * noise
        path = (1 - roundness) * (sharp @ points) + roundness * (smooth @ points)
        # Start and stop a little early or late; beyond an end the line goes straight on.
        last = len(sharp) - 1
        begin, end = rng.normal(0, 0.02 * last, (2, n, 1)).clip(-1.5, 1.5)
        place = begin + (last - end - begin) * np.linspace(0, 1, last + 1)
        before = place.astype(int).clip(0, last - 1)[..., None]
        here, there = (np.take_along_axis(path, before + k, axis=1) for k in (0, 1))
        paths.append(here + (there - here) * (place[..., None] - before))
    return np.concatenate(paths, axis=1) - 0.5, np.cumsum([path.shape[1] for path in paths])


def _deform(curves: np.ndarray, widest: float, rng: np.random.Generator) -> np.ndarray:
    """Bend, tremble, stretch, slant and turn the curves, (n, T, 2) in a unit box about 0."""
    n, length = curves.shape[:2]
    for _ in range(2):  # a smooth wave across the page
        phase = curves @ rng.normal(0, 3, (n, 2, 1)) + rng.uniform(0, 2 * np.pi, (n, 1, 1))
        curves = curves + np.sin(phase) * rng.normal(0, 0.03, (n, 1, 2))
    noise = rng.normal(size=(n, length + 2, 2))
    tremor = noise[:, :-2] + noise[:, 1:-1] + noise[:, 2:]
    curves = curves + tremor * rng.exponential(0.0035, (n, 1, 1)).clip(0, 0.015)
    x, y = curves[..., 0], curves[..., 1]
    x = x * rng.lognormal(0, 0.2, (n, 1)).clip(0.6, widest)
    x = x * (1 + y * rng.normal(0, 0.15, (n, 1)))  # wider at the top or at the bottom
    x = x - y * rng.normal(0.18, 0.23, (n, 1)).clip(-0.45, 0.7)
    turn = rng.normal(0, 0.06, (n, 1)).clip(-0.15, 0.15)
    return np.stack([x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)], -1)


def _pressure(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """The pen's relative width along the paths, (n, T); 0 where it skips."""
    time, n = np.linspace(0, 1, shape[1]), (shape[0], 1)
    wave = np.sin(2 * np.pi * (time * rng.uniform(0.5, 2.5, n) + rng.random(n)))
    skip = np.where(rng.random(n) < 0.04, rng.uniform(0.1, 0.9, n), 9)
    widths = 1 + wave * rng.exponential(0.08, n).clip(0, 0.35)
    return np.where(np.abs(time - skip) < 0.02, 0, widths)


def _ink(path: np.ndarray, widths: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Draw a path (T, 2) of widths (T,), both in pixels of the page: uint8 (28, 28)."""
    page = np.zeros((_SIDE * _SCALE, _SIDE * _SCALE), np.uint8)
    dots = np.round(path * (_SCALE * 16)).astype(np.int32)  # cv2 takes sixteenths of a pixel
    thick = np.round(widths * _SCALE).astype(int)
    cuts = np.unique([0, *(np.flatnonzero(np.diff(thick)) + 1), *ends])
    for a, b in pairwise(cuts.tolist()):
        if thick[a]:  # a stroke's last piece ends there, the others touch the next
            piece = dots[a : b + (b not in ends)]
            cv2.polylines(page, [piece], False, 255, int(thick[a]), cv2.LINE_8, 4)
    mass, side, middle = cv2.moments(page), 28 * _SCALE, 14.5 * _SCALE - 0.5  # of pixel 14
    corner = np.array([mass["m01"], mass["m10"]]) / mass["m00"] - middle
    y, x = np.round(corner).astype(int).clip(0, len(page) - side)
    return cv2.resize(page[y : y + side, x : x + side], (28, 28), interpolation=cv2.INTER_AREA)
