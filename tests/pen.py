"""A hand that draws in a browser: real pointer events along the strokes of ``HANDWRITING``."""

from playwright.sync_api import Page

from digitlib.apps.canvas.strokes import HANDWRITING


def draw(page: Page, text: str, left=0.15, top=0.15, height=0.6) -> None:
    """Draw digits side by side; places and sizes are shares of the canvas's height."""
    for i, digit in enumerate(text):
        for stroke in HANDWRITING[digit]:
            draw_stroke(
                page, [(left + 0.7 * height * (i + x), top + height * y) for x, y in stroke]
            )


def draw_stroke(page: Page, points: list[tuple[float, float]]) -> None:
    """Press, move along the points, release."""
    paper = page.locator(".dc-paper:visible").first
    paper.scroll_into_view_if_needed()
    paper = paper.bounding_box()
    side = paper["height"]
    places = [(paper["x"] + side * x, paper["y"] + side * y) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=2)
    page.mouse.up()
