"""The ``digitlib`` command as a shell sees it: output, exit codes, errors."""

import csv
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from readings import Reader, number
from ruled import table

from digitlib import __version__
from digitlib.apps import cli
from digitlib.apps.canvas import DigitCanvas
from digitlib.apps.canvas.strokes import write
from digitlib.datasets import load_dataset
from digitlib.reading.models import PRETRAINED
from digitlib.reading.numbers import Reading


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("pictures")
    for text in ("7", "407"):
        Image.fromarray(DigitCanvas(strokes=write(text)).picture).save(root / f"{text}.png")
    (root / "broken.png").write_bytes(b"no picture")
    return root


def digitlib(*arguments, cwd=None, given: bytes = b"", **env) -> subprocess.CompletedProcess:
    # The command that setting up installs, beside this Python.
    command = [Path(sys.executable).with_name("digitlib"), *arguments]
    return subprocess.run(command, cwd=cwd, input=given, env=os.environ | env, capture_output=True)


def test_a_terminal_that_lacks_a_character_shows_a_plain_one(tmp_path):
    """Protects from a traceback in place of a table that was read."""
    Image.fromarray(table([["47", "5"], ["12", "8"]])).save(tmp_path / "table.png")
    done = digitlib("sheet", tmp_path / "table.png", PYTHONIOENCODING="latin-1")
    assert done.returncode == 0, done.stderr
    assert re.search(rb"\+-+\+-+\+\n\| 47\?? +\| 5\?? +\|\n", done.stdout)


def test_pictures_are_read_where_the_shell_is(folder):
    done = digitlib("predict", "7.png", "407.png", cwd=folder)
    first, second = done.stdout.decode().splitlines()
    assert first.split()[1:] == ["7", "100.0%", "high"]
    assert second.split()[1] == "407"
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_picture_that_cannot_be_read_is_told_and_counts(folder):
    done = digitlib("predict", "broken.png", "7.png", cwd=folder)
    assert done.returncode == 1
    assert b"broken.png: not a picture" in done.stderr
    assert b"7.png  7" in done.stdout


def test_json_for_programs_and_a_picture_from_standard_input(folder):
    done = digitlib("predict", "-", "--json", given=(folder / "407.png").read_bytes())
    read = json.loads(done.stdout)
    assert (read["text"], len(read["boxes"]), read["error"]) == ("407", 3, "")


def test_numbers_are_shown_with_their_probability_and_the_doubtful_ones_are_marked(
    monkeypatch, capsys, folder
):
    """Protects whoever copies numbers from trusting all of them alike."""
    monkeypatch.setattr(cli, "Recognizer", lambda _folder: Reader())
    assert cli.main(["predict", str(folder / "7.png")]) == 0
    first, *numbers = capsys.readouterr().out.splitlines()
    assert first.endswith("15.371,50 1.234 8  41.0% low  (1 of 3 numbers may be misread)")
    assert [line.split(maxsplit=2) for line in numbers] == [
        ["15.371,50", "97.0%"],
        ["1.234", "41.0%", "(may be misread)"],
        ["8", "99.0%"],
    ]


@pytest.mark.parametrize(
    ("text", "sure", "shown"),
    [
        ("15.371,50", 0.97, "15.371,50  97.0% high"),
        ("15.371,50", 0.7, "15.371,50  70.0% medium  (may be misread)"),
        ("8", 0.7, "8  70.0% medium  (may be no digit)"),
        ("-5", 0.7, "-5  70.0% medium  (may be misread)"),
    ],
)
def test_a_lone_number_needs_one_line(monkeypatch, capsys, folder, text, sure, shown):
    reader = Reader(Reading(((number(text, sure),),)))
    monkeypatch.setattr(cli, "Recognizer", lambda _folder: reader)
    cli.main(["predict", str(folder / "7.png")])
    assert capsys.readouterr().out.strip().endswith(f"7.png  {shown}")


def test_doubt_is_about_the_number_that_is_doubtful(monkeypatch, capsys, folder):
    reader = Reader(Reading(((number("7", 0.99), number("48213", 0.4, left=60)),)))
    monkeypatch.setattr(cli, "Recognizer", lambda _folder: reader)
    cli.main(["predict", str(folder / "7.png")])
    assert "7 48213  40.0% low  (1 of 2 numbers may be misread)" in capsys.readouterr().out


