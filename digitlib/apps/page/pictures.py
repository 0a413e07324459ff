"""The tab that reads pictures: one or many, a table of what they say, and that table as CSV."""

import base64
import csv
import html
import io
from collections.abc import Sequence

import cv2
import ipywidgets as widgets

from digitlib.apps.canvas.showing import data_url
from digitlib.apps.page.shared import SharedRecognizer, table
from digitlib.pixels.decoding import PictureError, load
from digitlib.reading.batch import as_one_hand, as_row, attempt
from digitlib.reading.numbers import MISREAD, Reading
from digitlib.reading.rows import COLUMNS, Row

THUMBNAIL = 56  # pixels high


class Pictures(widgets.VBox):
    """Choose pictures, see them read."""

    def __init__(self, shared: SharedRecognizer):
        self.shared = shared
        # By name: what it says, or why it could not be read; with a thumbnail in HTML.
        self.read: dict[str, tuple[Reading | str, str]] = {}
        what = "Choose pictures"
        self.chooser = widgets.FileUpload(
            accept="image/*", multiple=True, description=what, tooltip=what
        )
        self.clear = widgets.Button(description="Clear", disabled=True)
        self.one_hand = widgets.Checkbox(description="One person wrote all of them", indent=False)
        self.progress = widgets.IntProgress(layout={"visibility": "hidden"})
        self.summary, self.table = widgets.HTML(), widgets.HTML()
        super().__init__(
            [
                widgets.HTML(
                    "<p>Photos, scans, screenshots: every number in them is read, with the "
                    "probability that it is right. Nothing is kept, and nothing leaves this "
                    "machine.</p>"
                ),
                widgets.HBox([self.chooser, self.clear, self.one_hand, self.progress]),
                self.summary,
                self.table,
            ]
        )
        self.chooser.observe(self._add, "value")
        self.clear.on_click(self._clear)
        self.one_hand.observe(lambda _: self._show(), "value")

    def _add(self, change: dict) -> None:
        if not change["new"]:
            return
        self.progress.max, self.progress.value = len(change["new"]), 0
        self.progress.layout.visibility = "visible"
        for upload in change["new"]:
            name, number, content = upload["name"], 2, bytes(upload["content"])
            while name in self.read:
                name, number = f"{upload['name']} ({number})", number + 1
            said = attempt(self.shared.recognizer, content)
            self.read[name] = said, _thumbnail(content)
            self.progress.value += 1
        self.chooser.value = ()  # the pictures themselves are not kept
        self._show()

    def _clear(self, _button: object) -> None:
        self.read = {}
        self._show()

    def _show(self) -> None:
        self.progress.layout.visibility = "hidden"
        self.clear.disabled = not self.read
        rows = self._rows()
        self.summary.value = summary(rows)
        looks = [look for _, look in self.read.values()]
        cells = [_cells(row, look) for row, look in zip(rows, looks, strict=True)]
        self.table.value = table(cells, escape=None) if cells else ""

    def _rows(self) -> list[Row]:
        """What is told of each picture."""
        said = [one for one, _ in self.read.values()]
        if self.one_hand.value:
            said = as_one_hand(self.shared.recognizer, said)
        return [as_row(name, None, one) for name, one in zip(self.read, said, strict=True)]


def summary(rows: Sequence[Row]) -> str:
    """How many were read, how sure on average, and the link to download all: HTML."""
    if not rows:
        return ""
    read = [row for row in rows if not row.error]
    counts = {name: sum(row.status == name for row in read) for name in ("high", "medium", "low")}
    parts = [f"<b>{len(read)}</b> of {len(rows)} read"]
    if read:
        parts.append(f"{sum(row.confidence for row in read) / len(read):.1%} sure on average")
        parts += [f"{count} {name}" for name, count in counts.items() if count]
    stream = io.StringIO()
    csv.writer(stream).writerows([COLUMNS, *(row.cells() for row in rows)])
    coded = base64.b64encode(stream.getvalue().encode("utf-8-sig")).decode()
    link = f'<a download="digits.csv" href="data:text/csv;base64,{coded}">Download as CSV</a>'
    return f'<p class="page-summary">{" · ".join(parts)} · {link}</p>'


def _cells(row: Row, look: str) -> dict[str, str]:
    """A line of the table, by column: HTML."""
    fault = f'<span class="page-error">{html.escape(row.error)}</span>'
    lone = len(row.numbers) == 1
    return {
        "picture": look,
        "file": html.escape(row.file),
        "numbers": _written(row.numbers[0]["text"]) if lone else "".join(map(_number, row.numbers)),
        "confidence": "" if row.error else f"{row.confidence:.1%}",
        "status": f'<span class="page-status page-{row.status}">{row.status}</span>',
        "": fault if row.error else row.doubt,
    }


def _number(number: dict) -> str:
    """One of several numbers, with the probability that it is right: HTML."""
    sure = f"{number['confidence']:.1%}"
    if number["accepted"]:
        return f"<div>{_written(number['text'])} {sure}</div>"
    return f'<div class="page-doubtful">{_written(number["text"] + "?")} {sure}, {MISREAD}</div>'


def _written(text: str) -> str:
    return f'<span class="page-read">{html.escape(text)}</span>'


def _thumbnail(content: bytes) -> str:
    try:
        grey = load(content).grey
    except PictureError:
        return ""
    scale = THUMBNAIL / grey.shape[0]
    width = max(1, min(4 * THUMBNAIL, round(grey.shape[1] * scale)))
    small = cv2.resize(grey, (width, THUMBNAIL), interpolation=cv2.INTER_AREA)
    return f'<img alt="" height="{THUMBNAIL}" src="{data_url(small)}">'
