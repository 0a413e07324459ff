"""Remember finished runs in MLflow, where it is installed (the extra ``[tracking]``).

    python -m digitlib.pipeline.tracking PROFILE [--unfinished]

``make run`` ends with it. What the profile left under ``outputs/`` is entered into a local store,
``outputs/mlruns``, and what that store holds is copied to the server that ``MLFLOW_TRACKING_URI``
names, if any. A server that cannot be reached gets what it lacks another time. An entry is known by
the digest of what was measured, so nothing is entered twice. `DIGITLIB_TRACKING=off` leaves it out.

A profile is an experiment. Its entries are each training, each fold and each trial with parameters,
the course of its epochs, and its model with the card; and the profile itself with all it measured,
its executed notebooks, reports and figures. Of a profile that was not run to its end only the
trainings are entered: its other numbers may be of an earlier run.
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
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlib import artifacts
from digitlib.pipeline import profiles
from digitlib.pipeline.tuning import TUNING

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

STORE = "outputs/mlruns"
SERVER = "MLFLOW_TRACKING_URI"
DIGEST = "digitlib.digest"
PATIENCE = 300  # seconds that all of it may take
AT_ONCE = 100  # what MLflow takes in one request
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
        tags, params: words.
        metrics: (name, value, step), the step being an epoch, or 0.
        files: each with the folder of the store that it goes to; folders go with what they hold.
        ended: when, in seconds since 1970; 0 for now.
        seconds: how long it took.
    """

    name: str
    tags: Mapping[str, str]
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: list[tuple[str, float, int]] = field(default_factory=list)
    files: list[tuple[Path, str]] = field(default_factory=list)
    ended: float = 0.0
    seconds: float = 0.0

    @property
    def digest(self) -> str:
        """What tells this entry from others; the files follow from the rest."""
        told = [self.name, dict(self.tags), dict(self.params), self.metrics]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def remember(profile: str, finished: bool) -> None:
    """Do what this module is for, in a process of its own; a run never fails or hangs by it."""
    if os.environ.get("DIGITLIB_TRACKING") == "off" or not importlib.util.find_spec("mlflow"):
        return
    command = [sys.executable, "-m", "digitlib.pipeline.tracking", profile]
    command += [] if finished else ["--unfinished"]
    try:
        code = subprocess.run(command, timeout=PATIENCE, check=False).returncode
    except subprocess.TimeoutExpired:
        code = 1
    if code:
        print("MLflow has no record of this run.", flush=True)


def entries(profile: str, finished: bool) -> Iterator[Entry]:
    """All that can be remembered of what a profile has under ``outputs/``."""
    folder = artifacts.resolve(f"outputs/{profile}")
    for run in sorted(folder.glob("runs/seed-*")):
        if (run / "model" / "card.json").exists():
            yield _training(run)
    if not finished:
        return
    metrics = artifacts.load_metrics(folder)
    trials = metrics.get(TUNING, {}).pop("trials", [])
    yield from map(_trial, trials)
    if set(profiles.notebooks(profile)) <= set(metrics):
        yield _whole(profile, folder, metrics)


def _training(run: Path) -> Entry:
    card = artifacts.load_card(run / "model")
    told = ("architecture", "augmentation", "recipe", "dataset", "validation", "seed")
    measured = artifacts.load_metrics(run)
    history = artifacts.read_history(run / "model" / "history.csv")
    return Entry(
        run.name,
        {"kind": "fold" if "-fold-" in run.name else "training", "commit": card.get("commit", "")},
        dict(_words({name: card[name] for name in told if name in card})),
        [
            *((name, value, int(row["epoch"])) for row in history for name, value in row.items()),
            *((name, value, 0) for name, value in _numbers(measured)),
        ],
        [(run / "model", ""), *((page, "notebooks") for page in _pages(run / "notebooks"))],
        (run / "model" / "card.json").stat().st_mtime,
        sum(row.get("seconds", 0.0) for row in history),
    )


def _trial(row: Mapping) -> Entry:
    measured = ("val_accuracy", "val_loss", "seconds", "parameters")
    return Entry(
        f"trial-{row['trial']}",
        {"kind": "trial", "status": row["status"]},
        dict(_words({name: value for name, value in row.items() if name not in measured})),
        [(name, float(row[name]), 0) for name in measured if row.get(name) is not None],
        seconds=row.get("seconds") or 0.0,
    )


def _whole(profile: str, folder: Path, metrics: Mapping) -> Entry:
    given = {name: profiles.given_parameters(profile, name) for name in profiles.notebooks(profile)}
    kept = [(part, "") for part in (folder / "figures", folder / "metrics") if part.exists()]
    return Entry(
        profile,
        {"kind": "profile"},
        dict(_words(given)),
        [(name, value, 0) for name, value in _numbers(metrics)],
        [*kept, *((page, "notebooks") for page in _pages(folder))],
    )


def _pages(folder: Path) -> list[Path]:
    return sorted([*folder.glob("*.ipynb"), *folder.glob("*.html")])


