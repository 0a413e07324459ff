"""A search tries what it should, goes on where it was killed, and shares its trials."""

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from searching import accuracies, small_search

from digitlib import artifacts, datasets
from digitlib.learning import search as tuning
from digitlib.learning import training
from digitlib.measuring.trials import importance, pareto
from digitlib.pipeline import profiles
from digitlib.pipeline import tuning as leading
from digitlib.pipeline.parameters import check_parameters, read_parameters
from digitlib.safekeeping import only_writer

CHECKOUT = Path(__file__).resolve().parents[1]
SPACE = {"learning_rate": {"min": 0.001, "max": 0.1, "sampling": "log"}, "dropout": [0.0, 0.5]}
BASE = {"epochs": 4, "architecture": "digitnet", "augmentation": {"rotation": 10, "zoom": 0.1}}


class Network:
    """As much of a network as a trial asks for."""

    def count_params(self) -> int:
        """As Keras has it."""
        return 1000


@pytest.fixture
def fitted(monkeypatch) -> list[dict]:
    """Fits that take no time: the accuracy is what the settings make it; those made, in order."""
    made = []

    def fit_settings(settings, train, validation, checkpoints, report):
        made.append(settings)
        if settings["dropout"] > 1:
            raise ValueError(f"dropout is {settings['dropout']}")
        accuracy = 1 - abs(np.log10(settings["learning_rate"]) + 2) / 4
        row = {"epoch": 1, "seconds": 1.0, "val_accuracy": accuracy, "val_loss": 1 - accuracy}
        return Network(), [row]

    monkeypatch.setattr(training, "fit_settings", fit_settings)
    return made


def search(folder, kind="random", space=SPACE, trials=5, report=None) -> list[dict]:
    finder = tuning.Search(tuning.oracle(kind, space, trials, 4), BASE, folder, report)
    return finder.search(None, None)


@pytest.mark.parametrize("kind", tuning.SEARCHES)
def test_every_kind_of_search_finds_good_settings(fitted, tmp_path, kind):
    rows = search(tmp_path / "s", kind, trials=12)
    assert [row["trial"] for row in rows] == list(range(len(rows)))
    assert {row["status"] for row in rows} == {"COMPLETED"}
    assert len(fitted) == len(rows) >= 8
    assert max(row["val_accuracy"] for row in rows) > 0.9
    for settings in fitted:
        assert 0.001 <= settings["learning_rate"] <= 0.1
        assert settings["architecture"] == "digitnet"
    if kind == "hyperband":  # its first trials are short
        assert {settings["epochs"] for settings in fitted} == {2, 4}


def test_a_trial_that_fails_is_recorded_and_does_not_end_the_search(fitted, tmp_path):
    space = SPACE | {"dropout": [7.0, 0.5]}
    rows = search(tmp_path / "s", "grid", space, trials=8)
    failed = [row for row in rows if row["status"] == "FAILED"]
    assert len(rows) == 8
    assert 0 < len(failed) < 8
    assert {row["fault"] for row in failed} == {"ValueError: dropout is 7.0"}


def test_a_search_in_which_all_fail_says_why(fitted, tmp_path):
    with pytest.raises(tuning.TuningError, match=r"all 4 trials failed.*dropout is 7\.0"):
        search(tmp_path / "s", space=SPACE | {"dropout": [7.0]}, trials=4)


