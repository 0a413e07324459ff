"""A hand that draws in a browser: real pointer events along strokes kept in pen.json."""

import json
from pathlib import Path

from playwright.sync_api import Page

#: A way to write each digit: strokes of points (x, y) in a box of 1 by 1.
DIGITS = json.loads(Path(__file__).with_name("pen.json").read_text())


def draw(page: Page, text: str, left=0.15, top=0.15, height=0.6) -> None:
    """Draw digits side by side; places and sizes are shares of the canvas's height."""
    for i, digit in enumerate(text):
        for stroke in DIGITS[digit]:
            draw_stroke(
                page, [(left + 0.7 * height * (i + x), top + height * y) for x, y in stroke]
            )


def draw_stroke(page: Page, points: list[tuple[float, float]]) -> None:
    """Press, move along the points, release."""
    paper = page.locator(".dc-paper").first.bounding_box()
    side = paper["height"]
    places = [(paper["x"] + side * x, paper["y"] + side * y) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=2)
    page.mouse.up()
