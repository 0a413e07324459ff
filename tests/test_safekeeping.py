"""One writer at a time, files that are whole or not there, and children that end."""

import contextlib
import os
import subprocess
import sys
import time

import psutil
import pytest

from digitlib.artifacts import writing
from digitlib.safekeeping import BeingWritten, only_writer, set_aside

HOLD = """
import sys, time
from pathlib import Path
from digitlib.safekeeping import only_writer
with only_writer(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""
# Started by a process that is killed, it ends by itself.
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
CHILD = """
import os, time
from digitlib.children import end_with_parent
end_with_parent()
print(os.getpid(), flush=True)
time.sleep(600)
"""


def test_a_writer_that_is_killed_gives_back_what_it_held(tmp_path):
    command = [sys.executable, "-c", HOLD, tmp_path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        message = rf"{tmp_path.name} is already being written \(pid {other.pid}\); wait for it"
        with pytest.raises(BeingWritten, match=message), only_writer(tmp_path):
            pass
        other.kill()
    with only_writer(tmp_path):
        assert (tmp_path / ".lock").read_text() == str(os.getpid())
    assert not list(tmp_path.iterdir())


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    with contextlib.suppress(KeyboardInterrupt), writing(tmp_path / "state") as unfinished:
        unfinished.mkdir()
        (unfinished / "half").write_text("of it")
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())
    with writing(tmp_path / "state") as unfinished:
        unfinished.mkdir()
        (unfinished / "all").write_text("of it")
    assert (tmp_path / "state" / "all").read_text() == "of it"


def test_what_is_written_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    """Protects from a power cut that keeps a file's name and loses its content."""
    flushed, rename = [], os.replace
    monkeypatch.setattr(os, "fsync", lambda number: flushed.append(os.fstat(number).st_ino))

    def replace(source, target):
        assert [source.stat().st_ino] == flushed
        rename(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with writing(tmp_path / "file") as unfinished:
        unfinished.write_text("content")
    assert (tmp_path / "file").read_text() == "content"


def test_what_is_damaged_replaces_what_was_so_before(tmp_path):
    for content in ("first", "second"):
        (tmp_path / "state").mkdir()
        (tmp_path / "state" / "file").write_text(content)
        assert set_aside(tmp_path / "state") == tmp_path / "state.damaged"
    assert (tmp_path / "state.damaged" / "file").read_text() == "second"


def test_a_child_ends_with_its_parent():
    """Protects a machine from what a killed process has started."""
    command = [sys.executable, "-c", PARENT, CHILD]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        parent.wait()
        until = time.monotonic() + 30
        while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < until
            time.sleep(0.1)
