"""The fifteen corruptions of MNIST-C, in five degrees of severity.

They follow Mu and Gilmer 2019, "MNIST-C: A Robustness Benchmark for Computer Vision" (arXiv
1906.02337), in code of their own. Severity 3 has the strength of the published set. They are for
testing a network, and none may be used to train one.
"""

import zlib
from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np

from digitlib.pixels.normalisation import SIDE, as_images

CENTRE = (SIDE - 1) / 2


def corrupt(images: np.ndarray, name: str, severity: float = 3, seed: int = 0) -> np.ndarray:
    """Corrupt pictures of digits in one way.

    Random values depend on the seed and on the picture itself. So a picture is corrupted in the
    same way in any batch, and equal pictures are corrupted alike.

    Args:
        images: uint8 (N, 28, 28), ink bright on 0.
        name: one of ``CORRUPTIONS``.
        severity: from 1 (mild) to 5, also in between; 3 is that of the published MNIST-C.
        seed: fixes the random values.

    Returns:
        uint8 (N, 28, 28).

    Raises:
        ValueError: for another name, severity, shape or dtype.
    """
    if name not in CORRUPTIONS:
        raise ValueError(f"no corruption is called {name!r}; there are {', '.join(CORRUPTIONS)}")
    if not 1 <= severity <= 5:
        raise ValueError(f"severity is {severity}; it must be from 1 to 5")
    images = as_images(images)
    corrupted = np.empty_like(images, order="C")
    for i, image in enumerate(images):
        rng = np.random.default_rng([seed, zlib.crc32(image.tobytes()), len(name)])
        picture = CORRUPTIONS[name](image.astype(np.float32) / 255, severity, rng)
        corrupted[i] = np.rint(np.clip(picture, 0, 1) * 255)
    return corrupted


