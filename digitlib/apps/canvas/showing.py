"""A reading as it is sent to the browser, and as a picture that needs no script."""

import base64
import html
import io
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from digitlib.reading.numbers import Reading

MOST_DIGITS = 64  # that are described one by one
MARGIN = 0.25  # around one of several digits that is cut out, as a share of its longer side


def describe(reading: Reading, scale: float, corner: tuple[int, int]) -> dict:
    """A reading as JSON has it: text, and for each digit all that the canvas shows.

    Boxes are of a picture whose ``corner`` lies at (x, y) of the page; on the canvas the page is
    ``scale`` times smaller.
    """
    digits = []
    for digit in reading.digits[:MOST_DIGITS]:
        (x, y, width, height), (left, top) = digit.box, corner
        digits.append(
            {
                "label": digit.label,
                "confidence": round(digit.confidence, 5),
                "accepted": digit.accepted,
                "probabilities": [round(float(p), 5) for p in digit.probabilities],
                "box": [round(side / scale, 1) for side in (x + left, y + top, width, height)],
                "image": base64.b64encode(digit.image.tobytes()).decode(),
            }
        )
    return {"text": reading.text, "digits": digits}


def still(picture: np.ndarray, reading: Mapping, width: int, height: int) -> str:
    """A drawing, uint8 (h, w), under the boxes of what ``describe`` tells of it: SVG in HTML.

    ``width`` and ``height`` are the canvas's, in pixels.
    """
    boxes = "".join(_frame(digit) for digit in reading.get("digits", []))
    text = reading.get("text", "")
    said = f"A drawing, read as {text}" if text else "An empty canvas"
    return (
        f'<svg role="img" aria-label="{html.escape(said)}" viewBox="0 0 {width} {height}" '
        f'style="max-width: {width}px; background: #fff; border: 1px solid #ccd; '
        f'border-radius: 10px"><image href="{data_url(picture)}" width="{width}" '
        f'height="{height}"/>{boxes}</svg>'
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
    colour = "#1f8a5b" if digit["accepted"] else "#d9822b"
    return (
        f'<rect x="{x - 6}" y="{y - 6}" width="{width + 12}" height="{height + 12}" rx="5" '
        f'fill="none" stroke="{colour}" stroke-width="1.5"/><text x="{x - 4}" y="{y - 11}" '
        f'fill="{colour}" style="font: 700 19px sans-serif">{digit["label"]}</text>'
    )
