"""The canvas and the page in a real browser, drawn on with real pointer events.

Each draws in Debian's Chromium, in Voilà (`make app`) and in JupyterLab; a request that would
leave this machine fails the test that asks it.
"""

import contextlib
import csv
import json
import re
import shutil
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest
from forms import form
from miniature import notebook
from pen import draw, draw_stroke
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from readings import READING, Reader, number
from serving import free_port, serving

from digitlib import Recognizer
from digitlib.apps.canvas import DigitCanvas
from digitlib.apps.canvas.strokes import write
from digitlib.reading.numbers import Reading

CHECKOUT = Path(__file__).resolve().parents[1]
CELL = "from digitlib.apps.canvas import DigitCanvas\ncanvas = DigitCanvas()\ncanvas"


@pytest.fixture(scope="module")
def browser(chromium) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A project of its own, so that nothing is saved in this one."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("notebooks", "params"):
        shutil.copytree(CHECKOUT / name, folder / name)
    content = notebook("Canvas", ["size: int = 1  # nothing"], CELL)
    (folder / "lab.ipynb").write_text(json.dumps(content))
    return folder


@pytest.fixture(scope="module")
def app(root, chromium) -> Iterator[str]:
    """The address of `make app`."""
    with page_server(root) as url:
        yield url


@pytest.fixture(scope="module")
def unvisited(root, chromium) -> Iterator[str]:
    """The same with no page open: only so many may be."""
    with page_server(root) as url:
        yield url


@contextmanager
def page_server(root: Path) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "digitlib.apps.page", "--port", str(port), "--no-browser"]
    with serving(command, port, root) as url:
        yield url


