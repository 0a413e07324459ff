"""Decode any picture into grey levels. Everything in the project that reads pictures starts here.

`load` accepts every common file or array, and refuses everything else with a reason.
"""

import contextlib
import io
import os
import warnings
from functools import partial
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from digitlib.pixels.formats import UNKNOWN, Page, open_image
from digitlib.pixels.grey import WORKING_SIDE, Pixels, grey_levels

MAX_PIXELS = 64_000_000  # larger pictures are refused as decompression bombs
# Fewer where a decoder needs several times their memory, by format or mode.
MOST_PIXELS = {
    **{"AVIF": 50_000_000, "HEIF": 50_000_000, "CMYK": 50_000_000},
    **{"WEBP": 25_000_000, "JPEG2000": 25_000_000},
}
MAX_BYTES = 500_000_000
ORIENTATION = 0x0112  # the EXIF tag that says how a camera was held
SIDEWAYS = (5, 6, 7, 8)  # its values for a picture that lies on its side
# By its value: about which axes the pixels are mirrored, after rows and columns were exchanged.
MIRRORED = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}

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
        return _of_array(picture) if isinstance(picture, np.ndarray) else _decode(picture)
    except PictureError as fault:
        fault.file = os.fspath(file) if isinstance(file, str | os.PathLike) else ""
        raise


def _of_array(array: np.ndarray) -> Decoded:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise PictureError(
            f"an array of shape {array.shape} is no picture: (H, W), (H, W, 3) or (H, W, 4)"
        )
    height, width = array.shape[:2]
    _check_size(width, height)
    if array.dtype.kind not in "buif":
        raise PictureError(f"an array of {array.dtype} is no picture")
    if array.shape[2:] == (1,):
        array = array[..., 0]
    pixels = Pixels(height, width, lambda top, bottom: np.ascontiguousarray(array[top:bottom]))
    return Decoded(grey_levels(pixels), width, height)


def _check_size(width: int, height: int, most: int = MAX_PIXELS) -> None:
    if width * height > most:
        raise PictureError(f"{width} x {height} pixels is too large: the limit is {most:,}")
    if width == 0 or height == 0:
        raise PictureError("the picture has no pixels")


def _decode(picture: str | os.PathLike | bytes | Page | Image.Image) -> Decoded:
    with warnings.catch_warnings(), contextlib.ExitStack() as stack:
        warnings.simplefilter("ignore")  # Pillow warns about oddities that it can decode
        try:
            if isinstance(picture, Image.Image):
                image = picture
            else:
                file, page = picture if isinstance(picture, Page) else (picture, 0)
                image = open_image(stack.enter_context(_opened(file)), page)
            width, height = image.size
            kinds = image.format or "", image.mode
            most = min(MOST_PIXELS.get(kind, MAX_PIXELS) for kind in kinds)
            _check_size(width, height, most)
            if image is not picture:  # a large JPEG is decoded smaller; a given image is unchanged
                enough = WORKING_SIDE / max(width, height)
                image.draft(None, (round(width * enough), round(height * enough)))
            image.load()
            turn = image.getexif().get(ORIENTATION, 1)  # Pillow has turned a TIFF by now
            grey = grey_levels(Pixels(image.height, image.width, partial(_rows, image)))
        except PictureError:
            raise
        except Image.DecompressionBombError as error:
            raise PictureError(f"it is too large: the limit is {MAX_PIXELS:,} pixels") from error
        except UnidentifiedImageError as error:
            raise PictureError(UNKNOWN) from error
        except ModuleNotFoundError as error:
            raise PictureError(str(error)) from error
        except PermissionError as error:
            raise PictureError("permission to read it is denied") from error
        except MemoryError as error:
            raise PictureError("decoding it takes more memory than there is") from error
        except Exception as error:  # decoders raise whatever a damaged file makes them raise
            raise PictureError(
                f"the picture cannot be decoded ({error}); make or copy it again"
            ) from error
    if turn in SIDEWAYS:
        grey, width, height = grey.T, height, width
    return Decoded(np.ascontiguousarray(np.flip(grey, MIRRORED.get(turn, ()))), width, height)


def _opened(source: str | os.PathLike | bytes) -> BinaryIO:
    if isinstance(source, str | os.PathLike):
        if os.path.isdir(source):
            raise PictureError("a folder; digitlib.reading.batch.predict reads all that is in it")
        if not os.path.isfile(source):
            raise PictureError("no such file")
        size = os.path.getsize(source)
    elif isinstance(source, bytes | bytearray | memoryview):
        size = len(source)
    else:
        raise PictureError(f"a {type(source).__name__} is no picture: path, bytes, image or array")
    if size > MAX_BYTES:
        raise PictureError("the file is too large")
    if not size:
        raise PictureError("the picture is empty: zero bytes")
    return open(source, "rb") if isinstance(source, str | os.PathLike) else io.BytesIO(source)


def _rows(image: Image.Image, top: int, bottom: int) -> np.ndarray:
    """Some rows of a decoded image: (rows, width), or with its colours last."""
    strip = image.crop((0, top, image.width, bottom)) if bottom - top < image.height else image
    if image.mode.startswith(("I", "F")):
        return np.asarray(strip)
    colour = "RGBA" if image.has_transparency_data else "RGB"
    return np.asarray(strip.convert("L" if image.mode in ("1", "L") else colour))
