"""The preprocessing of published systems, to be compared with this project's.

Each function does what the named file of the system does, in code of its own. It takes any picture
that ``pixels.decoding`` takes, and gives the uint8 (28, 28) that the system's network would see.
One network reads behind all of them, so a difference in accuracy is due to preprocessing alone.
"""

from collections.abc import Callable, Iterable

import cv2
import numpy as np
from PIL import Image

from digitlib.pixels.decoding import Picture, load
from digitlib.pixels.normalisation import SIDE
from digitlib.pixels.segmentation import normalise


def shrunk_smoothly(picture: Picture) -> np.ndarray:
    """Grey, reduced to 28×28 by a bicubic filter. Dark ink stays dark.

    As AndreaBasile97/DigitsRecognition (src/digits_recognition_api.py).
    """
    return np.asarray(_grey(picture).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def shrunk_coarsely(picture: Picture) -> np.ndarray:
    """Grey, reduced to 28×28 by interpolating at 28×28 points. Dark ink stays dark.

    As TejasAntalDoon/Digit_Recognition_Model (napp.py).
    """
    return cv2.resize(np.asarray(_grey(picture)), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)


def shrunk_inverted(picture: Picture) -> np.ndarray:
    """Grey, reduced to 28×28 and inverted.

    A picture of 28×28 is only stretched to full contrast.

    As arj7192/digit-recognition-service (api.py).
    """
    grey = _grey(picture)
    if grey.size != (SIDE, SIDE):
        return 255 - np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    pixels = np.asarray(grey).astype(np.float32) - grey.getextrema()[0]
    return np.rint(pixels * (255 / max(float(pixels.max()), 1))).astype(np.uint8)


def boxed(picture: Picture) -> np.ndarray:
    """The dark shapes, inverted, 22 pixels on their longest side, in black and white.

    As Mieczmik/digit-recognizer (process_image.py), which reads each dark shape by itself. Here
    all shapes of more than ten pixels are one digit. Without any, the image is all zeros.
    """
    grey = np.asarray(_grey(picture))
    dark = np.pad(grey <= 127, 1).view(np.uint8)
    contours, _ = cv2.findContours(dark, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    found = map(cv2.boundingRect, contours)
    boxes = [(x, y, x + w, y + h) for x, y, w, h in found if w > 10 and h > 10]
    image = np.zeros((SIDE, SIDE), np.uint8)
    if not boxes:
        return image
    (left, top), (right, bottom) = np.min(boxes, axis=0)[:2] - 1, np.max(boxes, axis=0)[2:] - 1
    digit = 255 - grey[top:bottom, left:right]
    scale = 22 / max(digit.shape)
    width, height = (max(1, round(side * scale)) for side in digit.shape[::-1])
    digit = cv2.resize(digit, (width, height), interpolation=cv2.INTER_LINEAR)
    x, y = (SIDE - width + 1) // 2, (SIDE - height + 1) // 2
    image[y : y + height, x : x + width] = np.where(digit > 127, 255, 0)
    return image


OWN = "this project"
# The names are those that tables and figures show.
PREPROCESSING: dict[str, Callable[[Picture], np.ndarray]] = {
    "A · shrunk": shrunk_smoothly,
    "B · shrunk coarsely": shrunk_coarsely,
    "D · boxed": boxed,
    "E · shrunk, inverted": shrunk_inverted,
    OWN: normalise,
}


def prepared(pictures: Iterable[Picture], name: str) -> np.ndarray:
    """Pictures as one of ``PREPROCESSING`` prepares them: uint8 (N, 28, 28).

    Raises:
        PictureError: for what is no picture.
    """
    images = [PREPROCESSING[name](picture) for picture in pictures]
    return np.array(images, np.uint8).reshape(-1, SIDE, SIDE)


def _grey(picture: Picture) -> Image.Image:
    """Luminance (ITU-R BT.601) of an image or an array; of a file, what ``load`` gives."""
    if isinstance(picture, np.ndarray) and picture.ndim == 3 and picture.shape[2] == 3:
        return Image.fromarray(picture).convert("L")
    if isinstance(picture, Image.Image):
        return picture.convert("L")
    return Image.fromarray(load(picture).grey)
