"""Reports in a real browser: they open from disk, ask no network and fit a phone."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from miniature import notebook
from playwright.sync_api import Page, sync_playwright

from digitlib.pipeline.notebooks import execute
from digitlib.reading.models import PRETRAINED
from digitlib.reporting.html import _furnished, export_html

CHECKOUT = Path(__file__).resolve().parents[1]
PARAMETERS = ["topic: str = 'digits'  # what it is about", "size: int = 3  # inches"]
CODE = """
import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import HTML, Javascript, Markdown, display
from ipywidgets import IntSlider

print("accuracy " + "of a very long line " * 20)
display(pd.DataFrame({f"a wide column {i}": range(3) for i in range(30)}))
display(IntSlider(description="dead"), Javascript("document.title = 'changed'"))
VIEW = "application/vnd.jupyter.widget-" + "view+json"
display({"text/html": "<i>a still</i>", VIEW: {}}, raw=True)
display(Markdown("| a | b |\\n|---|--:|\\n| **x** | 1 |"))
figure, axes = plt.subplots(figsize=(14, 4))
axes.plot([0, 1])
plt.show()
"""


@pytest.fixture(scope="module")
def executed(tmp_path_factory) -> Path:
    """An executed notebook with everything that is hard on a page."""
    folder = tmp_path_factory.mktemp("report")
    content = notebook("Digits & <figures>", PARAMETERS, CODE)
    content["cells"][0]["source"] = "# Digits & `figures`\n\nIt costs $5, or $x^2$."
    (folder / "01_digits.ipynb").write_text(json.dumps(content))
    return execute(folder / "01_digits.ipynb", folder / "out" / "01_digits.ipynb")


@pytest.fixture(scope="module")
def page_of(chromium) -> Iterator:
    """Open a report at a width; any request but for the file itself fails the test."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])

        def open_page(file: Path, width: int = 1200) -> Page:
            page = browser.new_page(viewport={"width": width, "height": 800})
            asked, faults = [], []
            page.on("request", lambda request: asked.append(request.url))
            page.on("pageerror", lambda fault: faults.append(str(fault)))
            page.goto(file.as_uri(), wait_until="networkidle")
            alien = [url for url in asked if not url.startswith(("data:", "blob:"))]
            assert alien == [file.as_uri()]
            assert not faults
            return page

        yield open_page
        browser.close()


@pytest.fixture(scope="module")
def report(executed) -> Path:
    """The report of that notebook, one of three pages."""
    pages = ["01_digits", "03_cnn_training", "10_report"]
    return export_html(executed, executed.with_suffix(".html"), pages=pages)


def test_a_report_opens_without_a_network_and_shows_everything(page_of, report):
    """Protects a reader on a train: results, code, tables and pictures are in the file."""
    page = page_of(report)
    assert page.title() == "Digits & figures"
    assert page.locator("h1").inner_text() == "Digits & figures"
    assert page.get_by_text("It costs $5").is_visible()
    assert page.locator("i", has_text="a still").is_visible()
    assert not page.get_by_text("plt.subplots").is_visible()
    page.get_by_role("button", name="Show all code").click()
    assert page.get_by_text("plt.subplots").is_visible()
    assert page.get_by_text("accuracy of a very long").first.is_visible()
    picture = page.locator("main img")
    assert picture.count() == 1
    assert picture.evaluate("image => image.naturalWidth") > 500
    assert picture.get_attribute("alt") == "Figure: Digits & figures. It costs $5, or $x^2$."
    text = report.read_text()
    for alien in ("<script src", "mathjax", "require.js", "cdn", "widget-view", "IntSlider()"):
        assert alien not in text.lower()


@pytest.mark.parametrize("width", [360, 768, 1200])
def test_no_report_is_wider_than_the_screen(page_of, report, width):
    """Protects phone readers: wide tables and code scroll by themselves, the page does not."""
    page = page_of(report, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("main img").bounding_box()["width"] <= width
    table = page.locator(".scroll", has=page.locator("table.dataframe"))
    assert table.evaluate("it => it.scrollWidth > it.clientWidth")
    table.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.activeElement.scrollLeft > 0")


def test_a_figure_is_enlarged_on_a_phone(page_of, report):
    page = page_of(report, 360)
    page.get_by_role("button", name="Figure").click()
    large = page.locator("dialog img")
    assert large.bounding_box()["width"] >= 960
    page.keyboard.press("Escape")
    assert not page.locator("dialog").is_visible()


@pytest.mark.campaign
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_report_can_be_read_by_everybody(page_of, tmp_path, monkeypatch, scheme):
    """Protects whoever sees little, or uses a keyboard or a screen reader: axe-core's rules."""
    from axe_playwright_python.sync_playwright import Axe

    monkeypatch.setenv("DIGITLIB_ROOT", str(tmp_path))
    shutil.copytree(PRETRAINED, tmp_path / "outputs" / "quick" / "model")
    committed = sorted((CHECKOUT / "notebooks").glob("[0-9]*.ipynb"))
    names = [file.stem for file in committed]
    for file in committed:
        page = page_of(export_html(file, tmp_path / f"{file.stem}.html", pages=names), 390)
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page).response["violations"]
        serious = [one for one in found if one["impact"] in ("serious", "critical")]
        where = [(one["id"], node["html"][:200]) for one in serious for node in one["nodes"]]
        assert not where, (file.name, where[:5])
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, file.name
        page.close()


def test_reports_link_to_each_other(page_of, report, executed):
    """Protects the way from the front page to every notebook and back, from runs too."""
    page = page_of(report)
    links = {a.inner_text(): a.get_attribute("href") for a in page.locator("nav a").all()}
    assert links == {
        "front page": "./index.html",
        "01 digits": "./01_digits.html",
        "03 cnn training": "./03_cnn_training.html",
    }
    assert page.locator("nav [aria-current]").inner_text() == "01 digits"
    deep = export_html(executed, report.with_name("deep.html"), pages=["10_report"], top="../..")
    assert page_of(deep).locator("nav a").get_attribute("href") == "../../index.html"


def test_a_front_page_hides_code_but_not_results(page_of, executed):
    """Protects readers who do not program."""
    page = page_of(export_html(executed, executed.with_name("index.html"), show_code=False))
    assert page.get_by_text("plt.subplots").count() == 0
    assert page.get_by_text("what it is about").count() == 0
    assert page.locator("main img").count() == 1


def test_a_report_follows_dark_mode_and_prints(page_of, report):
    """Protects eyes and paper: dark where the reader is dark, and figures whole in print."""
    page = page_of(report)
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert page.locator("main img").evaluate("i => getComputedStyle(i).breakInside") == "avoid"
    assert len(page.pdf()) > 10_000


def test_a_percent_stays_with_its_sign_and_a_long_name_breaks():
    """Protects narrow screens from lines that begin with %, and tables from one long name."""
    page = _furnished(
        "<p>99.6 % of</p><pre>5 % 2</pre><table><tr><td>owner/long_name</td></tr></table>"
    )
    assert "99.6\N{NO-BREAK SPACE}% of" in page
    assert "5 % 2" in page
    assert "owner/<wbr/>long_<wbr/>name" in page
