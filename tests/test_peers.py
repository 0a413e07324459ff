"""Other readers read the same pictures, and what is said of them is what they read."""

import importlib.util
import shutil
import sys

import cv2
import numpy as np
import pytest
from PIL import Image

from digitlib.artifacts import ArtifactError, load_metrics, write_json
from digitlib.measuring import lines, peers
from digitlib.measuring.peers import AS_RAPIDOCR, WITH_BORDER, Reader, Said
from digitlib.release import peers as comparison
from digitlib.release import summaries, tables

HERE = all(importlib.util.find_spec(package) for package in ("rapidocr", "onnxruntime"))
# A network's characters, with digits among others and in no order.
CHARACTERS = ["a", *"9876543210", "O", "l"]


def network_saying(*columns):
    """A network that answers a row of probabilities for each column: {character: probability}."""
    said = np.zeros((len(columns), 1 + len(CHARACTERS)), np.float32)
    for row, column in zip(said, columns, strict=True):
        for character, probability in column.items():
            row[CHARACTERS.index(character) + 1 if character else 0] = probability
    return lambda line: said


def said_by(*columns):
    read = peers.digit_reader(network_saying(*columns), CHARACTERS, AS_RAPIDOCR)
    return read(np.zeros((20, 60), np.uint8))


def test_a_letter_that_looks_like_a_digit_is_read_as_that_digit():
    """Protects the other readers: they are not marked down for what this project never says."""
    said = said_by({"O": 0.7, "0": 0.2, "": 0.1}, {"l": 0.6, "": 0.3, "1": 0.1}, {"7": 0.9})
    assert said.digits == "07"
    assert said.confidence == pytest.approx((0.2 + 0.9) / 2)


def test_a_digit_is_written_twice_only_with_a_blank_between():
    five, blank = {"5": 1.0}, {"": 1.0}
    assert said_by(five, five, five, blank).digits == "5"
    assert said_by(blank, five, blank, five).digits == "55"
    assert said_by(blank, blank) == Said("", 0.0)


def test_a_line_is_prepared_as_rapidocr_does_it():
    """48 pixels high, blue first, -1 to 1; grey on the right, up to 320 columns."""
    picture = np.zeros((24, 60, 3), np.uint8)
    picture[..., 0] = 255  # red
    line = peers.prepare(picture, AS_RAPIDOCR)
    assert line.shape == (1, 3, 48, 320)
    assert line.dtype == np.float32
    assert (line[0, 2, :, :120] == 1).all()
    assert (line[0, :2, :, :120] == -1).all()
    assert not line[..., 120:].any()
    assert peers.prepare(np.zeros((24, 600), np.uint8), AS_RAPIDOCR).shape[3] == 1200


def test_a_border_repeats_the_edges():
    picture = np.tile(np.arange(60, dtype=np.uint8), (48, 1))
    line = peers.prepare(picture, WITH_BORDER)[0, 0]
    assert line.shape == (48, 60 + 2 * 16)
    assert (line[:, :16] == line[:, 16:17]).all()
    assert (line[:, -16:] == line[:, -17:-16]).all()


def test_a_missing_package_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'digitlib\[peers\]'"):
        peers.load_peers()
    with pytest.raises(SystemExit, match=r"digitlib\[peers\]"):
        comparison.find_peers()


def test_a_missing_program_is_left_out_with_a_sentence(monkeypatch):
    monkeypatch.setattr(peers, "pp_ocr", lambda: [])
    monkeypatch.setattr(shutil, "which", lambda program: None)
    assert peers.load_peers() == (
        [],
        ["Tesseract is left out, because no program `tesseract` is installed."],
    )


def test_the_words_of_tesseract_are_put_together():
    table = (
        "level\tleft\tconf\ttext\n"
        "4\t0\t-1\t\n"  # a line, which has no text of its own
        "5\t0\t95.5\t12\n"
        "5\t40\t61.0\t3\n"
        "5\t60\t9.0\t \n"  # a word that holds none of the characters that are allowed
    )
    assert peers.words_said(table) == Said("123", 0.61)
    assert peers.words_said("level\tleft\tconf\ttext\n") == Said("", 0.0)


def line_set(*numbers):
    """Pictures whose brightness tells which they are."""
    pictures = [np.full((10, 30), i, np.uint8) for i in range(len(numbers))]
    return lines.LineSet("some", pictures, numbers, "made up")


def test_readers_are_compared_on_the_same_pictures_in_turns():
    asked = []

    def reader(name, answers):
        def read(picture):
            asked.append((name, int(picture[0, 0])))
            return answers[picture[0, 0]]

        return Reader(name, read, 1_000_000)

    one = reader("one", [Said("12", 0.9), Said("3", 0.8), Said("9", 0.1), Said("", 0.0)])
    other = reader("other", [Said("12", 0.1), Said("4", 0.9), Said("5", 0.8), Said("6", 0.2)])
    rows = comparison.compare([one, other], line_set(["1.2"], ["3"], ["5"], ["6"]))
    assert asked[2:6] == [("one", 0), ("other", 0), ("other", 1), ("one", 1)]
    assert [row["correct"] for row in rows] == [2, 3]
    assert [row["surest_half_percent"] for row in rows] == [100, 50]
    for row in rows:
        assert row["n"] == 4
        assert row["low_percent"] < row["accuracy_percent"] < row["high_percent"]
        assert row["p50_ms"] > 0
    by = rows[1]["paired"]
    assert (by["only_first"], by["only_second"], by["difference_percent"]) == (1, 2, -25)


