"""Read a sheet: what is in its tables, boxes and lines, and what was left out."""

import math
import statistics
from collections.abc import Callable
from dataclasses import replace

from digitlib.pixels.decoding import Decoded
from digitlib.pixels.grids import is_for_digits
from digitlib.pixels.layout import Place, find_layout, plain_lines
from digitlib.pixels.lines import LineImage, box_of
from digitlib.pixels.segmentation import Box
from digitlib.pixels.straighten import View
from digitlib.reading.marker import Marker
from digitlib.reading.numbers import Number, around
from digitlib.reading.sheets import Cell, LeftOut, Sheet, Table, in_rows

FILLED = 3  # cells with a number, and sure numbers beside them; so many are no mistake
CELLS = 6  # of an empty table; so many are no mistake
ONE_LINE = 0.2  # share of the height of all writing that the highest line of one line has
MOST_WORK = 600_000  # pixels; width of all lines together that are read of one picture
EACH = 100  # pixels that could be read in the time that a line takes beside its width
NO_NUMBER = "no number was found in it"
TOO_MUCH = "more writing than is read of one picture: cut that into several"

Line = tuple[Number, ...]


class SheetReader:
    """Reads a sheet.

    Args:
        marker: tells what is written, printed and ruled.
        read_line: reads a line that was found on a sheet.
        probabilities: how probable it is that a line says these digits or those, by images of it.
        threshold: the least confidence of a number that is accepted.
    """

    def __init__(
        self,
        marker: Marker,
        read_line: Callable[[LineImage], list[Number]],
        probabilities: Callable[[list[LineImage], list[str]], list[float]],
        threshold: float,
    ):
        self.marker, self.threshold = marker, threshold
        self._read_line, self._probabilities = read_line, probabilities
        self._work_left = MOST_WORK

    def read(self, decoded: Decoded) -> Sheet:
        """Read a picture.

        Where no table is found, and what is read is doubtful, the picture is also read as if all
        dark ink on it were writing, and as one line where its ink may be one. The most certain
        reading is believed.
        """
        layout = find_layout(decoded, self.marker.mark(decoded.grey))
        tables: list[Table] = []
        fields: list[Cell] = []
        left_out = [LeftOut(*found) for found in layout.left_out]
        filled = 0
        for block in layout.blocks:
            grid = block.grid
            cells = [self._cell(place, layout.view, left_out) for place in block.places]
            filled += sum(bool(cell.numbers) for cell in cells)
            if is_for_digits(grid):
                row = self._read_line(block.whole) if block.whole is not None else []
                field = _joined(cells, row, self.threshold)
                if block.is_cut or any(map(_is_in_doubt, block.places, cells)):
                    field = replace(field, lines=tuple(map(_doubted, field.lines)))
                fields.append(field)
            elif len(cells) == 1:
                fields.append(cells[0])
            else:
                tables.append(Table(grid.rows, grid.columns, tuple(cells)))
        found = self._lines(layout.lines, left_out)
        sheet = Sheet(tuple(tables), tuple(fields), tuple(in_rows(found)), tuple(left_out))
        sure = [one for row in sheet.lines for one in row if one.accepted and len(one.digits) > 1]
        filled += len(sure)
        is_empty = not sheet.reading.numbers and any(len(one.cells) >= CELLS for one in tables)
        is_sure = sheet.reading.accepted or filled >= FILLED or is_empty
        if is_sure and layout.is_understood:
            return sheet
        lines, whole = plain_lines(decoded)
        is_line = _is_one_line([box_of(image) for image in layout.lines or lines])
        if not is_line and layout.is_understood:
            return sheet
        ways = []
        if layout.is_understood:
            ways.append((sheet, [] if layout.blocks else layout.lines))
        for images in (lines, [whole] if whole is not None else []):
            left_out = []
            rows = in_rows(self._lines(images, left_out))
            ways.append((Sheet(lines=tuple(rows), left_out=tuple(left_out)), images))
        return self._surest(ways)

    def _surest(self, ways: list[tuple[Sheet, list[LineImage]]]) -> Sheet:
        """The most certain of several readings of a picture, each with the lines that it is of.

        Where several are of a single line, all are judged by the images of it. Of those with the
        same digits the last one counts, which has lost the fewest marks.
        """
        best = max((sheet for sheet, _ in ways), key=_certainty)
        images = [images[0] for _, images in ways if len(images) == 1]
        if len(images) < 2 or len(_digits(best.reading.numbers)) < 2:
            return best
        sheets = [sheet for sheet, _ in ways[::-1] if sheet.reading.numbers]
        sure = self._probabilities(images, [_digits(one.reading.numbers) for one in sheets])
        best, confidence = max(zip(sheets, sure, strict=True), key=lambda one: one[1])
        if best.cells or len(best.reading.numbers) > 1:
            return best
        [number] = best.reading.numbers
        accepted = confidence >= self.threshold and not any(any(image.cut_ends) for image in images)
        number = replace(number, confidence=confidence, accepted=accepted)
        return replace(best, lines=((number,),))

    def _cell(self, place: Place, view: View, left_out: list[LeftOut]) -> Cell:
        box = place.box
        lines = self._lines(place.lines, left_out)
        lines = tuple(
            line if place.is_clear and len(line) == 1 else _doubted(line) for line in lines
        )
        frame = view.box(box.outline)
        written = not place.is_clear or any(not line.printed for line in place.lines)
        return Cell(box.row, box.column, box.rows, box.columns, frame, lines, written)

    def _lines(self, images: list[LineImage], left_out: list[LeftOut]) -> tuple[Line, ...]:
        """The numbers of lines; a line without any is left out."""
        found: list[Line] = []
        for image in images:
            self._work_left -= image.absorbed.shape[1] + EACH
            numbers = self._read_line(image) if self._work_left >= 0 else []
            if numbers:
                found.append(tuple(numbers))
            else:
                reason = NO_NUMBER if self._work_left >= 0 else TOO_MUCH
                left_out.append(LeftOut(reason, box_of(image)))
        return tuple(found)


