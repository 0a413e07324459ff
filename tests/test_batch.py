"""Many pictures at once: right answers, bounded memory, bad files as rows, resumable."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import time
import tracemalloc
import warnings
import zipfile
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from readings import Reader

from digitlib import Recognizer
from digitlib.apps.canvas import DigitCanvas
from digitlib.apps.canvas.strokes import write
from digitlib.artifacts import ArtifactError, load_card, write_json
from digitlib.datasets import load_dataset
from digitlib.pixels.digit_columns import PIXEL_COLUMNS
from digitlib.pixels.digit_files import DataError
from digitlib.reading import batch
from digitlib.reading.batch import predict, write_submission
from digitlib.reading.models import PRETRAINED, serving_file
from digitlib.reading.rows import Row, status
from digitlib.reading.sources import open_source
from digitlib.safekeeping import BeingWritten


@pytest.fixture(scope="module")
def digits():
    return load_dataset("optdigits", "test")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Drawings in folders named by their digit, and what is no picture among them."""
    root = tmp_path_factory.mktemp("pictures")
    for digit in "0123456789":
        (root / digit).mkdir()
        Image.fromarray(DigitCanvas(strokes=write(digit)).picture).save(root / digit / "a.png")
    Image.fromarray(DigitCanvas(strokes=write("407")).picture).save(root / "number.png")
    (root / "broken.png").write_bytes(b"no picture")
    (root / "empty.jpg").write_bytes(b"")
    Image.new("L", (40, 40), 255).save(root / "blank.png")
    (root / "notes.txt").write_text("no picture, and not called one")
    (root / ".hidden").mkdir()
    (root / ".hidden" / "b.png").write_bytes(b"")
    return root


def table(file):
    with file.open(newline="", encoding="utf-8") as stream:
        return {row["file"]: row for row in csv.DictReader(stream)}


def kaggle(file, digits, labels=True, n=50):
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["label", *PIXEL_COLUMNS] if labels else PIXEL_COLUMNS)
        for image, label in zip(digits.images[:n], digits.labels[:n], strict=True):
            writer.writerow([label, *image.ravel()] if labels else image.ravel())
    return file


def test_a_folder_becomes_a_table_and_nothing_is_skipped_in_silence(folder, tmp_path):
    rows = table(predict(open_source(folder), tmp_path / "out.csv"))
    assert len(rows) == 14
    for digit in "0123456789":
        row = rows[f"{digit}/a.png"]
        assert (row["text"], row["truth"], row["status"]) == (digit, digit, "high")
        assert row["accepted"] == "True"
    assert rows["number.png"]["text"] == "407"
    assert len(rows["number.png"]["boxes"].split(";")) == 3
    assert "not a picture" in rows["broken.png"]["error"]
    assert "zero bytes" in rows["empty.jpg"]["error"]
    assert "no digit was found" in rows["blank.png"]["error"]


def test_a_table_has_the_numbers_of_each_picture(folder, tmp_path, monkeypatch):
    """Protects sums made from a table: as written, how sure, and worth what if that is certain."""
    monkeypatch.setattr(batch, "Recognizer", lambda _folder: Reader())
    rows = table(predict(open_source(folder / "number.png"), tmp_path / "out.csv"))
    [row] = rows.values()
    assert row["text"] == "1537150 1234 8"
    assert row["numbers"] == "15.371,50;1.234;8"
    assert row["probabilities"] == "0.97000;0.41000;0.99000"
    assert row["values"] == "15371.5;;8"
    assert len(row["boxes"].split(";")) == 12
    assert (row["confidence"], row["status"], row["accepted"]) == ("0.41000", "low", "False")


def test_an_archive_reads_like_its_folder(folder, tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for file in folder.rglob("*.png"):
            archive.write(file, file.relative_to(folder))
    rows = table(predict(open_source(tmp_path / "all.zip"), tmp_path / "zip.csv"))
    assert [rows[f"{d}/a.png"]["text"] for d in "0123456789"] == list("0123456789")
    assert "not a picture" in rows["broken.png"]["error"]


def test_a_damaged_entry_and_one_name_twice_are_rows(folder, tmp_path, recwarn):
    file = tmp_path / "all.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", bytes(range(256)) * 40)
        archive.write(folder / "7" / "a.png", "b.png")
        with warnings.catch_warnings(action="ignore"):
            archive.write(folder / "4" / "a.png", "b.png")
    content = bytearray(file.read_bytes())
    content[40:60] = b"\xff" * 20
    file.write_bytes(content)
    source = open_source(file)
    rows = [row for chunk in source.chunks(50) for row in batch.read_chunk(Recognizer(), chunk)]
    assert "cannot be unpacked" in rows[0].error
    assert sorted(row.text for row in rows[1:]) == ["4", "7"]


