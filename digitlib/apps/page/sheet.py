"""The tab that reads a sheet: a photo of a table or form, what it says, and corrections of that."""

import asyncio
import html
import io
import json
from collections.abc import Iterator
from functools import partial

import ipywidgets as widgets
import numpy as np

from digitlib.apps.canvas import DigitCanvas
from digitlib.apps.canvas.drawings import DRAWINGS, save_drawing
from digitlib.apps.canvas.showing import data_url
from digitlib.apps.page.files import Downloads, FileDrop
from digitlib.apps.page.places import Place, name_of
from digitlib.apps.page.shared import SharedRecognizer, error, table
from digitlib.pixels.decoding import Decoded, load
from digitlib.pixels.formats import pages
from digitlib.pixels.segmentation import Box
from digitlib.reading.numbers import MISREAD
from digitlib.reading.sheets import Cell, Sheet, Table
from digitlib.reading.spreadsheets import (
    Entry,
    as_csv,
    as_json,
    as_workbook,
    crop,
    entries,
    loose_rows,
    summary,
)

MOST = 0.5  # share of the photo; a frame around more of it shows nothing
AT_ONCE = 8  # doubtful places that are listed; more when they are asked for
OTHER = "–", -1


class SheetTab(widgets.VBox):
    """Drop a photo, see what it says, correct what is doubtful, take it along as a file."""

    def __init__(self, shared: SharedRecognizer):
        self.shared = shared
        self.photo, self.sheet, self.pages = b"", Sheet(), 1
        self.waiting: list[Entry] = []  # doubtful ones that are not listed yet
        self.sure: list[Entry] = []
        words = "Drop a photo here, or click to choose one"
        self.drop = FileDrop(self._take, words=words, label="Choose a photo", accept="image/*,.pdf")
        self.said, self.picture, self.marks = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.read, self.left_out, self.saved = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.downloads = Downloads(
            {
                "Excel workbook": ("sheet.xlsx", lambda: as_workbook(self.sheet, self.photo)),
                "CSV": ("sheet.csv", lambda: as_csv(self.sheet).encode()),
                "JSON": ("sheet.json", lambda: json.dumps(as_json(self.sheet)).encode()),
            }
        )
        self.places = widgets.VBox()
        self.more = widgets.Button(description="Show more")
        self.other = widgets.Dropdown(
            options=[OTHER],
            description="Correct another place",
            style={"description_width": "initial"},
        )
        self.save = widgets.Button(tooltip=f"As labelled drawings, in {DRAWINGS}")
        tools = widgets.Box([self.more, self.other, self.save, self.saved]).add_class("page-tools")
        photo = widgets.Box([self.picture, self.marks]).add_class("page-photo")
        sides = widgets.Box([photo, self.read]).add_class("page-sides")
        self.found = widgets.VBox([self.downloads, self.places, tools, sides, self.left_out])
        self.found.layout.display = "none"
        about = (
            "<p>A photo of a table or a form becomes a spreadsheet. Nothing is kept unless you "
            "save digits, and nothing leaves this machine.</p>"
        )
        super().__init__([widgets.HTML(about), self.drop, self.said, self.found])
        self.more.on_click(lambda _: self._list_doubtful())
        self.other.observe(self._list_other, "value")
        self.save.on_click(self._save)

    def _take(self, _name: str, photo: bytes) -> None:
        self.reading = asyncio.ensure_future(self._read(photo))

    async def _read(self, photo: bytes) -> None:
        self.drop.busy, self.found.layout.display = True, "none"
        self.said.value = "<p>Reading …</p>"
        try:  # in a thread, so that the other tabs answer meanwhile
            decoded = await asyncio.to_thread(load, photo)
            self.sheet = await asyncio.to_thread(self.shared.recognizer.read_sheet, photo)
            self.photo, self.decoded = photo, decoded
            self.pages = len(pages(partial(io.BytesIO, photo)))
            self._show()
        except Exception as fault:  # Voilà shows a task's errors to nobody
            self.said.value = error(fault)
        finally:
            self.drop.busy = False

    def _show(self) -> None:
        """Show a sheet that has just been read."""
        found = list(entries(self.sheet))
        self.waiting = [entry for entry in found if not entry.accepted]
        self.sure = [entry for entry in found if entry.accepted]
        others = [(f"{name_of(entry)}: {entry.text}", i) for i, entry in enumerate(self.sure)]
        self.other.options = [OTHER, *others]
        self.places.children, self.saved.value = (), ""
        self._list_doubtful()
        self.picture.value = f'<img alt="The photo" src="{data_url(self.decoded.grey)}">'
        self.left_out.value = left_out(self.sheet, self.decoded)
        self.found.layout.display = ""
        self._update()

    def _list_doubtful(self) -> None:
        listed, self.waiting = self.waiting[:AT_ONCE], self.waiting[AT_ONCE:]
        self.places.children += tuple(self._place(entry) for entry in listed)
        self.more.layout.display = "" if self.waiting else "none"

    def _list_other(self, change: dict) -> None:
        if change["new"] in (None, -1):
            return
        entry = self.sure[change["new"]]
        if not any(place.entry is entry for place in self.places.children):
            self.places.children += (self._place(entry),)
        self.other.value = -1

    def _place(self, entry: Entry) -> Place:
        return Place(entry, crop(self.decoded, entry.look), self._correct, self._draw)

    def _correct(self, box: Box, text: str) -> None:
        self.sheet = self.sheet.corrected(box, text)
        self._update()

    def _update(self) -> None:
        """Show the sheet as it is now."""
        first = f" · the first of {self.pages} pages" if self.pages > 1 else ""
        self.said.value = f"<p>{summary(self.sheet)}{first}</p>"
        self.marks.value = marks(self.sheet, self.decoded)
        self.read.value = "".join(_blocks(self.sheet))
        count = sum(len(place.digits) for place in self.places.children)
        self.save.description, self.save.disabled = f"Save {count} digits", not count

    def _draw(self, place: Place) -> None:
        """Open the canvas below a place, or close it there."""
        was_open = place.canvas
        for one in self.places.children:
            one.close_canvas()
        if not was_open:
            place.open_canvas(DigitCanvas(self.shared.recognizer, width=480, height=240))

    def _save(self, _button: object) -> None:
        count = 0
        for place in self.places.children:
            for label, image in place.digits:
                save_drawing(255 - image, label)  # dark on white, as drawings are
                count += 1
            place.saved = place.said
        self.saved.value = f"Saved {count} digits in <code>{DRAWINGS}</code>."
        self._update()


