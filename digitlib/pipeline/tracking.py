"""Remember finished runs in MLflow, where it is installed (the extra ``[tracking]``).

    python -m digitlib.pipeline.tracking PROFILE [--unfinished]

``make run`` ends with it. What the profile has under ``outputs/`` is entered into a local store,
``outputs/mlruns``, and on the server that ``MLFLOW_TRACKING_URI`` names, if any. Each of the two
gets what it lacks, so a server that was down gets everything the next time. An entry is known by
the digest of what was measured, so nothing is entered twice. ``DIGITLIB_TRACKING=off`` leaves it
out.

A profile is an experiment. Its entries are each training, fold and trial, with parameters, the
course of its epochs, and its model with the card; and the profile itself, with all that was
measured, its executed notebooks, reports and figures. When a profile was not run to its end, only
its trainings are entered: its other numbers may be of an earlier run.
"""

import argparse
import hashlib
import importlib.util
import json
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlib import artifacts
from digitlib.artifacts import CARD_FILE, HISTORY_FILE, TUNING, load_metrics, resolve
from digitlib.pipeline import profiles

if TYPE_CHECKING:
    from mlflow import MlflowClient

STORE = "outputs/mlruns"
SERVER = "MLFLOW_TRACKING_URI"
DIGEST = "digitlib.digest"
PATIENCE = 300  # seconds that all of it may take
AT_ONCE = 100  # parameters, and metrics, that MLflow takes in one request
# MLflow reports its use to its makers and asks a lost server for minutes, unless told otherwise.
MANNERS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


@dataclass(frozen=True)
class Entry:
    """What is remembered of one training, fold, trial or profile.

    Attributes:
        name: its run's, such as ``seed-0``.
        tags: its kind, and what else tells it from others at a glance.
        params: settings by flat name.
        metrics: (name, value, step); the step is an epoch, or 0.
        files: each with the folder of the store that it goes to; folders go with what they hold.
        ended: when, in seconds since 1970.
        seconds: how long it took.
    """

    name: str
    tags: Mapping[str, str]
    params: Mapping[str, Any]
    metrics: list[tuple[str, float, int]]
    files: list[tuple[Path, str]] = field(default_factory=list)
    ended: float = field(default_factory=time.time)
    seconds: float = 0.0

    @property
    def digest(self) -> str:
        """A checksum that tells this entry from others."""
        told = [self.name, self.tags, self.params, self.metrics]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def remember(profile: str, finished: bool) -> None:
    """Enter a profile into MLflow, in a process of its own: a run never fails or hangs by it."""
    if os.environ.get("DIGITLIB_TRACKING") == "off" or not importlib.util.find_spec("mlflow"):
        return
    command = [sys.executable, "-m", "digitlib.pipeline.tracking", profile]
    command += [] if finished else ["--unfinished"]
    try:
        subprocess.run(command, timeout=PATIENCE, check=True)
    except subprocess.SubprocessError:
        print("MLflow has no record of this run.", flush=True)


def entries(profile: str, finished: bool) -> Iterator[Entry]:
    """The entries of what a profile has under ``outputs/``."""
    folder = resolve(f"outputs/{profile}")
    for run in sorted(folder.glob("runs/seed-*")):
        if (run / "model" / CARD_FILE).exists():
            yield _training(run)
    if not finished:
        return
    metrics = load_metrics(folder)
    yield from map(_trial, metrics.get(TUNING, {}).pop("trials", []))
    if set(profiles.notebooks(profile)) <= set(metrics):
        yield _whole(profile, folder, metrics)


def _training(run: Path) -> Entry:
    card = artifacts.load_card(run / "model")
    history = artifacts.read_history(run / "model" / HISTORY_FILE)
    told = ("architecture", "augmentation", "recipe", "dataset", "validation", "seed")
    epochs = [(name, value, int(row["epoch"])) for row in history for name, value in row.items()]
    return Entry(
        run.name,
        {"kind": "fold" if "-fold-" in run.name else "training", "commit": card.get("commit", "")},
        _flat({name: card[name] for name in told if name in card}),
        epochs + _numbers(load_metrics(run)),
        [(run / "model", ""), *_pages(run / "notebooks")],
        (run / "model" / CARD_FILE).stat().st_mtime,
        sum(row.get("seconds", 0.0) for row in history),
    )


def _trial(row: Mapping[str, Any]) -> Entry:
    measured = ("val_accuracy", "val_loss", "seconds", "parameters")
    return Entry(
        f"trial-{row['trial']}",
        {"kind": "trial", "status": row["status"]},
        _flat({name: value for name, value in row.items() if name not in measured}),
        [(name, float(row[name]), 0) for name in measured if row.get(name) is not None],
        seconds=row.get("seconds") or 0.0,
    )


