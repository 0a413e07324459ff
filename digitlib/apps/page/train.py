"""The tab that trains: notebook 03 in a process of its own, watched while it learns."""

import asyncio
import atexit
import base64
import contextlib
import html
import io
import json
import re
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import ipywidgets as widgets
import psutil

from digitlib.apps.page.shared import SharedRecognizer, error
from digitlib.artifacts import (
    HISTORY_FILE,
    TRAINING,
    kept_epoch,
    project_root,
    read_history,
    resolve,
)
from digitlib.datasets import find_dataset
from digitlib.pipeline import profiles
from digitlib.reading.models import name_of

FOLDER = "outputs/app"
LOOK_EVERY = 1.0  # seconds
STOPPED = "Stopped. With the same settings, Train goes on after the last finished epoch."


class Train(widgets.VBox):
    """Choose what to learn from, start, watch, stop, use."""

    def __init__(self, shared: SharedRecognizer):
        self.shared = shared
        self.process: subprocess.Popen | None = None
        self.output_dir = resolve(FOLDER)
        self.stopped: dict = {}  # the parameters of a training that can go on
        wide = widgets.Layout(width="min(32em, 95%)")
        field = {"style": {"description_width": "8em"}, "layout": wide}
        self.dataset = widgets.Combobox(
            value="optdigits",
            options=["optdigits", "mnist", "folder:outputs/drawings"],
            description="Data set",
            continuous_update=False,
            **field,
        )
        self.network = widgets.Dropdown(
            options=networks(), value="digitnet", description="Network", **field
        )
        self.epochs = widgets.BoundedIntText(8, min=1, max=200, description="Epochs", **field)
        self.share = widgets.BoundedIntText(
            10, min=5, max=50, description="Validation (%)", **field
        )
        self.start = widgets.Button(description="Train", button_style="primary")
        self.stop = widgets.Button(description="Stop", disabled=True)
        self.use = widgets.Button(description="Read with it", disabled=True)
        self.said, self.curves = widgets.HTML(), widgets.HTML()
        super().__init__(
            [
                widgets.HTML(
                    "<p>Runs notebook 03 in a process of its own. <code>folder:DIR</code> learns "
                    "from your pictures in <code>DIR/0</code> … <code>DIR/9</code>; bundled "
                    "<code>optdigits</code> take a minute or two, <code>mnist</code> longer.</p>"
                ),
                self.dataset,
                self.network,
                self.epochs,
                self.share,
                widgets.HBox([self.start, self.stop, self.use]),
                self.said,
                self.curves,
            ]
        )
        self.start.on_click(self._start)
        self.stop.on_click(lambda _: self.end(STOPPED))
        self.use.on_click(self._use)
        atexit.register(self.end)

    def _start(self, _button: object) -> None:
        try:
            self._begin()
        except Exception as fault:  # Voilà shows a handler's errors to nobody
            self.said.value = error(fault)

    def _begin(self) -> None:
        find_dataset(self.dataset.value.strip())  # what is not there is told at once
        if self.stopped != self.parameters():
            self._forget_stopped()
            name = datetime.now().strftime("%Y-%m-%d-%H%M%S-%f")
            self.output_dir = resolve(FOLDER) / name
            self.output_dir.mkdir(parents=True)
        self.stopped = {}
        command = [sys.executable, "-m", "digitlib.pipeline.notebooks", "run", "--with-parent"]
        command += [f"notebooks/{TRAINING}.ipynb", str(self.output_dir / "training.ipynb")]
        self.begun = self.parameters()
        for key, value in self.begun.items():
            command += ["-p", key, value if isinstance(value, str) else json.dumps(value)]
        self.log_file = self.output_dir / "training.log"
        with self.log_file.open("w") as log:
            self.process = subprocess.Popen(
                command, cwd=project_root(), stdout=log, stderr=log, start_new_session=True
            )
        self.start.disabled, self.stop.disabled, self.use.disabled = True, False, True
        self.said.value, self.curves.value = "<p>Starting: data and network are made …</p>", ""
        self.watching = asyncio.ensure_future(self._watch(self.process))

    def parameters(self) -> dict:
        """The parameters for notebook 03."""
        big = self.dataset.value.startswith(("mnist", "idx:", "csv:"))
        return {
            "dataset": self.dataset.value.strip(),
            "architecture": self.network.value,
            "epochs": self.epochs.value,
            "validation": self.share.value / 100,
            "batch_size": 128 if big else 32,
            "output_dir": str(self.output_dir),
        }

    async def _watch(self, process: subprocess.Popen) -> None:
        seen = 0
        while process.poll() is None:
            await asyncio.sleep(LOOK_EVERY)
            history = history_so_far(self.output_dir)
            if len(history) > seen and process is self.process:
                seen = len(history)
                self._show(history)
        if process is not self.process:  # it was stopped
            return
        try:
            self._finish(process.returncode)
        finally:
            self.process = None
            self.start.disabled, self.stop.disabled = False, True

    def _finish(self, code: int) -> None:
        if code:
            reason, log = why_it_failed(self.log_file)
            before = f"<summary>What it said before</summary><pre>{html.escape(log)}</pre>"
            self.said.value = f"{error(reason)}<details>{before}</details>"
            return
        self._show(read_history(self.output_dir / "model" / HISTORY_FILE))
        self.use.disabled = False
        folder = html.escape(name_of(self.output_dir / "model"))
        self.said.value += f"<p>Saved in <code>{folder}</code>.</p>"

    def _show(self, history: list[dict]) -> None:
        best = history[kept_epoch(history)]
        self.said.value = (
            f"<p>Epoch <b>{len(history)}</b> of {self.begun['epochs']}: best so far "
            f"<b>{best['val_accuracy']:.2%}</b> of the validation digits, "
            f"{sum(row['seconds'] for row in history):.0f} s.</p>"
        )
        self.curves.value = curves(history)

    def _use(self, _button: object) -> None:
        try:
            self.shared.use(self.output_dir / "model")
            self.said.value = "<p>Draw and Pictures read with it from now on.</p>"
        except Exception as fault:  # as in `_start`
            self.said.value = error(fault)

    def end(self, words: str = "") -> None:
        """Stop the training, if there is one, with everything it started."""
        process = self.process
        if process is None or process.poll() is not None:
            return  # it has ended: _watch says how
        self.process = None
        family = [psutil.Process(process.pid)]
        family += family[0].children(recursive=True)
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(family, timeout=5)
        self.stopped = self.begun
        if not words:  # nobody is there to go on with it
            self._forget_stopped()
        shown = self.said.value if history_so_far(self.output_dir) else ""
        self.said.value = f"{shown}<p>{words}</p>"
        self.start.disabled, self.stop.disabled = False, True

    def _forget_stopped(self) -> None:
        """Remove the files of a training that was stopped and will not go on."""
        if self.stopped:
            shutil.rmtree(self.stopped["output_dir"], ignore_errors=True)
        self.stopped = {}


