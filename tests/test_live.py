"""The canvas in a page without a server: held to Python's answers, in a real browser, offline."""

import base64
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from pen import draw
from playwright.sync_api import Browser, Page, expect, sync_playwright

from digitlib import Recognizer
from digitlib.apps.canvas import DigitCanvas
from digitlib.apps.canvas.showing import describe
from digitlib.apps.canvas.strokes import rasterise
from digitlib.apps.canvas.strokes import write as strokes_of
from digitlib.apps.site import write_site
from digitlib.artifacts import CARD_FILE, FLOAT_FILE, INT8_FILE, write_json
from digitlib.datasets import load_dataset
from digitlib.learning import architectures, exporting
from digitlib.pixels.normalisation import reduce
from digitlib.reading.litert import Network
from digitlib.reading.models import PRETRAINED, serving_file
from digitlib.reporting import live
from digitlib.synthetic.numerals import draw_hands, write

LARGEST = 2_500_000  # bytes of the page
AT_ONCE = 250  # images that are handed to the browser at a time
LOGITS = """([text, n]) => {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return Array.from({ length: n }, (_, i) =>
    Array.from(digitlib.logits(bytes.subarray(784 * i, 784 * i + 784))));
}"""
READ = """([text, width, height]) => {
  const data = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const { text: said, digits, numbers } = digitlib.read({ data, width, height });
  const images = digits.map((digit) => Array.from(digit.image));
  return [said, digits.map((digit) => digit.box), images, numbers.map((one) => one.accepted)];
}"""


@pytest.fixture(scope="module")
def browser(chromium) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])


@contextmanager
def opened(browser: Browser, file: Path, **options) -> Iterator[Page]:
    """A page from disk without a network; what fails in it fails the test."""
    context = browser.new_context(offline=True, accept_downloads=True, **options)
    page = context.new_page()
    faults, asked = [], []
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    context.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    page.wait_for_function("globalThis.digitlib")
    yield page
    assert not faults
    assert not [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]
    context.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    return write_site(tmp_path_factory.mktemp("site") / "index.html")


@pytest.fixture(scope="module")
def page(browser, site) -> Iterator[Page]:
    with opened(browser, site) as page:
        yield page


def coded(pixels: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(pixels).tobytes()).decode()


def test_the_page_is_one_small_file(site):
    """Protects who opens it on a phone: nothing beside it, and not much in it."""
    assert site.stat().st_size < LARGEST
    assert not re.search(r'(src|href)="(?!data:)', site.read_text())


def test_its_logits_are_those_of_python(page):
    """Protects every figure this project publishes: the page answers with the same network."""
    known = (
        "mnist" if (Path(os.environ.get("DIGITLIB_DATA", "")) / "mnist").is_dir() else "optdigits"
    )
    images = load_dataset(known, "test").images
    wanted = Network(serving_file(PRETRAINED)).logits(images)
    parts = [images[i : i + AT_ONCE] for i in range(0, len(images), AT_ONCE)]
    got = np.concatenate([page.evaluate(LOGITS, [coded(part), len(part)]) for part in parts])
    assert len(got) == len(images) >= 360
    assert np.abs(got - wanted).max() < 1e-3
    assert (got.argmax(axis=1) == wanted.argmax(axis=1)).all()


def drawings(count: int = 200) -> Iterator[np.ndarray]:
    """Drawings by drawn hands, a line or two of digits each, as large as a drawing is read."""
    random = np.random.default_rng(7)
    for _ in range(count):
        picture = np.full((230, 400), 255, np.uint8)
        hands = draw_hands(1, random)
        for line in range(random.integers(1, 3)):
            x, y = int(random.integers(8, 30)), 12 + 110 * line
            for digit in random.integers(0, 10, random.integers(1, 6)):
                glyph = write(hands, np.array([0]), np.array([digit]), random, 84)[0]
                window = picture[y : y + 84, x : x + 84]
                np.minimum(window, 255 - glyph[:, : window.shape[1]], out=window)
                x += int(random.integers(58, 72))
        yield picture


