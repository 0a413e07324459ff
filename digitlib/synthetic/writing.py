"""The ink of a line: digits of one hand set down one after another, with marks between them."""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import yaml

from digitlib.pixels.line_images import COLUMN, HEIGHT
from digitlib.synthetic.hands import FINE, TYPEFACES, Hand, sharpened, typeset
from digitlib.synthetic.nondigits import SIGNS
from digitlib.synthetic.strokes import draw_by, draw_manners
from digitlib.synthetic.texts import DITTO, SPACE, THIN_SPACE

ROOM = 24  # pixels of the page above and below the frame, for what is cut off
PAGE = HEIGHT + 2 * ROOM
APART = 2.2 * COLUMN  # least distance of neighbours in pixels, or no column lies between them

# The pen's paths of letters and signs, and the signs that have a name in nondigits.yaml.
_TABLE = Path(__file__).with_name("signs.yaml").read_text(encoding="utf-8")
_NAMES = {"=": "equals", "*": "star", "#": "hash", "&": "and", "@": "at"}
_PATHS: dict[str, str] = (
    yaml.safe_load(_TABLE)
    | {name: path for name, path in SIGNS.items() if len(name) == 1}
    | {sign: SIGNS[name] for sign, name in _NAMES.items()}
)
_DISC = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
STOCK = 60  # drawings of each sign

Point = tuple[float, float]


