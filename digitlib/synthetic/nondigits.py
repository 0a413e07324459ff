"""What is no digit: letters, invented characters, digits on their side, two squeezed into one.

A network that only ever saw digits is sure of everything. Shown these with the answer "each digit
is as likely as any other", it learns to be unsure of what it does not know (outlier exposure,
Hendrycks, Mazeika and Dietterich 2019, arXiv 1812.04606). Nothing here comes from other people's
handwriting: the table was written by hand, characters are invented by chance, and the rest is made
from the training images.
"""

import cv2
import numpy as np

from digitlib.synthetic.strokes import Seed, draw_strokes

# Letters and signs as strokes, written as in ``strokes.ALLOGRAPHS``. Those that can be taken for a
# digit (B D G I J O Q S Z, b g l o q s y z) are left out.
SIGNS = {
    "A": "10,100 30,50 50,0! 70,50 90,100 / 24,62 50,62 76,62",
    "C": "86,14 60,0 30,6 14,30 12,66 30,94 60,100 88,86",
    "E": "84,2 50,2 18,2! 18,50 18,98! 50,98 86,98 / 18,48 46,48 74,48",
    "F": "84,2 50,2 18,2! 18,50 18,100 / 18,46 46,46 72,46",
    "H": "16,0 16,50 16,100 / 84,0 84,50 84,100 / 16,50 50,50 84,50",
    "K": "18,0 18,50 18,100 / 84,2 50,30 20,54! 54,76 86,100",
    "L": "20,0 20,50 20,98! 50,98 84,98",
    "M": "6,100 10,50 16,2! 34,40 50,70! 66,40 84,2! 90,50 94,100",
    "N": "14,100 14,50 14,2! 50,50 86,98! 86,50 86,0",
    "P": "20,100 20,50 20,2! 60,0 84,14 80,40 52,52 20,52",
    "R": "18,100 18,50 18,2! 60,0 82,14 78,38 50,50 20,50! 56,74 88,100",
    "T": "8,2 50,2 92,2 / 50,2 50,50 50,100",
    "U": "14,0 14,40 20,84 50,100 80,84 86,40 86,0",
    "V": "8,0 30,50 50,100! 70,50 92,0",
    "W": "2,0 14,50 26,100! 38,60 50,24! 62,60 74,100! 86,50 98,0",
    "X": "12,0 50,50 88,100 / 88,0 50,50 12,100",
    "Y": "10,0 30,26 50,48 / 90,0 70,26 50,48! 50,76 50,100",
    "a": "74,24 48,8 20,24 14,58 26,88 52,90 76,60! 76,10! 76,50 80,84 96,96",
    "d": "74,54 48,40 20,56 18,84 44,100 72,82! 76,40 76,0! 76,50 78,100",
    "e": "14,56 50,54 84,46 76,14 46,4 18,26 14,66 36,96 66,96 90,80",
    "f": "84,10 62,0 46,16 44,50 44,100 / 16,42 46,42 76,42",
    "h": "20,0 20,50 20,100! 22,60 50,42 74,54 78,78 78,100",
    "k": "22,0 22,50 22,100 / 76,38 50,54 24,68! 54,82 80,100",
    "m": "6,24 6,60 6,96! 8,40 24,24 40,36 42,96! 44,40 64,24 82,36 84,96",
    "n": "16,12 16,50 16,94! 18,40 46,14 74,24 80,56 80,94",
    "p": "20,20 20,60 20,100! 20,40 46,16 76,26 80,50 60,72 22,68",
    "r": "24,10 24,50 24,94! 26,48 46,20 76,16",
    "t": "48,0 48,40 50,84 66,98 84,90 / 18,30 50,30 82,30",
    "u": "16,14 16,50 26,86 52,88 78,60! 80,14! 80,50 84,94",
    "w": "4,14 14,60 28,88 44,60 50,24! 56,60 70,88 86,60 96,14",
    "x": "16,16 50,50 86,90 / 84,16 50,50 14,90",
    "plus": "50,8 50,50 50,92 / 8,50 50,50 92,50",
    "equals": "10,34 50,34 90,34 / 10,66 50,66 90,66",
    "hash": "34,0 30,50 26,100 / 74,0 70,50 66,100 / 4,32 50,32 96,32 / 4,68 50,68 96,68",
    "and": "92,98 60,60 34,26 44,4 64,14 54,38 18,66 20,92 50,98 86,56",
    "at": "66,66 46,66 38,48 52,34 68,38! 66,66 86,66 94,40 70,6 32,8 6,42 18,84 56,100 86,88",
    "tick": "4,58 18,76 32,96! 62,50 98,4",
    "star": "20,100 36,50 50,0! 66,50 80,100! 44,68 4,38! 50,38 96,38! 58,66 20,100",
    "triangle": "50,4 28,50 6,96! 50,96 94,96! 72,50 50,4",
    "box": "8,8 8,50 8,92! 50,92 92,92! 92,50 92,8! 50,8 8,8",
    "arrow": "4,50 50,50 96,50 / 66,20 82,36 96,50! 82,66 66,80",
    "per cent": "92,2 50,50 8,98 / 22,6 8,20 22,36 36,20 22,6 / 78,64 64,80 78,96 92,80 78,64",
    "sigma": "88,4 50,4 12,4! 36,26 56,50! 34,74 12,96! 50,96 90,96",
    "pi": "4,10 50,6 96,10 / 30,8 30,50 24,98 / 72,8 70,50 80,98",
}
_INVENTED = 150  # characters a call, each drawn several times


