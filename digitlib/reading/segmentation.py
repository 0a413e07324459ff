"""Find the digits in a picture, in reading order, and give each as MNIST would show it.

`normalise` and `find_digit` take the whole picture for one digit; `find_digits` looks for several.
"""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np

from digitlib.reading import pictures, rulings
from digitlib.reading.normalisation import SIDE, stroke_width, to_mnist
from digitlib.reading.parts import Part, crop_columns, join_parts, split_parts

SPECK = 0.03  # of the largest part's ink: less is dirt
MAX_ASPECT = 2.0  # a digit's width for its height: what is wider is a dash, an arrow or a word
MAX_CUTS = 8  # in one shape of touching digits

Box = tuple[int, int, int, int]
Score = Callable[[np.ndarray], np.ndarray]


class Found(NamedTuple):
    """One digit, cut out of a picture.

    `box` is (x, y, width, height) in the picture's own pixels, `image` uint8 (28, 28) as MNIST
    would show the digit, `line` the number of the line it stands in, from 0 at the top.
    """

    box: Box
    image: np.ndarray
    line: int


def normalise(picture: pictures.Picture) -> np.ndarray:
    """The one digit that a picture shows, uint8 (28, 28); all zeros where there is no ink.

    Raises `PictureError` for what is no picture.
    """
    found = find_digit(picture)
    return np.zeros((SIDE, SIDE), np.uint8) if found is None else found.image


def find_digit(picture: pictures.Picture) -> Found | None:
    """The digit that the whole picture is, or None where there is no ink.

    All strokes belong to it but specks, lines across the picture and pieces of a frame at its
    edge; these too where there is nothing else. Raises `PictureError`.
    """
    loaded = pictures.load(picture)
    parts = split_parts(rulings.without_lines(pictures.ink(loaded.grey)))
    parts = rulings.without_frame(parts, loaded.grey.shape) or parts
    if not parts:
        return None
    amounts = [int(part.strokes.sum()) for part in parts]
    most = max(amounts)
    strokes = [part for part, ink in zip(parts, amounts, strict=True) if ink >= SPECK * most]
    digit = join_parts(strokes)
    return Found(_box(digit, loaded), to_mnist(digit.strokes), 0)


def find_digits(picture: pictures.Picture, score: Score | None = None) -> list[Found]:
    """Every digit of a picture in reading order: lines top to bottom, in each left to right.

    `score` takes images uint8 (N, 28, 28) and says how surely each is one whole digit, (N,) in
    [0, 1]: with it, touching digits are cut where the pieces are the surest; without it their
    shape decides. Where the picture is a form with cells, only the cells are read. Letters are
    not told from digits here. Raises `PictureError`.
    """
    loaded = pictures.load(picture)
    strokes = pictures.ink(loaded.grey)
    cells = rulings.cells(strokes)
    digits = []
    for region in cells or [Part(0, 0, strokes)]:
        shape = region.strokes.shape
        parts = split_parts(rulings.without_lines(region.strokes))
        framed = rulings.without_frame(parts, shape)
        if cells:  # an empty cell holds scraps of its walls, which are large only there
            parts = [part for part in framed if part.height >= shape[0] / 4]
        else:
            parts = _without_background(framed or parts, shape)
        digits += [d._replace(x=d.x + region.x, y=d.y + region.y) for d in _gather(parts)]
    return [
        Found(_box(digit, loaded), to_mnist(digit.strokes), number)
        for number, line in enumerate(_lines(_separate(digits, score)))
        for digit in line
    ]


def _typical_height(parts: list[Part]) -> float:
    heights = np.array([part.height for part in parts])
    return float(np.median(heights[heights >= 0.3 * heights.max()])) if parts else 0.0


def _without_background(parts: list[Part], shape: tuple[int, int]) -> list[Part]:
    """Parts but large things that the picture's edge cuts, such as the table under the paper."""
    height, width = shape

    def is_background(part: Part) -> bool:
        ink = part.strokes > 0
        cut = max(
            np.count_nonzero(ink[0]) / width if part.y <= 1 else 0,
            np.count_nonzero(ink[-1]) / width if part.bottom >= height - 1 else 0,
            np.count_nonzero(ink[:, 0]) / height if part.x <= 1 else 0,
            np.count_nonzero(ink[:, -1]) / height if part.right >= width - 1 else 0,
        )
        if cut <= 0.2:
            return False
        others = _typical_height([other for other in parts if other is not part])
        return max(part.width, part.height) > 1.5 * others > 0

    return [part for part in parts if not is_background(part)]


def _gather(parts: list[Part]) -> list[Part]:
    """Join the strokes of one digit, such as the bar of a 5, and drop specks and dashes."""
    size = _typical_height(parts)
    parts = [part for part in parts if max(part.width, part.height) >= 0.2 * size]
    digits: list[Part] = []
    edges = np.empty((len(parts), 4))  # of the digits: left, top, right, bottom
    for part in sorted(parts, key=lambda part: -part.height * part.width):
        owners = _owners(part, edges[: len(digits)], size)
        if len(owners):
            i = owners[0]
            digits[i] = join_parts([digits[i], part])
        else:
            i = len(digits)
            digits.append(part)
        edges[i] = digits[i].x, digits[i].y, digits[i].right, digits[i].bottom
    return [digit for digit in digits if digit.height >= 0.4 * size]


