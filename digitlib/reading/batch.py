"""Many pictures, one after the other: a row for each, and a bad one is a row that says why."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from digitlib.reading.pictures import Picture, PictureError
from digitlib.reading.recognizer import Digit, Recognizer

STATUS = {"high": 0.8, "medium": 0.5, "low": 0.0}  # of a confidence above this


class Row(NamedTuple):
    """What was read in one picture; ``confidence`` is that of its least certain digit."""

    file: str
    text: str
    confidence: float
    status: str
    accepted: bool
    digits: list[Digit]
    error: str


def status(confidence: float) -> str:
    """``high`` above 0.8, ``medium`` above 0.5, else ``low``."""
    return next((name for name, above in STATUS.items() if confidence > above), "low")


def read_pictures(recognizer: Recognizer, pictures: Iterable[tuple[str, Picture]]) -> Iterator[Row]:
    """Read named pictures; one that cannot be read gives a row with its ``error``."""
    for name, picture in pictures:
        try:
            reading = recognizer.read_digits(picture)
        except PictureError as fault:
            yield Row(name, "", 0.0, "", False, [], str(fault))
            continue
        digits = reading.digits
        if not digits:
            yield Row(name, "", 0.0, "", False, [], "there is no ink to read")
            continue
        confidence = min(digit.confidence for digit in digits)
        accepted = all(digit.accepted for digit in digits)
        yield Row(name, reading.text, confidence, status(confidence), accepted, digits, "")
