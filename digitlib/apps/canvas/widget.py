"""The widget ``DigitCanvas``.

Strokes are drawn in the browser (canvas.js), so that drawing never waits. When the pen is lifted
they come here, become a picture, and are read; the reading goes back and is shown beside them.
"""

import base64
import contextlib
import html
import operator
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from digitlib.apps.canvas.backdrop import inked, lay_out
from digitlib.apps.canvas.drawings import DRAWINGS, save_drawing
from digitlib.apps.canvas.showing import cut_out, data_url, describe, still
from digitlib.apps.canvas.strokes import BLACK, WHITE, Stroke, rasterise
from digitlib.artifacts import from_root, read_json, write_json
from digitlib.pixels.decoding import Picture, PictureError, load
from digitlib.pixels.normalisation import reduce
from digitlib.reading.explanation import explain
from digitlib.reading.recognizer import Recognizer
from digitlib.reporting import live

READ_SIDE = 400  # pixels; the longer side of a drawing as it is read
MOST_POINTS = 200_000  # of all strokes together


class DigitCanvas(anywidget.AnyWidget):
    """A drawing and what it says.

    Args:
        recognizer: reads; the shipped model by default.
        samples: pictures uint8 (N, 28, 28), ink bright, that "Try a sample" takes from; or what
            gives them when they are first wanted.
        keep: a JSON file that the drawing is kept in after each stroke, and taken from at the
            start; none by default.

    Attributes:
        strokes: what is drawn, oldest first: ``{"points": [x, y, width, …], "erases": bool}`` in
            pixels of the canvas. Setting it draws.
        backdrop: a picture under the strokes, as a data URL; "" for none.
        reading: what is read, as ``describe`` has it: ``text``, ``digits`` and ``numbers``; empty
            while nothing is drawn.
        fault: why reading failed; "" when it did not.

    ``observe`` any of them to build on the canvas. Every canvas has its own drawing.
    """

    _esm = live.bundled("canvas.js")
    _css = live.HERE / "canvas.css"

    width = traitlets.Int(560).tag(sync=True)
    height = traitlets.Int(320).tag(sync=True)
    strokes: traitlets.List = traitlets.List().tag(sync=True)
    backdrop = traitlets.Unicode("").tag(sync=True)
    paper = traitlets.Int(WHITE).tag(sync=True)  # brightness around and under a backdrop
    reading = traitlets.Dict().tag(sync=True)
    why = traitlets.Dict().tag(sync=True)
    fault = traitlets.Unicode("").tag(sync=True)
    # By a digit's number, what was saved of it: label and file, which is "" once it is deleted.
    saved = traitlets.Dict().tag(sync=True)
    # The browser numbers its drawings, and is told which one was read: so it knows what is not yet.
    asked = traitlets.Int(0).tag(sync=True)
    answered = traitlets.Int(0).tag(sync=True)
    has_samples = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self,
        recognizer: Recognizer | None = None,
        samples: np.ndarray | Callable[[], np.ndarray] | None = None,
        keep: str | Path | None = None,
        **settings: Any,
    ) -> None:
        self._last: tuple = ()
        self._files: dict[int, Path] = {}  # what was saved of this drawing, by a digit's number
        self.recognizer = recognizer or Recognizer()
        self.samples, self.keep = samples, keep
        if keep and not {"strokes", "backdrop"} & set(settings):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # a damaged file
                state = read_json(keep)
                kept = {"strokes": list(state["strokes"]), "backdrop": str(state["backdrop"])}
                settings |= kept
        super().__init__(has_samples=samples is not None, **settings)
        self.observe(self._changed, ["strokes", "backdrop", "asked"])
        self.on_msg(self._obey)
        self._changed()

    @traitlets.validate("strokes")
    def _check(self, proposal: dict) -> list[Stroke]:
        number = 0
        for i, stroke in enumerate(proposal["value"]):
            try:
                points = np.asarray(stroke["points"], np.float32)
            except (KeyError, TypeError, ValueError):
                points = np.array(np.nan)
            whole = points.ndim == 1 and points.size > 0 and points.size % 3 == 0
            if not whole or not np.isfinite(points).all():
                raise traitlets.TraitError(
                    f"stroke {i} is no stroke: give {{'points': [x, y, width, x, y, width, …]}}"
                )
            number += points.size // 3
        if number > MOST_POINTS:
            raise traitlets.TraitError(
                f"{number:,} points are more than the {MOST_POINTS:,} a drawing may have; clear it"
            )
        return proposal["value"]

    @property
    def picture(self) -> np.ndarray:
        """The drawing as uint8 (h, w), dark ink on white, in the canvas's proportions.

        With a picture under the strokes it is as large as that picture, and ink is white on dark.
        """
        under = lay_out(self.backdrop, self.width, self.height)
        page, ink = under.grey.copy(), BLACK if under.ground >= 128 else WHITE
        rasterise(page, self.strokes, page.shape[1] / self.width, ink, under.ground)
        return page

    def set_state(self, sync_data: dict) -> None:
        """Take what the browser sends; what cannot be taken is said there."""
        try:
            super().set_state(sync_data)
        except traitlets.TraitError as fault:
            self.fault, self.answered = str(fault), sync_data.get("asked", self.answered)

    def clear(self) -> None:
        """Take everything off the canvas."""
        self._draw([], "")

    def undo(self) -> None:
        """Take back the last stroke, or the picture where there is none."""
        if self.strokes:
            self.strokes = self.strokes[:-1]
        else:
            self.backdrop = ""

    def show(self, picture: Picture) -> None:
        """Put a picture on the canvas in place of what is drawn.

        Raises:
            PictureError: for what is no picture.
        """
        self._draw([], data_url(load(picture).grey))

    def _draw(self, strokes: list[Stroke], backdrop: str) -> None:
        """Change both in one step, which is one step back in the browser too."""
        with self.hold_sync(), self.hold_trait_notifications():
            self.strokes, self.backdrop = strokes, backdrop

    def save(self, label: int | str, folder: str | Path = DRAWINGS, digit: int = -1) -> Path:
        """Write the drawing to ``folder/<label>/<time>.png``, which ``folder:`` data sets read.

        Where several digits are drawn, it is one of them: number ``digit`` of the reading.

        Raises:
            ValueError: for a label that is no digit, or when nothing is drawn.
        """
        picture, digits = self.picture, self.reading.get("digits", [])
        if picture.min() == picture.max():
            raise ValueError("the canvas is empty: draw a digit first")
        if len(digits) > 1:
            picture = cut_out(picture, digits[digit]["box"], picture.shape[1] / self.width)
        return save_drawing(picture, label, folder)

    def read(self) -> None:
        """Read what is drawn. The canvas does so by itself whenever the drawing changes."""
        start = time.perf_counter()
        reading, fault, paper = {}, "", WHITE
        if self.strokes or self.backdrop:
            try:
                picture, under = self.picture, lay_out(self.backdrop, self.width, self.height)
                paper, scale = under.ground, picture.shape[1] / self.width
                if self.backdrop:
                    left, top, right, bottom = inked(under, self.strokes, scale)
                    seen = picture[top:bottom, left:right]
                else:  # strokes on clean paper need no more
                    seen, left, top = reduce(picture, READ_SIDE), 0, 0
                    scale = seen.shape[1] / self.width
                reading = describe(self.recognizer.read_digits(seen), scale, (left, top))
                reading["milliseconds"] = round(1000 * (time.perf_counter() - start), 1)
            except Exception as error:  # whatever went wrong, the canvas stays usable
                fault = f"This could not be read: {error}"
        self._files = {}
        with self.hold_sync():
            self.why, self.saved, self.fault, self.paper = {}, {}, fault, paper
            self.reading = reading

    def still(self) -> str:
        """The drawing and its reading as a picture in HTML, for where no widget can live.

        In a report, a drawing without a picture under it is a canvas again (``reporting.live``).
        """
        try:
            picture = still(self.picture, self.reading, self.width, self.height)
        except PictureError as fault:
            return f"<p>{html.escape(str(fault))}</p>"
        if self.backdrop:
            return picture
        model_dir = self.recognizer.file.parent
        return live.canvas(model_dir, self.strokes, self.width, self.height, picture)

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict, dict]:
        data, metadata = super()._repr_mimebundle_(**options) or ({}, {})
        return data | {"text/html": self.still()}, metadata

    def _changed(self, _change: object = None) -> None:
        drawing = self.strokes, self.backdrop
        with self.hold_sync():
            # Both may have changed at once: they are read together.
            if not self._last or any(map(operator.is_not, drawing, self._last)):
                self._last = drawing
                self.read()
                self._keep()
            self.answered = self.asked

    def _keep(self) -> None:
        if self.keep:
            try:
                write_json(self.keep, {"strokes": self.strokes, "backdrop": self.backdrop})
            except OSError as fault:
                self.fault = f"The drawing is not kept: {fault}"

    def _obey(self, _widget: object, message: dict, _buffers: object) -> None:
        """Do what the browser asks for."""
        digit = message.get("digit", -1)
        try:
            match message.get("do"):
                case "draw":  # again: what was sent before has not come, or has no answer
                    self.set_state(
                        {name: message[name] for name in ("strokes", "backdrop", "asked")}
                    )
                case "save":
                    self._files[digit] = self.save(message.get("label", ""), digit=digit)
                    self._tell_saved(digit, message["label"], from_root(self._files[digit]))
                case "unsave" if digit in self._files:
                    self._files.pop(digit).unlink(missing_ok=True)
                    self._tell_saved(digit, self.saved[str(digit)]["label"], "")
                case "sample" if self.samples is not None:
                    if callable(self.samples):
                        self.samples = self.samples()
                    self.show(255 - np.random.default_rng().choice(self.samples))
                case "explain":
                    self._explain(int(digit))
        except Exception as error:
            self.fault = str(error)

    def _tell_saved(self, digit: int, label: int, file: str) -> None:
        told = {"label": label, "file": file, "removable": True}
        self.saved = self.saved | {str(digit): told}

    def _explain(self, number: int) -> None:
        digits = self.reading.get("digits", [])
        if 0 <= number < len(digits):
            image = np.frombuffer(base64.b64decode(digits[number]["image"]), np.uint8)
            maps = explain(self.recognizer.classify, image.reshape(28, 28))
            strongest = np.abs(maps).max(axis=(1, 2), keepdims=True)  # of each digit
            coded = np.rint(maps * (127 / np.maximum(1, strongest))).astype(np.int8)
            self.why = {"digit": number, "maps": base64.b64encode(coded.tobytes()).decode()}
