"""What a run writes and reads back: paths, metrics, figures, the model and its card.

A file appears under its final name only when it is complete: everything is written beside it
first and then moved into place (``writing``).
"""

import contextlib
import csv
import json
import math
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Matplotlib takes half a second to import, and predictions do not need it.
    from matplotlib.figure import Figure

#: The notebooks whose results others ask for by name.
AUGMENTATION, TRAINING, TUNING = "02_augmentation", "03_cnn_training", "04_hyperparameter_tuning"
EVALUATION, ROBUSTNESS = "05_evaluation", "06_robustness"
NUMBERS = "07_reading_numbers"
REPORT = "10_report"
#: A model's files: for Keras, and for LiteRT in float32 and quantised to int8.
KERAS_FILE, FLOAT_FILE, INT8_FILE = "digits.keras", "digits.tflite", "digits.int8.tflite"
CARD_FILE, HISTORY_FILE = "card.json", "history.csv"
MODEL_FILES = (KERAS_FILE, FLOAT_FILE, INT8_FILE, HISTORY_FILE, CARD_FILE)
#: The same of a line network, and the folder of a run that holds them.
LINE_KERAS_FILE, LINE_FLOAT_FILE = "lines.keras", "lines.tflite"
LINE_INT8_FILE = "lines.int8.tflite"
LINE_MODEL = "line_model"
#: The folder of a fit that holds a sheet network.
SHEET_MODEL = "sheet_model"
PACKAGES = ("digitlib", "keras", "tensorflow", "ai-edge-litert", "numpy", "scikit-learn")


class ArtifactError(FileNotFoundError):
    """What an earlier step makes is missing or damaged; the message says how to make it."""


def project_root() -> Path:
    """The folder that relative paths start from: ``$DIGITLIB_ROOT``, else the checkout, else here.

    It does not depend on where Jupyter, papermill or a shell was started.
    """
    if chosen := os.environ.get("DIGITLIB_ROOT"):
        return Path(chosen).resolve()
    checkout = Path(__file__).resolve().parents[1]
    return checkout if (checkout / "notebooks").is_dir() else Path.cwd()


def resolve(path: str | Path) -> Path:
    """An absolute path; a relative one is taken from the project's root."""
    return project_root() / Path(path).expanduser()


def from_root(path: str | Path) -> str:
    """A path relative to the project's root; unchanged where it lies outside."""
    path, root = Path(path), project_root()
    return str(path.relative_to(root) if path.is_relative_to(root) else path)


@contextlib.contextmanager
def writing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path to write to, and move it to ``path`` when the block ends well.

    It may become a file, or a folder where there is none yet.
    """
    path = resolve(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last: savers choose the format by it.
    unfinished = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield unfinished
        flush(unfinished)
        os.replace(unfinished, path)
    except OSError as fault:
        if fault.errno and not fault.filename:  # that a disk is full is said without a name
            fault.filename = str(path)
        raise
    finally:
        if unfinished.is_dir():
            shutil.rmtree(unfinished)
        unfinished.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Bring a file, or all files of a folder, to the disk; a power cut may keep a name alone."""
    for file in filter(Path.is_file, (path, *path.rglob("*"))):
        with file.open("rb+") as stream:
            os.fsync(stream.fileno())


def write_json(path: str | Path, values: Mapping) -> Path:
    """Write ``values`` as JSON; NumPy numbers and arrays become plain ones."""
    text = json.dumps(values, indent=1, ensure_ascii=False, default=lambda v: v.tolist())
    with writing(path) as unfinished:
        unfinished.write_text(text + "\n", encoding="utf-8")
    return resolve(path)


def read_json(path: str | Path) -> dict:
    """Read what ``write_json`` wrote."""
    return json.loads(resolve(path).read_text(encoding="utf-8"))


def save_metrics(output_dir: str | Path, notebook: str, metrics: Mapping) -> Path:
    """Write a notebook's numbers to ``output_dir/metrics/<notebook>.json``."""
    return write_json(Path(output_dir) / "metrics" / f"{notebook}.json", metrics)


def load_metrics(output_dir: str | Path) -> dict[str, dict]:
    """All metrics under ``output_dir``, by notebook; empty where nothing was saved."""
    files = sorted((resolve(output_dir) / "metrics").glob("*.json"))
    return {file.stem: read_json(file) for file in files}