def _doubted(line: Line) -> Line:
    """A line of a cell with none of its numbers accepted.

    Several numbers are more likely one, with a wide gap or a misread sign in it. Where a shape may
    belong to another cell, a digit may be missing, or one too many.
    """
    return tuple(replace(one, accepted=False) for one in line)


def _is_in_doubt(place: Place, cell: Cell) -> bool:
    """Whether a box for one digit may hold another digit than was read there, or one not read."""
    return not place.is_clear or (bool(place.lines) and not cell.numbers)


def _joined(cells: list[Cell], whole: list[Number], threshold: float) -> Cell:
    """Boxes for one digit each, as one that holds the numbers that their digits make up.

    An empty box between others ends a number, whose probability is the product of its digits'.
    The `whole` row, which was read as one line, tells the marks between them if it has the same
    digits; the surer reading counts.
    """
    numbers: list[Number] = []
    open_number: list[Number] = []
    for cell in [*cells, None]:
        if cell is not None and cell.numbers:
            open_number += cell.numbers
        elif open_number:
            digits = tuple(digit for one in open_number for digit in one.digits)
            sure = math.prod(one.confidence for one in open_number)
            text = "".join(one.text for one in open_number)
            printed = all(one.printed for one in open_number)
            accepted = sure >= threshold and all(one.accepted for one in open_number)
            numbers.append(Number(text, digits, sure, accepted, printed))
            open_number = []
    if whole and _digits(whole) == _digits(numbers):
        joined = math.prod(one.confidence for one in numbers)
        best = [max(one.confidence, joined) for one in whole]
        numbers = [
            replace(one, confidence=sure, accepted=sure >= threshold)
            for one, sure in zip(whole, best, strict=True)
        ]
    written = any(cell.written for cell in cells)
    lines = (tuple(numbers),) if numbers else ()
    return Cell(0, 0, 1, 1, around(cell.box for cell in cells), lines, written)


def _digits(numbers: list[Number]) -> str:
    return "".join(str(digit.label) for number in numbers for digit in number.digits)


def _is_one_line(boxes: list[Box]) -> bool:
    """Whether what is written in boxes (x, y, width, height) may be a single line."""
    return not boxes or max(box[3] for box in boxes) >= ONE_LINE * around(boxes)[3]


def _certainty(sheet: Sheet) -> float:
    """How certain the numbers of a sheet are: the geometric mean of their confidences."""
    sure = [number.confidence for number in sheet.reading.numbers]
    return statistics.geometric_mean(sure) if sure else 0.0
