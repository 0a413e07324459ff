"""A doubtful place on a sheet, and what a person says instead: by typing or by drawing."""

import html
from collections.abc import Callable

import ipywidgets as widgets
import numpy as np

from digitlib.apps.canvas import DigitCanvas
from digitlib.apps.canvas.showing import data_url
from digitlib.pixels.segmentation import Box
from digitlib.reading.spreadsheets import Entry


class Place(widgets.VBox):
    """A place on a sheet: its picture, what was read, and what a person says instead.

    Args:
        entry: the place.
        picture: uint8 (H, W), what is seen there.
        correct: is told the box and what a person says that it holds.
        draw: is told when a person wants to draw that, or no longer.

    Attributes:
        said: what a person says; None while nobody has said anything.
        saved: what they said when its digits were saved.
    """

    def __init__(
        self,
        entry: Entry,
        picture: np.ndarray,
        correct: Callable[[Box, str], None],
        draw: Callable[["Place"], None],
    ):
        self.entry, self.correct = entry, correct
        self.said: str | None = None
        self.saved: str | None = None
        self.canvas: DigitCanvas | None = None
        text = " ".join(entry.text.split())
        look = f'<img alt="" src="{data_url(picture)}">'
        sure = "" if entry.confidence is None else f" {entry.confidence:.0%}"
        read = f"<b>{html.escape(text)}{'' if entry.accepted else '?'}</b>{sure}" if text else "?"
        self.text = widgets.Text(
            text,
            description=name_of(entry),
            continuous_update=False,
            style={"description_width": "initial"},
        )
        right = widgets.Button(description="It is right")
        drawing = widgets.Button(description="Draw it")
        shown = widgets.HTML(look), widgets.HTML(read)
        self.row = widgets.Box([*shown, self.text, right, drawing]).add_class("page-row")
        super().__init__([self.row])
        self.add_class("page-place")
        self.text.observe(self._say, "value")
        right.on_click(self._say)
        drawing.on_click(lambda _: draw(self))

    @property
    def digits(self) -> list[tuple[str, np.ndarray]]:
        """What may be saved: each digit's label with its image, uint8 (28, 28).

        Empty where it is saved already, or where as many digits were not found.
        """
        labels = [sign for sign in self.said or "" if sign in "0123456789"]
        if self.said == self.saved or len(labels) != len(self.entry.digits):
            return []
        return [
            (label, digit.image) for label, digit in zip(labels, self.entry.digits, strict=True)
        ]

    def open_canvas(self, canvas: DigitCanvas) -> None:
        """Take what is drawn on a canvas for what stands here."""
        self.canvas = canvas
        canvas.observe(self._drawn, "reading")
        self.children = [self.row, canvas]

    def close_canvas(self) -> None:
        """Close the canvas where there is one."""
        if self.canvas:
            self.children = [self.row]
            self.canvas.close()
            self.canvas = None

    def _drawn(self, change: dict) -> None:
        if numbers := change["new"].get("numbers"):
            self.text.unobserve(self._say, "value")
            self.text.value = " ".join(number["text"] for number in numbers)
            self.text.observe(self._say, "value")
            if all(number["accepted"] for number in numbers):  # else a person looks at it first
                self._say()

    def _say(self, _change: object = None) -> None:
        if self.said != self.text.value:
            self.said = self.text.value
            self.add_class("page-corrected")
            self.correct(self.entry.box, self.said)


def name_of(entry: Entry) -> str:
    """Where a place is, in words."""
    return f"{entry.where}, row {entry.row}, column {entry.column}" if entry.row else entry.where