@pytest.mark.parametrize("packed", ["folder", "zip"])
def test_each_page_is_a_row(folder, tmp_path, packed):
    """Protects scans of several sheets: none of them is lost."""
    (tmp_path / "scans").mkdir()
    for name in ("a.pdf", "b.tiff"):
        sheets = [Image.open(folder / digit / "a.png").convert("L") for digit in "407"]
        sheets[0].save(tmp_path / "scans" / name, save_all=True, append_images=sheets[1:])
    Image.open(folder / "7" / "a.png").save(tmp_path / "scans" / "c.tif")
    source = tmp_path / "scans"
    if packed == "zip":
        source = Path(shutil.make_archive(str(source), "zip", source))
    rows = table(predict(open_source(source), tmp_path / "out.csv"))
    assert {name: row["text"] for name, row in rows.items()} == {
        **{f"a.pdf#page={i}": text for i, text in enumerate("407", 1)},
        **{f"b.tiff#page={i}": text for i, text in enumerate("407", 1)},
        "c.tif": "7",
    }


def test_what_is_left_out_of_a_folder_or_an_archive_is_said(folder, tmp_path):
    """Protects from a folder that was read in part: a picture may have an odd name."""
    assert open_source(folder).notes[0].endswith(": notes.txt")
    archive = shutil.make_archive(str(tmp_path / "all"), "zip", folder)
    assert open_source(archive).notes == open_source(folder).notes
    for i in range(7):
        (tmp_path / f"{i}.doc").write_text("x")
    shutil.copy(folder / "7" / "a.png", tmp_path)
    [note] = open_source(tmp_path).notes
    assert note.endswith(": 0.doc, 1.doc, 2.doc, 3.doc, 4.doc and 3 more")  # the zip, too
    assert open_source(folder / "7").notes == []


def test_an_archive_that_lies_about_its_sizes_takes_no_more_memory(folder, tmp_path):
    """Protects memory: a kilobyte of bzip2 can hold gigabytes, and an entry can claim less."""
    file = tmp_path / "bomb.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", bytes(50_000_000))
        archive.writestr("b.png", bytes(1000), zipfile.ZIP_BZIP2)
        archive.write(folder / "7" / "a.png", "c.png")
    said = (50_000_000).to_bytes(4, "little")
    file.write_bytes(file.read_bytes().replace(said, (1000).to_bytes(4, "little")))
    tracemalloc.start()
    [chunk] = open_source(file).chunks(9)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()
    assert chunk.faults.keys() == {0, 1}
    assert "pack it by deflation" in chunk.faults[1]
    assert chunk.pictures[2] == (folder / "7" / "a.png").read_bytes()


def test_a_name_of_any_bytes_is_a_row(folder, tmp_path):
    strange = os.path.join(os.fsencode(tmp_path), b"\xff.png")
    shutil.copy(folder / "7" / "a.png", strange)
    rows = table(predict(open_source(tmp_path), tmp_path / "out.csv"))
    assert rows["\\xff.png"]["text"] == "7"


def test_what_is_read_is_not_written_over(digits, folder, tmp_path):
    file = kaggle(tmp_path / "k.csv", digits, n=5)
    before = file.read_bytes()
    with pytest.raises(DataError, match="is there and no table of readings"):
        predict(open_source(file), file)
    with pytest.raises(DataError, match="is a folder"):
        predict(open_source(file), tmp_path)
    assert file.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["k.csv"]


def test_one_bad_path_does_not_stop_the_others(folder, tmp_path):
    """Protects a long list: what is not there, or a folder, is a row that says so."""
    (tmp_path / "all.csv").write_text("label")
    paths = [tmp_path / "gone.png", folder / "7" / "a.png", folder, tmp_path / "all.csv"]
    predict(open_source(paths), tmp_path / "said.csv")
    gone, read, inside, many = table(tmp_path / "said.csv").values()
    assert gone["error"] == "there is no such file"
    assert (read["text"], read["error"]) == ("7", "")
    assert inside["error"] == "a folder: give it alone"
    assert many["error"] == "a file of many pictures: give it alone"


