"""A miniature project: the real Snakefile and digitlib around notebooks that take a second.

Its notebooks keep the contracts of the real ones (parameters, outputs, checkpoints).
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

CHECKOUT = Path(__file__).resolve().parents[1]

EXPLORATION = """
from digitlib import artifacts
from digitlib.measuring import unrelated
artifacts.save_metrics(output_dir, "01_exploration", {"bins": bins})
"""

# Sixty milliseconds an epoch; each adds a line to its checkpoint, by whom it was written.
TRAINING = """
import os
import time

from digitlib import artifacts, tiny

folder = artifacts.resolve(output_dir)
checkpoint = folder / "checkpoints" / "epochs.txt"
checkpoint.parent.mkdir(parents=True, exist_ok=True)
done = checkpoint.read_text().splitlines() if checkpoint.exists() else []
for epoch in range(len(done), epochs):
    time.sleep(pause)
    with checkpoint.open("a") as stream:
        print(epoch, os.getpid(), file=stream)
    print(f"epoch {epoch + 1}/{epochs}")
history = [{"epoch": int(line.split()[0])} for line in checkpoint.read_text().splitlines()]
checkpoint.unlink()
artifacts.write_history(folder / "model" / "history.csv", history)
for name in ("digits.keras", "digits.tflite", "digits.int8.tflite"):
    with artifacts.writing(folder / "model" / name) as unfinished:
        unfinished.write_text(f"{seed} {epochs} {tiny.NAME}")
artifacts.write_json(folder / "model" / "card.json", {"seed": seed, "epochs": epochs})
artifacts.save_metrics(output_dir, "03_cnn_training", {"epochs": epochs, "fold": fold})
"""

EVALUATION = """
from digitlib import artifacts
card = artifacts.load_card(model_dir)
artifacts.save_metrics(output_dir, "05_evaluation", {"seed": card["seed"], "bins": bins})
"""

ROBUSTNESS = """
from digitlib import artifacts
card = artifacts.load_card(model_dir)
assert level < 5, "the level is too high"
artifacts.save_metrics(output_dir, "06_robustness", {"seed": card["seed"], "level": level})
"""

REPORT = """
from digitlib import artifacts
runs = sorted(p.name for p in (artifacts.resolve(output_dir) / "runs").iterdir())
print("runs:", *runs)
artifacts.save_metrics(output_dir, "10_report", {"runs": runs})
"""

# As good as any, where nobody looks at it.
REPORTS = """
from pathlib import Path


def export_html(notebook, html, show_code, pages, top):
    \"\"\"Write no more than that there is a report.\"\"\"
    Path(html).write_text(f"report of {notebook}")
