"""The canvas's front end alone in a real browser; the tests play the part of Python."""

import json
import re
from collections.abc import Iterator

import pytest
from pen import draw_stroke
from playwright.sync_api import Browser, Page, expect, sync_playwright

from digitlib.apps.canvas import DigitCanvas
from digitlib.apps.canvas.strokes import write

LINE = [(0.2, 0.2), (0.2, 0.6)]
OTHER = [(0.8, 0.2), (0.8, 0.6)]
#: A model as anywidget gives it: `sent` has what Python is asked for, `say` takes what it says.
MODEL = """
    class Model {
      constructor(state) { this.state = state; this.heard = []; this.sent = []; }
      get(name) { return this.state[name]; }
      on(event, act) { this.heard.push([event, act]); }
      off(event, act) { this.heard = this.heard.filter(([e, a]) => e !== event || a !== act); }
      trigger(event) { this.heard.forEach(([one, act]) => { if (one === event) act(); }); }
      set(values) {
        const changed = Object.keys(values).filter((key) => values[key] !== this.state[key]);
        Object.assign(this.state, values);
        changed.forEach((name) => this.trigger(`change:${name}`));
      }
      say(values) { this.set(values); }
      answer() { this.set({ answered: this.state.asked }); }
      save_changes() {}
      send(message) {
        if (this.gone) throw new Error("Cannot send");
        if (message.do !== "explain") this.sent.push(message);
      }
    }
"""


@pytest.fixture(scope="module")
def browser(chromium) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])


@pytest.fixture
def page(browser) -> Iterator[Page]:
    """A page with the cell of a notebook in it, and nothing in that."""
    with browser.new_context() as context:
        page, faults = context.new_page(), []
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        page.clock.install()
        page.set_content(f"<style>{DigitCanvas._css}</style><div class='jp-Cell'></div>")
        code = str(DigitCanvas._esm).replace("export default", "globalThis.create =")
        page.add_script_tag(type="module", content=f"{MODEL} globalThis.Model = Model; {code}")
        page.wait_for_function("globalThis.create")
        yield page
        assert not faults


def show(page: Page, strokes=(), views: int = 1) -> None:
    """A canvas, as ``widget`` and ``model`` of the page, in some views."""
    state = json.dumps(DigitCanvas(strokes=list(strokes)).get_state())
    page.evaluate(
        f"""() => {{
            globalThis.model = new Model({state});
            globalThis.widget = create();
            widget.initialize({{ model }});
            globalThis.views = Array.from({{ length: {views} }}, () => {{
                const el = document.createElement("div");
                document.querySelector(".jp-Cell").append(el);
                return {{ el, end: widget.render({{ model, el }}) }};
            }});
            // Once it has a size, the canvas takes over a drawing; this observer hears of it later.
            return new Promise((seen) => new ResizeObserver(seen).observe(views.at(-1).el));
        }}"""
    )


def drawn(page: Page) -> int:
    """How many strokes Python is told of."""
    return page.evaluate("model.get('strokes').length")


def test_undo_in_one_view_takes_back_what_was_drawn_in_the_other(page):
    show(page, views=2)
    one, other = page.locator(".digit-canvas").all()
    draw_stroke(page, LINE)
    draw_stroke(page, OTHER)
    other.get_by_role("button", name="Undo").click()
    assert drawn(page) == 1
    one.get_by_role("button", name="Undo").click()
    assert drawn(page) == 0
    other.get_by_role("button", name="Redo").click()
    one.get_by_role("button", name="Redo").click()
    assert drawn(page) == 2


def test_what_python_draws_is_one_step_back(page):
    show(page)
    draw_stroke(page, LINE)
    page.evaluate("model.say({ strokes: [], backdrop: 'data:,' })")
    page.get_by_role("button", name="Undo").click()
    assert page.evaluate("[model.get('strokes').length, model.get('backdrop')]") == [1, ""]


def test_an_older_drawing_does_not_take_the_place_of_a_newer_one(page):
    """Protects strokes made while a lost connection comes back: Python tells all its state then."""
    show(page)
    draw_stroke(page, LINE)
    page.evaluate("model.say({ asked: 0, answered: 0, strokes: [] })")
    assert drawn(page) == 1
    [again] = page.evaluate("model.sent")
    assert (again["do"], again["asked"], len(again["strokes"])) == ("draw", 1, 1)
    canvas = DigitCanvas()
    canvas._obey(canvas, again, [])
    assert (canvas.answered, len(canvas.strokes)) == (1, 1)


def test_a_missing_answer_is_said_and_asked_for_again(page):
    show(page)
    canvas, note = page.locator(".digit-canvas"), page.locator(".dc-note")
    draw_stroke(page, LINE)
    expect(canvas).to_have_attribute("aria-busy", "true")
    page.clock.fast_forward(1000)
    expect(note).to_be_empty()
    page.clock.fast_forward(5000)
    expect(note).to_contain_text("Not read yet: the kernel is busy")
    assert page.evaluate("model.sent.map((message) => message.do)") == ["draw"]
    page.evaluate("model.answer()")
    expect(note).not_to_contain_text("Not read yet")
    expect(canvas).to_have_attribute("aria-busy", "false")


