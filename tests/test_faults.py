"""Kills at random moments and full disks: in the end all is as if nothing had happened."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from miniature import Project, kill_tree, processes_of
from searching import accuracies, small_search

from digitlib.datasets import load_dataset

pytestmark = pytest.mark.campaign
SEED = 23  # of the moments; how far a run has come by then, no seed says


def kill_alone(process: subprocess.Popen) -> None:
    """SIGKILL a process and leave what it started."""
    process.kill()
    process.wait()


def ask_group_to_end(process: subprocess.Popen) -> None:
    """SIGTERM to the whole group, and once more, as make does it."""
    for _ in range(2):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        time.sleep(0.05)
    process.wait()


WAYS = (kill_tree, kill_alone, ask_group_to_end)


def disturb(start: Callable[[], subprocess.Popen], seconds: float, times: int) -> int:
    """Start again and again, and end each after a while of up to ``seconds``; how many lived on."""
    chance, ended = random.Random(SEED), 0
    for number in range(times):
        with start() as process:
            try:
                process.wait(chance.uniform(0, seconds))
                ended += 1
            except subprocess.TimeoutExpired:
                WAYS[number % len(WAYS)](process)
    return ended


def results(project: Project) -> dict[str, bytes]:
    """All metrics and models of a finished run, by name."""
    files = [f for part in ("metrics", "model") for f in project.out("").rglob(f"{part}/[!.]*")]
    return {str(file.relative_to(project.root)): file.read_bytes() for file in files}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> tuple[dict[str, bytes], float]:
    """The results of a run that nothing happened to, and how long it took."""
    project = Project(tmp_path_factory.mktemp("undisturbed"))
    project.write("params/quick/03_cnn_training.yaml", TWO_SECONDS)
    began = time.monotonic()
    project.run()
    return results(project), time.monotonic() - began


TWO_SECONDS = "epochs: 20\npause: 0.1\n"


def test_a_run_that_is_killed_again_and_again(undisturbed, tmp_path):
    """Protects a long run: the same metrics, the same model, and nobody is left."""
    expected, seconds = undisturbed
    project = Project(tmp_path)
    project.write("params/quick/03_cnn_training.yaml", TWO_SECONDS)
    disturb(project.start, seconds, times=6)
    project.run()
    assert results(project) == expected
    assert not project.processes()
    assert "Nothing to be done" in project.run()


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    """A disk of 30 MB; skipped where none can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=30m", "tmpfs", folder]
    mounted = subprocess.run(command, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


@contextlib.contextmanager
def room(disk: Path, left: int) -> Iterator[None]:
    """Fill a disk until the block ends, but for ``left`` bytes."""
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    filler = disk / "filler"
    filler.write_bytes(bytes(max(0, free - left)))
    try:
        yield
    finally:
        filler.unlink()


def test_a_run_on_a_full_disk(undisturbed, disk):
    """Protects from half a file under its final name; with room again, the run goes on."""
    expected, _ = undisturbed
    project = Project(disk / "project")
    project.environment = {"PYTHONDONTWRITEBYTECODE": "1"}  # Python would keep cut byte-code
    project.write("params/quick/03_cnn_training.yaml", TWO_SECONDS)
    for left in (0, 30_000, 80_000, 200_000):
        with room(disk, left):
            process = project.start()
            printed, _ = process.communicate(timeout=300)
        assert process.returncode, printed
        assert "No space left on device" in printed
        for kind in ("json", "ipynb"):
            for file in project.out("").rglob(f"[!.]*.{kind}"):
                json.loads(file.read_text())
    project.run()
    assert results(project) == expected


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> tuple[Path, bytes, float]:
    """An array of 12,000 digits, their table, and how long that took."""
    folder = tmp_path_factory.mktemp("digits")
    np.save(folder / "digits.npy", np.resize(load_dataset("optdigits").images, (12_000, 28, 28)))
    began = time.monotonic()
    assert predicting(folder / "digits.npy", folder / "table.csv").wait() == 0
    return folder / "digits.npy", (folder / "table.csv").read_bytes(), time.monotonic() - began


def predicting(source: Path, table: Path) -> subprocess.Popen:
    """``digitlib predict``, at work."""
    command = [sys.executable, "-m", "digitlib.apps.cli", "predict", source, "--csv", table]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)


def test_a_table_that_is_killed_again_and_again(digits, tmp_path):
    """Protects a night's work: every row once, in order, and no file beside the table."""
    source, expected, seconds = digits
    table = tmp_path / "table.csv"
    ended = disturb(lambda: predicting(source, table), seconds, times=8)
    if not ended:
        assert predicting(source, table).wait() == 0
    assert table.read_bytes() == expected
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]


def test_a_table_on_a_full_disk(digits, disk):
    """Protects the rows that are there: the same command goes on behind them."""
    source, expected, _ = digits
    table = disk / "table.csv"
    for left in (0, 8_000, 100_000):
        with room(disk, left):
            assert predicting(source, table).wait() == 2
        assert not table.exists()
    assert predicting(source, table).wait() == 0
    assert table.read_bytes() == expected


def test_a_search_that_is_killed_again_and_again(tmp_path):
    """Protects a search of hours: the same trials with the same accuracies, and nobody is left."""
    expected, found = small_search(tmp_path / "expected"), small_search(tmp_path / "found")
    began = time.monotonic()
    assert searching(expected).wait() == 0
    disturb(lambda: searching(found), time.monotonic() - began, times=3)
    assert searching(found).wait() == 0
    assert accuracies(found) == accuracies(expected)
    assert not processes_of(found)


def searching(project: Path) -> subprocess.Popen:
    """``make tune``, at work."""
    command = [sys.executable, "-m", "digitlib.pipeline.tuning", "--profile", "small"]
    environment = os.environ | {"DIGITLIB_ROOT": str(project)}
    return subprocess.Popen(
        command, env=environment, cwd=project, stdout=subprocess.DEVNULL, start_new_session=True
    )
