"""A sheet as a workbook, as CSV and as JSON, and the command that writes them."""

import csv
import io
import json
import resource
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from readings import number
from ruled import table

from digitlib.apps import cli, sheet_command
from digitlib.pixels.decoding import Decoded
from digitlib.reading.sheets import Cell, LeftOut, Sheet, Table
from digitlib.reading.spreadsheets import DOUBTFUL, as_csv, as_json, crop, write_workbook

PICTURE = np.full((300, 400), 200, np.uint8)


def cell(row: int, column: int, *lines: str, sure: float = 0.97, columns: int = 1) -> Cell:
    """A cell with a number in each of its lines."""
    read = tuple((number(line, sure),) for line in lines)
    return Cell(row, column, 1, columns, (100 * column, 50 * row, 100, 50), read, bool(lines))


CARD = "4111111111111111"
SHEET = Sheet(
    tables=(
        Table(
            3,
            3,
            (
                cell(0, 0, "12"),
                cell(0, 1, "1.234,5"),
                cell(0, 2),
                cell(1, 0, "007"),
                cell(1, 1, "305", sure=0.4, columns=2),
                cell(2, 0, "=1+1"),
                cell(2, 1, "1", "2"),
                cell(2, 2, CARD),
            ),
        ),
    ),
    fields=(cell(4, 0, "2084"),),
    lines=((number("56", 0.97), number("8", 0.5)),),
    left_out=(LeftOut("no number was found in it", (10, 10, 30, 20)),),
)


class Page(NamedTuple):
    """A page of a workbook: what stands in each of its cells, "A1" and so on."""

    values: dict[str, float | bool | str]
    colours: dict[str, str]
    merged: list[str]
    pictures: set[str]
    comments: set[str]
    formulas: int


def opened(file: Path) -> list[Page]:
    """The three pages of a workbook, as the file has them."""
    with zipfile.ZipFile(file) as book:
        parts = {name: xml(book.read(name)) for name in book.namelist() if name.endswith(".xml")}
    texts = ["".join(one.itertext()) for one in parts["xl/sharedStrings.xml"]]
    styles = parts["xl/styles.xml"]
    fills = [next((c.get("rgb") for c in one.iter("fgColor")), "") for one in styles.find("fills")]
    colours = [fills[int(one.get("fillId"))] for one in styles.find("cellXfs")]
    kinds = {"s": lambda value: texts[int(value)], "b": lambda value: value == "1", None: float}
    pages = []
    for i in (1, 2, 3):
        page, drawn = parts[f"xl/worksheets/sheet{i}.xml"], parts.get(f"xl/drawings/drawing{i}.xml")
        filled = [one for one in page.iter("c") if one.find("v") is not None]
        places = [] if drawn is None else drawn.iter("from")
        said = parts.get(f"xl/comments{i}.xml", ElementTree.Element("none"))
        pages.append(
            Page(
                {one.get("r"): kinds[one.get("t")](one.findtext("v")) for one in filled},
                {one.get("r"): colours[int(one.get("s", 0))] for one in page.iter("c")},
                [one.get("ref") for one in page.iter("mergeCell")],
                {"ABCDEFGHI"[int(p[0].text)] + str(int(p[2].text) + 1) for p in places},
                {one.get("ref") for one in said.iter("comment")},
                len(list(page.iter("f"))),
            )
        )
    return pages


def xml(data: bytes) -> ElementTree.Element:
    """XML without its namespaces."""
    root = ElementTree.fromstring(data)
    for one in root.iter():
        one.tag = one.tag.rpartition("}")[2]
    return root


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    file = tmp_path_factory.mktemp("book") / "sheet.xlsx"
    write_workbook(SHEET, PICTURE, file)
    return opened(file)


def test_numbers_are_numbers_and_what_would_change_stays_text(pages):
    """Protects sums, leading zeros and card numbers, and a reader from formulas in a photo."""
    values = pages[0].values
    assert (values["A2"], values["B2"], values["B3"]) == (12, 1234.5, 305)
    assert (values["A3"], values["A4"], values["B4"], values["C4"]) == ("007", "=1+1", "1\n2", CARD)
    assert "C2" not in values
    assert pages[0].comments == {"A3", "A4", "B4", "C4"}
    assert sum(page.formulas for page in pages) == 0
    assert [values[where] for where in ("B6", "B7", "C7")] == [2084, 56, 8]


@pytest.mark.parametrize(("text", "kept"), [("05", "05"), ("-05", "-05"), ("-5", -5), ("0.5", 0.5)])
def test_no_digit_is_lost(tmp_path, text, kept):
    write_workbook(Sheet((Table(1, 1, (cell(0, 0, text),)),), (), (), ()), PICTURE, tmp_path / "o")
    assert opened(tmp_path / "o")[0].values["A2"] == kept


def test_doubtful_cells_are_coloured_with_their_picture_beside_them(pages):
    """Protects the eye that checks: nothing else is coloured, and each picture is in its row."""
    yellow = "FF" + DOUBTFUL.removeprefix("#")
    assert {k for k, colour in pages[0].colours.items() if colour == yellow} == {"B3", "C7"}
    assert pages[0].pictures == {"F3", "E7"}
    assert pages[0].merged == ["B3:C3"]


