"""Reading in parts: the table that one process writes, whatever is killed meanwhile."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from miniature import Sharded
from PIL import Image

from digitlib.pixels.digit_files import DataError
from digitlib.reading.batch import predict
from digitlib.reading.sources import Part, open_source
from digitlib.synthetic.numerals import draw_digits

DIGITS = 6500  # of an array; read 2,000 at a time


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """A folder of 13 pictures, one of them no picture."""
    folder = tmp_path_factory.mktemp("scans")
    for number, image in enumerate(draw_digits(np.arange(12) % 10, 0)):
        Image.fromarray(255 - image).save(folder / f"{number:02}.png")
    (folder / "05b.png").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> Path:
    """A file of arrays with more digits than are read at a time, one of them blank."""
    file = tmp_path_factory.mktemp("digits") / "digits.npy"
    images = draw_digits(np.arange(50) % 10, 1)
    images[7] = 0
    np.save(file, np.resize(images, (DIGITS, 28, 28)))
    return file


@pytest.fixture
def project(tmp_path) -> Sharded:
    return Sharded(tmp_path)


@pytest.mark.parametrize("count", [1, 3, 13, 20])
def test_parts_have_every_picture_once(pictures, count):
    """Protects a night's run from a picture that is in no part, or in two."""
    whole = open_source(pictures)
    parts = [Part(whole, number, count) for number in range(1, count + 1)]
    assert sum(map(len, parts)) == len(whole) == 13
    read = [chunk for part in parts for chunk in part.chunks(2)]
    [expected] = whole.chunks(13)
    assert [name for chunk in read for name in chunk.names] == expected.names
    assert all(len(chunk.names) <= 2 for chunk in read)
    going_on = [name for chunk in parts[-1].chunks(5, len(parts[-1]) // 2) for name in chunk.names]
    assert going_on == expected.names[len(expected.names) - len(going_on) :]


def test_a_part_that_there_is_not_is_refused(pictures):
    """Protects a join from a table of nothing."""
    for number in (0, 4):
        with pytest.raises(DataError, match=f"no part {number} of 3; they are 1 to 3"):
            Part(open_source(pictures), number, 3)


def test_parts_become_the_table_that_one_process_writes(project, pictures):
    """Protects whoever reads on many machines from another table, faults and all."""
    project.run(pictures, "--shards", "3")
    whole = predict(open_source(pictures), project.root / "whole.csv", workers=1)
    assert project.table.read_bytes() == whole.read_bytes()
    assert "05b.png" in whole.read_text()
    assert not project.parts.exists()
    assert "is there already" in project.run(pictures, code=1)


def test_a_part_that_was_killed_goes_on_where_it_was(project, digits):
    """Protects the other parts, and all rows but the last, from a process that is killed."""
    run = project.start(digits, "--shards", "2")
    begun = project.parts / "2.csv.part"
    project.wait_for(lambda: begun.exists() and begun.stat().st_size > 1000)
    for process in project.processes():
        if process.cmdline()[2:] and "part" in process.cmdline() and "2" in process.cmdline():
            process.kill()
    printed = project.finish(run, code=1)
    assert "✗ part 2 of 2" in printed
    assert (project.parts / "1.csv").exists()
    assert begun.stat().st_size > 1000
    rows = begun.read_bytes()

    printed = project.run(digits, "--shards", "2")
    assert "part 1 of 2" not in printed
    whole = predict(open_source(digits), project.root / "whole.csv", workers=1)
    assert project.table.read_bytes() == whole.read_bytes()
    assert rows.splitlines()[1] in whole.read_bytes()


def test_a_table_without_a_name_is_refused():
    """Protects from taking the folder that one is in for it."""
    start = [sys.executable, "-m", "digitlib.pipeline.sharding", "run"]
    for names in (["scans", ""], ["", "t.csv"]):
        done = subprocess.run([*start, *names], capture_output=True, text=True)
        assert done.returncode == 2
        assert "INPUT=scans/ TABLE=t.csv" in done.stderr


def test_parts_of_other_pictures_are_made_anew(project, pictures, tmp_path):
    """Protects a table from rows of a folder as it was before."""
    project.parts.mkdir()
    (project.parts / "1.csv").write_text("file\nof another table\n")
    (project.parts / "job.json").write_text('{"pictures": "others"}')
    assert "has parts of another table" in project.run(pictures, "--shards", "1")
    assert "of another table" not in project.table.read_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--shards", "0"], "SHARDS is 0; use a number from 1 up"),
        (["--cores", "none"], "CORES is none"),
        (["--model", "nowhere"], "nowhere"),
    ],
)
def test_wrong_wishes_are_refused_before_anything_is_written(project, pictures, options, said):
    """Protects a person from a trace, and a folder from what is left of a mistake."""
    printed = project.run(pictures, *options, code=2 if said[:2] in ("SH", "CO") else 1)
    assert said in printed
    assert "Traceback" not in printed
    assert not project.parts.exists()