def networks() -> list[str]:
    """The names of all networks, taken from the profiles so that Keras is not loaded."""
    names = {
        profiles.parameter(p, TRAINING, "architecture")
        for p in profiles.profiles()
        if TRAINING in profiles.notebooks(p)
    }
    return sorted(names | {"digitnet"})


def history_so_far(output_dir: Path) -> list[dict]:
    """The finished epochs of a training that goes on, from its last checkpoint."""
    states = sorted((output_dir / "checkpoints").glob("epoch-*[0-9]/state.json"))
    try:
        return json.loads(states[-1].read_text())["history"] if states else []
    except (FileNotFoundError, json.JSONDecodeError):  # replaced by the next one just now
        return []


def curves(history: list[dict]) -> str:
    """The learning curves as an image in HTML."""
    from digitlib.reporting.figures.training import learning_curves

    drawn = io.BytesIO()
    learning_curves(history, kept=kept_epoch(history) + 1).savefig(drawn, format="png")
    source = f"data:image/png;base64,{base64.b64encode(drawn.getvalue()).decode()}"
    alt = "Loss, accuracy and learning rate over the epochs"
    return f'<img class="page-figure" alt="{alt}" src="{source}">'


def why_it_failed(log_file: Path) -> tuple[str, str]:
    """The error that a log ends with, in one line, and the twelve lines it ends with."""
    said = [line for line in log_file.read_text(errors="replace").splitlines() if line.strip()]
    errors = [found[1] for line in said if (found := re.search(r"\b(\w+Error: .*)", line))]
    return (errors or said or ["It ended without a word."])[-1], "\n".join(said[-12:])