def test_programs_get_each_number_and_all_that_they_got_before(monkeypatch, capsys, folder):
    monkeypatch.setattr(cli, "Recognizer", lambda _folder: Reader())
    cli.main(["predict", str(folder / "7.png"), "--json"])
    row = json.loads(capsys.readouterr().out)
    assert (row["text"], row["confidence"], row["status"]) == ("1537150 1234 8", 0.41, "low")
    assert (row["accepted"], len(row["boxes"]), row["error"]) == (False, 12, "")
    assert row["numbers"][0] == {
        "text": "15.371,50",
        "value": 15371.5,
        "confidence": 0.97,
        "accepted": True,
        "box": [10, 20, 140, 30],
    }
    doubtful = row["numbers"][1]
    assert (doubtful["value"], doubtful["accepted"]) == (None, False)  # 1234, or 1 and 234/1000


def test_a_folder_becomes_a_table(folder, tmp_path):
    done = digitlib("predict", folder, "--csv", "out.csv", cwd=tmp_path)
    assert done.returncode == 1  # one is broken
    assert b"2 of 3 read: out.csv" in done.stdout
    with (tmp_path / "out.csv").open(newline="") as stream:
        assert {row["file"]: row["text"] for row in csv.DictReader(stream)} == {
            "7.png": "7",
            "407.png": "407",
            "broken.png": "",
        }


