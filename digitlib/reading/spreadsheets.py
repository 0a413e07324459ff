"""A sheet that was read, as a workbook, as CSV and as JSON."""

import csv
import io
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from digitlib.artifacts import writing
from digitlib.pixels.decoding import Decoded, Picture, PictureError, load
from digitlib.pixels.normalisation import reduce
from digitlib.pixels.segmentation import Box
from digitlib.reading.numbers import Digit, Number, value_of
from digitlib.reading.recognizer import Recognizer
from digitlib.reading.rows import NO_DIGIT
from digitlib.reading.sheets import Cell, Sheet

DOUBTFUL, HEADING, FRAME = "#FFE8A3", "#EDEDED", "#BFBFBF"  # colours of cells
PICTURE_HEIGHT = 26  # pixels, of a cell's picture
ROOM = 4  # pixels around it
LARGEST = 480  # pixels of its longer side
COLUMN = 14  # widths of a digit
MOST_DIGITS = 15  # that a spreadsheet keeps of a number
AMBIGUOUS = "Kept as text: what it is worth is not certain."
CHANGED = "Kept as text: as a number it would lose digits."
CELL_COLUMNS = ["where", "row", "column", "says", "value", "probability"]
CELL_COLUMNS += ["accepted", "corrected", "picture"]


class Entry(NamedTuple):
    """A place on a sheet with what was read there.

    `where` names it; `row` and `column` count from 1, and are 0 outside tables. `confidence` is
    that of the least certain number, None where there is none. `corrected` tells whether a person
    said what stands there; `digits` are those that were read, and `look` is the part of `box` that
    shows them.
    """

    where: str
    row: int
    column: int
    text: str
    confidence: float | None
    accepted: bool
    corrected: bool
    box: Box
    look: Box
    digits: tuple[Digit, ...]


def entries(sheet: Sheet) -> Iterator[Entry]:
    """All that was read on a sheet: the tables cell by cell, then the fields, then the lines."""
    for number, table in enumerate(sheet.tables, 1):
        for cell in table.cells:
            yield _entry(f"table {number}", cell.row + 1, cell.column + 1, cell, cell.numbers)
    yield from loose_entries(sheet)


def loose_entries(sheet: Sheet) -> Iterator[Entry]:
    """What was read outside tables: the fields, then the lines."""
    for number, cell in enumerate(sheet.fields, 1):
        yield _entry(f"field {number}", 0, 0, cell, cell.numbers)
    for number, line in enumerate(sheet.lines, 1):
        for one in line:
            yield _entry(f"line {number}", 0, 0, one, [one])


def loose_rows(sheet: Sheet) -> Iterator[tuple[str, list[Entry]]]:
    """What was read outside tables, row by row: the name of each field or line, and its places."""
    for where, group in groupby(loose_entries(sheet), lambda one: one.where):
        yield where, list(group)


def _entry(where: str, row: int, column: int, one: Cell | Number, numbers: list[Number]) -> Entry:
    sure = min((number.confidence for number in numbers), default=None)
    digits = tuple(digit for number in numbers for digit in number.digits)
    known = one.text, sure, one.accepted, one.corrected, one.box
    look = one.look if isinstance(one, Cell) else one.box
    return Entry(where, row, column, *known, look, digits)


def summary(sheet: Sheet) -> str:
    """How many numbers there are, how many places are doubtful, and in how many ink is left out."""
    doubtful = sum(not one.accepted for one in entries(sheet))
    counts = [len(sheet.reading.numbers), doubtful, len(sheet.left_out)]
    numbers, doubts, places = (
        f"{count:,} {noun}{'s' * (count != 1)}"
        for count, noun in zip(counts, ("number", "doubtful place", "place"), strict=True)
    )
    return f"{numbers}, {doubts} (?), ink left out in {places}"


def write_workbook(sheet: Sheet, picture: Picture, file: str | Path) -> None:
    """Write an Excel workbook; see `as_workbook`.

    Raises:
        PictureError: for what is no picture.
    """
    content = as_workbook(sheet, picture)
    with writing(Path(file)) as unfinished:
        unfinished.write_bytes(content)


