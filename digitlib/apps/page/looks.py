"""How a picture looks in the table of what was read: small, with frames around its digits."""

import html
from typing import NamedTuple

import cv2

from digitlib.apps.canvas.showing import data_url
from digitlib.pixels.decoding import Picture, PictureError, load
from digitlib.reading.numbers import Number, Reading

HEIGHT, WIDTH = 120, 360  # pixels, at most


class Look(NamedTuple):
    """A small picture as a data URL, and the size of the picture itself, in pixels."""

    url: str
    width: int
    height: int


def look_at(picture: Picture) -> Look | None:
    """A picture, small; None of what is no picture."""
    try:
        grey, width, height = load(picture)
    except PictureError:
        return None
    scale = min(1, HEIGHT / grey.shape[0], WIDTH / grey.shape[1])
    size = [max(1, round(scale * side)) for side in grey.shape[::-1]]
    return Look(data_url(cv2.resize(grey, size, interpolation=cv2.INTER_AREA)), width, height)


def framed(look: Look, said: Reading | str) -> str:
    """A picture with a frame around each digit, named by its number's probability: HTML."""
    numbers = said.numbers if isinstance(said, Reading) else []
    frames = "".join(map(_frames, numbers))
    return (
        f'<div class="page-look"><img alt="" src="{look.url}">'
        f'<svg viewBox="0 0 {look.width} {look.height}">{frames}</svg></div>'
    )


def _frames(number: Number) -> str:
    title = f"<title>{html.escape(number.text)}: {number.confidence:.1%}</title>"
    kind = "" if number.accepted else "page-doubt"
    return "".join(
        f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}">{title}</rect>'
        for x, y, width, height in (digit.box for digit in number.digits)
    )