def test_a_search_that_was_stopped_goes_on(fitted, tmp_path):
    """Protects hours: finished trials are kept, and the one it stopped in is made again."""

    def stop(row):
        if row["trial"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(tmp_path / "s", report=stop)
    before = len(fitted)
    rows = search(tmp_path / "s")
    assert before == 3
    assert len(fitted) == 5
    assert [row["status"] for row in rows] == ["COMPLETED"] * 5
    assert len(search(tmp_path / "s", trials=7)) == 7  # and further, where more are asked for
    assert len(fitted) == 7


@pytest.mark.parametrize("content", ["", '{"trial_id": "0'], ids=["empty", "cut"])
@pytest.mark.parametrize(
    ("name", "fits"), [("oracle.json", 10), ("trial_2/trial.json", 10), ("tuner0.json", 5)]
)
def test_a_search_with_a_damaged_file_goes_on(fitted, tmp_path, capsys, name, fits, content):
    """Protects a search from a full disk: the file is set aside, not read at every start."""
    rows = search(tmp_path / "s")
    file = tmp_path / "s" / name
    file.write_text(content)
    capsys.readouterr()
    assert search(tmp_path / "s") == rows
    assert len(fitted) == fits  # without what the search knows, its trials are made again
    aside = file.with_name(file.name + ".damaged")
    assert aside.read_text() == content
    said = capsys.readouterr().out
    assert f"{file} is damaged: it is now called {aside.name}." in said
    assert ("The search begins anew" in said) is (fits == 10)


def test_what_a_search_knows_is_on_disk_whole_or_as_before(fitted, tmp_path, monkeypatch):
    """Protects from the empty file that a kill in the middle of writing would leave."""
    search(tmp_path / "s", trials=2)
    before = (tmp_path / "s" / "oracle.json").read_text()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(artifacts, "flush", full)
    with pytest.raises(OSError, match="No space left"):
        search(tmp_path / "s", trials=3)
    assert (tmp_path / "s" / "oracle.json").read_text() == before


def test_a_trial_that_was_stopped_is_gone_on_with(tmp_path, monkeypatch):
    """Protects the epochs of a long trial: its checkpoint is found again."""
    train, held = datasets.split(datasets.load_dataset("optdigits"), 0.2)
    few, base = train.take(np.arange(64)), {"epochs": 3, "architecture_options": {"width": 4}}
    seen, real = [], training.fit

    def fit(*arguments, report, **options):
        def count(row, recipe):
            seen.append(row["epoch"])
            if len(seen) == 2:
                raise KeyboardInterrupt

        return real(*arguments, report=count, **options)

    monkeypatch.setattr(
        training, "fit", lambda n, t, v, r, a, c, report: fit(n, t, v, r, a, c, report=report)
    )
    space = {"learning_rate": [0.001]}
    for _ in range(2):
        try:
            finder = tuning.Search(tuning.oracle("random", space, 1, 3), base, tmp_path / "s")
            rows = finder.search(few, held)
        except KeyboardInterrupt:
            continue
    assert seen == [1, 2, 3]
    assert rows[0]["status"] == "COMPLETED"


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ({}, "nothing varies"),
        ({"dropout": 0.5}, "dropout: 0.5 is no list"),
        ({"dropout": {"min": 0.1}}, "dropout.*max"),
    ],
)
def test_a_wrong_space_is_named(space, words):
    with pytest.raises(tuning.TuningError, match=words):
        tuning.hyperparameters(space)
    with pytest.raises(tuning.TuningError, match="use random, bayesian"):
        tuning.oracle("clever", SPACE, 1, 1)


def test_choices_are_put_where_notebook_03_has_them():
    chosen = {
        "architecture_options.depth": 3,
        "augmentation_strength": 0.5,
        "schedule": "cosine",
        "tuner/epochs": 2,
    }
    settings = tuning.settings(BASE, chosen)
    assert settings == BASE | {
        "architecture_options": {"depth": 3},
        "augmentation": {"rotation": 5.0, "zoom": 0.05},
        "schedule": "cosine",
    }
    assert BASE["augmentation"]["rotation"] == 10


def test_the_winner_is_a_parameter_file_that_03_takes(tmp_path):
    chosen = {
        "architecture": "convnet",
        "architecture_options": {"filters": np.int64(8), "dropout": np.float64(0.1)},
        "learning_rate": np.float64(0.00003),
    }
    file = tuning.write_parameters(tmp_path / "best.yaml", chosen)
    read = read_parameters(file)
    check_parameters(profiles.source(artifacts.TRAINING), read, "best.yaml")
    assert read == {
        "architecture": "convnet",
        "architecture_options": {"filters": 8, "dropout": 0.1},
        "learning_rate": 0.00003,
    }


