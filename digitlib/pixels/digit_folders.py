"""Digits in folders: pictures of any size in folders 0 to 9, which say what they show."""

from pathlib import Path

import numpy as np

from digitlib.pixels.decoding import Picture, PictureError
from digitlib.pixels.digit_files import DataError
from digitlib.pixels.formats import NO_PICTURE, is_picture, page_name, page_of, pages_of
from digitlib.pixels.segmentation import normalise

NO_INK = "there is no ink in it"


def read_folder(folder: Path) -> tuple[np.ndarray, np.ndarray, list[tuple[str, str]]]:
    """The digits that pictures in `folder`/0 … 9 show; each page of a file is a picture.

    Returns images uint8 (N, 28, 28), labels uint8 (N,), and (name, reason) of what is left out.
    Raises `DataError` where a digit has no picture.
    """
    images: list[np.ndarray] = []
    labels: list[int] = []
    left_out = [
        (other.name, "it is in none of the folders 0 to 9")
        for other in _visible(folder)
        if other.name not in {*"0123456789"}
    ]
    for digit in range(10):
        used = len(images)
        for file in _visible(folder / str(digit)):
            for page in pages_of(file):
                try:
                    images.append(_digit_in(page_of(file, page), file))
                    labels.append(digit)
                except PictureError as fault:
                    left_out.append((f"{digit}/{file.name}{page_name(page)}", fault.reason))
        if len(images) == used:
            reason = f"; left out: {left_out[-1][0]}: {left_out[-1][1]}" if left_out else ""
            raise DataError(f"{folder / str(digit)}: no pictures of digit {digit} here{reason}")
    return np.stack(images), np.array(labels, np.uint8), left_out


def _digit_in(picture: Picture, file: Path) -> np.ndarray:
    """The digit that a picture shows, uint8 (28, 28). Raises `PictureError` where there is none."""
    if not is_picture(file):
        raise PictureError(NO_PICTURE)
    image = normalise(picture)
    if not image.any():
        raise PictureError(NO_INK)
    return image


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if not path.name.startswith("."))