def test_the_verdict_goes_by_paired_intervals():
    """Protects from a winner by luck, and from hiding a set on which another reader is better."""

    def against(name, low, high):
        by = {"difference_percent": (low + high) / 2, "low_percent": low, "high_percent": high}
        return row(set=name, reader="other", paired=by)

    rows = [row(), against("a", -6, -2), against("b", 1, 3), against("c", -1, 1)]
    assert comparison.verdict(rows) == (
        "- Against **other**: this project reads more of `b` (by 2.0 points, 95 % interval 1.0 to "
        "3.0); it reads more of `a` (by 4.0 points, 95 % interval 2.0 to 6.0); on `c` the two "
        "cannot be told apart."
    )


def test_without_collected_pictures_simulated_lines_are_read(monkeypatch, tmp_path):
    monkeypatch.setenv("DIGITLIB_DATA", str(tmp_path))
    monkeypatch.setattr(comparison, "LIMIT", 5)
    [simulated] = comparison.sets()
    assert (simulated.name, len(simulated)) == ("simulated", 5)


def test_every_reader_is_given_the_same_pixels(tmp_path):
    """A photo lies as its camera says; an array is as it was."""
    file = tmp_path / "photo.jpg"
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("L", (40, 20)).save(file, exif=turned)
    assert comparison.pixels(file).shape == (40, 20, 3)
    array = np.zeros((3, 4), np.uint8)
    assert comparison.pixels(array) is array


def test_what_is_kept_says_on_what_it_was_measured(monkeypatch, tmp_path):
    """This project reads beside a reader that sees nothing."""
    monkeypatch.setenv("DIGITLIB_ROOT", str(tmp_path))
    monkeypatch.setattr(comparison, "sets", lambda: [line_set(["1"], ["2"])])
    blind = Reader("blind", lambda picture: Said("", 0.0), None)
    said = comparison.measure([blind], ["Tesseract is left out."])
    assert said.endswith("Tesseract is left out.")
    kept = load_metrics(comparison.OUTPUT)["peers"]
    assert [row["reader"] for row in kept["rows"]] == ["digitlib", "blind"]
    assert kept["rows"][0]["bytes"] > 0
    assert kept["machine"]
    assert "numpy" in kept["versions"]


def row(**changes):
    return {
        "set": "amounts", "source": "", "reader": "digitlib", "n": 1590, "correct": 1193,
        "accuracy_percent": 75.03, "low_percent": 72.84, "high_percent": 77.1,
        "surest_half_percent": 99.5, "p50_ms": 12.34, "bytes": 1_820_000,
    } | changes  # fmt: skip


def test_the_table_is_even_and_names_every_row():
    said = comparison.peers_table([row(), row(reader="Tesseract 5.3.0", bytes=None)]).splitlines()
    assert len({len(line) for line in said}) == 1
    cells = [cell.strip() for cell in said[2].strip("|").split("|")]
    assert cells == [
        "amounts", "**digitlib**", "1,590", "75.0 %", "72.8 – 77.1", "99.5 %", "12.3 ms", "1.8 MB",
    ]  # fmt: skip
    assert said[3].endswith("– |")


def test_the_readme_says_where_another_reader_is_ahead():
    """Protects the reader of the front page from learning that on another one."""
    ours = row(accuracy_percent=83.6, bytes=1_260_000)
    worse, best = (row(reader=f"R{p}", accuracy_percent=p, bytes=21_200_000) for p in (82, 86.8))
    assert summaries.beside([ours, worse, best, row(set="canvas", reader="X")]) == (
        "In one run on the cheques' amounts, the best other reader, R86.8, read 86.8 % with models "
        "of 21 MB, and this project read 83.6 % with models of 1.3 MB."
    )
    assert "R86.8, read 86.8 %, and" in summaries.beside([ours, best | {"bytes": None}])
    assert summaries.beside([ours]) == ""


def test_the_readme_compares_the_model_that_ships(tmp_path):
    assert "make benchmark PEERS=1" in tables.other_readers(tmp_path)
    file = tmp_path / comparison.OUTPUT / "metrics" / "peers.json"
    measured = {"machine": "Linux, 2 cores", "rows": [row()], "notes": []}
    write_json(file, measured | {"models_sha256": comparison.shipped_models()})
    assert tables.other_readers(tmp_path).startswith("On Linux, 2 cores:\n\n| pictures")
    write_json(file, measured | {"models_sha256": ["of another"]})
    with pytest.raises(ArtifactError, match="make benchmark PEERS=1"):
        tables.other_readers(tmp_path)


@pytest.fixture
def number():
    """A picture that says 2026, in a typeface."""
    picture = np.full((60, 200), 255, np.uint8)
    cv2.putText(picture, "2026", (20, 45), cv2.FONT_HERSHEY_SIMPLEX, 1.5, 0, 3)
    return picture


@pytest.mark.skipif(not HERE, reason="the extra [peers] is not installed")
def test_pp_ocr_reads_a_number(number):
    for reader in peers.pp_ocr():
        said = reader.read(number)
        assert said.digits == "2026"
        assert 0.9 < said.confidence <= 1
        assert 2e7 < reader.bytes < 3e7


@pytest.mark.skipif(not shutil.which("tesseract"), reason="tesseract is not installed")
def test_tesseract_reads_a_number(number):
    reader = peers.tesseract("tesseract")
    assert reader.read(number).digits == "2026"
    assert reader.name.startswith("Tesseract ")