def read_filled(recognizer: Recognizer, picture: Picture) -> Sheet:
    """Read a sheet on which there is something: a number, or a table, which may be empty.

    Raises:
        PictureError: for a blank picture, and for what is no picture.
    """
    sheet = recognizer.read_sheet(picture)
    if not (sheet.tables or sheet.fields or sheet.lines):
        raise PictureError(f"{NO_DIGIT}; {summary(sheet)}" if sheet.left_out else NO_DIGIT)
    return sheet


def read_into_workbook(recognizer: Recognizer, picture: Picture) -> bytes:
    """Read a sheet, and give it as an Excel workbook; see `read_filled` and `as_workbook`."""
    return as_workbook(read_filled(recognizer, picture), picture)


def as_workbook(sheet: Sheet, picture: Picture) -> bytes:
    """An Excel workbook: the tables as they stand, each place's picture, what was left out.

    What is doubtful is coloured, and its picture stands in the same row beside the table. A number
    that may be worth one thing or another is text, and so is one whose digits would not all stay.

    Raises:
        PictureError: for what is no picture.
    """
    decoded = load(picture)
    memory = io.BytesIO()
    with xlsxwriter.Workbook(memory, {"in_memory": True, "strings_to_formulas": False}) as book:
        Workbook(book, decoded).fill(sheet)
    return memory.getvalue()


class Workbook:
    """Fills a workbook with what was read in a picture."""

    def __init__(self, book: xlsxwriter.Workbook, decoded: Decoded):
        self.book, self.decoded = book, decoded
        framed = {"border": 1, "border_color": FRAME}
        self.sure = book.add_format(framed)
        self.doubtful = book.add_format({"bg_color": DOUBTFUL} | framed)
        self.heading = book.add_format({"bold": True, "bg_color": HEADING})

    def fill(self, sheet: Sheet) -> None:
        """Write all pages."""
        self._tables(sheet)
        self._cells(sheet)
        self._left_out(sheet)

    def _tables(self, sheet: Sheet) -> None:
        page = self.book.add_worksheet("Sheet")
        widest = max((table.columns for table in sheet.tables), default=1)
        page.set_column(0, 2 * widest, COLUMN)
        row = 0
        for number, table in enumerate(sheet.tables, 1):
            page.write_string(row, 0, f"table {number}", self.heading)
            page.write_string(row, table.columns + 1, "doubtful", self.heading)
            row += 1
            for cell in table.cells:
                there = row + cell.row, cell.column
                if cell.rows > 1 or cell.columns > 1:
                    last = there[0] + cell.rows - 1, there[1] + cell.columns - 1
                    page.merge_range(*there, *last, "", self.sure)
                self._write(page, *there, cell.text, cell.accepted)
                if not cell.accepted:
                    self._picture(page, there[0], table.columns + 1 + cell.column, cell.look)
            row += table.rows + 1
        for where, line in loose_rows(sheet):
            page.write_string(row, 0, where, self.heading)
            for column, entry in enumerate(line, 1):
                self._write(page, row, column, entry.text, entry.accepted)
                if not entry.accepted:
                    self._picture(page, row, len(line) + column, entry.look)
            row += 1

    def _cells(self, sheet: Sheet) -> None:
        page = self.book.add_worksheet("Cells")
        page.set_column(0, len(CELL_COLUMNS) - 1, COLUMN)
        page.freeze_panes(1, 0)
        for column, name in enumerate(CELL_COLUMNS):
            page.write_string(0, column, name, self.heading)
        # The doubtful ones come first.
        ordered = sorted(entries(sheet), key=lambda one: one.accepted)
        for row, entry in enumerate(ordered, 1):
            page.write_string(row, 0, entry.where)
            if entry.row:
                page.write_number(row, 1, entry.row)
                page.write_number(row, 2, entry.column)
            page.write_string(row, 3, entry.text)
            self._write(page, row, 4, entry.text, entry.accepted)
            if entry.confidence is not None:
                page.write_number(row, 5, round(entry.confidence, 4))
            page.write_boolean(row, 6, entry.accepted)
            page.write_boolean(row, 7, entry.corrected)
            self._picture(page, row, 8, entry.look)

    def _left_out(self, sheet: Sheet) -> None:
        page = self.book.add_worksheet("Left out")
        page.set_column(0, 0, 3 * COLUMN)
        page.write_string(0, 0, "reason", self.heading)
        page.write_string(0, 1, "picture", self.heading)
        for row, left in enumerate(sheet.left_out, 1):
            page.write_string(row, 0, left.reason)
            self._picture(page, row, 1, left.box)

    def _write(self, page: Worksheet, row: int, column: int, text: str, accepted: bool) -> None:
        style: Format = self.sure if accepted else self.doubtful
        value = value_of(text)
        if not text:
            page.write_blank(row, column, None, style)
        elif value is None or _loses_digits(text):
            page.write_string(row, column, text, style)
            page.write_comment(row, column, AMBIGUOUS if value is None else CHANGED)
        else:
            page.write_number(row, column, value, style)

    def _picture(self, page: Worksheet, row: int, column: int, box: Box) -> None:
        image = crop(self.decoded, box)
        scale = PICTURE_HEIGHT / image.shape[0]
        page.set_row_pixels(row, PICTURE_HEIGHT + 2)
        page.insert_image(
            row,
            column,
            "cell.png",
            {
                "image_data": io.BytesIO(cv2.imencode(".png", image)[1].tobytes()),
                "x_scale": scale,
                "y_scale": scale,
                "x_offset": 1,
                "y_offset": 1,
                "object_position": 1,
                "decorative": True,
            },
        )