def _words(values: Mapping, above: str = "") -> Iterator[tuple[str, str]]:
    """Nested settings as flat ones: ``recipe.epochs``, each as a word."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _words(value, f"{above}{name}.")
        else:
            plain = re.sub(r"[^\w ./-]", "_", above + name)
            yield plain, value if isinstance(value, str) else json.dumps(value)


def _numbers(values: Mapping, above: str = "") -> Iterator[tuple[str, float]]:
    """The numbers among nested values: ``05_evaluation/test.accuracy_percent``.

    MLflow shows what stands before a stroke as a section of its own.
    """
    for name, value in values.items():
        plain = re.sub(r"[^\w .-]", "_", str(name))  # all that MLflow takes in a name
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{above}{plain}{'.' if above else '/'}")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield above + plain, float(value)


def enter(client: "MlflowClient", experiment: str, entry: Entry, digest: str) -> None:
    """Write an entry; it counts only once it is whole."""
    from mlflow.entities import Metric, Param

    ended = int(1000 * (entry.ended or time.time()))
    begun = ended - int(1000 * entry.seconds)
    tags = {**entry.tags, DIGEST: digest}
    run = client.create_run(experiment, begun, tags, run_name=entry.name)
    params = [Param(name, value[:6000]) for name, value in entry.params.items() if value]
    metrics = [Metric(name, value, ended, step) for name, value, step in entry.metrics]
    for some in _in_parts(params):
        client.log_batch(run.info.run_id, params=some)
    for some in _in_parts(metrics):
        client.log_batch(run.info.run_id, metrics=some)
    for path, where in entry.files:
        client.log_artifact(run.info.run_id, str(path), where or None)
    client.set_terminated(run.info.run_id, end_time=ended)


def _in_parts(things: list) -> Iterable[list]:
    return (things[i : i + AT_ONCE] for i in range(0, len(things), AT_ONCE))


def _all_runs(client: "MlflowClient", experiment: str) -> Iterator:
    token = None
    while True:
        page = client.search_runs([experiment], page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _missing(client: "MlflowClient", experiment: str, wanted: Mapping[str, Any]) -> list[str]:
    """Which of these digests has no whole entry; what an interrupted one left is deleted."""
    whole = set()
    for run in list(_all_runs(client, experiment)):
        digest = run.data.tags.get(DIGEST)
        if run.info.status == "FINISHED":
            whole.add(digest)
        elif digest in wanted:
            client.delete_run(run.info.run_id)
    return [digest for digest in wanted if digest not in whole]


def _experiment(client: "MlflowClient", name: str, location: str | None = None) -> str:
    found = client.get_experiment_by_name(name)
    return found.experiment_id if found else client.create_experiment(name, location)


def record(profile: str, finished: bool) -> int:
    """Enter what the local store lacks of a profile; the number of new entries."""
    store = artifacts.resolve(STORE)
    store.mkdir(parents=True, exist_ok=True)
    client = _client(_address(store))
    experiment = _experiment(
        client, f"digitlib/{profile}", (store / "artifacts" / profile).as_uri()
    )
    found = {entry.digest: entry for entry in entries(profile, finished)}
    missing = _missing(client, experiment, found)
    for digest in missing:
        enter(client, experiment, found[digest], digest)
    return len(missing)


def send(profile: str, server: str) -> int:
    """Copy what a server lacks of a profile from the local store; the number of copied entries.

    Raises:
        mlflow.exceptions.MlflowException: when the server does not answer, or refuses.
    """
    local, other = _client(_address(artifacts.resolve(STORE))), _client(server)
    name = f"digitlib/{profile}"
    here, there = _experiment(local, name), _experiment(other, name)
    runs = {run.data.tags[DIGEST]: run for run in _all_runs(local, here)}
    missing = _missing(other, there, runs)
    for digest in missing:
        enter(other, there, _kept(local, runs[digest]), digest)
    return len(missing)


def _kept(local: "MlflowClient", run) -> Entry:
    """An entry as the local store has it."""
    history: list[Metric] = [
        point
        for name in run.data.metrics
        for point in local.get_metric_history(run.info.run_id, name)
    ]
    folder = Path(run.info.artifact_uri.removeprefix("file://"))
    own = {name: tag for name, tag in run.data.tags.items() if not name.startswith("mlflow.")}
    return Entry(
        run.info.run_name,
        own,
        run.data.params,
        [(point.key, point.value, point.step) for point in history],
        [(part, "") for part in sorted(folder.iterdir())] if folder.exists() else [],
        run.info.end_time / 1000,
        (run.info.end_time - run.info.start_time) / 1000,
    )


def _address(store: Path) -> str:
    return f"sqlite:///{store / 'mlflow.db'}"


def _client(address: str) -> "MlflowClient":
    for name, value in MANNERS.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    for name in ("mlflow", "alembic", "urllib3"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return MlflowClient(address)


def _reason(fault: Exception) -> str:
    return f"{type(fault).__name__}: {fault}".splitlines()[0][:200]


def main() -> None:
    """Record a profile here, and on the server if there is one; say what was done."""
    parser = argparse.ArgumentParser(description="Remember a profile's runs in MLflow.")
    parser.add_argument("profile")
    parser.add_argument("--unfinished", action="store_true", help="its trainings alone")
    chosen = parser.parse_args()
    profile = chosen.profile
    try:
        if entered := record(profile, not chosen.unfinished):
            print(f"MLflow: {entered} new in {STORE}", flush=True)
    except Exception as fault:  # of MLflow's store: no traceback under a run that went well
        sys.exit(f"MLflow: {STORE}: {_reason(fault)}")
    if server := os.environ.get(SERVER):
        try:
            if copied := send(profile, server):
                print(f"MLflow: {copied} new on {server}", flush=True)
        except Exception as fault:  # whatever it is, the record is safe here
            print(
                f"MLflow: {server} has no copy yet ({_reason(fault)}).\n"
                f"  The record is in {STORE}; the next `make run PROFILE={profile}` sends it.",
                flush=True,
            )


if __name__ == "__main__":
    main()
