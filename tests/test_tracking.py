"""Runs are remembered by MLflow: locally, and on a real server once there is one."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mlflow import MlflowClient
from serving import free_port, serving

from digitlib import artifacts
from digitlib.pipeline import tracking

RUN = Path("outputs/tiny/runs/seed-0")


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A profile with one training, one fold and two trials."""
    monkeypatch.setenv("DIGITLIB_ROOT", str(tmp_path))
    monkeypatch.delenv(tracking.SERVER, raising=False)
    for name, value in tracking.MANNERS.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "params" / "tiny").mkdir(parents=True)
    for name in ("03_cnn_training", "04_hyperparameter_tuning"):
        (tmp_path / "params" / "tiny" / f"{name}.yaml").write_text("epochs: 2\n")
    for run in ("seed-0", "seed-0-fold-1"):
        folder = Path("outputs/tiny/runs") / run
        write_training(folder, loss=0.5)
        (artifacts.resolve(folder) / "notebooks").mkdir()
        (artifacts.resolve(folder) / "notebooks" / "03_cnn_training.html").write_text("<p>Hello")
    trials = [
        {"trial": 0, "status": "COMPLETED", "learning_rate": 0.01, "val_accuracy": 0.9},
        {"trial": 1, "status": "INVALID", "learning_rate": 9.0, "val_accuracy": None},
    ]
    artifacts.save_metrics("outputs/tiny", "04_hyperparameter_tuning", {"trials": trials})
    artifacts.save_metrics("outputs/tiny", "03_cnn_training", {"misread, of those: 7s": 2})
    return tmp_path


def write_training(folder: Path, loss: float) -> None:
    card = {"seed": 0, "architecture": {"name": "digitnet", "options": {"width": 4}}}
    artifacts.write_json(folder / "model" / "card.json", card)
    history = [
        {"epoch": 1, "val_loss": 2 * loss, "seconds": 30},
        {"epoch": 2, "val_loss": loss, "seconds": 30},
    ]
    artifacts.write_history(folder / "model" / "history.csv", history)
    artifacts.save_metrics(folder, "03_cnn_training", {"validation": {"accuracy_percent": 98.5}})


def runs(address: str) -> dict:
    client = MlflowClient(address)
    experiment = client.get_experiment_by_name("digitlib/tiny")
    return {r.info.run_name: r for r in client.search_runs([experiment.experiment_id])}


def remember(server: str = "", *options: str) -> str:
    """What is printed when the profile is remembered as `make run` does it."""
    env = os.environ | ({tracking.SERVER: server} if server else {})
    command = [sys.executable, "-m", "digitlib.pipeline.tracking", "tiny", *options]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=120)
    assert not done.stderr
    return done.stdout


def check(client: MlflowClient, found: dict) -> None:
    assert set(found) == {"seed-0", "seed-0-fold-1", "trial-0", "trial-1", "tiny"}
    run = found["seed-0"]
    assert run.data.params["architecture.options.width"] == "4"
    assert run.data.metrics["03_cnn_training/validation.accuracy_percent"] == 98.5
    points = client.get_metric_history(run.info.run_id, "val_loss")
    assert [(point.step, point.value) for point in points] == [(1, 1.0), (2, 0.5)]
    assert run.info.end_time - run.info.start_time == 60_000
    files = {file.path for file in client.list_artifacts(run.info.run_id, "model")}
    assert files == {"model/card.json", "model/history.csv"}
    assert client.list_artifacts(run.info.run_id, "notebooks")
    assert {run.data.tags["kind"] for run in found.values()} == {
        "training", "fold", "trial", "profile",
    }  # fmt: skip
    assert found["trial-1"].data.params["learning_rate"] == "9.0"
    assert found["tiny"].data.metrics["03_cnn_training/misread_ of those_ 7s"] == 2
    assert found["tiny"].data.params["03_cnn_training.epochs"] == "2"


def test_runs_are_remembered_here_and_only_once(project):
    """Protects the record that a user has without any server."""
    assert remember() == "MLflow: 5 new in outputs/mlruns\n"
    assert remember() == ""
    address = f"sqlite:///{project}/outputs/mlruns/mlflow.db"
    check(MlflowClient(address), runs(address))
    write_training(RUN, loss=0.25)  # it is trained anew
    assert remember() == "MLflow: 1 new in outputs/mlruns\n"


def test_of_a_run_that_failed_only_the_trainings_are_remembered(project):
    """Protects the record: the profile's other numbers are there, but of an earlier run."""
    assert remember("", "--unfinished") == "MLflow: 2 new in outputs/mlruns\n"
    assert remember() == "MLflow: 3 new in outputs/mlruns\n"


@pytest.mark.campaign
def test_a_server_that_was_down_gets_everything_later(project):
    """Protects against loss: what could not be sent is kept, told, and sent the next time."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    start = time.monotonic()
    said = remember(address)
    assert time.monotonic() - start < 60
    assert "5 new in outputs/mlruns" in said
    assert f"{address} has no copy yet" in said
    with server(project / "server", port):
        assert remember(address) == f"MLflow: 5 new on {address}\n"
        assert remember(address) == ""
        check(MlflowClient(address), runs(address))
        interrupted = runs(address)["trial-0"].info.run_id
        MlflowClient(address).update_run(interrupted, status="RUNNING")  # as if it had been
        assert remember(address) == f"MLflow: 1 new on {address}\n"
        assert runs(address)["trial-0"].info.run_id != interrupted


def test_a_record_that_fails_fails_no_run(project, monkeypatch, capfd):
    store = artifacts.resolve(tracking.STORE)
    store.write_text("in the way")
    tracking.remember("tiny", finished=True)
    assert "MLflow has no record of this run" in capfd.readouterr().out
    monkeypatch.setenv("DIGITLIB_TRACKING", "off")
    tracking.remember("tiny", finished=True)
    assert capfd.readouterr().out == ""


@contextmanager
def server(folder: Path, port: int) -> Iterator[None]:
    folder.mkdir()
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--workers", "1"),
        *("--artifacts-destination", str(folder / "artifacts")),
    ]
    with serving(command, port, folder):
        yield