def marks(sheet: Sheet, decoded: Decoded) -> str:
    """Frames around what is doubtful and what was left out, to lie on the picture: HTML."""
    doubtful = [("page-doubt", name_of(one), one.box) for one in entries(sheet) if not one.accepted]
    most = MOST * decoded.width * decoded.height
    left = [
        ("page-left-out", one.reason, one.box)
        for one in sheet.left_out
        if one.box[2] * one.box[3] <= most
    ]
    frames = "".join(
        f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}">'
        f"<title>{html.escape(words)}</title></rect>"
        for kind, words, (x, y, width, height) in doubtful + left
    )
    return f'<svg viewBox="0 0 {decoded.width} {decoded.height}">{frames}</svg>'


def _blocks(sheet: Sheet) -> Iterator[str]:
    """The tables as they stand, the fields and the lines: HTML."""
    for number, one in enumerate(sheet.tables, 1):
        yield f'<h2>table {number}</h2><div class="page-scroll">{grid(one)}</div>'
    rows = [
        f"<tr><th>{where}</th>{''.join(map(_cell, line))}</tr>" for where, line in loose_rows(sheet)
    ]
    if rows:
        yield f'<h2>fields and lines</h2><table class="page-grid">{"".join(rows)}</table>'


def grid(read: Table) -> str:
    """A table as it stands, doubtful and corrected cells marked: HTML."""
    covered = np.zeros((read.rows, read.columns), bool)
    for cell in read.cells:
        below, beside = cell.row + cell.rows, cell.column + cell.columns
        covered[cell.row : below, cell.column : beside] = True
    rows = read.grid(lambda cell: _cell(cell, f'rowspan="{cell.rows}" colspan="{cell.columns}"'))
    for row, column in np.argwhere(~covered):  # a cell too small to be one
        rows[row][column] = "<td></td>"
    lines = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return f'<table class="page-grid">{lines}</table>'


def _cell(one: Cell | Entry, spans: str = "") -> str:
    kind, words = "", ""
    if one.corrected:
        kind, words = "page-corrected", "corrected by hand"
    elif not one.accepted:
        kind, words = "page-doubt", MISREAD
    mark = "?" if words == MISREAD else ""
    text = html.escape(one.text).replace("\n", "<br>")
    return f'<td class="{kind}" title="{words}" {spans}>{text}{mark}</td>'


def left_out(sheet: Sheet, decoded: Decoded) -> str:
    """The ink in which nothing was read, with the reasons: HTML."""
    rows = [
        {
            "left out": f'<img alt="" src="{data_url(crop(decoded, one.box))}">',
            "reason": one.reason,
        }
        for one in sheet.left_out
    ]
    return table(rows, escape=None) if rows else ""