@pytest.fixture(scope="module")
def lab(root, chromium) -> Iterator[str]:
    """The address of a notebook with a canvas in JupyterLab."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}"),
        *("--IdentityProvider.token=", "--LabApp.news_url=None", "--ServerApp.log_level=ERROR"),
        "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
    ]
    with serving(command, port, root) as url:
        yield f"{url}/lab/tree/lab.ipynb"


@contextmanager
def opened(browser: Browser, url: str, **options) -> Iterator[Page]:
    """A new page; what it asks of other machines, and what fails in it, fails the test."""
    context = browser.new_context(
        **({"viewport": {"width": 1180, "height": 860}, "accept_downloads": True} | options)
    )
    page = context.new_page()
    asked, faults = [], []
    context.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    page.goto(url, wait_until="commit")
    yield page
    here = ("http://localhost:", "ws://localhost:", "data:", "blob:")
    assert not [url for url in asked if not url.startswith(here)]
    assert not faults
    context.close()


@pytest.fixture(scope="module")
def in_app(browser, app) -> Iterator[Page]:
    """The web page, ready to draw on."""
    with opened(browser, app) as page:
        page.wait_for_selector(".dc-paper", timeout=60_000)
        yield page


@pytest.fixture
def page(in_app) -> Page:
    """The web page with an empty canvas."""
    in_app.get_by_role("tab", name="Draw").click()
    in_app.locator(".digit-canvas").focus()
    in_app.keyboard.press("r")
    reads(in_app, "")
    return in_app


def reads(page: Page, text: str) -> None:
    """The canvas says this of what is drawn now, soon."""
    expect(page.locator(".digit-canvas[aria-busy=true]")).to_have_count(0)
    expect(page.locator(".dc-text")).to_have_text(text)


def run_cells(page: Page) -> None:
    """Run the notebook that JupyterLab has open, and wait for the canvas."""
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=90_000)
    page.get_by_text("| Idle").wait_for(timeout=90_000)  # the kernel is there
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    page.wait_for_selector(".dc-paper", timeout=90_000)


def test_every_digit_is_read_on_the_page(page, capsys):
    """Protects the demo, and says how long a label takes from the lifted pen on."""
    taken = []
    for digit in "0123456789":
        page.keyboard.press("Escape")
        reads(page, "")
        draw(page, digit)
        reads(page, digit)
        taken.append(float(page.locator(".digit-canvas").get_attribute("data-latency")))
    with capsys.disabled():
        print(
            f"\nfrom pen-up to label: {np.median(taken):.0f} ms (of ten, at most {max(taken):.0f})"
        )


@pytest.mark.campaign
def test_a_page_loads_and_reads_soon(browser, app, capsys):
    until_idle()  # the next page's kernel is being made ready
    start = time.perf_counter()
    with opened(browser, app) as page:
        page.wait_for_selector(".dc-paper", timeout=60_000)
        loaded = time.perf_counter() - start
        draw(page, "3")
        reads(page, "3")
    with capsys.disabled():
        print(f"\npage usable after {loaded:.1f} s, read after {time.perf_counter() - start:.1f} s")


def until_idle(seconds: float = 30) -> None:
    """Wait until the processes that this one started have nothing to do."""
    until, used = time.monotonic() + seconds, -1.0
    while time.monotonic() < until:
        before, used = used, 0.0
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                used += sum(process.cpu_times()[:2])
        if 0 <= used - before < 0.2:
            return
        time.sleep(2)


def test_strokes_are_undone_redone_erased_and_cleared(page):
    draw(page, "17")
    reads(page, "17")
    page.keyboard.press("z")
    page.keyboard.press("z")
    reads(page, "1")
    page.keyboard.press("Shift+Z")
    page.get_by_role("button", name="Redo").click()
    reads(page, "17")
    page.locator(".digit-canvas").focus()
    page.keyboard.press("e")
    expect(page.get_by_role("button", name="Eraser")).to_have_attribute("aria-pressed", "true")
    for _ in range(9):
        page.keyboard.press("]")
    for x in (0.58, 0.68, 0.78, 0.88, 0.98):
        draw_stroke(page, [(x, 0.02), (x, 0.9)])
    reads(page, "1")
    page.keyboard.press("e")
    page.locator(".dc-paper").click(button="right", position={"x": 300, "y": 300})
    reads(page, "")
    assert page.locator(".dc-box").count() == 0
    page.keyboard.press("z")  # what a stray click cleared is not lost
    reads(page, "1")
    for _ in range(9):
        page.keyboard.press("[")


def test_redo_belongs_to_the_drawing_it_was_undone_in(page):
    draw(page, "7")
    reads(page, "7")
    page.keyboard.press("z")
    page.get_by_role("button", name="Try a sample").click()
    expect(page.locator(".dc-text")).to_have_text(re.compile(r"^\d\??$"))
    redo = page.get_by_role("button", name="Redo")
    expect(redo).to_have_attribute("aria-disabled", "true")


def test_the_digit_just_drawn_is_the_one_that_is_shown_and_saved(page, root):
    """Protects labels: neither the order of reading nor a passing pointer chooses."""
    draw(page, "7", left=0.8)
    reads(page, "7")
    draw(page, "4", left=0.15)
    reads(page, "47")
    expect(page.locator(".dc-answer .dc-name")).to_have_text("4")
    paper = page.locator(".dc-paper").bounding_box()
    page.mouse.move(paper["x"] + 1.0 * paper["height"], paper["y"] + 0.5 * paper["height"])
    expect(page.locator(".dc-answer .dc-name")).to_have_text("7")
    expect(page.get_by_text("Save the 4 as a")).to_be_visible()
    page.get_by_role("button", name="Save it as a 4").click()
    expect(page.locator(".dc-note")).to_contain_text("Saved as a 4")
    saving = page.get_by_role("button", name="Save it as a 4")
    expect(saving).to_have_attribute("aria-disabled", "true")
    page.mouse.click(paper["x"] + 1.0 * paper["height"], paper["y"] + 0.5 * paper["height"])
    expect(page.get_by_text("Save the 7 as a")).to_be_visible()  # a click on it leaves no ink
    reads(page, "47")
    [file] = (root / "outputs" / "drawings" / "4").glob("*.png")
    assert Recognizer().read_digits(file).text == "4"


def test_every_tool_has_a_name_and_can_be_reached_by_keyboard(page):
    draw(page, "5")
    reads(page, "5")
    for button in page.locator(".digit-canvas button:visible").all():
        assert (button.get_attribute("aria-label") or button.inner_text()).strip()
    page.locator(".digit-canvas").focus()
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.ariaLabel"))
    tools = {"Pen", "Eraser", "Pen width", "Undo", "Clear", "Open a picture", "Save it as a 5"}
    assert tools <= reached
    page.get_by_role("button", name="Undo").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    reads(page, "")


def test_bars_picture_and_evidence_follow_the_digit_pointed_at(page):
    draw(page, "42")
    reads(page, "42")
    answer = page.locator(".dc-answer .dc-name")
    expect(answer).to_have_text("2")
    paper = page.locator(".dc-paper").bounding_box()
    page.mouse.move(paper["x"] + 0.3 * paper["height"], paper["y"] + 0.5 * paper["height"])
    expect(answer).to_have_text("4")
    expect(page.locator("figcaption").last).to_have_text("for (orange) and against (blue) 4")
    page.locator(".dc-row").nth(9).click()
    expect(page.locator("figcaption").last).to_contain_text("against (blue) 9")
    page.mouse.move(10, 10)
    expect(answer).to_have_text("2")
    page.locator(".digit-canvas").focus()
    page.keyboard.press("ArrowLeft")
    expect(answer).to_have_text("4")


def test_a_picture_is_chosen_dropped_or_a_sample_tried(page, tmp_path):
    picture = tmp_path / "seven.png"
    Image.fromarray(DigitCanvas(strokes=write("7")).picture).save(picture)
    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name="Open a picture").click()
    chosen.value.set_files(picture)
    reads(page, "7")
    Image.fromarray(255 - DigitCanvas(strokes=write("58")).picture).save(picture)
    give(page, picture.read_bytes(), "image/png", "drop")
    reads(page, "58")
    page.keyboard.press("r")
    reads(page, "")
    give(page, picture.read_bytes(), "image/png", "paste")
    reads(page, "58")
    give(page, b"no picture", "text/plain", "drop")
    expect(page.locator(".dc-note")).to_contain_text("no picture that this browser can open")
    page.get_by_role("button", name="Try a sample").click()
    expect(page.locator(".dc-text")).to_have_text(re.compile(r"^\d\??$"))
    page.keyboard.press("z")
    reads(page, "58")


def give(page: Page, content: bytes, kind: str, how: str) -> None:
    """Drop a file on the canvas, or paste it, as a browser tells of it."""
    page.locator(".digit-canvas").evaluate(
        """(element, [bytes, type, how]) => {
            const files = new DataTransfer();
            files.items.add(new File([new Uint8Array(bytes)], "given", { type }));
            const event = how === "drop"
                ? new DragEvent("drop", { dataTransfer: files, bubbles: true })
                : new ClipboardEvent("paste", { clipboardData: files, bubbles: true });
            element.dispatchEvent(event);
        }""",
        [list(content), kind, how],
    )


def test_numbers_are_listed_under_the_drawing(page):
    draw(page, "42", top=0.2)
    reads(page, "42")
    expect(page.locator(".dc-numbers li")).to_have_text(re.compile(r"^42\d+ %$"))
    page.keyboard.press("z")
    page.keyboard.press("z")
    page.keyboard.press("z")
    expect(page.locator(".dc-numbers")).to_be_hidden()


@pytest.mark.parametrize(
    ("reading", "listed", "text", "note"),
    [
        (
            READING,
            ["15.371,5097 %", "1.234?41 %may be misread", "899 %"],
            "15.371,50 1.234?\n8",
            "One of these numbers may be misread",
        ),
        (Reading(((number("407", 0.95),),)), ["40795 %"], "407", ""),
        (Reading(((number("8", 0.95),),)), [], "8", ""),
        (Reading(((number("8", 0.4),),)), [], "8?", "That does not look like a digit"),
    ],
    ids=["several", "one", "digit", "doubtful digit"],
)
def test_doubtful_numbers_stand_out_in_words(browser, reading, listed, text, note):
    """Protects whoever cannot see colours, and whoever copies a number, from trusting it."""
    canvas = DigitCanvas(Reader(reading), strokes=write("8"))
    with browser.new_context() as context:
        page = context.new_page()
        alone(page, canvas)
        assert page.locator(".dc-numbers li:visible").all_text_contents() == listed
        assert page.locator(".dc-text").text_content() == text
        assert page.locator(".dc-note").text_content() == note
        assert page.locator(".dc-box").count() == len(reading.digits)


def alone(page: Page, canvas: DigitCanvas) -> None:
    """Show a canvas as it is, without a kernel behind it."""
    state = json.dumps(canvas.get_state())
    widget = str(canvas._esm).replace("export default", "const create =")
    page.set_content(f"<style>{canvas._css}</style><div id='here'></div>")
    page.add_script_tag(
        type="module",
        content=f"""{widget}
            const state = {state}, no = () => {{}};
            const model = {{ get: (name) => state[name], on: no, off: no, send: no }};
            const widget = create();
            widget.initialize({{ model }});
            widget.render({{ model, el: document.getElementById("here") }});""",
    )
    page.wait_for_selector(".dc-box", state="attached")


def test_what_is_no_digit_is_said(page):
    draw_stroke(page, [(0.1 + 0.05 * i, 0.2 + 0.6 * (i % 2)) for i in range(25)])
    expect(page.locator(".dc-note")).to_contain_text(re.compile("looks? like"))


def test_a_drawing_is_saved_under_its_label(page, root):
    draw(page, "7")
    reads(page, "7")
    page.get_by_role("button", name="Save it as a 7").click()
    expect(page.locator(".dc-note")).to_contain_text("Saved as a 7")
    [file] = (root / "outputs" / "drawings" / "7").glob("*.png")
    with Image.open(file) as saved:
        assert np.asarray(saved).min() == 0
    page.get_by_role("button", name="Delete that file").click()
    expect(page.locator(".dc-note")).to_contain_text("not saved any more")
    assert not file.exists()


def test_a_stray_tap_is_taken_off_again(page):
    draw(page, "1", height=0.2)
    reads(page, "1")
    for _ in range(6):
        page.keyboard.press("]")
    paper = page.locator(".dc-paper").bounding_box()
    page.mouse.click(paper["x"] + 0.9 * paper["width"], paper["y"] + 0.2 * paper["height"])
    for _ in range(6):
        page.keyboard.press("[")
    reads(page, "1")
    page.keyboard.press("r")
    reads(page, "")
    page.mouse.click(paper["x"] + 300, paper["y"] + 100)
    expect(page.locator(".dc-note")).to_contain_text("A tap is no digit")
    reads(page, "")


def test_fingers_draw_and_the_page_stays_where_it_is(browser, app):
    """Protects phones: the layout fits, and a finger on the canvas does not scroll."""
    with opened(
        browser, app, has_touch=True, is_mobile=True, viewport={"width": 390, "height": 760}
    ) as page:
        page.wait_for_selector(".dc-paper", timeout=60_000)
        paper = page.locator(".dc-paper").bounding_box()
        assert paper["x"] >= 0
        assert paper["x"] + paper["width"] <= 390
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        scrolled = "document.querySelector('#rendered_cells').scrollTop"
        page.evaluate(f"{scrolled} = 60")
        paper = page.locator(".dc-paper").bounding_box()
        middle = paper["x"] + paper["width"] / 2
        touch = page.context.new_cdp_session(page)
        for kind, share in (("Start", 0.15), ("Move", 0.5), ("Move", 0.85), ("Move", 0.3)):
            point = {"x": middle, "y": paper["y"] + share * paper["height"]}
            touch.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": [point]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        reads(page, "1")
        assert page.evaluate(scrolled) == 60


def test_many_pictures_are_read_into_a_table(page, tmp_path):
    for text in ("42", "7"):
        Image.fromarray(DigitCanvas(strokes=write(text)).picture).save(tmp_path / f"{text}.png")
    (tmp_path / "=broken.png").write_bytes(b"no picture")
    page.get_by_role("tab", name="Pictures").click()
    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name="Choose pictures").click()
    chosen.value.set_files(sorted(tmp_path.glob("*.png")))
    expect(page.locator(".page-summary")).to_contain_text("2 of 3 read")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").click()
    table = Path(download.value.path()).read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(table.splitlines()))
    assert [(row["file"], row["text"]) for row in rows] == [
        ("42.png", "42"),
        ("7.png", "7"),
        ("'=broken.png", ""),
    ]
    assert rows[0]["status"] == "high"
    assert "picture" in rows[2]["error"]
    lines = page.locator(".page-table:visible tbody tr")
    for line, digits in enumerate((2, 1, 0)):
        expect(lines.nth(line).locator(".page-look rect")).to_have_count(digits)
    expect(lines.nth(0)).to_contain_text(re.compile(r"42 \d+\.\d%"))
    title = lines.nth(0).locator("rect title").first.text_content()
    assert re.fullmatch(r"42: \d+\.\d%", title)
    page.get_by_role("button", name="Clear").click()
    expect(lines).to_have_count(0)


def test_files_are_dropped_anywhere_and_the_page_stays(browser, app, tmp_path):
    """Protects what is open: a browser leaves a page for a file that nobody takes."""
    picture, archive = tmp_path / "8.png", tmp_path / "many.zip"
    Image.fromarray(DigitCanvas(strokes=write("8")).picture).save(picture)
    with zipfile.ZipFile(archive, "w") as parts:
        parts.write(picture, "scans/8.png")
        parts.writestr("scans/broken.png", "no picture")
    with opened(browser, app) as page:
        assert page.title() == "digitlib: handwritten digits, read"
        page.get_by_role("tab", name="Model").click(timeout=60_000)
        heading = page.get_by_role("heading", name="digitlib")
        drop(page, heading, picture)
        page.get_by_role("tab", name="Pictures").click()
        drop(page, heading, picture)
        expect(page.locator(".page-summary")).to_contain_text("1 of 1 read")
        drop(page, heading, archive)
        expect(page.locator(".page-summary")).to_contain_text("2 of 3 read")
        table = page.locator(".page-table:visible")
        expect(table).to_contain_text("many.zip/scans/8.png")
        expect(table).to_contain_text("many.zip/scans/broken.png")
        page.get_by_role("tab", name="Draw").click()
        drop(page, heading, picture)
        reads(page, "8")
        expect(page.locator(".page-reader")).to_have_text("Read by the model shipped.")


@pytest.fixture
def sheet(browser, app, tmp_path) -> Iterator[Page]:
    """The tab that reads sheets, onto which a photo of the form was dropped."""
    photo = tmp_path / "form.png"
    Image.fromarray(form()).save(photo)
    with opened(browser, app) as page:
        page.get_by_role("tab", name="Sheet").click(timeout=60_000)
        drop(page, page.locator(".page-drop:visible"), photo)
        expect(page.get_by_text("3 numbers, 1 doubtful place")).to_be_visible()
        yield page


def drop(page: Page, place: Locator, file: Path) -> None:
    """Drop a file from the desktop, as a person does."""
    box = place.bounding_box()
    middle = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    data = {"items": [], "files": [str(file)], "dragOperationsMask": 1}
    mouse = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        mouse.send("Input.dispatchDragEvent", {"type": kind, "data": data, **middle})


def test_a_photo_becomes_a_table_that_is_corrected_and_downloaded(sheet):
    """Protects what goes into a spreadsheet: a correction stands in the page and in every file."""
    cells = sheet.locator(".page-grid td")
    expect(cells).to_have_text(["47", "", "5", "208", "?", ""])
    sheet.get_by_label("table 1, row 2, column 2").fill("<b>36</b>")
    sheet.keyboard.press("Enter")
    expect(cells).to_have_text(["47", "", "5", "208", "<b>36</b>", ""])
    sheet.get_by_label("table 1, row 2, column 2").fill("36")
    sheet.keyboard.press("Enter")
    expect(cells).to_have_text(["47", "", "5", "208", "36", ""])
    assert downloaded(sheet, "CSV").read_text() == "47,,5\n208,36,\n"
    told = json.loads(downloaded(sheet, "JSON").read_text())["tables"][0]["cells"][4]
    assert (told["text"], told["accepted"], told["numbers"][0]["corrected"]) == ("36", True, True)
    with zipfile.ZipFile(downloaded(sheet, "Excel workbook")) as parts:
        assert b"<v>36</v>" in parts.read("xl/worksheets/sheet1.xml")


def downloaded(page: Page, words: str) -> Path:
    """The file that a button of the page gives."""
    with page.expect_download() as download:
        page.get_by_role("button", name=words).click()
    return Path(download.value.path())


def test_a_cell_is_drawn_and_digits_are_saved_when_asked(sheet, root):
    """Protects labels: only digits that were told apart are saved, once, under what was typed."""
    before = set((root / "outputs" / "drawings").glob("*/*"))
    saving = sheet.get_by_role("button", name=re.compile("^Save .* digits"))
    expect(saving).to_be_disabled()
    sheet.get_by_role("button", name="Draw it").click()
    draw(sheet, "3")
    expect(sheet.locator(".page-grid td").nth(4)).to_have_text("3")
    expect(saving).to_be_disabled()  # in the scribble no digit was found
    sheet.locator("select:visible").select_option(label="table 1, row 1, column 1: 47")
    sheet.get_by_label("table 1, row 1, column 1").fill("41")
    sheet.keyboard.press("Enter")
    expect(saving).to_have_text("Save 2 digits")
    assert set((root / "outputs" / "drawings").glob("*/*")) == before
    saving.click()
    expect(sheet.get_by_text("Saved 2 digits")).to_be_visible()
    expect(saving).to_be_disabled()
    files = sorted(set((root / "outputs" / "drawings").glob("*/*")) - before)
    assert [file.parent.name for file in files] == ["1", "4"]
    assert [Recognizer().read_digit(file).label for file in files] == [7, 4]


def test_what_is_no_photo_of_a_sheet_is_said(sheet, tmp_path):
    (tmp_path / "notes.txt").write_text("no picture")
    drop(sheet, sheet.locator(".page-drop:visible"), tmp_path / "notes.txt")
    expect(sheet.locator(".page-error:visible")).to_contain_text("not a picture")
    expect(sheet.locator(".page-grid")).to_be_hidden()


def test_a_network_is_trained_stopped_and_used(page, root):
    """Protects the tab that trains: it can be stopped for good, and its model reads."""
    digits = np.tile(np.arange(10, dtype=np.uint8), 30)
    images = np.random.default_rng(0).integers(0, 255, (300, 28, 28)).astype(np.uint8)
    np.savez(root / "tiny.npz", images=images, labels=digits)
    page.get_by_role("tab", name="Train").click()
    page.get_by_label("Data set").fill("npz:nowhere.npz")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator(".page-error:visible")).to_contain_text("there is no such file")
    page.get_by_label("Data set").fill("npz:tiny.npz")
    page.get_by_label("Epochs").fill("1")
    page.get_by_label("Epochs").press("Tab")
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped.")).to_be_visible()
    assert not trainings(root)
    page.get_by_role("button", name="Train", exact=True).click()  # goes on in the same folder
    use = page.get_by_role("button", name="Read with it")
    expect(use).to_be_enabled(timeout=400_000)
    assert page.locator(".page-figure:visible").count()
    use.click()
    page.get_by_role("tab", name="Model").click()
    expect(page.locator(".page-table:visible").first).to_contain_text("validation")
    expect(page.get_by_label("Model", exact=True)).to_have_value(re.compile("."))
    assert len(list((root / "outputs" / "app").iterdir())) == 1
    assert list((root / "outputs" / "app").glob("*/model/digits.tflite"))
    page.get_by_label("Folder").fill("nowhere")
    page.get_by_label("Folder").press("Enter")
    expect(page.locator(".page-error:visible")).to_contain_text("nowhere")
    page.get_by_label("Model", exact=True).select_option("shipped")
    expect(page.locator(".page-error:visible")).to_have_count(0)
    expect(page.get_by_label("Folder")).to_have_value("")
    expect(page.locator(".page-table:visible").first).to_contain_text("MNIST")


def test_what_a_training_fails_of_is_told(page, root):
    """Not where in the program it failed: what is wrong with the data, in one sentence."""
    np.savez(root / "odd.npz", images=np.zeros((20, 28, 28), np.float32), labels=np.zeros(20))
    page.get_by_role("tab", name="Train").click()
    page.get_by_label("Data set").fill("npz:odd.npz")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator(".page-error:visible")).to_contain_text("odd.npz", timeout=300_000)
    assert "Error:" in page.locator(".page-error:visible").inner_text()


TABS = ("Draw", "Pictures", "Sheet", "Train", "Model")


def in_use(page: Page, folder: Path) -> Iterator[str]:
    """Open one tab after the other, each with something in it."""
    page.wait_for_selector(".dc-paper", timeout=60_000)
    Image.fromarray(DigitCanvas(strokes=write("42")).picture).save(folder / "42.png")
    (folder / "broken.png").write_bytes(b"no picture")
    Image.fromarray(form()).save(folder / "form.png")
    place = page.get_by_role("heading", name="digitlib")
    for tab in TABS:
        page.get_by_role("tab", name=tab).click()
        page.mouse.move(1, 1)
        match tab:
            case "Draw":
                draw(page, "42")
                reads(page, "42")
                page.get_by_role("button", name="Save it as a 2").click()
                expect(page.get_by_role("button", name="Delete that file")).to_be_visible()
                draw_stroke(page, [(1 + 0.05 * i, 0.2 + 0.6 * (i % 2)) for i in range(12)])
                expect(page.locator(".dc-note.dc-doubtful")).not_to_be_empty()
            case "Pictures":
                drop(page, place, folder / "42.png")
                drop(page, place, folder / "broken.png")
                expect(page.locator(".page-summary")).to_contain_text("1 of 2")
            case "Sheet":
                drop(page, place, folder / "form.png")
                expect(page.get_by_text("1 doubtful place")).to_be_visible()
            case "Model":
                page.get_by_label("Folder").fill("nowhere")
                page.keyboard.press("Enter")
                expect(page.locator(".page-error:visible")).to_be_visible()
        yield tab


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_anybody_from_using_a_tab(browser, app, tmp_path, scheme):
    """Protects whoever sees little, or uses a keyboard or a screen reader: axe-core's rules."""
    from axe_playwright_python.sync_playwright import Axe

    with opened(browser, app, color_scheme=scheme) as page:
        for tab in in_use(page, tmp_path):
            found = Axe().run(page).response["violations"]
            serious = [one for one in found if one["impact"] in ("serious", "critical")]
            told = [(one["id"], one["nodes"][0]["html"]) for one in serious]
            assert not told, (tab, told)