def test_what_was_learnt_of_settings():
    """Importance finds the setting that matters; the front holds whoever nobody beats."""
    chance = np.random.default_rng(0)
    table = pd.DataFrame(
        {"rate": 10 ** chance.uniform(-4, -1, 60), "kind": chance.choice(["a", "b"], 60)}
    )
    accuracy = 99 - np.abs(np.log10(table["rate"]) + 2)
    found, explained = importance(table, accuracy)
    assert found.index[0] == "rate"
    assert found["rate"] > 10 * found["kind"]
    assert explained > 0.8
    trials = pd.DataFrame({"good": [9, 8, 7, 9], "size": [5, 3, 4, 5], "time": [1, 1, 1, 2]})
    assert pareto(trials, "good", "size", "time").tolist() == [True, True, False, False]


@pytest.fixture
def project(tmp_path) -> Path:
    """A root with notebooks, and a profile `small` that searches bundled digits."""
    return small_search(tmp_path / "project")


def test_a_search_has_one_leader(project, monkeypatch, capsys):
    """Protects trials from two chiefs, and a search from `make run` on the same folder."""
    monkeypatch.setenv("DIGITLIB_ROOT", str(project))
    folder = project / "outputs" / "small"
    folder.mkdir(parents=True)
    for role in ([], ["--role", "chief", "--address", "localhost:1"]):
        monkeypatch.setattr(sys, "argv", ["tuning", "--profile", "small", *role])
        with only_writer(folder):
            assert leading.main() == 1
        said = capsys.readouterr().err
        assert said.startswith(f"small is already running (pid {os.getpid()}); wait for it")


@pytest.mark.campaign
def test_two_workers_share_the_trials_and_one_may_be_killed(project, monkeypatch):
    """Protects a search on several machines: no trial is done twice, or lost with its worker."""
    environment = os.environ | {"DIGITLIB_ROOT": str(project), "PYTHONUNBUFFERED": "1"}
    command = [
        sys.executable,
        "-m",
        "digitlib.pipeline.tuning",
        "--profile",
        "small",
        "--workers",
        "2",
    ]
    running = subprocess.Popen(
        command, env=environment, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    until = time.monotonic() + 120
    while not (busy := in_mid_trial(project)):
        assert running.poll() is None, running.stdout.read().decode()
        assert time.monotonic() < until
        time.sleep(0.05)
    children = psutil.Process(running.pid).children()
    next(p for p in children if busy in p.cmdline()).kill()
    said = running.communicate(timeout=300)[0].decode()
    assert running.returncode == 0, said
    assert f"{busy} ended; it is started again" in said
    assert "Going on after epoch" in said
    assert sorted(map(int, re.findall(r"^trial +(\d+)", said, re.M))) == list(range(6))
    assert set(accuracies(project)) == {2, 3, 4, 5, 6, 7}
    # The notebook, run afterwards, finds them done.
    monkeypatch.setenv("DIGITLIB_ROOT", str(project))
    monkeypatch.setattr(training, "fit_settings", None)
    given = profiles.parameters("small", artifacts.TUNING) | {"output_dir": "outputs/small"}
    finder, (few, judges, _) = tuning.prepare(given)
    assert [row["status"] for row in finder.search(few, judges)] == ["COMPLETED"] * 6


def in_mid_trial(project: Path) -> str:
    """The name of a worker whose trial has an epoch behind it; "" while there is none."""
    begun = project.glob("outputs/small/checkpoints/*/trial_*/checkpoints/epoch-0002")
    trials = {file.parents[1].name.removeprefix("trial_") for file in begun}
    for file in project.glob("outputs/small/checkpoints/*/oracle.json"):
        with contextlib.suppress(ValueError):  # it is being written
            running = json.loads(file.read_text())["ongoing_trials"]
            return next((worker for worker, trial in running.items() if trial in trials), "")
    return ""
