"""The tabs of the page in Python: what is dropped is read or refused in words, and faults go."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from digitlib import Recognizer
from digitlib.apps.canvas import DigitCanvas
from digitlib.apps.canvas.strokes import write
from digitlib.apps.page.looks import framed
from digitlib.apps.page.model import Model
from digitlib.apps.page.pictures import pictures_in, read_one
from digitlib.apps.page.shared import SharedRecognizer
from digitlib.apps.page.train import Train
from digitlib.pixels.formats import UNKNOWN

DAMAGED = "not a readable zip file (File is not a zip file); make or copy it again"


def png(text: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(DigitCanvas(strokes=write(text)).picture).save(stream, "PNG")
    return stream.getvalue()


def archive(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as parts:
        for name, content in files.items():
            parts.writestr(f"{name}.png", content)
    return stream.getvalue()


def digits_as_csv() -> bytes:
    header = ",".join(["label", *(f"pixel{i}" for i in range(784))])
    return f"{header}\n{','.join(['7'] + ['0'] * 783 + ['255'])}\n".encode()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("7.png", png("7"), [("7.png", "7")]),
        ("../../7.png", png("7"), [("7.png", "7")]),
        (
            "a.zip",
            archive(b=png("42"), c=b"no picture"),
            [("a.zip/b.png", "42"), ("a.zip/c.png", UNKNOWN)],
        ),
        ("a.zip", archive(), [("a.zip", "there are no pictures in this archive")]),
        ("a.zip", b"no zip", [("a.zip", DAMAGED)]),
        (
            "train.csv",
            digits_as_csv(),
            [("train.csv", "a table of digits is read by the command digitlib predict")],
        ),
    ],
    ids=["picture", "path", "zip", "empty zip", "no zip", "table"],
)
def test_a_file_that_is_dropped_is_read_or_refused_in_words(name, content, told):
    recognizer, found = Recognizer(), []
    for one, picture in pictures_in(name, content):
        said, _ = read_one(recognizer, picture)
        found.append((one, said if isinstance(said, str) else said.text))
    assert found == told


def test_a_frame_lies_around_each_digit_in_the_pictures_own_pixels():
    """Protects who checks a reading by eye: a frame around another place would mislead."""
    [(_, picture)] = pictures_in("42.png", png("42"))
    said, look = read_one(Recognizer(), png("42"))
    x, y, width, height = said.digits[0].box
    assert f'x="{x}" y="{y}" width="{width}" height="{height}"' in framed(look, said)
    assert (look.width, look.height) == (560, 320)
    assert picture.name == "42.png"


def test_a_frame_lies_around_each_digit_of_a_large_picture():
    """Protects photos of phones, which are reduced before they are read."""
    said, look = read_one(Recognizer(), Image.open(io.BytesIO(png("42"))).resize((2800, 1600)))
    assert said.text == "42"
    assert (look.width, look.height) == (2800, 1600)


def test_a_fault_goes_with_what_it_was_about(tmp_path):
    """Protects from a red line that speaks of a folder nobody has asked for any more."""
    tab = Model(SharedRecognizer())
    tab.refresh()
    tab.other.value = "nowhere"
    assert "nowhere" in tab.fault.value
    tab.other.value = ""
    assert tab.fault.value == ""
    (tmp_path / "card.json").write_text("{")
    tab.other.value = str(tmp_path)
    assert "page-error" in tab.fault.value
    tab.refresh()
    assert tab.fault.value == ""
    assert np.isclose(tab.shared.recognizer.threshold, Recognizer().threshold)


def test_a_model_that_is_gone_is_said_by_the_button_that_would_use_it(tmp_path):
    tab = Train(SharedRecognizer())
    tab.output_dir = tmp_path
    tab.use.click()
    assert "there is no model in" in tab.said.value