def test_the_second_page_lists_all_places_and_the_third_what_was_left_out(pages):
    listed, left = pages[1], pages[2]
    assert len(listed.pictures) == 11
    assert listed.values["D2"] == "305"  # the doubtful ones come first
    assert (listed.values["A2"], listed.values["B2"], listed.values["C2"]) == ("table 1", 2, 2)
    assert (listed.values["E2"], listed.values["F2"], listed.values["G2"]) == (305, 0.4, False)
    assert left.values["A2"] == "no number was found in it"
    assert left.pictures == {"B2"}


def test_csv_is_the_table_as_it_stands():
    """Protects who opens it elsewhere: all rows and columns, and doubt that cannot be missed."""
    assert list(csv.reader(io.StringIO(as_csv(SHEET)))) == [
        ["12", "1.234,5", ""],
        ["007", "305?", ""],
        ["=1+1", "1 2", CARD],
        [],
        ["field 1", "2084"],
        ["line 1", "56", "8?"],
    ]
    assert as_csv(Sheet()) == "\n"


def test_json_tells_all_that_is_known():
    told = json.loads(json.dumps(as_json(SHEET)))
    [one] = told["tables"]
    assert (one["rows"], one["columns"], len(one["cells"])) == (3, 3, 8)
    doubtful = one["cells"][4]
    assert doubtful["box"] == [100, 50, 100, 50]
    assert (doubtful["row"], doubtful["column"], doubtful["columns"]) == (1, 1, 2)
    assert (doubtful["text"], doubtful["accepted"], doubtful["written"]) == ("305", False, True)
    assert doubtful["numbers"][0]["confidence"] == 0.4
    assert doubtful["numbers"][0]["printed"] is False
    assert told["fields"][0]["text"] == "2084"
    assert [number["text"] for number in told["lines"][0]] == ["56", "8"]
    assert told["left_out"] == [{"reason": "no number was found in it", "box": [10, 10, 30, 20]}]


@given(
    st.tuples(st.integers(0, 500), st.integers(0, 500), st.integers(1, 500), st.integers(1, 500))
)
def test_every_box_has_a_picture(box):
    """Protects the workbook of a photo whose table reaches beyond its edge."""
    assert crop(Decoded(PICTURE, 400, 300), box).size


def digitlib(*arguments: object, cwd: Path, **options) -> subprocess.CompletedProcess:
    command = [Path(sys.executable).with_name("digitlib"), "sheet", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, **options)


