"""What five published digit recognisers say of their own accuracy, each on data of its choosing."""

from typing import NamedTuple


class Claim(NamedTuple):
    """One system's own figure.

    Attributes:
        name: author and repository.
        accuracy_percent: as it publishes it; None where it publishes none.
        measured_on: what that figure was measured on, in its words.
    """

    name: str
    accuracy_percent: float | None
    measured_on: str


CLAIMS = (
    Claim("AndreaBasile97/DigitsRecognition", 98.73, "last of five folds of MNIST"),
    Claim("TejasAntalDoon/Digit_Recognition_Model", 96.2, "validation part of its own pictures"),
    Claim("OrElimelech/handwritten_digits_recognition", None, "no figure published"),
    Claim(
        "Mieczmik/digit-recognizer",
        99.553,
        "10 % of Kaggle's training digits, used for choosing too",
    ),
    Claim("arj7192/digit-recognition-service", None, "no figure published"),
)