def shot_noise(picture: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Too little light: full ink counts 12, 6, 3, 2 or 1 photons, Poisson distributed."""
    photons = _grade(severity, 12, 6, 3, 2, 1)
    return rng.poisson(picture * photons) / photons


def impulse_noise(picture: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Salt and pepper: 5, 10, 17, 27 or 40 % of the pixels turn black or white."""
    amount = _grade(severity, 0.05, 0.10, 0.17, 0.27, 0.40)
    draw = rng.random(picture.shape)
    return np.where(draw < amount, draw < amount / 2, picture)


def glass_blur(picture: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Frosted glass: pixels take a neighbour's value 1, 1, 2, 3 or 4 times, between two blurs.

    The blurs have a standard deviation of 0.5, 0.6, 0.7, 0.85 or 1 pixel.
    """
    sigma = _grade(severity, 0.5, 0.6, 0.7, 0.85, 1.0)
    picture = cv2.GaussianBlur(picture, (0, 0), sigma)
    rows, columns = np.indices(picture.shape)
    for _ in range(round(_grade(severity, 1, 1, 2, 3, 4))):
        down, right = rng.integers(-1, 2, (2, *picture.shape))
        picture = picture[np.clip(rows + down, 0, SIDE - 1), np.clip(columns + right, 0, SIDE - 1)]
    return cv2.GaussianBlur(picture, (0, 0), sigma)


def motion_blur(picture: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Strokes leave a trail to one side, within 45° of level.

    It fades as half a Gaussian with a standard deviation of 1, 2, 3, 4.5 or 6 pixels.
    """
    sigma, reach = _grade(severity, 1, 2, 3, 4.5, 6), 10
    weights = np.exp(-(np.arange(reach + 1) ** 2) / (2 * sigma**2))
    trail: np.ndarray = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    trail[reach, reach:] = weights / weights.sum()
    turn = cv2.getRotationMatrix2D((reach, reach), rng.uniform(-45, 45), 1)
    trail = cv2.warpAffine(trail, turn, trail.shape)
    return cv2.filter2D(picture, -1, trail / trail.sum(), borderType=cv2.BORDER_CONSTANT)


def shear(picture: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Slant to the left or to the right by a tangent of 0.2, 0.3, 0.4, 0.6 or 0.8."""
    slant = _either(rng) * _grade(severity, 0.2, 0.3, 0.4, 0.6, 0.8)
    return _warp(picture, np.array([[1, slant], [0, 1]]))


def scale(picture: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Shrink to 0.9, 0.8, 0.7, 0.6 or 0.5 of the size, about the centre."""
    return _warp(picture, np.eye(2) / _grade(severity, 0.9, 0.8, 0.7, 0.6, 0.5))


def rotate(picture: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Turn left or right by 0.2, 0.3, 0.4, 0.6 or 0.8 radians (0.4 radians are 23°)."""
    angle = _either(rng) * _grade(severity, 0.2, 0.3, 0.4, 0.6, 0.8)
    sine, cosine = np.sin(angle), np.cos(angle)
    return _warp(picture, np.array([[cosine, -sine], [sine, cosine]]))


def brightness(picture: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Add 0.3, 0.4, 0.5, 0.6 or 0.7 of white everywhere and clip: the background turns grey."""
    return picture + _grade(severity, 0.3, 0.4, 0.5, 0.6, 0.7)


def translate(picture: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Shift by 1, 2, 3, 4 or 5 pixels along both axes, each in a random direction."""
    across, down = (_either(rng) * _grade(severity, 1, 2, 3, 4, 5) for _ in range(2))
    return _warp(picture, np.eye(2), (across, down))


def stripe(picture: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Invert the outer 3, 5, 7, 9 or 11 columns on both sides; the stripe between stays."""
    width = round(_grade(severity, 3, 5, 7, 9, 11))
    picture[:, :width] = 1 - picture[:, :width]
    picture[:, -width:] = 1 - picture[:, -width:]
    return picture


def fog(picture: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Add fractal haze that is 1.5, 2, 3, 4 or 5 times as bright as the ink, and dim the sum."""
    haze = _grade(severity, 1.5, 2, 3, 4, 5)
    return (picture + haze * _plasma(rng)) / (1 + haze)


def spatter(picture: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Cover about 2, 5, 11, 18 or 27 % of the picture with dark grey blobs of mud."""
    cover = _grade(severity, 0.02, 0.05, 0.11, 0.18, 0.27)
    field = cv2.GaussianBlur(rng.normal(size=picture.shape).astype(np.float32), (0, 0), 1.8)
    level = np.quantile(field, 1 - cover)
    mud = np.clip(0.8 + 4 * (field - level), 0, 1) * (field >= level)
    return picture * (1 - mud) + mud * 63 / 255


def dotted_line(picture: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """A dashed straight line from the left to the right edge, at a random height and slope.

    It shows in two of every four columns, and fades out 1.2, 1.7, 2.3, 3 or 4 pixels from its
    middle.
    """
    left, right = rng.uniform(0, SIDE - 2, 2)
    line = _line((0, left), (SIDE - 1, right), _grade(severity, 1.2, 1.7, 2.3, 3, 4))
    return picture + line * (np.arange(SIDE) % 4 >= 2)


def zigzag(picture: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """A zigzag line from column 2 to 25, at a random height and slope.

    A zigzag is 4 pixels high and 8 long. The line fades out 1.2, 1.7, 2.3, 3 or 4 pixels from its
    middle.
    """
    reach = _grade(severity, 1.2, 1.7, 2.3, 3, 4)
    start, rise = rng.uniform(0, SIDE - 2), rng.uniform(-5, 5)
    along = np.array([0, *range(2, 23, 4), 23])
    across = np.array([0, *(2 * (-1) ** i for i in range(len(along) - 2)), 0])
    turn = np.arctan2(rise, 23)
    xs = 2 + along * np.cos(turn) - across * np.sin(turn)
    ys = start + along * np.sin(turn) + across * np.cos(turn)
    for one, other in pairwise(zip(xs, ys, strict=True)):
        picture = picture + _line(one, other, reach)
    return picture


def canny_edges(picture: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Only the edges, as Canny finds them after a blur of 0.6, 0.8, 1, 1.3 or 1.6 pixels."""
    blurred = cv2.GaussianBlur(picture, (0, 0), _grade(severity, 0.6, 0.8, 1, 1.3, 1.6))
    return cv2.Canny(np.rint(blurred * 255).astype(np.uint8), 25, 51, L2gradient=True) > 0


CORRUPTIONS: dict[str, Callable[[np.ndarray, float, np.random.Generator], np.ndarray]] = {
    function.__name__: function
    for function in (
        shot_noise, impulse_noise, glass_blur, motion_blur, shear, scale, rotate, brightness,
        translate, stripe, fog, spatter, dotted_line, zigzag, canny_edges,
    )
}  # fmt: skip


def _grade(severity: float, *levels: float) -> float:
    """The level for a severity from 1 to 5; in between, levels are interpolated."""
    return float(np.interp(severity, range(1, 6), levels))


def _either(rng: np.random.Generator) -> int:
    """-1 or 1."""
    return int(rng.choice((-1, 1)))


def _warp(picture: np.ndarray, back: np.ndarray, shift: tuple[float, float] = (0, 0)) -> np.ndarray:
    """Resample a picture by a linear map about its centre, and then shift it by (x, y) pixels.

    `back` (2, 2) maps a point (x, y) of the result to its place in the picture. Outside is 0.
    """
    offset = CENTRE - back @ (CENTRE, CENTRE) - np.asarray(shift)
    matrix = np.column_stack([back, offset])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture, matrix, (SIDE, SIDE), flags=flags)


def _plasma(rng: np.random.Generator) -> np.ndarray:
    """A fractal landscape (28, 28), from 0 to 1.

    It is the sum of random lattices whose meshes measure 256, 128, … 2 pixels. Each lattice has
    half the amplitude of the one before.
    """
    field = np.zeros((SIDE, SIDE), np.float32)
    for octave in range(8):
        mesh = 256 >> octave
        knots = rng.uniform(-1, 1, (SIDE // mesh + 3, SIDE // mesh + 3)).astype(np.float32)
        at = (np.arange(SIDE, dtype=np.float32) + rng.uniform(0, mesh)) / mesh
        xs, ys = np.meshgrid(at, (at + rng.uniform(0, 1)).astype(np.float32))
        field += cv2.remap(knots, xs, ys, cv2.INTER_LINEAR) / 2**octave
    return np.clip(0.5 + field / 2.5, 0, 1)


def _line(start: tuple[float, float], end: tuple[float, float], reach: float) -> np.ndarray:
    """A line (28, 28) from left to right: 1 in its middle, fading to 0 at `reach` rows from it."""
    columns = np.arange(SIDE)
    slope = (end[1] - start[1]) / (end[0] - start[0])
    away = np.abs(columns[:, None] - (start[1] + slope * (columns - start[0])))
    light = 1 + np.log(1 - np.minimum(away / reach, 0.99))
    within = (columns >= np.floor(start[0])) & (columns < np.ceil(end[0]))
    return np.maximum(light, 0) * within
