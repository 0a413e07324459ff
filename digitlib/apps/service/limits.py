"""What the HTTP service allows. It imports no server, so that the command can list the limits."""

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from PIL import Image

from digitlib.pixels.decoding import PictureError
from digitlib.reading.recognizer import Recognizer

T = TypeVar("T")


def _limit(default: float, meaning: str) -> Any:
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True)
class Limits:
    """What one request, and all of them together, may ask for; more is an error 4xx or 503."""

    bytes: int = _limit(50_000_000, "of one request's body")
    pixels: int = _limit(64_000_000, "of one picture")
    files: int = _limit(100, "in one request")
    seconds: float = _limit(30.0, "to bring a head, to bring a body, and to read one picture")
    at_once: int = _limit(2, "pictures read at the same time")
    waiting: int = _limit(64, "requests that wait their turn")
    memory: int = _limit(500_000_000, "bytes of all bodies together")
    connections: int = _limit(200, "open at the same time")


def read_limited(
    recognizer: Recognizer, read: Callable[[Recognizer, bytes], T], content: bytes, pixels: int
) -> T:
    """Read the bytes of a picture that may have so many pixels.

    Args:
        recognizer: who reads.
        read: such as ``Recognizer.read_digit``.
        content: of a file.
        pixels: width times height, at most.

    Raises:
        PictureError: for a larger picture, and for what is no picture.
    """
    width = height = 0
    with contextlib.suppress(Exception), Image.open(io.BytesIO(content)) as picture:
        width, height = picture.size  # from the file's head; reading it says what is wrong with it
    if width * height > pixels:
        raise PictureError(f"a picture may have {pixels / 1e6:g} million pixels")
    return read(recognizer, content)