@pytest.mark.parametrize(
    "size", [3, 1]
)  # the process dies after the last chunk is given, or before
def test_a_process_that_dies_costs_one_row(folder, tmp_path, monkeypatch, size):
    """Protects a night's run from one picture that brings a decoder down."""
    monkeypatch.setattr(batch, "PICTURES_PER_CHUNK", size)
    monkeypatch.setattr(batch, "CHUNKS_WORTH_PROCESSES", 0)
    monkeypatch.setattr(batch, "read_chunk", deadly)
    rows = table(predict(open_source(folder), tmp_path / "out.csv", workers=2))
    assert len(rows) == 14
    assert rows["5/a.png"]["error"] == "the process reading it died"
    assert [rows[f"{d}/a.png"]["text"] for d in "01234"] == list("01234")


def test_where_no_process_can_read_nothing_is_written(folder, tmp_path, monkeypatch):
    """Protects from a table in which every row says that its process died."""
    monkeypatch.setattr(batch, "CHUNKS_WORTH_PROCESSES", 0)
    broken = shutil.copytree(PRETRAINED, tmp_path / "model")
    file = serving_file(broken)
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(ArtifactError, match=file.name):
        predict(open_source(folder), tmp_path / "out.csv", broken, workers=2)
    script = tmp_path / "unguarded.py"
    script.write_text(
        "from digitlib.reading import batch\n"
        "from digitlib.reading.sources import open_source\n"
        "batch.PICTURES_PER_CHUNK, batch.CHUNKS_WORTH_PROCESSES = 1, 0\n"
        f"batch.predict(open_source({str(folder)!r}), {str(tmp_path / 'out.csv')!r}, workers=2)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert done.returncode
    assert "call this below `if __name__" in done.stderr
    assert not (tmp_path / "out.csv").exists()


def test_an_interrupted_table_does_not_wait_for_the_pictures_at_hand(folder, tmp_path, monkeypatch):
    """Protects Ctrl-C: the processes are ended, whatever they are reading."""
    monkeypatch.setattr(batch, "PICTURES_PER_CHUNK", 1)
    monkeypatch.setattr(batch, "CHUNKS_WORTH_PROCESSES", 0)
    monkeypatch.setattr(batch, "read_chunk", slow)

    def stop(done, _):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict(open_source(folder), tmp_path / "out.csv", workers=2, progress=stop)
    assert not active_children()  # a single picture would take ten minutes


def slow(recognizer, chunk):
    """In place of the reading in a process: all but the first picture take forever."""
    if "0/a.png" not in chunk.names:
        time.sleep(600)
    return batch.read_chunk(recognizer, chunk)


def deadly(recognizer, chunk):
    """In place of the reading in a process: one picture ends it."""
    if "5/a.png" in chunk.names:
        os._exit(1)
    return batch.read_chunk(recognizer, chunk)


def test_a_damaged_archive_is_one_clear_error(tmp_path):
    (tmp_path / "bad.zip").write_bytes(b"PK\3\4 and no more")
    with pytest.raises(DataError, match=r"bad\.zip: not a readable zip"):
        open_source(tmp_path / "bad.zip")


def test_kaggles_tables_give_a_submission(digits, tmp_path):
    file = kaggle(tmp_path / "test.csv", digits, labels=False)
    rows = table(predict(open_source(file), tmp_path / "out.csv"))
    right = [int(rows[str(i + 1)]["text"]) == digits.labels[i] for i in range(50)]
    assert sum(right) >= 48
    lines = write_submission(tmp_path / "out.csv", tmp_path / "new" / "s.csv").read_text().split()
    assert lines[0] == "ImageId,Label"
    assert lines[1:] == [f"{i + 1},{rows[str(i + 1)]['text']}" for i in range(50)]


def test_labels_are_kept_beside_the_answers_and_a_bad_row_is_a_row(digits, tmp_path):
    file = kaggle(tmp_path / "train.csv", digits, n=20)
    lines = file.read_text().splitlines()
    lines[3], lines[5] = lines[3].replace(",0,", ",x,", 1), lines[5] + ",7"
    file.write_text("\n".join(lines) + "\n\n")
    rows = table(predict(open_source(file), tmp_path / "out.csv"))
    assert len(rows) == 20
    assert rows["3"]["error"].startswith("line 4, column pixel")
    assert "'x' is not a whole number from 0 to 255" in rows["3"]["error"]
    assert rows["5"]["error"] == "line 6, 785 pixels instead of 784"
    assert rows["1"]["truth"] == str(digits.labels[0])


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_arrays_answer_as_classify_does(digits, tmp_path, suffix):
    file = tmp_path / f"images{suffix}"
    if suffix == ".npy":
        np.save(file, digits.images)
    else:
        np.savez(file, images=digits.images, labels=digits.labels)
    rows = table(predict(open_source(file), tmp_path / "out.csv"))
    expected = Recognizer().classify(digits.images)
    assert [int(row["text"]) for row in rows.values()] == expected.argmax(1).tolist()
    sure = [float(row["confidence"]) for row in rows.values()]
    assert np.allclose(sure, expected.max(1), atol=1e-4)


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("a.csv", b"x,y\n1,2\n", "its 2 columns are x, y"),
        ("a.npy", b"nonsense", r"not a readable \.npy file"),
        ("a.npy", npy(np.zeros((9, 28, 28), np.uint8))[:-5], "last 5 bytes are missing"),
        ("a.npy", npy(np.zeros((9, 28, 28), np.float32)), "float32"),
        ("a.npy", npy(np.zeros((9, 28, 28), np.uint8, "F")), "by columns"),
        ("a.npz", b"nonsense", r"not a readable \.npz file"),
        ("a.zip", b"PK\5\6" + bytes(18), "no pictures in this archive"),
        ("nowhere.png", None, "no such file"),
        ("nowhere.csv?transpose", None, "no such file"),
        ("a.png?transpose", b"", r"\?transpose is for files of 28×28 digits"),
        ("a.csv", b"label," + b",".join(b"pixel%d" % i for i in range(784)), "it holds no digits"),
    ],
)
def test_what_cannot_be_a_source_is_named(tmp_path, name, content, fault):
    if content is not None:
        (tmp_path / name.split("?")[0]).write_bytes(content)
    with pytest.raises(DataError, match=fault):
        open_source(tmp_path / name)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no pictures in this folder$"):
        open_source(tmp_path / "empty")
    (tmp_path / "empty" / "test.csv").write_text("x")
    with pytest.raises(DataError, match=r"folder; give a file of digits by its own name, .*: test"):
        open_source(tmp_path / "empty")