CUT = """() => [...document.querySelectorAll(
    ".page .widget-label, .page label, .page button, .page .lm-TabBar-tabLabel, .page th")]
  .filter((one) => one.offsetParent && one.scrollWidth > one.clientWidth + 1)
  .filter((one) => getComputedStyle(one).overflowX !== "visible")
  .map((one) => one.textContent)"""


@pytest.mark.parametrize("width", [320, 390])
def test_on_a_phone_no_label_is_cut(browser, app, tmp_path, width):
    phone = {"has_touch": True, "is_mobile": True, "viewport": {"width": width, "height": 760}}
    with opened(browser, app, **phone) as page:
        for tab in in_use(page, tmp_path):
            assert page.evaluate(CUT) == [], tab
            assert page.evaluate("document.documentElement.scrollWidth") <= width, tab


def test_a_page_that_lost_its_server_says_so(browser, root):
    with browser.new_context() as context:
        page = context.new_page()
        with page_server(root) as url:
            page.goto(url)
            page.wait_for_selector(".dc-paper", timeout=60_000)
            alert = page.get_by_role("alert")
            page.wait_for_timeout(4000)  # it looks every three seconds
            expect(alert).to_have_count(0)
            kernel = page.evaluate(
                "JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId"
            )
            page.request.delete(f"{url}/api/kernels/{kernel}")
            expect(alert).to_contain_text("load it again")
        expect(alert).to_contain_text("lost its server")