def draw_nondigits(count: int, images: np.ndarray, labels: np.ndarray, seed: Seed) -> np.ndarray:
    """Draw pictures of no digit, in the frame that MNIST's digits have: uint8 (count, 28, 28).

    A third each are letters and signs, characters that nobody uses, and ``images`` (uint8 (N, 28,
    28), of the digits ``labels``) turned on their side or two of them squeezed into one.
    """
    random = np.random.default_rng(seed)
    kinds = random.multinomial(count, [1 / 3, 1 / 3, 1 / 6, 1 / 6])
    drawn = [
        _several(list(SIGNS.values()), kinds[0], random),
        _several([_invented(random) for _ in range(_INVENTED)], kinds[1], random),
        _on_its_side(kinds[2], images, labels, random),
        _squeezed(kinds[3], images, random),
    ]
    return random.permutation(np.concatenate(drawn))


def _several(characters: list[str], count: int, random: np.random.Generator) -> np.ndarray:
    """``count`` drawings of the characters, each about as often as any other."""
    times = random.multinomial(count, np.full(len(characters), 1 / len(characters)))
    pairs = zip(characters, times, strict=True)
    drawn = [draw_strokes(strokes, n, random) for strokes, n in pairs if n]
    return np.concatenate([np.empty((0, 28, 28), np.uint8), *drawn])


def _invented(random: np.random.Generator) -> str:
    """The strokes of a character nobody uses: two or three pieces that go anywhere."""
    pieces = []
    for _ in range(random.integers(2, 4)):
        # Without putting the pen down twice at one place: a curve needs a direction.
        places = random.choice(101 * 101, random.integers(3, 5), replace=False)
        points = np.stack(divmod(places, 101), axis=1)
        corners = random.random(len(points)) < 0.3
        pieces.append(
            " ".join(
                f"{x},{y}{'!' if c else ''}" for (x, y), c in zip(points, corners, strict=True)
            )
        )
    return " / ".join(pieces)


def _on_its_side(
    count: int, images: np.ndarray, labels: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Digits turned by a right angle; a 0 stays a 0 and is left out."""
    chosen = images[random.choice(np.flatnonzero(labels != 0), count)]
    half = count // 2
    return np.concatenate([np.rot90(chosen[:half], 1, (1, 2)), np.rot90(chosen[half:], 3, (1, 2))])


def _squeezed(count: int, images: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Two digits side by side in the place of one."""
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
