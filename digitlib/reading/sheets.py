"""What was read on a sheet: tables and boxes cell by cell, and lines of writing beside them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from digitlib.pixels.segmentation import Box
from digitlib.reading.numbers import Number, Reading, around

SAME_ROW = 0.4  # share of the lower one's height that two things beside each other have in common


@dataclass(frozen=True)
class Cell:
    """One cell of a table, or a box.

    Attributes:
        row, column: where it is in its table, from 0.
        rows, columns: over how many it reaches.
        box: (x, y, width, height) in the picture's pixels.
        lines: the numbers in it, line by line.
        written: whether there is handwriting in it, be it read or not.
    """

    row: int
    column: int
    rows: int
    columns: int
    box: Box
    lines: tuple[tuple[Number, ...], ...]
    written: bool

    @property
    def numbers(self) -> list[Number]:
        """Its numbers; none where a person said that nothing stands there."""
        return [number for line in self.lines for number in line if number.text]

    @property
    def look(self) -> Box:
        """The part of it that was read; all of it where there is no number."""
        return around(number.box for number in self.numbers) if self.numbers else self.box

    @property
    def text(self) -> str:
        """What it says, "" for nothing; numbers are separated by spaces, lines by line feeds."""
        return "\n".join(" ".join(number.text for number in line) for line in self.lines)

    @property
    def accepted(self) -> bool:
        """Whether it is empty, or all that is written in it is read and accepted."""
        numbers = self.numbers
        known = numbers or self.corrected or not self.written
        return bool(known) and all(one.accepted for one in numbers)

    @property
    def corrected(self) -> bool:
        """Whether a person said what stands in it."""
        return any(number.corrected for line in self.lines for number in line)


@dataclass(frozen=True)
class Table:
    """Cells in several rows or columns, whose lines are joined.

    Attributes:
        rows, columns: how many there are.
        cells: row by row; a cell that reaches over several is there once.
    """

    rows: int
    columns: int
    cells: tuple[Cell, ...]

    def grid(self, told: Callable[[Cell], str]) -> list[list[str]]:
        """Its rows, with what is told of each cell in the cell's first row and column."""
        rows = [[""] * self.columns for _ in range(self.rows)]
        for cell in self.cells:
            rows[cell.row][cell.column] = told(cell)
        return rows

    @property
    def box(self) -> Box:
        """The box around it, (x, y, width, height) in the picture's pixels."""
        return around(cell.box for cell in self.cells)


@dataclass(frozen=True)
class LeftOut:
    """Ink in which nothing was read, with the reason; `box` is in the picture's pixels."""

    reason: str
    box: Box


@dataclass(frozen=True)
class Sheet:
    """A sheet.

    Attributes:
        tables: those with several rows or columns, in reading order.
        fields: numbers in a frame, or with a box for each digit, in reading order.
        lines: the numbers of each line of writing outside tables and fields.
        left_out: ink in which nothing was read.
    """

    tables: tuple[Table, ...] = ()
    fields: tuple[Cell, ...] = ()
    lines: tuple[tuple[Number, ...], ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def cells(self) -> list[Cell]:
        """All cells of tables, and the fields."""
        return [cell for table in self.tables for cell in table.cells] + list(self.fields)

    def corrected(self, box: Box, text: str) -> "Sheet":
        """The sheet after a person has said what stands in a box, "" for nothing.

        The box is that of a cell, or of a number in a line. What is said there is one number, and
        accepted.

        Raises:
            ValueError: for a box in which nothing stands.
        """
        boxes = [cell.box for cell in self.cells] + [n.box for line in self.lines for n in line]
        if box not in boxes:
            raise ValueError(f"there is no cell and no number in {box}: give the box of one")
        said = Number(text, (), 1.0, True, place=box)

        def cell(one: Cell) -> Cell:
            return replace(one, lines=((said,),)) if one.box == box else one

        return replace(
            self,
            tables=tuple(replace(t, cells=tuple(map(cell, t.cells))) for t in self.tables),
            fields=tuple(map(cell, self.fields)),
            lines=tuple(tuple(said if n.box == box else n for n in line) for line in self.lines),
        )

    @property
    def reading(self) -> Reading:
        """All its numbers in reading order, line by line; rows of a table are lines."""
        loose = [*(line for cell in self.fields for line in cell.lines), *self.lines]
        blocks: list[tuple[Box, list[tuple[Number, ...]]]] = [
            (around(number.box for number in row), [row]) for row in in_rows(loose)
        ]
        for table in self.tables:
            lines = [
                tuple(n for cell in table.cells if cell.row == row for n in cell.numbers)
                for row in range(table.rows)
            ]
            blocks.append((table.box, [line for line in lines if line]))
        blocks.sort(key=lambda block: block[0][1] + block[0][3] / 2)
        rows = (tuple(one for one in line if one.text) for _, lines in blocks for line in lines)
        return Reading(tuple(row for row in rows if row))


def in_rows(lines: Sequence[tuple[Number, ...]]) -> list[tuple[Number, ...]]:
    """Lines with those joined that stand beside each other, from top to bottom."""
    rows: list[list[tuple[Number, ...]]] = []
    boxes = {id(line): around(number.box for number in line) for line in lines}
    for line in sorted(lines, key=lambda line: boxes[id(line)][0]):
        for row in rows:
            if _beside(boxes[id(line)], boxes[id(row[-1])]):
                row.append(line)
                break
        else:
            rows.append([line])
    joined = [tuple(number for line in row for number in line) for row in rows]
    middles = [np.mean([number.box[1] + number.box[3] / 2 for number in row]) for row in joined]
    return [joined[i] for i in np.argsort(middles)]


def _beside(one: Box, last: Box) -> bool:
    shared = min(one[1] + one[3], last[1] + last[3]) - max(one[1], last[1])
    return shared >= SAME_ROW * min(one[3], last[3]) and one[0] >= last[0] + last[2] / 2
