"""What the processes that read for the HTTP service do with an upload."""

import contextlib
import io
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from digitlib.pixels.decoding import PictureError
from digitlib.pixels.formats import open_image, page_name, page_of, pages
from digitlib.reading.batch import attempt
from digitlib.reading.numbers import Digit, Reading
from digitlib.reading.recognizer import Recognizer

T = TypeVar("T")
Read = Callable[[Recognizer, bytes], T]


def read_limited(recognizer: Recognizer, read: Read[T], content: bytes, pixels: int) -> T:
    """Read the bytes of a picture that may have so many pixels.

    Args:
        recognizer: who reads.
        read: such as ``Recognizer.read_digit``, for which there is one page, or ``read_pages``.
        content: of a file.
        pixels: width times height, at most.

    Raises:
        PictureError: for a larger picture, for several pages, and for what is no picture.
    """
    width = height = 0
    with contextlib.suppress(Exception), open_image(io.BytesIO(content)) as picture:
        width, height = picture.size  # from the file's head; reading it says what is wrong with it
    if width * height > pixels:
        raise PictureError(f"a picture may have {pixels / 1e6:g} million pixels")
    if read is not read_pages and (count := len(pages(partial(io.BytesIO, content)))) > 1:
        raise PictureError(f"it has {count} pages: send one of them, or all to /predict/batch")
    return read(recognizer, content)


def read_both_ways(recognizer: Recognizer, content: bytes) -> tuple[Digit, Reading]:
    """Read a picture as one digit, and for all the numbers that are in it."""
    return recognizer.read_digit(content), recognizer.read_digits(content)


def read_pages(recognizer: Recognizer, content: bytes) -> list[tuple[str, Reading | str]]:
    """Of each page what follows the file's name, and what it says or why it cannot be read."""
    numbers = pages(partial(io.BytesIO, content))
    return [(page_name(one), attempt(recognizer, page_of(content, one))) for one in numbers]