def test_a_stopped_run_goes_on_where_it_was(digits, tmp_path, monkeypatch):
    """Protects a night's work: nothing is read twice, nothing is lost, half a line is cut off."""
    monkeypatch.setattr(batch, "DIGITS_PER_CHUNK", 40)
    file = tmp_path / "images.npy"
    np.save(file, digits.images[:200])
    whole = predict(open_source(file), tmp_path / "whole.csv").read_bytes()

    class Stopped(Exception):
        pass

    def stop(done, _):
        if done == 80:
            raise Stopped

    with pytest.raises(Stopped):
        predict(open_source(file), tmp_path / "out.csv", workers=1, progress=stop)
    assert not (tmp_path / "out.csv").exists()
    with (tmp_path / "out.csv.part").open("a") as stream:
        stream.write("81,half a li")
    seen = []
    predict(open_source(file), tmp_path / "out.csv", progress=lambda done, n: seen.append(done))
    assert seen == [120, 160, 200]
    assert (tmp_path / "out.csv").read_bytes() == whole
    assert sorted(p.name for p in tmp_path.glob("out*")) == ["out.csv"]


def test_a_table_that_is_stopped_before_its_first_rows_goes_on(folder, tmp_path, monkeypatch):
    """Protects the promise that the same command goes on."""

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(batch, "read_chunk", stopped)
    with pytest.raises(KeyboardInterrupt):
        predict(open_source(folder), tmp_path / "out.csv")
    monkeypatch.undo()
    predict(open_source(folder), tmp_path / "out.csv", overwrite=False)
    assert sorted(p.name for p in tmp_path.glob("out*")) == ["out.csv"]