@pytest.mark.parametrize("how", ["restarted", "died"])
def test_a_kernel_that_is_gone_is_said_and_the_next_canvas_has_the_drawing(page, how):
    """Protects a drawing from a restart: ipywidgets tells of one, and not of a kernel that died."""
    show(page)
    draw_stroke(page, LINE)
    page.evaluate("model.answer()")
    if how == "restarted":
        page.evaluate(
            """() => {
                views[0].el.classList.add("jupyter-widgets-disconnected");
                model.trigger("comm_live_update");
            }"""
        )
    else:
        page.evaluate("model.gone = true")
    draw_stroke(page, OTHER)
    page.clock.fast_forward(6000)
    expect(page.locator(".dc-note")).to_contain_text("Run this cell again: the drawing is kept")
    page.evaluate("() => { views[0].el.remove(); views[0].end(); }")
    show(page)
    expect(page.locator(".dc-note")).to_contain_text("Here is the drawing that had not been read")
    assert drawn(page) == 2
    page.get_by_role("button", name="Undo").click()
    assert drawn(page) == 0


def test_a_canvas_whose_drawing_was_read_leaves_nothing_behind(page):
    show(page)
    draw_stroke(page, LINE)
    page.evaluate("() => { model.answer(); views[0].el.remove(); views[0].end(); }")
    show(page)
    assert drawn(page) == 0


@pytest.mark.parametrize("clear", ["r", "Escape", "right click"])
def test_clearing_says_so_and_can_be_undone(page, clear):
    show(page, write("7"))
    if clear == "right click":
        page.locator(".dc-paper").click(button="right")
    else:
        page.locator(".digit-canvas").focus()
        page.keyboard.press(clear)
    assert drawn(page) == 0
    expect(page.locator(".dc-note")).to_have_text("Cleared. Undo (Z) brings it back.")
    page.keyboard.press("z")
    assert drawn(page) == 2
    expect(page.locator(".dc-note")).not_to_contain_text("Cleared")


def test_a_finger_that_rests_while_it_draws_clears_nothing(page):
    """Protects from the menu that a long touch opens."""
    show(page, write("7"))
    paper = page.locator(".dc-paper").bounding_box()
    page.mouse.move(paper["x"] + 300, paper["y"] + 50)
    page.mouse.down()
    page.locator(".dc-paper").dispatch_event("contextmenu")
    page.mouse.move(paper["x"] + 300, paper["y"] + 150)
    page.mouse.up()
    assert drawn(page) == 3


def test_a_stroke_may_begin_on_the_name_of_a_digit(page):
    show(page, write("7", top=100))
    name = page.locator(".dc-box text").bounding_box()
    x, y = name["x"] + name["width"] / 2, name["y"] + name["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 150, steps=5)
    page.mouse.up()
    assert drawn(page) == 3
    page.mouse.click(x, y)  # a click chooses the digit
    assert drawn(page) == 3


def test_a_tap_is_no_digit(page):
    """Protects from "0 1", of which the 0 is a dot: it goes, which is said and undone."""
    show(page)
    draw_stroke(page, LINE)
    page.evaluate("model.answer()")
    paper = page.locator(".dc-paper").bounding_box()
    page.mouse.click(paper["x"] + 300, paper["y"] + 100)
    [dot] = [stroke["points"] for stroke in page.evaluate("model.get('strokes')")[1:]]
    reading = DigitCanvas(strokes=[{"points": dot}]).reading
    assert reading["digits"]  # a dot alone is read as one, as many 0s are drawn
    page.evaluate("(reading) => { model.say({ reading }); model.answer(); }", reading)
    assert drawn(page) == 1
    expect(page.locator(".dc-note")).to_contain_text("A tap is no digit")
    page.get_by_role("button", name="Undo").click()
    page.evaluate(
        "(reading) => { model.say({ reading: { ...reading } }); model.answer(); }", reading
    )
    assert drawn(page) == 2  # whoever brings it back wants it


def test_each_digit_is_saved_once_and_can_be_unsaved(page):
    show(page, write("47"))
    note, four = page.locator(".dc-note"), page.get_by_role("button", name="Save it as a 4")
    expect(page.get_by_text("Save the 7 as a")).to_be_visible()
    page.get_by_role("button", name="Save it as a 7").click()
    assert page.evaluate("model.sent.at(-1)") == {"do": "save", "label": 7, "digit": 1}
    told = {"label": 7, "file": "drawings/7/a.png", "removable": True}
    page.evaluate("(told) => model.say({ saved: { 1: told } })", told)
    expect(note).to_have_text("Saved as a 7: drawings/7/a.png")
    expect(four).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("Save the 4 as a")).to_be_visible()
    expect(four).to_have_attribute("aria-disabled", "false")
    page.keyboard.press("ArrowRight")
    page.get_by_role("button", name="Delete that file").click()
    assert page.evaluate("model.sent.at(-1)") == {"do": "unsave", "digit": 1}
    page.evaluate("(told) => model.say({ saved: { 1: told } })", told | {"file": ""})
    expect(note).to_have_text("The 7 is not saved any more")
    expect(four).to_have_attribute("aria-disabled", "false")
    expect(page.get_by_role("button", name=re.compile("Delete"))).to_be_hidden()
