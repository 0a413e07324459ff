"""The sheet network's fit: what it learns from, its loss, and the command that fits it."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from ruled import table

from digitlib import Recognizer, datasets
from digitlib.artifacts import SHEET_MODEL, load_card
from digitlib.learning import sheet_network, training
from digitlib.learning.recipe import Recipe
from digitlib.learning.sheet_task import SheetTask, marking_loss
from digitlib.pixels.sheet_maps import MAP_STEP, TILE
from digitlib.reading.marker import Marker
from digitlib.reading.models import find_models

SIDE = TILE // MAP_STEP


@pytest.fixture(scope="module")
def digits():
    return datasets.split(datasets.load_dataset("optdigits", "train"), 0.2)


def answer() -> np.ndarray:
    """The maps of one crop, with something on each: uint8 (1, 128, 128, 3)."""
    maps = np.zeros((1, SIDE, SIDE, 3), np.uint8)
    maps[:, 30:60, 20:24, 0] = maps[:, 30:60, 60:64, 1] = maps[:, 100:102, :, 2] = 255
    return maps


def says(maps: np.ndarray) -> np.ndarray:
    """Logits that mark exactly this."""
    return np.where(maps > 127, 9.0, -9.0).astype(np.float32)


def test_what_is_marked_rightly_costs_nothing_and_counts_in_full():
    """Protects the loss, and the share that the best epoch is chosen by."""
    right, maps = says(answer()), answer()
    assert float(marking_loss(maps, right)[0]) == pytest.approx(0, abs=0.01)
    assert float(SheetTask.is_right(maps, right)[0]) == pytest.approx(1)
    swapped = right[..., ::-1]
    assert float(SheetTask.is_right(maps, swapped)[0]) == pytest.approx(1 / 3, abs=1e-4)
    nothing = says(np.zeros_like(maps))
    assert float(SheetTask.is_right(maps, nothing)[0]) == pytest.approx(0, abs=1e-4)
    losses = [float(marking_loss(maps, said)[0]) for said in (right, swapped, nothing)]
    assert losses[1] > losses[0] + 0.3
    assert losses[2] > losses[0] + 0.3


def test_a_thin_rule_counts_more_than_its_ink():
    """Protects rules: to miss one costs more than a third of missing five times its ink."""
    maps = answer()
    maps[:, 30:60, 20:64, 0] = 255
    losses = []
    for layer in (0, 2):
        said = says(maps)
        said[..., layer] = -9
        losses.append(float(marking_loss(maps, said)[0]))
    assert losses[1] > losses[0] / 3


def test_an_empty_crop_is_right_when_nothing_is_marked():
    empty = np.zeros_like(answer())
    assert float(SheetTask.is_right(empty, says(empty))[0]) == pytest.approx(1)
    assert float(SheetTask.is_right(empty, says(answer()))[0]) == pytest.approx(0, abs=1e-4)


def test_a_few_steps_on_sheets_teach_something(digits):
    """Protects the way from crops to weights."""
    network = sheet_network.build(seed=1, channels=(8, 8, 8))
    assert network.output_shape == (None, SIDE, SIDE, 3)
    recipe = Recipe(epochs=3, batch_size=4, optimizer="adamw", learning_rate=0.01, clip_norm=1.0)
    with SheetTask(*digits, crops=32, judging=8, epochs=3, seed=3, processes=1) as task:
        before = task.judge(network)[0].mean()
        history = training.fit_task(network, task, recipe, report=lambda *_: None)
        crops, maps = task.pictures(2, np.empty(0))
    assert (crops.shape, crops.dtype) == ((32, TILE, TILE, 1), np.uint8)
    assert (maps.shape, maps.dtype) == ((32, SIDE, SIDE, 3), np.uint8)
    assert history[-1]["loss"] < 0.8 * history[0]["loss"]
    assert history[-1]["val_loss"] < before


@pytest.mark.campaign
def test_a_fit_that_was_killed_goes_on_and_its_model_reads(tmp_path, monkeypatch):
    """Protects hours of a GPU, and that what the command writes is what `Recognizer` takes."""
    sizes = {"dataset": "optdigits", "crops": 8, "judging": 8, "epochs": 3, "batch-size": 4}
    output = tmp_path / "outputs" / "sheets"
    command = [sys.executable, "-m", "digitlib.learning.fit_sheets", f"--output={output}"]
    command += [f"--{name}={value}" for name, value in sizes.items()]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert any("epoch   1/3" in line for line in first.stdout)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    second = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Going on after epoch" in second.stdout
    assert "epoch   1/3" not in second.stdout
    folder = output / SHEET_MODEL
    assert load_card(folder)["dataset"] == "optdigits"
    page = table([["12", "305"]])
    maps = Marker.load(folder).mark(page)
    assert all(one.shape == page.shape for one in maps)
    Recognizer(sheet_model_dir=folder).read_sheet(page)
    monkeypatch.setenv("DIGITLIB_ROOT", str(tmp_path))
    assert list(find_models()) == ["shipped"]  # it is no model of digits