def save_figure(figure: "Figure", output_dir: str | Path, name: str) -> "Figure":
    """Write a Matplotlib figure to ``output_dir/figures/<name>.png`` and return it, to be shown."""
    with writing(Path(output_dir) / "figures" / f"{name}.png") as unfinished:
        figure.savefig(unfinished, dpi=144, bbox_inches="tight")
    return figure


def load_card(model_dir: str | Path) -> dict:
    """The card of the model in ``model_dir``.

    Raises:
        ArtifactError: when there is no model, or its card is damaged; the message names the command
            that makes one.
    """
    file = resolve(model_dir) / CARD_FILE
    if not file.exists():
        raise ArtifactError(f"there is no model in {model_dir}: {_remedy(file.parent)}")
    try:
        card = read_json(file)
    except ValueError as fault:
        raise ArtifactError(
            f"{from_root(file)} is damaged ({fault}): {_remedy(file.parent)}"
        ) from None
    temperature, threshold = card.get("temperature", 1.0), card.get("threshold", 0.5)
    if not (0 < temperature < math.inf and 0 <= threshold <= 1):
        raise ArtifactError(
            f"{from_root(file)} is damaged (temperature {temperature}, threshold {threshold}): "
            + _remedy(file.parent)
        )
    return card


def _remedy(model_dir: Path) -> str:
    """How to make the model that is missing in a folder."""
    if model_dir.name in (SHEET_MODEL, "sheets"):
        return "make one with `python -m digitlib.learning.fit_sheets`"
    run = model_dir.parent
    of_lines = model_dir.name in (LINE_MODEL, "lines")
    usual, notebook = ("numbers", NUMBERS) if of_lines else ("quick", TRAINING)
    profile = run.name if run.parent.name == "outputs" else usual
    return (
        f"make one with `make run PROFILE={profile}`, or run notebooks/{notebook}.ipynb with the "
        "output_dir that this folder is in; `digitlib models` lists the models there are"
    )


def write_history(path: str | Path, rows: Sequence[Mapping]) -> Path:
    """Write one row per epoch as CSV."""
    with writing(path) as unfinished, unfinished.open("w", newline="") as stream:
        table = csv.DictWriter(stream, fieldnames=list(rows[0]) if rows else ["epoch"])
        table.writeheader()
        table.writerows(rows)
    return resolve(path)


def read_history(path: str | Path) -> list[dict[str, float]]:
    """Read what ``write_history`` wrote; empty when there is no file yet."""
    path = resolve(path)
    if not path.exists():
        return []
    with path.open(newline="") as stream:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(stream)]


def kept_epoch(history: Sequence[Mapping]) -> int:
    """Index of the row whose weights are kept.

    It is the row with the highest validation accuracy, and among equals the one with the lowest
    loss. Once weights are averaged (``averaged`` above 0) it is the last row: the average over the
    most epochs is expected to be best, and a few validation digits between epochs are chance.
    """
    if history[-1].get("averaged"):
        return len(history) - 1
    ranks = [(row["val_accuracy"], -row["val_loss"]) for row in history]
    return ranks.index(max(ranks))


def provenance() -> dict:
    """What a result depends on besides its parameters: commit, versions and machine."""
    return {"commit": commit(), "versions": versions(), "machine": machine()}


def versions(*others: str) -> dict[str, str]:
    """Installed versions of Python, of the packages that shape a result, and of any others."""
    found = {"python": platform.python_version()}
    for package in (*PACKAGES, *others):
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def commit() -> str:
    """The checkout's commit, marked -dirty when files differ from it; '' outside a checkout.

    Files under ``outputs`` do not count, because every run changes them.
    """
    hash_of = ["rev-parse", "--short=12", "HEAD"]
    difference = ["diff", "--quiet", "HEAD", "--", ".", ":(exclude)outputs"]
    try:
        found, differs = (
            subprocess.run(["git", *command], cwd=project_root(), capture_output=True, text=True)
            for command in (hash_of, difference)
        )
    except OSError:
        return ""
    return found.stdout.strip() + "-dirty" * bool(found.stdout and differs.returncode)


def machine() -> str:
    """The machine in words: system, processor, cores."""
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((s.split(":")[1].strip() for s in lines if s.startswith("model name")), name)
    return f"{platform.system()}, {name}, {os.cpu_count()} cores"