def _owners(part: Part, edges: np.ndarray, size: float) -> np.ndarray:
    """Which digits (N, 4) a part lies above, below or in, close enough to be a stroke of them."""
    left, top, right, bottom = edges.T
    overlap = np.minimum(right, part.right) - np.maximum(left, part.x)
    gap = np.maximum(top, part.y) - np.minimum(bottom, part.bottom)
    height = np.maximum(bottom, part.bottom) - np.minimum(top, part.y)
    near = (overlap >= 0.5 * part.width) & (gap <= 0.25 * size)
    return np.flatnonzero(near & (height <= 1.8 * np.maximum(size, bottom - top)))


def _separate(parts: list[Part], score: Score | None) -> list[Part]:
    """Cut touching digits apart, and leave out what is too wide for a digit and cannot be cut.

    Over-segmentation: a shape is cut at every column that little ink crosses, and dynamic
    programming finds the best of all ways to join neighbouring pieces into digits again (LeCun
    et al. 1998, section VII).
    """
    shapes = [_pieces(part) for part in parts]
    sure = [np.array([_shape_likelihood(p) for p in pieces.values()]) for pieces in shapes]
    doubtful = [i for i, pieces in enumerate(shapes) if len(pieces) > 1]
    if score is not None and doubtful:
        images = [to_mnist(piece.strokes) for i in doubtful for piece in shapes[i].values()]
        ends = np.cumsum([len(shapes[i]) for i in doubtful])[:-1]
        for i, scores in zip(doubtful, np.split(score(np.stack(images)), ends), strict=True):
            sure[i] *= scores
    joined = [
        piece
        for pieces, values in zip(shapes, sure, strict=True)
        for piece in _best_way(pieces, values)
    ]
    return [piece for piece in joined if piece.width <= MAX_ASPECT * piece.height]


def _pieces(part: Part) -> dict[tuple[int, int], Part]:
    """What lies between every two cuts of a shape, by their numbers; cut 0 is its left edge."""
    cuts = _cuts(part) if part.width > 0.8 * part.height else []
    ends = [0, *cuts, part.width]
    spans = [(i, j) for j in range(1, len(ends)) for i in range(j)]
    return {(i, j): crop_columns(part, ends[i], ends[j]) for i, j in spans}


def _best_way(pieces: dict[tuple[int, int], Part], sure: np.ndarray) -> list[Part]:
    """The pieces that make up a shape and are surest to be digits.

    A way is as good as the product of its digits, each halved, so that no cut is made without
    evidence.
    """
    values = np.log(np.maximum(sure, 1e-9) / 2)
    best: list[tuple[float, list[Part]]] = [(0.0, [])]
    for end in range(1, 1 + max(j for _, j in pieces)):
        ways = [
            (best[i][0] + float(value), [*best[i][1], piece])
            for ((i, j), piece), value in zip(pieces.items(), values, strict=True)
            if j == end
        ]
        best.append(max(ways, key=lambda way: way[0]))
    return best[-1][1]


def _cuts(part: Part) -> list[int]:
    """Columns at which a shape may be cut: those with least ink, if hardly more than a stroke."""
    ink = part.strokes.sum(axis=0, dtype=np.float32)[None] / 255
    ink = cv2.blur(ink, (3, 1))[0]
    limit, apart = 2.5 * stroke_width(part.strokes), max(2, round(0.2 * part.height))
    cuts: list[int] = []
    for column in np.argsort(ink, kind="stable"):
        if ink[column] > limit or len(cuts) == MAX_CUTS:
            break
        if all(abs(int(column) - other) >= apart for other in (0, part.width, *cuts)):
            cuts.append(int(column))
    return sorted(cuts)


def _shape_likelihood(part: Part) -> float:
    """How likely a digit is as wide for its height as this, 1 up to an aspect ratio of 1.1."""
    return float(np.exp(-3 * max(0.0, part.width / part.height - 1.1)))


def _lines(digits: list[Part]) -> list[list[Part]]:
    """Group digits into lines: each joins the line whose last digit it stands beside the most."""

    def beside(digit: Part, last: Part) -> float:
        shared = min(last.bottom, digit.bottom) - max(last.y, digit.y)
        return shared / min(last.height, digit.height)

    lines: list[list[Part]] = []
    for digit in sorted(digits, key=lambda digit: digit.x + digit.width / 2):
        line = max(lines, key=lambda line: beside(digit, line[-1]), default=None)
        if line is None or beside(digit, line[-1]) < 0.4:
            lines.append([digit])
        else:
            line.append(digit)
    return sorted(lines, key=lambda line: np.mean([digit.y + digit.height / 2 for digit in line]))


def _box(part: Part, loaded: pictures.Loaded) -> Box:
    across = loaded.width / loaded.grey.shape[1]
    down = loaded.height / loaded.grey.shape[0]
    x, y = int(part.x * across), int(part.y * down)
    right, bottom = round(part.right * across), round(part.bottom * down)
    return x, y, max(1, right - x), max(1, bottom - y)