def crop(decoded: Decoded, box: Box) -> np.ndarray:
    """The part of a picture in a box with a little room, uint8 (H, W), reduced where it is large.

    Of a box beyond the picture's edge, it is what is nearest.
    """
    rows, columns = decoded.grey.shape
    across, down = columns / decoded.width, rows / decoded.height
    x, y, width, height = box
    left = min(max(0, int(x * across) - ROOM), columns - 1)
    top = min(max(0, int(y * down) - ROOM), rows - 1)
    right, bottom = round((x + width) * across) + ROOM, round((y + height) * down) + ROOM
    return reduce(decoded.grey[top:bottom, left:right], LARGEST)


def _loses_digits(text: str) -> bool:
    """Whether a spreadsheet would change a number's digits: leading zeros, or those of a card."""
    bare = text.removeprefix("-")
    has_zeros = len(bare) > 1 and bare[0] == "0" and bare[1].isdigit()
    return has_zeros or sum(map(str.isdigit, text)) > MOST_DIGITS


def as_csv(sheet: Sheet) -> str:
    """The tables as they stand, then the fields and lines, with an empty line between them.

    A question mark follows what is doubtful.
    """
    text = io.StringIO()
    table_writer = csv.writer(text, lineterminator="\n")
    for table in sheet.tables:
        table_writer.writerows(table.grid(told))
        text.write("\n")
    for where, line in loose_rows(sheet):
        table_writer.writerow([where, *map(told, line)])
    return text.getvalue().rstrip("\n") + "\n"


def told(one: Cell | Entry) -> str:
    """What a place says, on one line, with a question mark where that is doubtful."""
    return " ".join(one.text.split()) + ("" if one.accepted else "?")


def as_json(sheet: Sheet) -> dict:
    """All that is known of a sheet, for programs."""

    def cell(one: Cell) -> dict:
        return {
            "row": one.row,
            "column": one.column,
            "rows": one.rows,
            "columns": one.columns,
            "text": one.text,
            "written": one.written,
            "accepted": one.accepted,
            "box": list(one.box),
            "numbers": _numbers(one.numbers),
        }

    return {
        "tables": [
            {"rows": t.rows, "columns": t.columns, "cells": [cell(one) for one in t.cells]}
            for t in sheet.tables
        ],
        "fields": [cell(one) for one in sheet.fields],
        "lines": [_numbers(line) for line in sheet.lines],
        "left_out": [{"reason": one.reason, "box": list(one.box)} for one in sheet.left_out],
    }


def _numbers(numbers: list[Number] | tuple[Number, ...]) -> list[dict]:
    return [
        number.as_json() | {"printed": number.printed, "corrected": number.corrected}
        for number in numbers
    ]
