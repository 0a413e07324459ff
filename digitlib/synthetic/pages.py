"""A page while it is filled: what is written, printed and ruled on it, each on its own layer."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from digitlib.synthetic.hands import Hand
from digitlib.synthetic.ruling import HELD_STYLES, STYLES, draw_rule
from digitlib.synthetic.writing import Writing

# What varies about a number in a cell. Boxes, marks made oddly and words are not drawn there.
VARIETY = {
    **dict.fromkeys(("boxes", "odd_marks", "joins"), 0.0),
    **dict.fromkeys(("slant", "drift", "pen"), 1.0),
    **{"size": 0.3, "spacing": 0.6},
}
FONTS = sorted(
    str(file)
    for name in ("DejaVuS*.ttf", "STIXGeneral*.ttf", "cm[brst][0-9s]*.ttf")
    for file in Path(matplotlib.get_data_path(), "fonts", "ttf").glob(name)
    if "Display" not in file.name
)
MARKED = 0.2  # share of the numbers that have a decimal mark
UPRIGHT = 0.2  # share of the numbers of digits that are easily taken for rules


class Cell(NamedTuple):
    """A place for a number.

    It is cell (`row`, `column`) of table number `table`, and reaches over `rows` and `columns`; a
    field or a number by itself has table -1. `corners` (4, 2) are upper left, upper right, lower
    right and lower left, in pixels. `text` is what stands there, "" for nothing, and `printed`
    tells whether it is typeset.
    """

    table: int
    row: int
    column: int
    rows: int
    columns: int
    corners: np.ndarray
    text: str
    printed: bool = False


class Page:
    """A page.

    Args:
        hand: who writes on it.
        random: draws everything.
        height, width: in pixels.
        held: whether lines are in the styles that no network learns from.

    Attributes:
        writing, printed, ruling: uint8 (height, width), bright on 0.
        rules: `ruling` without gaps in the lines.
        shade: float32 (height, width), what the paper is printed with: 1 is white.
        cells: where numbers may stand, and which do.
        ruled: whether there are rules; where not, lines of writing are all.
        tables: how many tables there are.
    """

    def __init__(
        self, hand: Hand, random: np.random.Generator, height: int, width: int, held: bool
    ):
        self.hand, self.random, self.held = hand, random, held
        self.height, self.width = height, width
        layers = (np.zeros((height, width), np.uint8) for _ in range(4))
        self.writing, self.printed, self.ruling, self.rules = layers
        self.shade = np.ones((height, width), np.float32)
        self.cells: list[Cell] = []
        self.tables = 0
        self.darkness = random.uniform(0.25, 1)
        self.rule_width = random.uniform(1, 3.5)
        self.ruled = True
        self.style = str(random.choice(HELD_STYLES if held else STYLES))
        self.font = FONTS[random.integers(len(FONTS))]

    def number(self, length: int) -> str:
        """A number of so many digits, now and then with a mark."""
        choice = "1417" if self.random.random() < UPRIGHT else "0123456789"
        digits = "".join(self.random.choice(list(choice), length))
        if length > 2 and self.random.random() < MARKED:
            at = length - int(self.random.integers(1, 3))
            digits = digits[:at] + str(self.random.choice([".", ","])) + digits[at:]
        return digits

    def handwritten(self, text: str, height: float, widest: float = np.inf) -> np.ndarray:
        """The ink uint8 (H, W) of a number with digits of `height`, made smaller to be so wide."""
        writing = Writing(self.hand, self.random, 60 * len(text) + 40, VARIETY)
        writing.write(text)
        a, b, w, h = cv2.boundingRect((writing.ink > 60).view(np.uint8))
        scale = height / writing.habits.height
        size = [max(2, round(w * scale)), max(2, round(h * scale))]
        if size[0] > widest:
            size = [max(2, round(widest)), max(2, round(size[1] * widest / size[0]))]
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        return cv2.resize(writing.ink[b : b + h, a : a + w], size, interpolation=way)

    def write(self, text: str, x: float, middle: float, height: float) -> float:
        """Write a number about row `middle`, from column x on; see `handwritten`.

        Returns its width.
        """
        ink = self.handwritten(text, height)
        self.set_down(ink, x, middle)
        return ink.shape[1]

    def set_down(self, ink: np.ndarray, x: float, middle: float) -> None:
        """Put handwriting about row `middle`, from column x on."""
        _paste(self.writing, ink, round(x), round(middle - ink.shape[0] / 2))

    def typeset(self, text: str, x: float, middle: float, height: float) -> float:
        """Print a text with digits of `height` about row `middle`; returns its width."""
        ink = typeset(text, self.font, max(5, round(height * 1.4)))
        _paste(self.printed, ink, round(x), round(middle - ink.shape[0] / 2))
        return ink.shape[1]

    def words(self, count: int, x: float, middle: float, height: float) -> float:
        """Print words; returns their width."""
        letters = (
            "".join(map(chr, self.random.integers(97, 123, self.random.integers(2, 9))))
            for _ in range(count)
        )
        return self.typeset(" ".join(letters), x, middle, height)

    def rule(
        self,
        points: list[tuple[float, float]],
        style: str = "",
        width: float = 0.0,
    ) -> None:
        """Print a line through points; in the page's style and width where none is given."""
        style, width = style or self.style, width or self.rule_width
        draw_rule(self.ruling, self.rules, points, width, self.darkness, style, self.random)

    def box(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Print a rectangle."""
        self.rule([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)])

    def cell(
        self,
        box: tuple[float, float, float, float],
        text: str,
        at: tuple[int, int, int] = (-1, 0, 0),
        span: tuple[int, int] = (1, 1),
        printed: bool = False,
    ) -> None:
        """Note what stands in a box (x0, y0, x1, y1), which is `at` (table, row, column)."""
        x0, y0, x1, y1 = box
        corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], float)
        self.cells.append(Cell(*at, *span, corners, text, printed and bool(text)))


@lru_cache(maxsize=512)
def _font(file: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(file, size)


def typeset(text: str, font: str, size: int) -> np.ndarray:
    """A text in a font of some size in pixels, without room around it: uint8 (H, W)."""
    face = _font(font, size)
    left, top, right, bottom = face.getbbox(text)
    image = Image.new("L", (max(1, round(right - left)), max(1, round(bottom - top))))
    ImageDraw.Draw(image).text((-left, -top), text, 220, face)
    return np.asarray(image)


def _paste(page: np.ndarray, ink: np.ndarray, x: int, y: int) -> None:
    height, width = page.shape
    x0, y0 = max(x, 0), max(y, 0)
    x1, y1 = min(x + ink.shape[1], width), min(y + ink.shape[0], height)
    if x1 > x0 and y1 > y0:
        part = page[y0:y1, x0:x1]
        np.maximum(part, ink[y0 - y : y1 - y, x0 - x : x1 - x], out=part)
