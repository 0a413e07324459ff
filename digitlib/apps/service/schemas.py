"""The JSON that the HTTP service takes and gives."""

from pydantic import BaseModel

from digitlib.pixels.decoding import PictureError
from digitlib.reading.numbers import Digit, Reading
from digitlib.reading.rows import NO_DIGIT


class Fault(BaseModel):
    """Why a request was not answered."""

    error: str


class FoundDigit(BaseModel):
    """One of several digits in a picture."""

    label: int
    confidence: float
    accepted: bool
    probabilities: list[float]
    box: list[int]


class FoundNumber(BaseModel):
    """One of the numbers in a picture.

    ``text`` is as it is written, ``value`` what it is worth, null where that is ambiguous, and
    ``confidence`` the probability that all its digits are right.
    """

    text: str
    value: int | float | None
    confidence: float
    accepted: bool
    box: list[int]


class OneDigit(BaseModel):
    """A picture read as one digit; the first two keys are for clients of another service.

    ``numbers`` is what the picture says when it is not taken for one digit, and ``warning`` tells
    where that is more than one.
    """

    predicted_label: int
    class_labels: list[int]
    confidence: float
    accepted: bool
    probabilities: list[float]
    box: list[int]
    numbers: list[FoundNumber]
    warning: str | None


class ManyDigits(BaseModel):
    """The digits of a picture and the numbers they make up, in reading order.

    ``text`` has the digits alone, a line for each line of them, with spaces between numbers.
    """

    text: str
    digits: list[FoundDigit]
    numbers: list[FoundNumber]


class BatchResult(BaseModel):
    """One of many pictures, or pages: what it says, or why it could not be read.

    ``file`` is its name, with ``#page=2`` after it in a file of several.
    """

    file: str
    text: str | None = None
    digits: list[FoundDigit] = []
    numbers: list[FoundNumber] = []
    error: str | None = None


class Batch(BaseModel):
    """A result for each picture, in the order they were sent."""

    results: list[BatchResult]


class SheetNumber(FoundNumber):
    """A number on a sheet; ``printed`` tells whether it is in type, the rest is as elsewhere."""

    printed: bool
    corrected: bool


class SheetCell(BaseModel):
    """A cell of a table, or a field.

    ``row`` and ``column`` count from 0; ``rows`` and ``columns`` are how many it reaches over.
    ``written`` tells whether there is handwriting in it, be it read or not.
    """

    row: int
    column: int
    rows: int
    columns: int
    text: str
    written: bool
    accepted: bool
    box: list[int]
    numbers: list[SheetNumber]


class SheetTable(BaseModel):
    """A table, its cells row by row; a cell that reaches over several is there once."""

    rows: int
    columns: int
    cells: list[SheetCell]


class InkLeftOut(BaseModel):
    """Ink in which nothing was read."""

    reason: str
    box: list[int]


class WholeSheet(BaseModel):
    """The tables of a sheet, its fields, the numbers of its lines, and what was left out."""

    tables: list[SheetTable]
    fields: list[SheetCell]
    lines: list[list[SheetNumber]]
    left_out: list[InkLeftOut]


class Choice(BaseModel):
    """The name of a model, one of those that GET /models lists."""

    name: str


def one_digit(digit: Digit, reading: Reading) -> dict:
    """The fields of ``OneDigit``. Raises PictureError for a picture without ink."""
    if digit.label is None:
        raise PictureError(NO_DIGIT)
    found, several = digit.as_json(), len(reading.digits)
    numbers = [number.as_json() for number in reading.numbers]
    warning = f"this picture has {several} digits; ask with multi=true" if several > 1 else None
    return (
        {"predicted_label": found.pop("label"), "class_labels": list(range(10))}
        | found
        | {"numbers": numbers, "warning": warning}
    )


def many_digits(reading: Reading) -> dict:
    """The fields of ``ManyDigits``. Raises PictureError for a picture without digits."""
    if not reading.digits:
        raise PictureError(NO_DIGIT)
    return {
        "text": reading.text,
        "digits": [digit.as_json() for digit in reading.digits],
        "numbers": [number.as_json() for number in reading.numbers],
    }


def one_of_many(said: Reading | str) -> dict:
    """The fields of ``BatchResult``, but for the name: what it says, or why it cannot be read."""
    try:
        return {"error": said} if isinstance(said, str) else many_digits(said)
    except PictureError as fault:
        return {"error": str(fault)}