class Writing:
    """A line as it is written.

    Args:
        hand: whose digits.
        random: draws everything.
        room: pixels from left to right.
        strength: those of `lines.Simulation`.

    Attributes:
        ink: uint8 (`PAGE`, room + 80), bright on 0.
        text: what was written.
        tokens, centres: the same in characters of `line_images.ALPHABET`, and where in pixels.
        x: where the writing ends.
        height: of a digit, in pixels.
        base: row of the page on which the middle of the line stands.
        cells: left and right walls of boxes, one for each digit, if digits stand in boxes.
    """

    def __init__(
        self, hand: Hand, random: np.random.Generator, room: int, strength: dict[str, float]
    ):
        self.hand, self.random, self.room, self.strength = hand, random, room, strength
        fill = random.uniform(0.44, 0.88) if random.random() < 0.8 else random.uniform(0.34, 0.5)
        self.height = HEIGHT * (0.66 + (fill - 0.66) * min(strength["size"], 1.2))
        self.base = PAGE / 2 + random.normal(0, 0.04) * HEIGHT + self.height / 2
        self.ink = np.zeros((PAGE, room + 80), np.uint8)
        self.text = ""
        self.tokens: list[str] = []
        self.centres: list[float] = []
        self.x = 4.0
        self.cells: list[Point] = []
        self._boxed = random.random() < 0.07 * strength["boxes"]
        self._cell = self.height * random.uniform(0.95, 1.5)
        self._shear = random.normal(0, 0.13 * strength["slant"])
        self._stretch = np.exp(random.normal(0, 0.12 * strength["slant"]))
        self._slope = random.normal(0, 0.04 * strength["drift"])
        self._jitter = random.exponential(0.035) * strength["drift"]
        gap = 0.13 + strength["spacing"] * random.normal(0.06, 0.13)
        self._gap = float(np.clip(gap, -0.12, 0.8)) * self.height
        self._weight = random.normal(0, 1) * strength["pen"]  # thin below 0, thick above
        self._pen = 2.0  # width of the strokes so far, in pixels
        self._joins = random.random() < 0.4 * strength["joins"]
        self._joint: Point | None = None  # where the last zero goes on to the next
        # Zeros may be small, cents small and raised; 4, 7 and 9 may reach down, and 6 up.
        self._small = random.uniform(0.5, 1) if random.random() < 0.3 * strength["size"] else 1.0
        self._cents = random.uniform(0.5, 0.9) if random.random() < 0.12 * strength["size"] else 1.0
        self._reach = abs(random.normal(0, 0.1)) * strength["drift"]
        self._dot, self._comma = random.uniform(0.7, 1.7), random.uniform(0.12, 0.34)
        self._cursive, self._typeset = random.random() < 0.5, random.random() < 0.3
        self._face = int(random.choice(TYPEFACES))
        self._letter: Point | None = None  # where the last letter of a cursive word ends
        self._odd = random.random() < strength["odd_marks"]  # in ways that are not trained on

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
        return self.base + self._slope * (x - self.room / 2)

    def _skip(self, least: float, most: float) -> None:
        self.x += self.height * self.random.uniform(least, most)
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
        images = self.hand[digit]
        image = self._weighed(images[self.random.integers(len(images))])
        size = self.height * np.exp(self.random.normal(0, 0.05 * self.strength["size"]))
        size *= self._small if digit == 0 else 1.0
        rise = (digit == 6) - (digit in (4, 7, 9)) * 1.0
        rise *= self._reach * self.height
        if self._cents < 1 and {".", ","} & set(self.tokens):
            rise += 0.8 * (1 - self._cents) * self.height
            size *= self._cents
        place = self._put(image, size, self._gap, self._boxed, rise)
        if place is None:
            return False
        left, right, top, bottom = place
        if digit == 0 and self._joint is not None:
            over = (self._joint[0] + left) / 2 + 1, top + 1.5
            self._stroke([self._joint, over, (left + 0.4 * (right - left), top + 1)])
        self._joint = None
        if digit == 0 and self._joins and not self._boxed:
            high = self.random.random() < 0.5
            self._joint = (right - 1, top + 0.25 * (bottom - top))
            if high:
                self._joint = (left + 0.6 * (right - left), top + 1)
        return self._say(str(digit), (left + right) / 2)

    def _weighed(self, image: np.ndarray) -> np.ndarray:
        """A glyph in strokes as thin or thick as everything on this line."""
        if self._weight > 0.8:
            return cv2.dilate(image, _DISC)
        if self._weight < -0.9:
            return cv2.erode(image, _CROSS)
        return sharpened(image, 60 - 45 * self._weight, 1.5)

    def _put(
        self, image: np.ndarray, size: float, gap: float, boxed: bool = False, rise: float = 0.0
    ) -> tuple[float, float, float, float] | None:
        """Set a glyph down after the last one: left, right, top, bottom; None without room."""
        x, y, width, height = cv2.boundingRect((image > 100).view(np.uint8))
        if not height:
            return None
        random, drift = self.random, self.strength["drift"]
        down = size / max(height, 0.9 * width, 28)
        across = down * self._stretch
        wide, turn = width * across, random.normal(0, 0.05 * drift)
        left = self.x
        if boxed:
            left += (self._cell - wide) / 2 + random.normal(0, 0.06) * self._cell
        elif self.tokens:
            left += gap + random.normal(0, 0.05 * self.strength["spacing"]) * self.height
            left = max(left, self.centres[-1] + APART - wide / 2)
        if max(left + wide, self.x + self._cell * boxed) > self.room:
            return None
        bottom = self.baseline(self.x) - rise + random.normal(0, 1) * self._jitter * self.height
        matrix = np.array([[across, across * (turn - self._shear), 0], [-down * turn, down, 0]])
        target = np.array([left + wide / 2, bottom - height * down / 2])
        x0, y0 = np.maximum(target.astype(int) - 36, 0)
        x1, y1 = min(x0 + 72, self.ink.shape[1]), min(y0 + 72, PAGE)
        matrix[:, 2] = target - (x0, y0) - matrix[:, :2] @ (x + width / 2, y + height / 2)
        glyph = cv2.warpAffine(image, matrix, (int(x1 - x0), int(y1 - y0)))
        part = self.ink[y0:y1, x0:x1]
        np.maximum(part, glyph, out=part)
        self._pen = 0.7 * self._pen + 0.3 * _stroke_width(glyph)
        if boxed:
            self.cells.append((self.x, self.x + self._cell))
            self.x += self._cell
        else:
            self.x = left + wide
        return left, left + wide, bottom - height * down, bottom

    def _mark(self, character: str) -> bool:
        random, pen, height = self.random, max(1.0, self._pen), self.height
        near = height * (0.04 + abs(random.normal(0, 0.06))) + 0.5 * max(self._gap, 0)
        x = self.x + near + pen / 2
        if self.tokens:
            x = max(x, self.centres[-1] + 1.6 * COLUMN)
        y = self.baseline(x) - pen / 2 + random.normal(0, 0.05) * height
        if x + pen > self.room:
            return False
        if self._odd:
            self._odd_mark(character, x, y, pen)
        elif character == ".":
            dx, dy = random.normal(0, 0.02, 2) * height
            self._stroke([(x, y), (x + dx, y + dy)], max(1.8, pen * self._dot))
        else:
            long = self._comma * height * np.exp(random.normal(0, 0.15))
            long = max(long, 2 * pen)  # a shorter one is a dot
            lean = random.normal(0.35, 0.25) * long
            y -= 0.25 * long
            bend = (x - 0.3 * lean + 0.1 * long, y + 0.5 * long)
            self._stroke([(x, y), bend, (x - lean, y + long)], pen)
        self.x = x + pen / 2 + near * random.uniform(0.2, 1)
        return self._say(character, x)

    def _odd_mark(self, character: str, x: float, y: float, pen: float) -> None:
        """A dot as a small ring or a tick, a comma as a bar or with a head."""
        size, kind = self.height * self.random.uniform(0.05, 0.09), self.random.random() < 0.5
        if character == "." and kind:
            turns = np.linspace(0, 2 * np.pi, 9)
            ring = np.stack([x + size * np.cos(turns), y + size * np.sin(turns)], axis=1)
            self._stroke([(float(a), float(b)) for a, b in ring], 1)
        elif character == ".":
            self._stroke([(x - size, y), (x, y + size / 2), (x + size, y - size)], 0.7 * pen)
        elif kind:
            self._stroke([(x, y - 2 * size), (x - size, y + 3 * size)], 0.8 * pen)
        else:
            self._stroke([(x, y), (x + 0.5, y + 0.5)], 1.4 * pen)
            self._stroke([(x, y), (x - size, y + 3 * size)], 1)

    def _dash(self, character: str) -> bool:
        shortest, longest = (0.25, 0.6) if character == "-" else (0.6, 1.8)
        long = self.height * self.random.uniform(shortest, longest)
        left = self.x + self.height * self.random.uniform(0.05, 0.35)
        if left + long > self.room:
            return False
        y = self.baseline(left) - self.height * self.random.uniform(0.3, 0.65)
        tilt, wave = self.random.normal(0, (0.08, 0.04)) * long
        middle = (left + long / 2, y + tilt / 2 + wave)
        self._stroke([(left, y), middle, (left + long, y + tilt)])
        self.x = left + long + 0.08 * self.height
        return self._say("-", left + long / 2)

    def _ditto(self) -> bool:
        """Two short raised strokes, as people write beside cents."""
        x, long = self.x + 2, self.height * self.random.uniform(0.1, 0.25)
        if x + long > self.room:
            return False
        y = self.baseline(x) - self.height * self.random.uniform(0.7, 1)
        for below in (0, 0.16 * self.height):
            self._stroke([(x, y + below), (x + long, y + below - 0.5)])
        self.x = x + long
        return self._say("?", x + long / 2)

    def _sign(self, character: str) -> bool:
        """A letter, which in a cursive word is joined to the last one, or another sign."""
        random, letter = self.random, character.isalpha()
        size = self.height * random.uniform(0.55, 1)
        gap = max(self._gap, 0)
        if letter and self._typeset:
            image = typeset(character, self._face, 3)
        else:
            image = _stock(_PATHS[character])[random.integers(STOCK)]
            gap = random.uniform(-0.1, 0.12) * self.height if letter and self._cursive else gap
        if character.islower():
            size *= 0.75
        place = self._put(image, size, gap)
        if place is None:
            return False
        left, right, _, bottom = place
        if letter and self._cursive and not self._typeset:
            if self._letter is not None:
                self._stroke([self._letter, (left + 0.3 * (right - left), bottom - 0.3 * size)])
            self._letter = (right - 1, bottom - random.uniform(0, 0.3) * size)
        return self._say("?", (left + right) / 2)

    def _say(self, token: str, x: float) -> bool:
        self.tokens.append(token)
        self.centres.append(x)
        return True

    def _stroke(self, points: list[Point], pen: float | None = None) -> None:
        dots = np.round(np.array(points) * 16).astype(np.int32)  # cv2 takes sixteenths of a pixel
        width = max(1, round(self._pen if pen is None else pen))
        cv2.polylines(self.ink, [dots], False, 235, width, cv2.LINE_AA, 4)


@lru_cache(None)
def _stock(path: str) -> np.ndarray:
    """Drawings of a letter or sign, always the same ones: uint8 (`STOCK`, 56, 56)."""
    random = np.random.default_rng(0)
    return draw_by(draw_manners(STOCK, random), path, random, size=FINE)


def _stroke_width(glyph: np.ndarray) -> float:
    """About the width of a glyph's strokes in pixels: twice its ink over the length of its edge.

    It is 2.4 times, because steps along rows and columns overstate the length of a slanted edge.
    """
    edge = cv2.norm(glyph[:, 1:], glyph[:, :-1], cv2.NORM_L1)
    edge += cv2.norm(glyph[1:], glyph[:-1], cv2.NORM_L1)
    return float(np.clip(2.4 * cv2.sumElems(glyph)[0] / max(edge, 255.0), 1, 9))
