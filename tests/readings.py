"""Readings made by hand, for tests of how a reading is shown: no network has to see them so."""

import numpy as np

from digitlib.reading.models import PRETRAINED, serving_file
from digitlib.reading.numbers import Digit, Number, Reading

THRESHOLD = 0.9  # from which on a number is accepted


def number(text: str, confidence: float, left: int = 0, top: int = 20) -> Number:
    """A number whose digits are 20 pixels wide and 30 high, side by side."""
    accepted, image = confidence >= THRESHOLD, np.zeros((28, 28), np.uint8)
    probabilities = np.eye(10, dtype=np.float32)
    labels = [int(character) for character in text if character.isdigit()]
    digits = tuple(
        Digit(
            label, confidence, accepted, probabilities[label], (left + 20 * i, top, 20, 30), image
        )
        for i, label in enumerate(labels)
    )
    return Number(text, digits, confidence, accepted)


#: A line with a number that is sure and one that is doubtful, and below it a line with one digit.
READING = Reading(
    (
        (number("15.371,50", 0.97, left=10), number("1.234", 0.41, left=300)),
        (number("8", 0.99, left=10, top=100),),
    )
)


class Reader:
    """In place of a ``Recognizer``: reads the same in every picture."""

    def __init__(self, reading: Reading = READING):
        self.reading = reading
        self.file = serving_file(PRETRAINED)  # a report's canvas reads by it

    def read_digits(self, picture: object) -> Reading:
        """What it was made with."""
        return self.reading

    def classify(self, images: np.ndarray) -> np.ndarray:
        """Even probabilities, float32 (N, 10)."""
        return np.full((len(images), 10), 0.1, np.float32)
