"""The canvas in Python: what is drawn is read, kept, saved and explained, and faults do no harm."""

import base64
import io
import subprocess
import sys

import numpy as np
import pytest
import traitlets
from PIL import Image
from readings import Reader, number

from digitlib import Recognizer
from digitlib.apps.canvas import DigitCanvas
from digitlib.apps.canvas.drawings import load_drawings
from digitlib.apps.canvas.strokes import write
from digitlib.datasets import load_dataset
from digitlib.reading.explanation import explain
from digitlib.reading.numbers import Reading


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer()


@pytest.fixture
def canvas(recognizer) -> DigitCanvas:
    return DigitCanvas(recognizer)


def erase(*points, width=40.0):
    return {"points": [v for x, y in points for v in (x, y, width)], "erases": True}


@pytest.mark.parametrize("digit", "0123456789")
def test_what_is_drawn_is_read(canvas, digit):
    canvas.strokes = write(digit)
    [read] = canvas.reading["digits"]
    assert (canvas.reading["text"], read["label"]) == (digit, int(digit))
    assert read["accepted"]
    assert sum(read["probabilities"]) == pytest.approx(1, abs=1e-3)
    assert len(base64.b64decode(read["image"])) == 28 * 28


def test_boxes_lie_around_the_digits(canvas):
    canvas.strokes = write("42", left=50, top=70, height=150)
    assert canvas.reading["text"] == "42"
    boxes = np.array([digit["box"] for digit in canvas.reading["digits"]])
    assert (np.abs(boxes[:, 1] - 63) < 12).all()
    assert (np.abs(boxes[:, 3] - 164) < 20).all()
    assert boxes[0, 0] + boxes[0, 2] < boxes[1, 0] + 15


def test_an_empty_canvas_says_nothing(canvas):
    """Protects against the fault of digit demos everywhere: a prediction of nothing."""
    assert canvas.reading == {}
    canvas.strokes = write("8")
    canvas.clear()
    assert (canvas.reading, canvas.strokes) == ({}, [])
    assert (canvas.picture == 255).all()


def test_strokes_are_taken_back_and_erased(canvas):
    canvas.strokes = write("1") + write("7", left=220)
    assert canvas.reading["text"] == "17"
    canvas.undo()  # the bar of the 7
    canvas.undo()
    assert canvas.reading["text"] == "1"
    canvas.strokes = [*write("17"), erase((210, 30), (240, 270), (320, 30), (330, 270), width=120)]
    assert canvas.reading["text"] == "1"


def test_what_looks_like_no_digit_is_not_accepted(canvas):
    zigzag = [(60 + 12 * i, 60 + 200 * (i % 2)) for i in range(30)]
    canvas.strokes = [{"points": [v for x, y in zigzag for v in (x, y, 6)]}]
    assert not any(digit["accepted"] for digit in canvas.reading["digits"])


@pytest.mark.parametrize(
    "stroke",
    [7, {}, *({"points": wrong} for wrong in ([], [1, 2], ["a", 1, 2], [1, 2, np.nan]))],
)
def test_what_is_no_stroke_is_refused_and_the_drawing_stays(canvas, stroke):
    canvas.strokes = write("3")
    with pytest.raises(traitlets.TraitError, match="stroke 0 is no stroke"):
        canvas.strokes = [stroke]
    assert canvas.reading["text"] == "3"


def test_wild_coordinates_do_no_harm(canvas):
    canvas.strokes = [{"points": [-1e9, 1e12, 1e6, 5, 5, -3]}]
    assert canvas.fault == ""


def test_a_fault_in_reading_is_said_and_the_canvas_lives_on(canvas, recognizer):
    class Broken:
        def read_digits(self, picture):
            raise RuntimeError("no paper left")

    canvas.recognizer = Broken()
    canvas.strokes = write("5")
    assert "no paper left" in canvas.fault
    canvas.recognizer = recognizer
    canvas.strokes = write("6")
    assert (canvas.fault, canvas.reading["text"]) == ("", "6")


def test_a_picture_takes_the_place_of_a_drawing(canvas):
    """Light ink on a dark picture is drawn on in light ink, and erased to the picture's paper."""
    digit = load_dataset("optdigits", "test")
    five = int(np.flatnonzero(digit.labels == 5)[0])
    canvas.strokes = write("1")
    canvas.show(digit.images[five])
    assert (canvas.strokes, canvas.reading["text"], canvas.paper) == ([], "5", 0)
    canvas.strokes = [erase((0, 0), (560, 320), (560, 0), (0, 320), width=900)]
    assert canvas.picture.max() == 0
    canvas.strokes = [*canvas.strokes, *write("7")]
    assert (canvas.reading["text"], canvas.picture.max()) == ("7", 255)
    canvas.clear()
    assert canvas.paper == 255


