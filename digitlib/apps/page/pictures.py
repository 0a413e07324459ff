"""The tab that reads pictures: one or many, a table of what they say, and that table as CSV."""

import asyncio
import base64
import csv
import html
import io
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import ipywidgets as widgets

from digitlib.apps.page.files import FileDrop
from digitlib.apps.page.looks import Look, framed, look_at
from digitlib.apps.page.shared import SharedRecognizer, error, table
from digitlib.pixels.decoding import Picture
from digitlib.pixels.digit_files import DataError
from digitlib.reading.batch import as_one_hand, as_row, attempt
from digitlib.reading.numbers import MISREAD, Reading
from digitlib.reading.recognizer import Recognizer
from digitlib.reading.rows import COLUMNS, Row
from digitlib.reading.sources import open_source

MOST_SHOWN = 200  # pictures; the table that is downloaded has all
SHOW_EVERY = 1.0  # seconds, while pictures are read


class Pictures(widgets.VBox):
    """Drop or choose pictures, see them read."""

    def __init__(self, shared: SharedRecognizer):
        self.shared = shared
        self.waiting: list[tuple[str, bytes]] = []  # files that are not read yet
        self.reading: asyncio.Future | None = None
        # By name: what it says, or why it could not be read; with how it looks.
        self.read: dict[str, tuple[Reading | str, Look | None]] = {}
        self.drop = FileDrop(
            self._take,
            words="Drop pictures here, or a zip file of them, or click to choose",
            label="Choose pictures",
            accept="image/*,.pdf,.zip",
            multiple=True,
        )
        self.clear = widgets.Button(description="Clear", disabled=True)
        self.one_hand = widgets.Checkbox(description="One person wrote all of them", indent=False)
        self.progress = widgets.HTML()
        self.summary, self.table = widgets.HTML(), widgets.HTML()
        tools = widgets.Box([self.clear, self.one_hand, self.progress]).add_class("page-tools")
        about = (
            "<p>Photos, scans, screenshots: every number in them is read, with the probability "
            "that it is right. Nothing is kept, and nothing leaves this machine.</p>"
        )
        super().__init__([widgets.HTML(about), self.drop, tools, self.summary, self.table])
        self.clear.on_click(self._clear)
        self.one_hand.observe(lambda _: self._show(), "value")

    def _take(self, name: str, content: bytes) -> None:
        self.waiting.append((name, content))
        if self.reading is None or self.reading.done():
            self.reading = asyncio.ensure_future(self._read_all())

    async def _read_all(self) -> None:
        """Read the files that wait, in threads, so that the other tabs answer meanwhile."""
        shown = time.monotonic()
        self.clear.disabled = False
        while self.waiting:
            for name, picture in pictures_in(*self.waiting.pop(0)):
                self.progress.value = f"<p>Reading {html.escape(name)} …</p>"
                told = await asyncio.to_thread(read_one, self.shared.recognizer, picture)
                self.read[self._free(name)] = told
                if time.monotonic() - shown > SHOW_EVERY:
                    self._show()
                    shown = time.monotonic()
        self.progress.value = ""
        self._show()

    def _free(self, name: str) -> str:
        """A name that no picture has yet."""
        number, free = 2, name
        while free in self.read:
            number, free = number + 1, f"{name} ({number})"
        return free

    def _clear(self, _button: object) -> None:
        if self.reading:
            self.reading.cancel()
        self.waiting, self.read, self.progress.value = [], {}, ""
        self._show()
        self.clear.disabled = True

    def _show(self) -> None:
        said = [one for one, _ in self.read.values()]
        if self.one_hand.value:
            try:
                said = as_one_hand(self.shared.recognizer, said)
            except DataError as fault:
                self.progress.value = error(fault)
        rows = [as_row(name, None, one) for name, one in zip(self.read, said, strict=True)]
        self.summary.value = summary(rows)
        looks = [look for _, look in self.read.values()]
        shown = list(zip(rows, said, looks, strict=True))[:MOST_SHOWN]
        self.table.value = table([_cells(*one) for one in shown], escape=None) if shown else ""


def pictures_in(name: str, content: bytes) -> Iterator[tuple[str, Picture | DataError]]:
    """The pictures in a file, each with its name, or what is wrong with the file."""
    name = Path(name).name
    with tempfile.TemporaryDirectory() as folder:  # so that it is opened as any file is
        file = Path(folder) / name
        try:
            file.write_bytes(content)
            source = open_source(file)
            if source.of_digits:
                raise DataError("a table of digits is read by the command digitlib predict")
            for chunk in source.chunks(1):
                [one], [picture] = chunk.names, chunk.pictures
                inside = one.removeprefix(f"{folder}/")
                fault = chunk.faults.get(0)
                yield (
                    inside if inside.startswith(name) else f"{name}/{inside}",
                    DataError(fault) if fault else picture,
                )
        except (OSError, ValueError) as fault:
            yield name, DataError(str(fault).removeprefix(f"{file}: "))


def read_one(
    recognizer: Recognizer, picture: Picture | DataError
) -> tuple[Reading | str, Look | None]:
    """What a picture says, or why it could not be read; and how it looks, if it is one."""
    if isinstance(picture, DataError):
        return str(picture), None
    return attempt(recognizer, picture), look_at(picture)


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
    parts.append(
        f'<a download="digits.csv" href="data:text/csv;base64,{coded}">Download as CSV</a>'
    )
    if len(rows) > MOST_SHOWN:
        parts.append(f"the first {MOST_SHOWN} are shown here, all are in that file")
    return f'<p class="page-summary">{" · ".join(parts)}</p>'


def _cells(row: Row, said: Reading | str, look: Look | None) -> dict[str, str]:
    """A line of the table, by column: HTML."""
    fault = f'<span class="page-error">{html.escape(row.error)}</span>'
    sure = f'<span class="page-status page-{row.status}">{row.status}</span> {row.doubt}'
    return {
        "picture": framed(look, said) if look else "",
        "file": html.escape(row.file),
        "numbers": fault if row.error else "".join(map(_number, row.numbers)),
        "status": "" if row.error else sure,
    }


def _number(number: dict) -> str:
    """A number, with the probability that it is right: HTML."""
    sure = f"{number['confidence']:.1%}"
    text = html.escape(number["text"])
    if number["accepted"]:
        return f'<div><span class="page-read">{text}</span> {sure}</div>'
    return (
        f'<div class="page-doubtful"><span class="page-read">{text}?</span> {sure}, {MISREAD}</div>'
    )