def test_what_is_odd_about_what_is_read_is_said(monkeypatch, capsys, folder, tmp_path):
    """Protects from a folder read in part, and from digits that lie otherwise, without a word."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(folder, "some")
    (tmp_path / "some" / "notes.txt").write_text("no picture")
    cli.main(["predict", "some"])
    assert ".pdf .tif .tiff: notes.txt" in capsys.readouterr().err
    images = load_dataset("optdigits", "test").images[:60].swapaxes(1, 2)
    np.savez("turned.npz", images=images)
    assert cli.main(["predict", "turned.npz", "--csv", "out.csv"]) == 0
    assert "turned.npz: the digits seem to be turned" in capsys.readouterr().err
    assert cli.main(["predict", "turned.npz?transpose", "--csv", "right.csv"]) == 0
    assert capsys.readouterr().err == ""


def test_each_page_on_standard_input_is_read(folder):
    stream = io.BytesIO()
    sheets = [Image.open(folder / f"{text}.png").convert("L") for text in ("7", "407")]
    sheets[0].save(stream, "PDF", save_all=True, append_images=sheets[1:])
    said = digitlib("predict", "-", given=stream.getvalue()).stdout.decode().splitlines()
    assert [line.split()[:2] for line in said] == [["-#page=1", "7"], ["-#page=2", "407"]]


def test_a_finished_table_is_replaced_only_when_asked(folder, tmp_path):
    first = ("predict", "7.png", "--csv", tmp_path / "out.csv")
    assert digitlib(*first, cwd=folder).returncode == 0
    table = (tmp_path / "out.csv").read_text()
    assert table.splitlines()[1].startswith("7.png,7,")  # as it was named
    again = digitlib("predict", "407.png", "--csv", tmp_path / "out.csv", cwd=folder)
    assert again.returncode == 2
    assert b"is there already" in again.stderr
    assert (tmp_path / "out.csv").read_text() == table
    assert digitlib("predict", "407.png", *first[2:], "--overwrite", cwd=folder).returncode == 0
    assert "407" in (tmp_path / "out.csv").read_text()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["predict", "nowhere.png"], "nowhere.png: there is no such file"),
        (["predict", "-", "7.png"], "standard input"),
        (["predict", "-", "--csv", "o.csv"], "standard input"),
        (["predict", "7.png", "--model", "nowhere"], "there is no model in"),
        (["predict", "7.png", "--model", "nowhere", "--csv", "o.csv"], "there is no model in"),
        (["predict"], "PICTURES"),
        (["fly"], "invalid choice"),
        (["predict", "7.png", "--csv", "."], "is a folder"),
        (["predict", "7.png", "--submission", "s.csv"], "give --csv too"),
        (["predict", "7.png", "--csv", "o.csv", "--submission", "s.csv"], "Kaggle's test.csv"),
        (["predict", ""], "a name is missing"),
        (["predict", "7.png", "--csv", ""], "a name is missing"),
        (["predict", "7.png", "--csv", "/dev/null"], "is no file"),
        (["sheet", "7.png", "--xlsx", ""], "a name is missing"),
        (["serve", "--port", "99999"], "from 1 to 65535"),
        (["serve", "--max-at-once", "0"], "--max-at-once has to be above 0"),
        (["serve", "--allowed-host", "a.*"], "an allowed host is a name"),
    ],
)
def test_a_wrong_command_says_what_is_wrong(folder, arguments, reason):
    done = digitlib(*arguments, cwd=folder)
    assert done.returncode == 2
    assert reason in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_a_submission_replaces_nothing(tmp_path):
    """Protects the digits that it is made of, and a file that somebody has there."""
    np.save(tmp_path / "digits.npy", load_dataset("optdigits", "test").images[:2])
    (tmp_path / "mine.csv").write_text("mine")
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    for name, reason in (("mine.csv", b"is there already"), ("o.csv", b"would replace")):
        done = digitlib(
            "predict", "digits.npy", "--csv", "o.csv", "--submission", name, cwd=tmp_path
        )
        assert (done.returncode, reason in done.stderr) == (2, True)
    names = ("--csv", "o.csv", "--submission", "digits.npy", "--overwrite")
    assert b"would replace" in digitlib("predict", "digits.npy", *names, cwd=tmp_path).stderr
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_models_are_listed():
    first = digitlib("models").stdout.decode().splitlines()[0]
    assert first.startswith("shipped")
    assert "% of" in first


def test_a_model_can_be_named_as_it_is_listed(monkeypatch, tmp_path, folder, capsys):
    monkeypatch.setenv("DIGITLIB_ROOT", str(tmp_path))
    shutil.copytree(PRETRAINED, tmp_path / "outputs" / "mine" / "model")
    monkeypatch.chdir(folder)
    for name in ("shipped", "outputs/mine/model"):
        assert cli.main(["predict", "7.png", "--model", name]) == 0
        assert capsys.readouterr().out.split()[1] == "7"


def test_a_damaged_card_costs_its_own_line_alone(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("DIGITLIB_ROOT", str(tmp_path))
    card = tmp_path / "outputs" / "mine" / "model" / "card.json"
    card.parent.mkdir(parents=True)
    card.write_text("{")
    assert cli.main(["models"]) == 1
    said = capsys.readouterr()
    assert said.out.startswith("shipped")
    assert said.err.startswith("outputs/mine/model: outputs/mine/model/card.json is damaged")


def test_help_shows_examples_and_no_secret(monkeypatch):
    assert b"digitlib predict scans/ --csv" in digitlib("--help").stdout
    monkeypatch.setenv("DIGITLIB_API_KEY", "sesame")
    help_of_serve = digitlib("serve", "--help").stdout
    assert b"--api-key" in help_of_serve
    assert b"sesame" not in help_of_serve


def test_a_port_that_is_taken_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = digitlib("serve", "--port", str(port))
    assert done.returncode == 2
    assert f"cannot listen on port {port} of 127.0.0.1" in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_a_table_that_is_interrupted_goes_on_where_it_was(folder, tmp_path):
    """Ctrl-C reaches every process of a terminal: none of them may answer with a traceback."""
    many = tmp_path / "many"
    many.mkdir()
    for i in range(1500):
        (many / f"{i}.png").symlink_to(folder / "407.png")
    command = [Path(sys.executable).with_name("digitlib"), "predict", many, "--csv", "out.csv"]
    running = subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, start_new_session=True
    )

    def rows() -> int:
        job = tmp_path / "out.csv.job"
        return json.loads(job.read_text())["rows"] if job.exists() else 0

    until = time.monotonic() + 60
    while not rows() and time.monotonic() < until:
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)
    said = running.communicate(timeout=60)[1].decode()
    assert running.returncode == 130
    assert said.strip() == "digitlib: interrupted; the same command goes on where it was"
    assert 0 < rows() < 1500
    lost = digitlib("predict", folder / "7.png", "--csv", "out.csv", cwd=tmp_path)
    assert lost.returncode == 2
    assert b"beginning of a table of other pictures" in lost.stderr
    digitlib("predict", many, "--csv", "out.csv", cwd=tmp_path)
    with (tmp_path / "out.csv").open(newline="") as stream:
        assert [row["text"] for row in csv.DictReader(stream)] == ["407"] * 1500


def test_its_version_is_told(capsys):
    """Protects reports of faults."""
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"digitlib {__version__}\n"


def test_without_a_command_it_says_what_there_is(capsys):
    assert cli.main([]) == 0
    assert "digitlib predict" in capsys.readouterr().out


def test_an_address_is_answered_with_what_to_do(capsys):
    assert cli.main(["predict", "https://example.org/seven.png"]) == 2
    assert "curl -s https://example.org/seven.png | digitlib predict -" in capsys.readouterr().err


def test_a_page_that_reads_is_written_and_not_replaced(tmp_path, capsys):
    page = tmp_path / "digits.html"
    assert cli.main(["site", str(page)]) == 0
    assert "data-live-canvas" in page.read_text()
    assert cli.main(["site", str(page)]) == 2
    assert "give --overwrite" in capsys.readouterr().err
    assert cli.main(["site", str(page), "--overwrite"]) == 0