def trainings(root: Path) -> list[psutil.Process]:
    """Processes that train in this project, their kernels included."""
    runners = [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(f"{root}/outputs/app" in word for word in process.info["cmdline"] or [])
    ]
    return [*runners, *(kernel for runner in runners for kernel in runner.children(True))]


def test_a_training_ends_with_the_page_it_belongs_to(browser, root, app):
    """Protects a machine from trainings that nobody watches: even a killed kernel takes its own."""
    with opened(browser, app) as page:
        page.wait_for_selector(".dc-paper", timeout=60_000)
        page.get_by_role("tab", name="Train").click()
        page.get_by_role("button", name="Train", exact=True).click()
        expect(page.get_by_text("Starting")).to_be_visible()
        until(lambda: len(trainings(root)) > 1)  # the runner and its kernel
        family = trainings(root)
        family[0].parent().kill()
        until(lambda: not any(p.is_running() and p.status() != "zombie" for p in family))


def until(true, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "this took too long"
        time.sleep(0.2)


def test_the_page_answers_to_its_own_name_only(app):
    """Protects from pages elsewhere that are made to mean this machine (DNS rebinding)."""
    for path in ("/", "/api/kernels"):
        request = urllib.request.Request(app + path, headers={"Host": "evil.example"})
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(request).close()


@pytest.mark.parametrize("site", ["cross-site", "none", "same-origin"])
def test_a_page_of_another_site_opens_nothing(unvisited, site):
    """Protects this machine's memory: each page that is opened has a kernel of its own."""
    request = urllib.request.Request(f"{unvisited}/?a=1", headers={"Sec-Fetch-Site": site})
    if site != "cross-site":
        assert urllib.request.urlopen(request).status == 200
        return
    until(lambda: kernels(unvisited) > 0)
    before = kernels(unvisited)
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        urllib.request.urlopen(request).close()
    assert '<a href="?a=1">Open it</a>' in refused.value.read().decode()
    assert kernels(unvisited) == before


def kernels(url: str) -> int:
    """How many kernels a server of this test has."""
    port = url.rpartition(":")[2]
    [server] = [one for one in psutil.Process().children() if port in one.cmdline()]
    return len(server.children())


def test_pages_are_few_and_those_without_a_browser_end(tmp_path):
    """Protects from a program that opens page after page, and from phones that went away."""
    shutil.copytree(CHECKOUT / "notebooks", tmp_path / "notebooks")
    port = free_port()
    code = (
        "from digitlib.apps.page import __main__, server; server.MOST_PAGES = 2; "
        "server.ABANDONED = 4; __main__.main()"
    )
    command = [sys.executable, "-c", code, "--port", str(port), "--no-browser"]
    with serving(command, port, tmp_path) as url:

        def open_many():
            for _ in range(10):
                urllib.request.urlopen(url).close()

        with pytest.raises(urllib.error.HTTPError, match="503") as refused:
            open_many()
        assert "pages are open" in refused.value.read().decode()
        assert kernels(url) <= 4  # one of them waits for the next page
        until(lambda: kernels(url) == 1)
        urllib.request.urlopen(url).close()


def landing(url: str) -> str:
    """Where a request ends: an address, or "refused"."""
    try:
        with urllib.request.urlopen(url) as answer:
            return answer.url
    except urllib.error.HTTPError:
        return "refused"


def test_from_another_device_only_the_link_with_its_token_opens_the_page(browser, root):
    """Protects `make app HOST=…`: who does not have the link is asked for a token."""
    host, port = "127.0.0.2", free_port()  # of this machine, and not the one without a token
    command = [sys.executable, "-m", "digitlib.apps.page", "--port", str(port), "--host", host]
    with serving(command, port, root, host) as url:
        told = (root / "server.log").read_text()
        link = re.search(r"http://\S+token=\S+", told)[0]
        assert "unencrypted" in told
        for path in ("/", "/?token=wrong", "/api/kernels", "/voila/render/app.ipynb"):
            answer = landing(url + path)
            assert "/login" in answer or answer == "refused"
        page = browser.new_context().new_page()
        page.goto(link)
        page.wait_for_selector(".dc-paper", timeout=60_000)
        page.context.close()


@pytest.mark.campaign
def test_the_canvas_in_jupyterlab(browser, lab):
    """Protects the notebook: digits are read there too, in both themes, and survive a reload."""
    with opened(browser, lab) as page:
        run_cells(page)
        page.locator(".digit-canvas").focus()
        for digit in "0123456789":
            page.keyboard.press("r")
            reads(page, "")
            draw(page, digit)
            reads(page, digit)
        bright = page.locator(".dc-paper").evaluate("e => getComputedStyle(e).backgroundColor")
        page.keyboard.press("r")
        reads(page, "")
        draw(page, "42")
        reads(page, "42")
        page.keyboard.press("Control+s")
        page.wait_for_timeout(1000)
        page.reload()
        page.wait_for_selector(".dc-paper", timeout=90_000)
        reads(page, "42")
        page.get_by_role("menuitem", name="Settings", exact=True).click()
        page.get_by_text("Theme", exact=True).hover()
        page.get_by_text("JupyterLab Dark", exact=True).click()
        page.wait_for_selector('body[data-jp-theme-light="false"]', state="attached")
        dark = page.locator(".dc-paper").evaluate("e => getComputedStyle(e).backgroundColor")
        assert dark != bright
        page.wait_for_function(  # bright ink on the dark paper
            """() => {
                const canvas = document.querySelector(".dc-ink");
                const { width, height } = canvas;
                const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
                return data[data.findIndex((value, i) => i % 4 === 3 && value === 255) - 3] > 200;
            }"""
        )
        reads(page, "42")


@pytest.mark.campaign
@pytest.mark.parametrize("how", ["restarted", "killed"])
def test_a_drawing_outlives_its_kernel(browser, lab, how):
    """Protects what is drawn when the kernel is restarted or dies: it is read by the next one."""
    with opened(browser, lab) as page:
        run_cells(page)
        draw(page, "4")
        reads(page, "4")
        if how == "restarted":
            page.get_by_role("menuitem", name="Kernel", exact=True).click()
            page.get_by_text("Restart Kernel…", exact=True).click()
            page.get_by_role("button", name="Confirm Kernel Restart").click()
        else:
            [server] = [one for one in psutil.Process().children() if "jupyterlab" in one.cmdline()]
            [kernel] = server.children()
            kernel.kill()
            ok = page.locator(".jp-Dialog").get_by_role("button", name="Ok").first
            ok.click(timeout=60_000)
            page.add_locator_handler(ok, lambda ok: ok.click())  # JupyterLab says it twice
        draw(page, "2", left=0.9)
        note = page.locator(".dc-note")
        expect(note).to_contain_text("Run this cell again: the drawing is kept")
        run_cells(page)
        reads(page, "42")
