"""The tab that reads pictures: one or many, a table of what they say, and that table as CSV."""

import base64
import csv
import html
import io
from collections.abc import Container, Sequence

import cv2
import ipywidgets as widgets

from digitlib.apps.canvas.showing import data_url
from digitlib.apps.page.shared import SharedRecognizer
from digitlib.pixels.decoding import PictureError, load
from digitlib.reading.batch import COLUMNS, Row, read_picture

THUMBNAIL = 56  # pixels high


class Pictures(widgets.VBox):
    """Choose pictures, see them read."""

    def __init__(self, shared: SharedRecognizer):
        self.shared = shared
        self.rows: dict[str, Row] = {}
        self.looks: dict[str, str] = {}
        self.chooser = widgets.FileUpload(
            accept="image/*",
            multiple=True,
            description="Choose pictures",
            tooltip="Choose pictures",
        )
        self.clear = widgets.Button(description="Clear", disabled=True)
        self.progress = widgets.IntProgress(min=0, max=1, description="")
        self.progress.layout.visibility = "hidden"
        self.summary, self.table = widgets.HTML(), widgets.HTML()
        super().__init__(
            [
                widgets.HTML(
                    "<p>Photos, scans, screenshots: every digit in them is found and read. "
                    "Nothing is kept, nothing leaves this machine.</p>"
                ),
                widgets.HBox([self.chooser, self.clear, self.progress]),
                self.summary,
                self.table,
            ]
        )
        self.chooser.observe(self._add, "value")
        self.clear.on_click(self._clear)

    def _add(self, change: dict) -> None:
        if not change["new"]:
            return
        self.progress.max, self.progress.value = len(change["new"]), 0
        self.progress.layout.visibility = "visible"
        for upload in change["new"]:
            name, content = _free_name(upload["name"], self.rows), bytes(upload["content"])
            self.rows[name] = read_picture(self.shared.recognizer, name, content)
            self.looks[name] = _thumbnail(content)
            self.progress.value += 1
        self.chooser.value = ()  # the pictures themselves are not kept
        self._show()

    def _clear(self, _button: object) -> None:
        self.rows, self.looks = {}, {}
        self._show()

    def _show(self) -> None:
        rows = list(self.rows.values())
        self.progress.layout.visibility = "hidden"
        self.clear.disabled = not rows
        self.summary.value, self.table.value = summary(rows), self._table(rows)

    def _table(self, rows: Sequence[Row]) -> str:
        if not rows:
            return ""
        names = ("picture", "file", "text", "confidence", "status", "")
        heads = "".join(f"<th scope=col>{name}</th>" for name in names)
        body = "".join(_table_row(row, self.looks[row.file]) for row in rows)
        return (
            f'<div class="page-scroll"><table class="page-table"><thead><tr>{heads}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>"
        )


def as_csv(rows: Sequence[Row]) -> str:
    """The rows as CSV, with a head."""
    stream = io.StringIO()
    csv.writer(stream).writerows([COLUMNS, *(row.cells() for row in rows)])
    return stream.getvalue()


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
    coded = base64.b64encode(as_csv(rows).encode("utf-8-sig")).decode()
    link = f'<a download="digits.csv" href="data:text/csv;base64,{coded}">Download as CSV</a>'
    return f'<p class="page-summary">{" · ".join(parts)} · {link}</p>'


def _table_row(row: Row, look: str) -> str:
    name = html.escape(row.file)
    if row.error:
        said = f'<td colspan=3 class="page-error">{html.escape(row.error)}</td><td></td>'
    else:
        text = html.escape(row.text)
        doubt = "" if row.accepted else "may be no digit"
        said = (
            f'<td class="page-read">{text}</td><td>{row.confidence:.1%}</td>'
            f'<td><span class="page-status page-{row.status}">{row.status}</span></td>'
            f"<td>{doubt}</td>"
        )
    return f"<tr><td>{look}</td><td>{name}</td>{said}</tr>"


def _thumbnail(content: bytes) -> str:
    try:
        grey = load(content).grey
    except PictureError:
        return ""
    scale = THUMBNAIL / grey.shape[0]
    width = max(1, min(4 * THUMBNAIL, round(grey.shape[1] * scale)))
    small = cv2.resize(grey, (width, THUMBNAIL), interpolation=cv2.INTER_AREA)
    return f'<img alt="" height="{THUMBNAIL}" src="{data_url(small)}">'


def _free_name(name: str, taken: Container[str]) -> str:
    stem, number = name, 2
    while name in taken:
        name, number = f"{stem} ({number})", number + 1
    return name