def test_a_table_that_was_killed_before_its_first_row_goes_on(folder, tmp_path, monkeypatch):
    """Protects from a table that refuses its own command: whose it is, is on disk before it is."""

    class Killed(BaseException):
        pass

    def kill(*_):
        raise Killed

    monkeypatch.setattr(Path, "write_bytes", kill)
    with pytest.raises(Killed):
        predict(open_source(folder), tmp_path / "out.csv")
    monkeypatch.undo()
    (tmp_path / "out.csv.part").write_bytes(b"file,te")  # as far as it came
    rows = table(predict(open_source(folder), tmp_path / "out.csv", overwrite=False))
    assert rows["number.png"]["text"] == "407"


def test_a_table_has_one_writer(folder, tmp_path):
    """Protects a table from rows that are in it twice, and both commands from saying nothing."""
    source = open_source(folder / "7" / "a.png")

    def second(*_):
        with pytest.raises(
            BeingWritten, match=rf"out\.csv is already being written \(pid {os.getpid()}"
        ):
            predict(source, tmp_path / "out.csv")

    assert len(table(predict(source, tmp_path / "out.csv", progress=second))) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["out.csv"]


def test_nothing_to_read_is_said(tmp_path):
    """Protects an existing table from an empty one."""
    (tmp_path / "folder.png").mkdir()
    for nothing in ([], tmp_path / "*.png"):
        with pytest.raises(DataError, match=r"empty list|no such file"):
            open_source(nothing)


def test_another_source_does_not_go_on_there(digits, tmp_path):
    np.save(tmp_path / "a.npy", digits.images[:30])
    (tmp_path / "out.csv.part").write_text("file,text\n1,7\n")
    (tmp_path / "out.csv.job").write_text(json.dumps({"source": "other", "rows": 1, "bytes": 14}))
    rows = table(predict(open_source(tmp_path / "a.npy"), tmp_path / "out.csv"))
    assert len(rows) == 30


@pytest.mark.parametrize("name", ["PRETRAINED_LINES", "PRETRAINED_SHEETS"])
def test_a_table_does_not_go_on_with_another_model(name, folder, tmp_path, monkeypatch):
    """Protects a table from rows of two models."""

    def stop(done, _):
        raise InterruptedError

    source = open_source(folder / "7" / "a.png")
    with pytest.raises(InterruptedError):
        predict(source, tmp_path / "out.csv", progress=stop)
    other = shutil.copytree(getattr(batch, name), tmp_path / "other")
    write_json(other / "card.json", load_card(other) | {"threshold": 0.5})
    monkeypatch.setattr(batch, name, other)
    with pytest.raises(DataError, match="beginning of a table"):
        predict(source, tmp_path / "out.csv", overwrite=False)


def test_several_processes_give_the_same_table(digits, tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "DIGITS_PER_CHUNK", 20)
    np.save(tmp_path / "a.npy", digits.images[:200])
    one = predict(open_source(tmp_path / "a.npy"), tmp_path / "1.csv", workers=1)
    two = predict(open_source(tmp_path / "a.npy"), tmp_path / "2.csv", workers=2)
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for the peak")
@pytest.mark.parametrize("name", ["many.npy", "many.npz"])
@pytest.mark.campaign
def test_memory_stays_flat_over_many_digits(digits, tmp_path, name):
    """Protects a million digits: the peak does not grow with their number."""
    program = (
        "import re, sys; from digitlib.reading.batch import predict;"
        "from digitlib.reading.sources import open_source;"
        "predict(open_source(sys.argv[1]), sys.argv[2], workers=1);"
        # Its own peak: what getrusage says begins with the parent's.
        "print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"
    )
    peaks = []
    for n in (4_000, 40_000):
        images = np.resize(digits.images, (n, 28, 28))
        if name == "many.npy":
            np.save(tmp_path / name, images)
        else:
            np.savez_compressed(tmp_path / name, images=images)
        command = [sys.executable, "-c", program, tmp_path / name, tmp_path / "out.csv"]
        peaks.append(int(subprocess.run(command, capture_output=True, check=True).stdout) / 1024)
    assert peaks[1] - peaks[0] < 15, peaks  # MB; the larger file holds 31 MB


def test_names_are_no_formulas_and_status_has_its_limits():
    assert Row("=1+1.png").cells()[0] == "'=1+1.png"
    assert [status(p) for p in (0.81, 0.8, 0.51, 0.5, 0.0)] == [
        "high",
        "medium",
        "medium",
        "low",
        "low",
    ]