def test_a_photo_keeps_its_resolution(canvas):
    photo = np.full((900, 1200), 200, np.uint8)
    page = DigitCanvas(canvas.recognizer, strokes=write("407")).picture
    photo[500:820, 600:1160] = np.minimum(photo[500:820, 600:1160], page)
    canvas.show(photo)
    assert canvas.reading["text"] == "407"
    assert canvas.picture.shape[0] >= 900
    x = [digit["box"][0] for digit in canvas.reading["digits"]]
    assert all(0 < value < canvas.width for value in x)


def test_a_photo_in_bad_light_is_read_as_without_a_canvas(recognizer):
    """Protects tall photos: paper that is laid around one must not take part in the reading."""
    photo = np.full((1600, 1200), 215.0)
    photo -= np.linspace(0, 110, 1200) + np.linspace(0, 20, 1600)[:, None]
    page = DigitCanvas(recognizer, strokes=write("407")).picture
    photo[500:820, 300:860] *= 0.35 + 0.65 * page / 255
    photo = photo.astype(np.uint8)
    assert recognizer.read_digits(photo).text == "407"
    canvas = DigitCanvas(recognizer)
    canvas.show(photo)
    assert canvas.reading["text"] == "407"
    canvas.strokes = write("1", left=330, top=200, height=64, pen=6)  # on the photo
    assert canvas.reading["text"] == "407\n1"


def test_a_transparent_picture_with_white_ink_is_read(canvas):
    ink = 255 - DigitCanvas(canvas.recognizer, strokes=write("58")).picture
    stream = io.BytesIO()
    Image.fromarray(np.dstack([np.full_like(ink, 255), ink])).save(stream, "PNG")
    canvas.backdrop = f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"
    assert canvas.reading["text"] == "58"


def test_a_backdrop_that_is_no_picture_is_said(canvas):
    canvas.backdrop = "data:image/png;base64,aGVsbG8="
    assert "not a picture" in canvas.fault
    canvas.backdrop = "data:image/png;base64,no!"
    assert "data URL" in canvas.fault
    assert "data URL" in canvas.still()


def test_drawings_are_saved_and_read_back(recognizer, tmp_path):
    for digit in "0123456789":
        for shift in range(0, 100, 20):
            canvas = DigitCanvas(recognizer, strokes=write(digit, left=60 + shift))
            file = canvas.save(digit, tmp_path)
            assert file.parent == tmp_path / digit
    learn, judge = load_drawings(str(tmp_path), fewest=20)
    assert len(learn) + len(judge) == 50
    images, labels = np.concatenate([learn.images, judge.images]), np.r_[learn.labels, judge.labels]
    assert (recognizer.classify(images).argmax(1) == labels).all()


def test_of_several_digits_one_is_saved_alone(canvas, recognizer, tmp_path):
    canvas.strokes = write("427")
    file = canvas.save(2, tmp_path, digit=1)
    assert recognizer.read_digits(file).text == "2"


@pytest.mark.parametrize("label", [10, "x", "", -1, "../../etc"])
def test_a_label_that_is_no_digit_writes_nothing(canvas, tmp_path, label):
    canvas.strokes = write("4")
    with pytest.raises(ValueError, match="from 0 to 9"):
        canvas.save(label, tmp_path)
    assert not list(tmp_path.rglob("*"))


def test_an_empty_canvas_cannot_be_saved(canvas, tmp_path):
    with pytest.raises(ValueError, match="empty"):
        canvas.save(4, tmp_path)
    canvas.strokes = [*write("7"), erase((0, 160), (560, 160), width=700)]
    with pytest.raises(ValueError, match="empty"):
        canvas.save(7, tmp_path)
    assert not list(tmp_path.rglob("*"))


def test_too_few_drawings_are_stood_in_for(tmp_path):
    learn, judge = load_drawings(str(tmp_path), fewest=20)
    assert "simulated" in judge.source
    assert len(learn) == len(judge) == 150


def test_the_last_drawing_is_there_again(recognizer, tmp_path):
    DigitCanvas(recognizer, keep=tmp_path / "last.json").strokes = write("9")
    assert DigitCanvas(recognizer, keep=tmp_path / "last.json").reading["text"] == "9"


def test_a_picture_that_was_drawn_on_is_there_again_too(recognizer, tmp_path):
    first = DigitCanvas(recognizer, keep=tmp_path / "last.json")
    first.show(DigitCanvas(recognizer, strokes=write("58")).picture)
    assert DigitCanvas(recognizer, keep=tmp_path / "last.json").reading["text"] == "58"