def _whole(profile: str, folder: Path, metrics: Mapping[str, Mapping]) -> Entry:
    given = {name: profiles.given_parameters(profile, name) for name in profiles.notebooks(profile)}
    kept = [(part, "") for part in (folder / "figures", folder / "metrics") if part.exists()]
    kept += _pages(folder)
    return Entry(profile, {"kind": "profile"}, _flat(given), _numbers(metrics), kept)


def _pages(folder: Path) -> list[tuple[Path, str]]:
    pages = sorted([*folder.glob("*.ipynb"), *folder.glob("*.html")])
    return [(page, "notebooks") for page in pages]


def _numbers(metrics: Mapping[str, Mapping]) -> list[tuple[str, float, int]]:
    """The numbers that notebooks saved; MLflow takes what is before the slash for a section."""
    return [
        (f"{notebook}/{name}", float(value), 0)
        for notebook, saved in metrics.items()
        for name, value in _flat(saved).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]


def _flat(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Nested values as flat ones, such as ``recipe.epochs``, under names that MLflow takes."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        path = above + re.sub(r"[^\w .-]", "_", str(name))
        flat |= _flat(value, f"{path}.") if isinstance(value, Mapping) else {path: value}
    return flat


def record(profile: str, found: list[Entry], store: str) -> int:
    """Enter what a store lacks, ``STORE`` or a server's address; the number of new entries.

    Raises:
        mlflow.exceptions.MlflowException: when it cannot be written, or does not answer.
    """
    from mlflow import MlflowClient

    place = None  # of models and pages: a server has its own
    if store == STORE:
        folder = resolve(STORE)
        folder.mkdir(parents=True, exist_ok=True)
        store, place = f"sqlite:///{folder}/mlflow.db", (folder / "artifacts" / profile).as_uri()
    client, name = MlflowClient(store), f"digitlib/{profile}"
    known = client.get_experiment_by_name(name)
    experiment = known.experiment_id if known else client.create_experiment(name, place)
    runs = client.search_runs([experiment], max_results=50_000)  # as many as MLflow gives at once
    whole = {run.data.tags.get(DIGEST) for run in runs if run.info.status == "FINISHED"}
    missing = {entry.digest: entry for entry in found if entry.digest not in whole}
    for run in runs:
        if run.data.tags.get(DIGEST) in missing:  # it was interrupted
            client.delete_run(run.info.run_id)
    for entry in missing.values():
        _enter(client, experiment, entry)
    return len(missing)


def _enter(client: "MlflowClient", experiment: str, entry: Entry) -> None:
    """Write an entry; it counts only once it is whole."""
    from mlflow.entities import Metric, Param

    ended = int(1000 * entry.ended)
    begun, tags = ended - int(1000 * entry.seconds), {**entry.tags, DIGEST: entry.digest}
    run = client.create_run(experiment, begun, tags, entry.name).info.run_id
    params = [Param(name, str(value)) for name, value in entry.params.items()]
    metrics = [Metric(name, value, ended, step) for name, value, step in entry.metrics]
    for i in range(0, max(len(params), len(metrics)), AT_ONCE):
        client.log_batch(run, metrics[i : i + AT_ONCE], params[i : i + AT_ONCE])
    for path, where in entry.files:
        client.log_artifact(run, str(path), where or None)
    client.set_terminated(run, end_time=ended)


def main() -> None:
    """Record a profile here, and on the server if there is one; say what was done."""
    parser = argparse.ArgumentParser(description="Remember a profile's runs in MLflow.")
    parser.add_argument("profile")
    parser.add_argument("--unfinished", action="store_true", help="its trainings alone")
    chosen = parser.parse_args()
    os.environ |= MANNERS | os.environ  # what a person has set stays
    logging.disable(logging.WARNING)
    found = list(entries(chosen.profile, not chosen.unfinished))
    for store in filter(None, (STORE, os.environ.get(SERVER))):
        try:
            if new := record(chosen.profile, found, store):
                print(f"MLflow: {new} new {'in' if store == STORE else 'on'} {store}", flush=True)
        except Exception as fault:  # no traceback under a run that went well
            reason = f"{type(fault).__name__}: {fault}".splitlines()[0][:200]
            print(
                f"MLflow: {store} has no copy yet ({reason}).\n"
                f"  The next `make run PROFILE={chosen.profile}` enters it.",
                flush=True,
            )
            if store == STORE:
                sys.exit(1)


if __name__ == "__main__":
    main()
