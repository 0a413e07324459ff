"""A reading as it is sent to the browser, and as a picture that needs no script."""

import base64
import html
import io
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from digitlib.pixels.segmentation import Box
from digitlib.reading.numbers import MISREAD, Reading

MOST_DIGITS = 64  # that are described one by one
MARGIN = 0.25  # around one of several digits that is cut out, as a share of its longer side


def describe(reading: Reading, scale: float, corner: tuple[int, int]) -> dict:
    """A reading as JSON has it: text, and all that the canvas shows of each digit and number.

    Boxes are of a picture whose ``corner`` lies at (x, y) of the page; on the canvas the page is
    ``scale`` times smaller. ``line`` counts the lines from 0 at the top.
    """

    def on_canvas(box: Box) -> list[float]:
        (x, y, width, height), (left, top) = box, corner
        return [round(side / scale, 1) for side in (x + left, y + top, width, height)]

    digits = [
        digit.as_json()
        | {
            "box": on_canvas(digit.box),
            "image": base64.b64encode(digit.image.tobytes()).decode(),
        }
        for digit in reading.digits[:MOST_DIGITS]
    ]
    numbers = [
        number.as_json() | {"box": on_canvas(number.box), "line": line}
        for line, written in enumerate(reading.written)
        for number in written
    ]
    return {"text": reading.text, "digits": digits, "numbers": numbers}


def still(picture: np.ndarray, reading: Mapping, width: int, height: int) -> str:
    """A drawing, uint8 (h, w), under the boxes of what ``describe`` tells of it: SVG in HTML.

    Below it are the numbers, as on the canvas. ``width`` and ``height`` are the canvas's, in
    pixels.
    """
    digits, numbers = reading.get("digits", []), reading.get("numbers", [])
    boxes = "".join(map(_frame, digits))
    text = " ".join(number["text"] for number in numbers)
    said = f"A drawing, read as {text}" if text else "An empty canvas"
    below = f"<p>{' · '.join(map(_number, numbers))}</p>" if len(digits) > 1 else ""
    return (
        f'<svg role="img" aria-label="{html.escape(said)}" viewBox="0 0 {width} {height}" '
        f'style="max-width: {width}px; background: #fff; border: 1px solid #ccd; '
        f'border-radius: 10px"><image href="{data_url(picture)}" width="{width}" '
        f'height="{height}"/>{boxes}</svg>{below}'
    )


def cut_out(picture: np.ndarray, box: Sequence[float], scale: float) -> np.ndarray:
    """One of several digits, cut out with a margin of paper around it."""
    x, y, width, height = (round(scale * side) for side in box)
    margin = round(MARGIN * max(width, height))
    cut = picture[y : y + height, x : x + width]
    return np.pad(cut, margin, constant_values=round(float(np.median(picture))))


def data_url(grey: np.ndarray) -> str:
    """A grey picture, uint8 (h, w), as a PNG for a page."""
    stream = io.BytesIO()
    Image.fromarray(grey).save(stream, "PNG")
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"


def _frame(digit: dict) -> str:
    x, y, width, height = digit["box"]
    sure = digit["accepted"]
    colour, dashes, mark = ("#1f8a5b", "none", "") if sure else ("#a65f0a", "5 4", "?")
    return (
        f'<rect x="{x - 6}" y="{y - 6}" width="{width + 12}" height="{height + 12}" rx="5" '
        f'fill="none" stroke="{colour}" stroke-width="1.5" stroke-dasharray="{dashes}"/>'
        f'<text x="{x - 4}" y="{y - 11}" fill="{colour}" '
        f'style="font: 700 19px sans-serif">{digit["label"]}{mark}</text>'
    )


def _number(number: dict) -> str:
    text, sure = html.escape(number["text"]), f"{number['confidence']:.0%}"
    return f"{text} ({sure})" if number["accepted"] else f"<b>{text}?</b> ({sure}, {MISREAD})"