def test_a_damaged_file_of_the_last_drawing_is_no_drawing(recognizer, tmp_path):
    (tmp_path / "last.json").write_text('{"strokes": 7')
    assert DigitCanvas(recognizer, keep=tmp_path / "last.json").reading == {}


def test_what_the_browser_sends_and_cannot_be_taken_is_said(canvas):
    """Protects from a canvas that falls silent."""
    canvas.set_state({"strokes": [{"points": [0.0, 0.0, 1.0] * 200_001}]})
    assert "clear it" in canvas.fault


def test_canvases_do_not_disturb_each_other_and_can_be_observed(recognizer):
    one, other = DigitCanvas(recognizer), DigitCanvas(recognizer)
    heard = []
    one.observe(lambda change: heard.append(change["new"].get("text")), "reading")
    one.strokes, other.strokes = write("2"), write("6")
    assert (one.reading["text"], other.reading["text"], heard) == ("2", "6", ["2"])


def test_a_picture_stands_in_where_widgets_cannot_live(canvas):
    canvas.strokes = write("58")
    data, _ = canvas._repr_mimebundle_()
    assert "A drawing, read as 58" in data["text/html"]
    assert "data:image/png" in data["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in data


def test_numbers_are_told_with_their_line_and_place(canvas):
    """Protects what is built on a canvas: numbers are on it where their digits are."""
    canvas.recognizer = Reader()
    canvas.strokes = write("8")
    numbers = canvas.reading["numbers"]
    told = [(n["text"], n["value"], n["confidence"], n["accepted"], n["line"]) for n in numbers]
    assert told == [
        ("15.371,50", 15371.5, 0.97, True, 0),
        ("1.234", None, 0.41, False, 0),
        ("8", 8, 0.99, True, 1),
    ]
    digits = canvas.reading["digits"]
    assert numbers[0]["box"][:2] == digits[0]["box"][:2]
    assert numbers[2]["box"] == digits[-1]["box"]
    assert canvas.reading["text"] == "1537150 1234\n8"  # digits alone, as ever


def test_the_picture_that_stands_in_shows_numbers_and_marks_the_doubtful_ones(canvas):
    canvas.recognizer = Reader()
    canvas.strokes = write("8")
    shown = canvas.still()
    assert "A drawing, read as 15.371,50 1.234 8" in shown
    assert "15.371,50 (97%) · <b>1.234?</b> (41%, may be misread) · 8 (99%)" in shown
    canvas.recognizer = Reader(Reading(((number("8", 0.99),),)))
    canvas.read()
    assert "%)" not in canvas.still()  # a lone digit has its bars


def test_the_explanation_points_at_ink(recognizer):
    canvas = DigitCanvas(recognizer, strokes=write("7"))
    [digit] = recognizer.read_digits(canvas.picture).digits
    maps = explain(recognizer.classify, digit.image)
    assert maps.shape == (10, 28, 28)
    assert (maps[:, digit.image == 0] == 0).all()
    assert maps[7].sum() > 1
    assert maps[7].sum() == max(found.sum() for found in maps)
    assert not explain(recognizer.classify, np.zeros((28, 28), np.uint8)).any()


def test_an_explanation_asks_no_more_than_is_fast(recognizer):
    """Sixteen pictures at once would cost as much as 256; see network.py."""
    asked = []

    def classify(images):
        asked.append(len(images))
        return recognizer.classify(images)

    explain(classify, load_dataset("optdigits", "test").images[0])
    assert max(asked) <= 15


def test_the_message_of_a_browser_cannot_break_it(canvas):
    canvas.strokes = write("4")
    for message in ({}, {"do": "save"}, {"do": "explain", "digit": "x"}, {"do": "explain"}):
        canvas._obey(canvas, message, [])
    assert canvas.reading["text"] == "4"
    canvas._obey(canvas, {"do": "explain", "digit": 0}, [])
    assert len(base64.b64decode(canvas.why["maps"])) == 10 * 28 * 28


def test_canvas_and_page_need_no_tensorflow():
    """Protects a page that is there at once: Keras takes ten seconds to start."""
    code = (
        "import sys; from digitlib.apps.page import Page; page = Page(); "
        "page.tabs.selected_index = 4; assert 'parameters' in page.tabs.children[4].body.value; "
        "sys.exit(bool({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_saved_drawing_is_a_plain_picture(canvas, tmp_path):
    canvas.strokes = write("3")
    with Image.open(canvas.save(3, tmp_path)) as picture:
        assert (picture.mode, picture.size) == ("L", (560, 320))
