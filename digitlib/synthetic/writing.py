"""The ink of a line: digits of one hand set down one after another, with marks between them."""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import yaml

from digitlib.pixels.line_images import COLUMN
from digitlib.synthetic.habits import PAGE, draw_habits
from digitlib.synthetic.hands import FINE, Hand, sharpened, typeset
from digitlib.synthetic.marks import Point, Stroke, comma, dash, ditto, dot, odd_mark
from digitlib.synthetic.nondigits import SIGNS
from digitlib.synthetic.strokes import draw_by, draw_manners
from digitlib.synthetic.texts import DITTO, SPACE, THIN_SPACE

APART = 2.2 * COLUMN  # least distance of neighbours in pixels, or no column lies between them

# The pen's paths of letters and signs, and the signs that have a name in nondigits.yaml.
_TABLE = Path(__file__).with_name("signs.yaml").read_text(encoding="utf-8")
_NAMES = {"=": "equals", "*": "star", "#": "hash"}
_PATHS: dict[str, str] = (
    yaml.safe_load(_TABLE)
    | {name: path for name, path in SIGNS.items() if len(name) == 1}
    | {sign: SIGNS[name] for sign, name in _NAMES.items()}
)
_DISC = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
STOCK = 60  # drawings of each sign


class Writing:
    """A line as it is written.

    Args:
        hand: whose digits.
        random: draws everything.
        room: pixels from left to right.
        strength: those of `lines.Simulation`.

    Attributes:
        habits: how it is written.
        ink: uint8 (`PAGE`, room + 80), bright on 0.
        text: what was written.
        tokens, centres: the same in characters of `line_images.ALPHABET`, and where in pixels.
        x: where the writing ends.
        cells: left and right walls of boxes, one for each digit, if digits stand in boxes.
    """

    def __init__(
        self, hand: Hand, random: np.random.Generator, room: int, strength: dict[str, float]
    ):
        self.hand, self.random, self.room, self.strength = hand, random, room, strength
        self.habits = draw_habits(random, strength)
        self.ink = np.zeros((PAGE, room + 80), np.uint8)
        self.text = ""
        self.tokens: list[str] = []
        self.centres: list[float] = []
        self.x = 4.0
        self.cells: list[tuple[float, float]] = []
        self._pen = 2.0  # width of the strokes so far, in pixels
        self._joint: Point | None = None  # where the last zero goes on to the next
        self._letter: Point | None = None  # where the last letter of a cursive word ends

    def write(self, text: str) -> None:
        """Write as much of a text as there is room for; see `texts.draw_text`."""
        for character in text:
            if character == SPACE:
                self._skip(1.1, 2.2)
            elif character == THIN_SPACE:
                self._skip(0.15, 0.4)
            elif not self._character(character):
                return
            self.text += character

    def baseline(self, x: float) -> float:
        """The row of the page on which digits stand at column `x`."""
        return self.habits.base + self.habits.slope * (x - self.room / 2)

    def _skip(self, least: float, most: float) -> None:
        self.x += self.habits.height * self.random.uniform(least, most)
        self._joint = self._letter = None

    def _character(self, character: str) -> bool:
        """Write it; False where there is no room."""
        if not character.isalpha():
            self._letter = None
        if character != "0":
            self._joint = None
        if character.isdigit():
            return self._digit(int(character))
        if character in ".,":
            return self._mark(character)
        if character in "-–":
            return self._dash(character)
        return self._ditto() if character == DITTO else self._sign(character)

    def _digit(self, digit: int) -> bool:
        habits, images = self.habits, self.hand[digit]
        image = self._weighed(images[self.random.integers(len(images))])
        size = habits.height * np.exp(self.random.normal(0, 0.05 * self.strength["size"]))
        size *= habits.zeros if digit == 0 else 1.0
        rise = (digit == 6) - (digit in (4, 7, 9)) * 1.0
        rise *= habits.reach * habits.height
        if habits.cents < 1 and {".", ","} & set(self.tokens):
            rise += 0.8 * (1 - habits.cents) * habits.height
            size *= habits.cents
        place = self._put(image, size, habits.gap, habits.boxed, rise)
        if place is None:
            return False
        left, right, top, bottom = place
        if digit == 0 and self._joint is not None:
            over = (self._joint[0] + left) / 2 + 1, top + 1.5
            self._draw(
                Stroke([self._joint, over, (left + 0.4 * (right - left), top + 1)], self._pen)
            )
        self._joint = None
        if digit == 0 and habits.joins and not habits.boxed:
            high = self.random.random() < 0.5
            self._joint = (right - 1, top + 0.25 * (bottom - top))
            if high:
                self._joint = (left + 0.6 * (right - left), top + 1)
        return self._say(str(digit), (left + right) / 2)

    def _weighed(self, image: np.ndarray) -> np.ndarray:
        """A glyph in strokes as thin or thick as everything on this line."""
        weight = self.habits.weight
        if weight > 0.8:
            return cv2.dilate(image, _DISC)
        if weight < -0.9:
            return cv2.erode(image, _CROSS)
        return sharpened(image, 60 - 45 * weight, 1.5)

    def _put(
        self, image: np.ndarray, size: float, gap: float, boxed: bool = False, rise: float = 0.0
    ) -> tuple[float, float, float, float] | None:
        """Set a glyph down after the last one: left, right, top, bottom; None without room."""
        x, y, width, height = cv2.boundingRect((image > 100).view(np.uint8))
        if not height:
            return None
        random, drift, habits = self.random, self.strength["drift"], self.habits
        down = size / max(height, 0.9 * width, 28)
        across = down * habits.stretch
        wide, turn = width * across, random.normal(0, 0.05 * drift)
        left = self.x
        if boxed:
            left += (habits.cell - wide) / 2 + random.normal(0, 0.06) * habits.cell
        elif self.tokens:
            left += gap + random.normal(0, 0.05 * self.strength["spacing"]) * habits.height
            left = max(left, self.centres[-1] + APART - wide / 2)
        if max(left + wide, self.x + habits.cell * boxed) > self.room:
            return None
        bottom = self.baseline(self.x) - rise + random.normal(0, 1) * habits.jitter * habits.height
        matrix = np.array([[across, across * (turn - habits.shear), 0], [-down * turn, down, 0]])
        target = np.array([left + wide / 2, bottom - height * down / 2])
        x0, y0 = np.maximum(target.astype(int) - 36, 0)
        x1, y1 = min(x0 + 72, self.ink.shape[1]), min(y0 + 72, PAGE)
        matrix[:, 2] = target - (x0, y0) - matrix[:, :2] @ (x + width / 2, y + height / 2)
        glyph = cv2.warpAffine(image, matrix, (int(x1 - x0), int(y1 - y0)))
        part = self.ink[y0:y1, x0:x1]
        np.maximum(part, glyph, out=part)
        self._pen = 0.7 * self._pen + 0.3 * _stroke_width(glyph)
        if boxed:
            self.cells.append((self.x, self.x + habits.cell))
            self.x += habits.cell
        else:
            self.x = left + wide
        return left, left + wide, bottom - height * down, bottom

    def _mark(self, character: str) -> bool:
        random, habits, pen = self.random, self.habits, max(1.0, self._pen)
        height = habits.height
        near = height * (0.04 + abs(random.normal(0, 0.06))) + 0.5 * max(habits.gap, 0)
        x = self.x + near + pen / 2
        if self.tokens:
            x = max(x, self.centres[-1] + 1.6 * COLUMN)
        y = self.baseline(x) - pen / 2 + random.normal(0, 0.05) * height
        if x + pen > self.room:
            return False
        if habits.odd:
            self._draw(*odd_mark(character, x, y, pen, habits, random))
        else:
            self._draw((dot if character == "." else comma)(x, y, pen, habits, random))
        self.x = x + pen / 2 + near * random.uniform(0.2, 1)
        return self._say(character, x)

    def _dash(self, character: str) -> bool:
        random, height = self.random, self.habits.height
        shortest, longest = (0.25, 0.6) if character == "-" else (0.6, 1.8)
        long = height * random.uniform(shortest, longest)
        left = self.x + height * random.uniform(0.05, 0.35)
        if left + long > self.room:
            return False
        y = self.baseline(left) - height * random.uniform(0.3, 0.65)
        self._draw(dash(left, long, y, self._pen, random))
        self.x = left + long + 0.08 * height
        return self._say("-", left + long / 2)

    def _ditto(self) -> bool:
        height = self.habits.height
        x, long = self.x + 2, height * self.random.uniform(0.1, 0.25)
        if x + long > self.room:
            return False
        y = self.baseline(x) - height * self.random.uniform(0.7, 1)
        self._draw(*ditto(x, long, y, self._pen, height))
        self.x = x + long
        return self._say("?", x + long / 2)

    def _sign(self, character: str) -> bool:
        """A letter, which in a cursive word is joined to the last one, or another sign."""
        random, habits, letter = self.random, self.habits, character.isalpha()
        size = habits.height * random.uniform(0.55, 1)
        gap, joined = max(habits.gap, 0), letter and habits.cursive
        if letter and habits.typeset:
            image = typeset(character, habits.face, 3)
        else:
            image = _stock(_PATHS[character])[random.integers(STOCK)]
            gap = random.uniform(-0.1, 0.12) * habits.height if joined else gap
        if character.islower():
            size *= 0.75
        place = self._put(image, size, gap)
        if place is None:
            return False
        left, right, _, bottom = place
        if joined and not habits.typeset:
            if self._letter is not None:
                start = (left + 0.3 * (right - left), bottom - 0.3 * size)
                self._draw(Stroke([self._letter, start], self._pen))
            self._letter = (right - 1, bottom - random.uniform(0, 0.3) * size)
        return self._say("?", (left + right) / 2)

    def _say(self, token: str, x: float) -> bool:
        self.tokens.append(token)
        self.centres.append(x)
        return True

    def _draw(self, *strokes: Stroke) -> None:
        for points, width in strokes:
            dots = np.round(np.array(points) * 16).astype(np.int32)  # cv2 takes sixteenths
            cv2.polylines(self.ink, [dots], False, 235, max(1, round(width)), cv2.LINE_AA, 4)


@lru_cache(None)
def _stock(path: str) -> np.ndarray:
    """Drawings of a letter or sign, always the same ones: uint8 (`STOCK`, 56, 56)."""
    random = np.random.default_rng(0)
    return draw_by(draw_manners(STOCK, random), path, random, size=FINE)


def _stroke_width(glyph: np.ndarray) -> float:
    """About the width of a glyph's strokes in pixels: 2.4 times its ink over its edge's length.

    Twice would do for level and upright strokes. The length of a slanted edge is overstated, as
    it is measured in steps along rows and columns.
    """
    edge = cv2.norm(glyph[:, 1:], glyph[:, :-1], cv2.NORM_L1)
    edge += cv2.norm(glyph[1:], glyph[:-1], cv2.NORM_L1)
    return float(np.clip(2.4 * cv2.sumElems(glyph)[0] / max(edge, 255.0), 1, 9))
