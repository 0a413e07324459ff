"""Pictures of what is no digit: letters, invented characters, turned digits, two digits as one.

A network that only ever saw digits is confident about everything. It learns to doubt what it does
not know from such pictures, whose target gives all ten digits the same probability (outlier
exposure, Hendrycks, Mazeika and Dietterich 2019, arXiv 1812.04606). None of them comes from other
people's handwriting: the letters' table was written by hand, the invented characters are drawn at
random, and the rest is made from training images.
"""

from pathlib import Path

import cv2
import numpy as np
import yaml

from digitlib.pixels.normalisation import to_mnist
from digitlib.synthetic.hands import TYPEFACES, typeset
from digitlib.synthetic.numerals import draw_digits
from digitlib.synthetic.strokes import Seed, draw_strokes

# The pen's paths of letters and signs, by name.
SIGNS: dict[str, str] = yaml.safe_load(
    Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")
)
_INVENTED = 150  # characters in a call, each drawn several times


def draw_nondigits(count: int, images: np.ndarray, labels: np.ndarray, seed: Seed) -> np.ndarray:
    """Draw pictures that show no digit, uint8 (count, 28, 28), framed as MNIST's digits are.

    About a third are letters and signs, a quarter of them in type, and a third are invented
    characters. The others are made from ``images``, uint8 (N, 28, 28) of the digits ``labels``: a
    sixth are digits turned on their side, a sixth are two digits squeezed into one frame.
    """
    random = np.random.default_rng(seed)
    kinds = random.multinomial(count, [1 / 4, 1 / 12, 1 / 3, 1 / 6, 1 / 6])
    drawn = [
        _several(list(SIGNS.values()), kinds[0], random),
        _in_type(kinds[1], random),
        _several([_invented(random) for _ in range(_INVENTED)], kinds[2], random),
        _on_its_side(kinds[3], images, labels, random),
        _squeezed(kinds[4], images, random),
    ]
    return random.permutation(np.concatenate(drawn))


def draw_beside(
    images: np.ndarray, labels: np.ndarray, digits: int, nondigits: int, seed: Seed
) -> tuple[np.ndarray, np.ndarray]:
    """Draw so many digits and non-digits, to be learnt beside real digits.

    Some non-digits are made of the real ones, ``images`` uint8 (N, 28, 28) with their ``labels``.
    Returns uint8 (M, 28, 28), the digits first, and the labels (M,), -1 for a non-digit.
    """
    random = np.random.default_rng(seed)
    drawn = random.integers(0, 10, digits)
    others = draw_nondigits(nondigits, images, labels, random)
    said = np.concatenate([drawn, np.full(nondigits, -1)])
    return np.concatenate([draw_digits(drawn, random), others]), said


def _several(paths: list[str], count: int, random: np.random.Generator) -> np.ndarray:
    """``count`` drawings of characters given by their paths, all of them about equally often."""
    times = random.multinomial(count, np.full(len(paths), 1 / len(paths)))
    drawn = [draw_strokes(path, n, random) for path, n in zip(paths, times, strict=True) if n]
    return np.concatenate([np.empty((0, 28, 28), np.uint8), *drawn])


def _in_type(count: int, random: np.random.Generator) -> np.ndarray:
    """``count`` letters in some typeface, as thin or thick as type is."""
    letters = [name for name in SIGNS if len(name) == 1]
    made = np.empty((count, 28, 28), np.uint8)
    for image, letter in zip(made, random.choice(letters, count), strict=True):
        face, thick = int(random.choice(TYPEFACES)), int(random.integers(2, 7))
        image[:] = to_mnist(typeset(letter, face, thick))
    return made


def _invented(random: np.random.Generator) -> str:
    """The path of an invented character: two or three strokes through random points."""
    strokes = []
    for _ in range(random.integers(2, 4)):
        # No point occurs twice, because a curve needs a direction.
        places = random.choice(101 * 101, random.integers(3, 5), replace=False)
        points = np.stack(divmod(places, 101), axis=1)
        corners = random.random(len(points)) < 0.3
        ends = np.where(corners, "!", "")
        strokes.append(" ".join(f"{x},{y}{end}" for (x, y), end in zip(points, ends, strict=True)))
    return " / ".join(strokes)


def _on_its_side(
    count: int, images: np.ndarray, labels: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Digits turned by a right angle, without the 0, which would still be read as a 0."""
    chosen = images[random.choice(np.flatnonzero(labels != 0), count)]
    half = count // 2
    return np.concatenate([np.rot90(chosen[:half], 1, (1, 2)), np.rot90(chosen[half:], 3, (1, 2))])


def _squeezed(count: int, images: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Two digits side by side in the space of one."""
    pairs = images[random.integers(0, len(images), (count, 2))]
    made = np.zeros((count, 28, 28), np.uint8)
    for page, (left, right) in zip(made, pairs, strict=True):
        both = np.hstack([left[4:24, 4:24], right[4:24, 4:24]])
        height = int(random.integers(12, 21))
        top = (28 - height) // 2
        page[top : top + height, 4:24] = cv2.resize(
            both, (20, height), interpolation=cv2.INTER_AREA
        )
    return made