"""

OUTPUT = 'output_dir: str = "outputs/quick"  # where results go'
MODEL = 'model_dir: str = "outputs/quick/model"  # the model'
NOTEBOOKS = {
    "01_exploration": ([OUTPUT, "bins: int = 3  # of the histogram"], EXPLORATION),
    "03_cnn_training": (
        [
            OUTPUT,
            "seed: int = 7  # of everything random",
            "epochs: int = 3  # at most",
            "pause: float = 0.01  # seconds an epoch",
            "folds: int = 0  # of a cross-validation",
            "fold: int = -1  # the one held out",
        ],
        TRAINING,
    ),
    "05_evaluation": ([OUTPUT, MODEL, "bins: int = 15  # of the diagram"], EVALUATION),
    "06_robustness": ([OUTPUT, MODEL, "level: float = 1.0  # of the corruption"], ROBUSTNESS),
    "10_report": ([OUTPUT], REPORT),
}


def notebook(title: str, parameters: list[str], code: str) -> dict:
    """A notebook with a title, a parameters cell and one cell of code."""

    def cell(kind: str, source: str, tags: tuple[str, ...] = ()) -> dict:
        own = {"execution_count": None, "outputs": []} if kind == "code" else {}
        identity = f"cell-{hash((kind, source)) % 10**8}"
        metadata = {"tags": list(tags)} if tags else {}
        return {"cell_type": kind, "id": identity, "metadata": metadata, "source": source} | own

    cells = [
        cell("markdown", f"# {title}"),
        cell("code", "\n".join(parameters), ("parameters",)),
        cell("code", code.strip()),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


#: Before a command, so that files and folders without write permission stop root, too.
BOUND = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] * (os.geteuid() == 0)


class Project:
    """A miniature project in a folder of its own; its reports are real ones if asked for.

    Its runs have ``environment`` beside the usual variables.
    """

    def __init__(self, root: Path, real_reports: bool = False):
        self.root, self.environment = root, {}
        ignored = shutil.ignore_patterns("__pycache__", "pretrained")
        shutil.copytree(CHECKOUT / "digitlib", root / "digitlib", ignore=ignored)
        shutil.copy(CHECKOUT / "Snakefile", root)
        self.write("digitlib/tiny.py", 'NAME = "tiny"\n')
        self.write("digitlib/measuring/unrelated.py", "")
        if not real_reports:
            self.write("digitlib/reporting/html/__init__.py", REPORTS)
        for name, (parameters, code) in NOTEBOOKS.items():
            self.write_notebook(name, parameters, code)
            self.write(f"params/quick/{name}.yaml", "{}\n")

    def write(self, path: str, text: str) -> None:
        """Write a file, from the root."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def write_notebook(self, name: str, parameters: list[str], code: str) -> None:
        """Write a notebook without outputs."""
        self.write(f"notebooks/{name}.ipynb", json.dumps(notebook(name, parameters, code)))

    def out(self, path: str, profile: str = "quick") -> Path:
        """A file of a profile's outputs."""
        return self.root / "outputs" / profile / path

    def json(self, path: str, profile: str = "quick") -> dict:
        """A JSON file of a profile's outputs."""
        return json.loads(self.out(path, profile).read_text())

    def start(self, profile: str = "quick", seeds: int = 1, *options: str) -> subprocess.Popen:
        """Start a run in a process group of its own."""
        arguments = ["--profile", profile, "--cores", "2", "--seeds", str(seeds), *options]
        return self.start_module("digitlib.pipeline.run", *arguments)

    def start_module(self, name: str, *arguments: str) -> subprocess.Popen:
        """Start a module of this project, in a process group of its own."""
        return subprocess.Popen(
            [*BOUND, sys.executable, "-m", name, *arguments],
            cwd=self.root,
            env={"DIGITLIB_TRACKING": "off"}
            | os.environ
            | {"PYTHONPATH": str(self.root), "DIGITLIB_ROOT": str(self.root)}
            | self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )

    def run(self, profile: str = "quick", seeds: int = 1, *options: str, code: int = 0) -> str:
        """Run to the end, check the exit code and give what was printed."""
        return self.finish(self.start(profile, seeds, *options), code)

    def finish(self, process: subprocess.Popen, code: int = 0) -> str:
        """Wait for the end of what was started, check the exit code and give what was printed."""
        printed, _ = process.communicate(timeout=300)
        assert process.returncode == code, printed
        return printed

    def plan(self, profile: str = "quick", seeds: int = 1) -> list[str]:
        """The notebooks that a run would execute now."""
        return self.executed(self.run(profile, seeds, "--dry-run"))

    def executed(self, printed: str) -> list[str]:
        """The notebooks a run executed (not their reports), from what it printed."""
        steps = [s[2:].split(" – ")[0] for s in printed.splitlines() if s.startswith("▸ ")]
        return sorted(s for s in steps if s[:2].isdigit())

    def processes(self) -> list[psutil.Process]:
        """Every live process that belongs to a run of this project."""
        return processes_of(self.root)

    def wait_for(self, condition, seconds: float = 120) -> None:
        """Wait until ``condition()`` holds."""
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, "waited too long"
            time.sleep(0.05)


class Sharded(Project):
    """A project with the shipped models, which reads pictures in parts into ``table.csv``."""

    def __init__(self, root: Path):
        super().__init__(root)
        (root / "digitlib/pretrained").symlink_to(CHECKOUT / "digitlib/pretrained")
        self.table, self.parts = root / "table.csv", root / "table.csv.parts"

    def start(self, pictures: Path, *options: str) -> subprocess.Popen:
        """Start reading."""
        command = ["run", str(pictures), "table.csv", "--cores", "2", *options]
        return self.start_module("digitlib.pipeline.sharding", *command)

    def run(self, pictures: Path, *options: str, code: int = 0) -> str:
        """Read to the end, check the exit code and give what was printed."""
        return self.finish(self.start(pictures, *options), code)


def processes_of(root: Path) -> list[psutil.Process]:
    """Every live process whose project is in ``root``."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("DIGITLIB_ROOT") == str(root):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return [p for p in found if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def only_training(root: Path, real_reports: bool = False) -> Project:
    """A project that has not been run, and only trains."""
    made = Project(root, real_reports)
    for name in NOTEBOOKS:
        if name != "03_cnn_training":
            (root / f"params/quick/{name}.yaml").unlink()
    return made


def kill_tree(process: subprocess.Popen) -> None:
    """SIGKILL a run with everything it started."""
    family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.send_signal(signal.SIGKILL)
    process.communicate()