@pytest.fixture
def photo(tmp_path):
    Image.fromarray(table([["12", "305"], ["48", ""]])).save(tmp_path / "photo.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    return tmp_path


def says(file: Path) -> str:
    """What a CSV file says, whether it is sure of that or not."""
    return file.read_text().replace("?", "")


@pytest.fixture
def digits(tmp_path):
    np.save(tmp_path / "digits.npy", np.zeros((1, 28, 28), np.uint8))


def test_a_photo_becomes_a_workbook_a_table_and_json(photo):
    done = digitlib(
        "photo.png", "--xlsx", "o.xlsx", "--csv", "o.csv", "--json", "o.json", cwd=photo
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "305" in done.stdout
    assert "3 numbers" in done.stdout
    assert "written: o.csv" in done.stdout
    assert says(photo / "o.csv") == "12,305\n48,\n"
    assert opened(photo / "o.xlsx")[0].values["B2"] == 305
    assert json.loads((photo / "o.json").read_text())["tables"][0]["columns"] == 2


def test_a_picture_on_standard_input_becomes_a_table(photo):
    picture = (photo / "photo.png").read_bytes()
    command = [Path(sys.executable).with_name("digitlib"), "sheet", "-", "--csv", "o.csv"]
    done = subprocess.run(command, cwd=photo, input=picture, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert says(photo / "o.csv") == "12,305\n48,\n"


@pytest.mark.parametrize("named", [["forms"], ["forms.zip"], ["forms/a.png", "forms/deep/b.png"]])
def test_several_pictures_become_a_folder(photo, monkeypatch, capsys, named):
    """Protects a pile of forms: each has a file of its own, and a bad one stops no other."""
    monkeypatch.chdir(photo)
    (photo / "forms" / "deep").mkdir(parents=True)
    shutil.copy("photo.png", "forms/a.png")
    shutil.copy("photo.png", "forms/deep/b.png")
    if named == ["forms.zip"]:
        shutil.make_archive("forms", "zip", "forms")
    if len(named) == 1:
        shutil.copy("broken.png", "forms/torn.png")
        shutil.make_archive("forms", "zip", "forms")
    code = cli.main(["sheet", *named, "--csv", "out", "--json", "out"])
    said = capsys.readouterr()
    made = {str(p.relative_to("out")) for p in Path("out").rglob("*") if p.is_file()}
    below = "" if len(named) == 1 else "forms/"
    names = [f"{below}a.png", f"{below}deep/b.png"]
    assert made == {f"{name}.{kind}" for name in names for kind in ("csv", "json")}
    assert says(Path("out", f"{names[1]}.csv")) == "12,305\n48,\n"
    assert f"written: out/{names[1]}.csv" in said.out
    assert said.out.endswith("2 of 3 read\n" if len(named) == 1 else "2 of 2 read\n")
    assert code == (len(named) == 1)
    assert ("torn.png: not a picture" in said.err) == (len(named) == 1)
    assert cli.main(["sheet", *named, "--csv", "out"]) == 2
    assert "out is there already: give --overwrite" in capsys.readouterr().err


def test_a_name_in_an_archive_leads_nowhere_else(photo, monkeypatch):
    """Protects files outside the folder that is written to."""
    monkeypatch.chdir(photo)
    with zipfile.ZipFile("evil.zip", "w") as archive:
        archive.write("photo.png", "../../up.png")
    assert cli.main(["sheet", "evil.zip", "--csv", "out"]) == 0
    assert [str(p) for p in photo.rglob("*up.png*")] == [str(photo / "out" / "up.png.csv")]


def test_nothing_on_a_page_is_a_fault_and_an_empty_form_is_none(photo, monkeypatch, capsys):
    """Protects scripts from taking a blank page for one that was read, as predict does."""
    monkeypatch.chdir(photo)
    Image.new("L", (300, 200), 255).save("blank.png")
    Image.fromarray(table([[""] * 4] * 5)).save("form.png")
    for command in ("sheet", "predict"):
        assert cli.main([command, "blank.png"]) == 1
        assert "blank.png: no digit was found in it" in capsys.readouterr().err
    assert cli.main(["sheet", "blank.png", "--csv", "o.csv"]) == 1
    assert not (photo / "o.csv").exists()
    assert cli.main(["sheet", "form.png", "--csv", "o.csv"]) == 0
    assert (photo / "o.csv").read_text() == 5 * ",,,\n"


def test_a_workbook_that_excel_would_not_open_is_refused(photo, monkeypatch, capsys):
    monkeypatch.chdir(photo)
    assert cli.main(["sheet", "photo.png", "--xlsx", "o.txt"]) == 2
    assert "o.txt: Excel opens a workbook only if its name ends in .xlsx" in capsys.readouterr().err


def test_a_file_is_replaced_only_when_asked(photo, monkeypatch, capsys):
    monkeypatch.chdir(photo)
    (photo / "o.csv").write_text("precious")
    assert cli.main(["sheet", "photo.png", "--json", "o.json", "--csv", "o.csv"]) == 2
    assert "o.csv is there already: give --overwrite" in capsys.readouterr().err
    assert (photo / "o.csv").read_text() == "precious"
    assert not (photo / "o.json").exists()
    assert cli.main(["sheet", "photo.png", "--csv", "o.csv", "--overwrite"]) == 0
    assert says(photo / "o.csv") == "12,305\n48,\n"


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["broken.png"], 1, "broken.png: not a picture"),
        (["nowhere.png"], 2, "nowhere.png: there is no such file"),
        (["photo.png", "--csv", "."], 2, "is a folder"),
        ([".", "--csv", "broken.png"], 2, "is a file: for several pictures"),
        (["digits.npy"], 2, "use digitlib predict"),
        (["photo.png", "--csv", ".", "--overwrite"], 2, "is a folder"),
        (["photo.png", "--csv", "o.txt", "--json", "o.txt"], 2, "replaced by another"),
        (["photo.png", "--csv", "photo.png", "--overwrite"], 2, "replaced by another"),
        (["photo.png", "--csv", "broken.png/o.csv"], 2, "broken.png"),
        (["../photo.png", "photo.png", "--csv", "out"], 2, "would be written to one file"),
    ],
)
@pytest.mark.usefixtures("digits")
def test_a_wrong_command_says_what_is_wrong(photo, monkeypatch, capsys, arguments, code, reason):
    before = {file: file.read_bytes() for file in photo.iterdir()}
    monkeypatch.chdir(photo)
    assert cli.main(["sheet", *arguments]) == code
    assert reason in capsys.readouterr().err
    assert {file: file.read_bytes() for file in photo.iterdir()} == before


def test_when_the_disk_is_full_nothing_is_half_written(photo):
    """Protects a file that is there from being replaced by a part of one."""
    (photo / "o.xlsx").write_text("precious")

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    done = digitlib("photo.png", "--xlsx", "o.xlsx", "--overwrite", cwd=photo, preexec_fn=full)
    assert done.returncode == 2
    assert "o.xlsx" in done.stderr
    assert (photo / "o.xlsx").read_text() == "precious"
    assert {file.name for file in photo.iterdir()} == {"photo.png", "broken.png", "o.xlsx"}


def test_without_a_model_of_sheets_the_remedy_is_named(photo, monkeypatch, capsys):
    from digitlib import Recognizer

    nowhere = lambda: Recognizer(sheet_model_dir=photo / "sheets")  # noqa: E731
    monkeypatch.setattr(sheet_command, "Recognizer", nowhere)
    assert cli.main(["sheet", str(photo / "photo.png")]) == 2
    assert "python -m digitlib.learning.fit_sheets" in capsys.readouterr().err
