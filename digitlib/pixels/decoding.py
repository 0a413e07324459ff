"""Decode any picture into grey levels. Everything in the project that reads pictures starts here.

`load` accepts every common file or array, and refuses everything else with a reason.
"""

import os
import warnings
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from digitlib.pixels.formats import UNKNOWN, Page, open_image
from digitlib.pixels.normalisation import reduce

MAX_PIXELS = 64_000_000  # larger pictures are refused as decompression bombs
MAX_BYTES = 500_000_000
WORKING_SIDE = 1600  # pixels; larger pictures are reduced to this on their longest side

Picture = str | os.PathLike | bytes | Page | Image.Image | np.ndarray


class PictureError(ValueError):
    """A picture that cannot be read; the message says which file it is, if it is one, and why.

    `file` is its path, "" for what is no file.
    """

    file = ""

    @property
    def reason(self) -> str:
        """Why it cannot be read, without its name."""
        return super().__str__()

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}" if self.file else self.reason


class Decoded(NamedTuple):
    """A decoded picture: `grey` uint8 (h, w), and the `width` and `height` it had before."""

    grey: np.ndarray
    width: int
    height: int


def load(picture: Picture) -> Decoded:
    """Decode a picture into grey levels, at most `WORKING_SIDE` pixels on its longest side.

    `picture` is the path of a file, the bytes of one, a `Page`, a PIL image, or an array (H, W),
    (H, W, 3) or (H, W, 4). An array is uint8, or has other real numbers, which are stretched so
    that they cover 0 to 255. EXIF rotation is applied. An animation gives its first frame, and a
    file of several pages its first page. Raises `PictureError`.
    """
    file = picture.file if isinstance(picture, Page) else picture
    try:
        if isinstance(picture, np.ndarray):
            pixels, width, height = _check_array(picture), picture.shape[1], picture.shape[0]
        else:
            pixels, width, height = _decode(picture)
    except PictureError as fault:
        fault.file = os.fspath(file) if isinstance(file, str | os.PathLike) else ""
        raise
    return Decoded(reduce(_to_grey(pixels), WORKING_SIDE), width, height)


def _check_array(array: np.ndarray) -> np.ndarray:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise PictureError(
            f"an array of shape {array.shape} is no picture: (H, W), (H, W, 3) or (H, W, 4)"
        )
    _check_size(array.shape[1], array.shape[0])
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if array.dtype.kind not in "buif":
        raise PictureError(f"an array of {array.dtype} is no picture")
    return _stretch(array)


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise PictureError(f"{width} x {height} pixels is too large: the limit is {MAX_PIXELS:,}")
    if width == 0 or height == 0:
        raise PictureError("the picture has no pixels")


def _stretch(array: np.ndarray) -> np.ndarray:
    """Real numbers as uint8, stretched so that they cover 0 to 255.

    What is infinite becomes brightest or darkest, and what is not a number becomes darkest.
    """
    values = array.astype(np.float64)
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return np.zeros(array.shape, np.uint8)
    low, high = float(finite.min()), float(finite.max())
    values = np.nan_to_num(values, nan=low, posinf=high, neginf=low) / 2 - low / 2
    return np.rint(values * (255 / (high / 2 - low / 2 or 1))).astype(np.uint8)


def _decode(picture: str | os.PathLike | bytes | Page | Image.Image) -> tuple[np.ndarray, int, int]:
    """Pixels (h, w), (h, w, 3) or (h, w, 4) of a file or image, and its width and height."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about oddities that it can decode
        try:
            if isinstance(picture, Image.Image):
                image = picture
            else:
                file, page = picture if isinstance(picture, Page) else (picture, 0)
                image = open_image(_read(file), page)
            _check_size(*image.size)
            orientation = image.getexif().get(0x0112, 1)
            width, height = image.size[::-1] if orientation in (5, 6, 7, 8) else image.size
            if image is not picture:  # a large JPEG is decoded smaller; a given image is unchanged
                enough = WORKING_SIDE / max(image.size)
                image.draft(None, (round(image.width * enough), round(image.height * enough)))
            return _pixels(ImageOps.exif_transpose(image)), width, height
        except PictureError:
            raise
        except Image.DecompressionBombError as error:
            raise PictureError(f"the picture is too large: {error}") from error
        except UnidentifiedImageError as error:
            raise PictureError(UNKNOWN) from error
        except Exception as error:  # decoders raise whatever a damaged file makes them raise
            raise PictureError(f"the picture cannot be decoded: {error}") from error


def _read(source: str | os.PathLike | bytes) -> bytes:
    if isinstance(source, str | os.PathLike):
        if os.path.isdir(source):
            raise PictureError("a folder; digitlib.reading.batch.predict reads all that is in it")
        if not os.path.isfile(source):
            raise PictureError("no such file")
        if os.path.getsize(source) > MAX_BYTES:
            raise PictureError("the file is too large")
        source = Path(source).read_bytes()
    if not isinstance(source, bytes | bytearray | memoryview):
        raise PictureError(f"a {type(source).__name__} is no picture: path, bytes, image or array")
    if not source:
        raise PictureError("the picture is empty: zero bytes")
    return source


def _pixels(image: Image.Image) -> np.ndarray:
    if image.mode.startswith(("I", "F")):
        return _stretch(np.asarray(image))
    colour = "RGBA" if image.has_transparency_data else "RGB"
    return np.asarray(image.convert("L" if image.mode in ("1", "L") else colour))


def _to_grey(pixels: np.ndarray) -> np.ndarray:
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        return pixels.reshape(pixels.shape[:2])
    return _project_colour(_composite(pixels) if pixels.shape[2] == 4 else pixels)


def _composite(pixels: np.ndarray) -> np.ndarray:
    """Lay a transparent picture (H, W, 4) on white, or on black where it has a few bright strokes.

    Returns uint8 (H, W, 3).
    """
    colour, alpha = pixels[..., :3].astype(np.float32), pixels[..., 3:].astype(np.float32) / 255
    opaque = float(alpha.mean())
    bright = float((colour * alpha).mean()) > 128 * opaque
    paper = 0 if 0 < opaque < 0.5 and bright else 255
    return (colour * alpha + paper * (1 - alpha) + 0.5).astype(np.uint8)


def _project_colour(pixels: np.ndarray) -> np.ndarray:
    """Grey along the colour direction in which neighbouring pixels differ most.

    Luminance hides red ink on green paper, and weakens yellow ink. Here, ink of any colour keeps
    its contrast on paper of any colour. The direction is the leading eigenvector of the colour
    gradient's covariance (Di Zenzo 1986).
    """
    small = reduce(pixels, 256).astype(np.float32)
    steps = np.concatenate([np.diff(small, axis=axis).reshape(-1, 3) for axis in (0, 1)])
    if not steps.any():
        return pixels[..., 0].copy()
    axis = np.linalg.eigh(steps.T @ steps)[1][:, -1]
    axis *= np.sign(axis.sum()) or 1.0
    reach = np.abs(axis).sum()
    offset = -255 * axis[axis < 0].sum() / reach
    return cv2.transform(pixels, np.append(axis / reach, offset)[None].astype(np.float32))