def cut_drawings() -> Iterator[np.ndarray]:
    """Drawings cut off inside their last digit, whose strokes go on over the edge."""
    for picture in drawings():
        inked = np.flatnonzero((picture < 128).any(axis=0))
        yield np.ascontiguousarray(picture[:, : inked[-1] - 15])


def thick_drawings() -> Iterator[np.ndarray]:
    """Single digits with a pen so thick that their strokes are thinned before they are read."""
    for pen in range(20, 40):
        for digit in "0123456789":
            canvas = np.full((320, 560), 255, np.uint8)
            rasterise(canvas, strokes_of(digit, height=150, pen=pen), 1, 0, 255)
            yield reduce(canvas, 400)


def drawn_by_people() -> Iterator[np.ndarray]:
    """The collected drawings, each with dark ink, as the page draws."""
    arrays = np.load(Path(os.environ["DIGITLIB_DATA"], "handwriting", "canvas.npz"))
    for image, ink_dark in zip(arrays["images"], arrays["ink_dark"], strict=True):
        yield image if ink_dark else 255 - image


@pytest.mark.parametrize(
    ("source", "least", "seen_alike"),
    [
        (drawings, 0.98, 0.8),
        (cut_drawings, 0.95, 0.8),
        (thick_drawings, 0.98, 0.95),
        (drawn_by_people, 0.98, 0.8),
    ],
)
def test_it_reads_drawings_as_python_does(page, source, least, seen_alike):
    """Protects the port: the same digits in the same places, seen and trusted alike."""
    try:
        pictures = list(source())
    except (KeyError, FileNotFoundError):
        pytest.skip("handwriting/canvas.npz is not at hand (DIGITLIB_DATA)")
    recognizer, same, near, alike, as_sure = Recognizer(), 0, [], [], []
    for picture in pictures:
        reading = recognizer.read_digits(picture)
        wanted = describe(reading, 1, (0, 0))
        text, boxes, images, accepted = page.evaluate(READ, [coded(picture), *picture.shape[::-1]])
        same += text == wanted["text"]
        if text == wanted["text"] and boxes:
            there = np.array([digit["box"] for digit in wanted["digits"]])
            off = np.abs(np.array(boxes) - there).max(axis=1)
            near += list(off <= np.maximum(2.0, 0.05 * there[:, 3]))
            for image, digit in zip(images, reading.digits, strict=True):
                off = np.abs(np.reshape(image, digit.image.shape) - digit.image.astype(int))
                alike.append(off.mean())
            as_sure.append(accepted == [one["accepted"] for one in wanted["numbers"]])
    assert same >= least * len(pictures) >= least * 200
    assert np.mean(near) > 0.94
    assert np.mean(np.array(alike) < 5) > seen_alike  # grey levels, on average
    assert np.mean(as_sure) > 0.95


