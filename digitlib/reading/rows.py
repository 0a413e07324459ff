"""What is told of a picture that was read: in words, as JSON, and as a line of a table."""

from dataclasses import asdict, dataclass

from digitlib.pixels.segmentation import Box
from digitlib.reading.numbers import MISREAD

STATUS = {"high": 0.8, "medium": 0.5, "low": 0.0}  # of a confidence above this
NO_DIGIT = "no digit was found in it"  # the error of a blank picture
COLUMNS = (
    *("file", "text", "confidence", "status", "accepted", "boxes", "truth", "error"),
    *("numbers", "probabilities", "values"),
)


@dataclass(frozen=True)
class Row:
    """What was read in one picture.

    Attributes:
        file: its name.
        text: the digits in reading order, with a space between numbers.
        confidence: that of the least certain number.
        status: ``high``, ``medium`` or ``low``; "" where nothing was read.
        accepted: whether every number reaches its model's threshold.
        boxes: (x, y, width, height) of each digit, in the picture's pixels.
        truth: the digit it shows where that is known, else None.
        error: why it was not read; "" where it was.
        numbers: each as ``Number.as_json`` tells of it; none for the images of an array or a table
            of digits, which are one digit each.
    """

    file: str
    text: str = ""
    confidence: float = 0.0
    status: str = ""
    accepted: bool = False
    boxes: tuple[Box, ...] = ()
    truth: int | None = None
    error: str = ""
    numbers: tuple[dict, ...] = ()

    @property
    def written(self) -> str:
        """Its numbers with their marks; where they are not known, its digits."""
        return " ".join(number["text"] for number in self.numbers) or self.text

    @property
    def doubt(self) -> str:
        """What keeps the reading from being accepted, in words; "" where nothing does."""
        if self.accepted or self.error:
            return ""
        if len(self.written) == 1:
            return "may be no digit"
        if len(self.numbers) == 1:
            return MISREAD
        doubtful = sum(not number["accepted"] for number in self.numbers)
        return f"{doubtful} of {len(self.numbers)} numbers {MISREAD}"

    def as_json(self) -> dict:
        """What programs are told of it: all that is known."""
        known = {name: value for name, value in asdict(self).items() if value is not None}
        return known | {"confidence": round(self.confidence, 5)}

    def cells(self) -> list:
        """As a line of a CSV table, in the order of ``COLUMNS``.

        What there is one of for each number is separated by semicolons. The value of a number that
        may be worth one thing or another is left out.
        """
        # A name that a spreadsheet would take for a formula is only text.
        name = "'" + self.file if self.file[:1] in ("=", "+", "-", "@", "\t", "\r") else self.file
        boxes = ";".join(" ".join(map(str, box)) for box in self.boxes)
        sure = "" if self.error else f"{self.confidence:.5f}"
        truth = "" if self.truth is None else self.truth
        values = [number["value"] for number in self.numbers]
        numbers = [
            ";".join(number["text"] for number in self.numbers),
            ";".join(f"{number['confidence']:.5f}" for number in self.numbers),
            ";".join("" if value is None else str(value) for value in values),
        ]
        reading = [self.text, sure, self.status, self.accepted, boxes]
        return [name, *reading, truth, self.error, *numbers]


def status(confidence: float) -> str:
    """``high`` above 0.8, ``medium`` above 0.5, else ``low``."""
    return next((name for name, above in STATUS.items() if confidence > above), "low")
