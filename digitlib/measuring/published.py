"""What five published digit recognisers say of their own accuracy, each on data of its choosing."""

from typing import NamedTuple


class Claim(NamedTuple):
    """One system's own figure.

    Attributes:
        system: author and repository.
        network: in a few words.
        profile: the profile of this project that trains its network by its recipe.
        accuracy_percent: as it publishes it; None where it publishes none.
        measured_on: what that figure was measured on, in its words.
    """

    system: str
    network: str
    profile: str
    accuracy_percent: float | None
    measured_on: str


CLAIMS = (
    Claim(
        "AndreaBasile97/DigitsRecognition",
        "one convolution, Dense 100",
        "baseline",
        98.73,
        "last of five folds of MNIST",
    ),
    Claim(
        "TejasAntalDoon/Digit_Recognition_Model",
        "three convolutions with batch normalisation",
        "three_block",
        96.2,
        "validation part of its own pictures",
    ),
    Claim(
        "OrElimelech/handwritten_digits_recognition",
        "frozen VGG16, VGG19 or ResNet50",
        "",
        None,
        "no figure published",
    ),
    Claim(
        "Mieczmik/digit-recognizer",
        "four convolutions, Dense 256",
        "five_layer",
        99.553,
        "10 % of Kaggle's training digits, used for choosing too",
    ),
    Claim(
        "arj7192/digit-recognition-service",
        "two convolutions with local response normalisation",
        "lrn",
        None,
        "no figure published",
    ),
)