def test_drawing_with_a_mouse_is_read_at_once(page):
    """Protects the first minute: draw, see it read, undo it, save it as a file."""
    canvas = page.locator(".digit-canvas")
    draw(page, "74")
    expect(canvas).to_have_attribute("data-text", "74")
    expect(page.locator(".dc-box")).to_have_count(2)
    expect(page.get_by_text("against (blue) 4")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save it as a 4").click()
    assert download.value.suggested_filename.startswith("4-")
    page.get_by_role("button", name="Clear").click()
    expect(canvas).to_have_attribute("data-text", "")
    page.keyboard.press("z")
    expect(canvas).to_have_attribute("data-text", "74")
    page.get_by_role("button", name="Clear").click()


def test_keys_work_on_where_the_button_last_used_is_hidden(page):
    """Protects redo: an empty canvas has nothing to save, and hides the button with the focus."""
    canvas = page.locator(".digit-canvas")
    draw(page, "9")
    expect(canvas).to_have_attribute("data-text", "9")
    with page.expect_download():
        page.get_by_role("button", name="Save it as a 9").click()
    page.keyboard.press("z")
    expect(canvas).to_have_attribute("data-text", "")
    page.keyboard.press("Shift+Z")
    expect(canvas).to_have_attribute("data-text", "9")
    page.get_by_role("button", name="Clear").click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_anybody_from_using_it(browser, site, scheme):
    """Protects whoever sees little, or uses a keyboard or a screen reader: axe-core's rules."""
    from axe_playwright_python.sync_playwright import Axe

    with opened(browser, site, color_scheme=scheme) as page:
        draw(page, "74")
        expect(page.locator(".digit-canvas")).to_have_attribute("data-text", "74")
        found = Axe().run(page).response["violations"]
        assert not [one["id"] for one in found if one["impact"] in ("serious", "critical")]


def test_a_finger_draws_on_a_phone(browser, site):
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    with opened(browser, site, **phone) as page:
        paper = page.locator(".dc-paper")
        box = paper.bounding_box()
        touch = page.context.new_cdp_session(page)

        def at(x, y):
            return [{"x": box["x"] + x * box["height"], "y": box["y"] + y * box["height"]}]

        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": at(0.5, 0.2)})
        for step in range(1, 13):
            points = at(0.5 - 0.01 * step, 0.2 + 0.05 * step)
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": points})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        expect(page.locator(".digit-canvas")).to_have_attribute("data-text", "1")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_what_the_page_cannot_do_it_says(page):
    """Protects who drops a photo on it: no silence, and no guess."""
    expect(page.get_by_role("button", name="Open a picture")).to_be_hidden()
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["x"], "photo.png", { type: "image/png" }));
          document.querySelector(".digit-canvas").dispatchEvent(
            new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        }"""
    )
    expect(page.get_by_text("Photos are read by the Python package")).to_be_visible()


def test_a_report_brings_its_canvas_to_life(browser, tmp_path):
    """Protects readers of a report: a drawing in it can be gone on with."""
    still = DigitCanvas(strokes=strokes_of("42")).still()
    assert "<svg" in still
    file = tmp_path / "report.html"
    file.write_text(f'<!doctype html><meta charset="utf-8">{live.enlivened(still)}')
    with opened(browser, file) as page:
        expect(page.locator(".digit-canvas")).to_have_attribute("data-text", "42")
        draw(page, "1", left=1.3)
        expect(page.locator(".digit-canvas")).to_have_attribute("data-text", "421")
    assert live.enlivened("<p>no canvas</p>") == "<p>no canvas</p>"


def test_a_model_too_large_for_a_page_is_said(monkeypatch):
    monkeypatch.setattr(live, "MOST_BYTES", 1000)
    still = DigitCanvas(strokes=strokes_of("42")).still()
    assert "too many for a page that reads by itself" in still
    assert "<svg" in still
    assert live.enlivened(still) == still


NETWORKS = [
    name for name in architectures.ARCHITECTURES if name not in ("vgg16", "vgg19", "resnet50")
]


@pytest.mark.campaign
@pytest.mark.parametrize("file", [FLOAT_FILE, INT8_FILE])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_answers_in_a_page(browser, tmp_path, name, file):
    """Protects reports on other networks: the same answers, or a word that it is too large."""
    images = load_dataset("optdigits", "test").images[:50]
    network = architectures.build(name)
    folder = exporting.save_model(network, tmp_path / "model")
    exporting.save_int8(network, folder, images)
    write_json(folder / CARD_FILE, {"serves": file, "temperature": 1.0, "threshold": 0.5})
    report = tmp_path / "report.html"
    body = live.enlivened(live.canvas(folder))
    report.write_text(f'<!doctype html><meta charset="utf-8">{body}')
    if (folder / file).stat().st_size > live.MOST_BYTES:
        assert "too many for a page" in body
        return
    with opened(browser, report) as page:
        got = np.array(page.evaluate(LOGITS, [coded(images), len(images)]))
    wanted = Network(folder / file).logits(images)
    assert np.abs(got - wanted).max() < 1e-3 * max(1, np.abs(wanted).max())
