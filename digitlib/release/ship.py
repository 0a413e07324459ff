"""Make a finished profile's model the shipped one; ``make ship PROFILE=record``.

    python -m digitlib.release.ship record

``digitlib/pretrained`` is composed from ``outputs/<profile>``: the model of the profile's own
seed, which was fixed before testing, its history, and its card with what was measured. A profile
that trains the line network, such as ``numbers``, becomes ``digitlib/pretrained/lines``: the file
that serves, history and card. ``outputs/sheets``, which ``learning.fit_sheets`` makes, becomes
``digitlib/pretrained/sheets``.
"""

import shutil
import sys
from pathlib import Path

from digitlib import artifacts
from digitlib.artifacts import (
    CARD_FILE,
    EVALUATION,
    HISTORY_FILE,
    LINE_MODEL,
    MODEL_FILES,
    NUMBERS,
    SHEET_MODEL,
    ArtifactError,
    resolve,
)
from digitlib.reading.models import PRETRAINED, PRETRAINED_LINES, PRETRAINED_SHEETS
from digitlib.reporting.runs import judges, read_run

LARGEST = 5_000_000  # bytes of all that ships of the digit model
LARGEST_OF_LINES = 1_000_000  # and of the line model, or the sheet model


def ship(profile: str, target: Path = PRETRAINED) -> Path:
    """Compose ``target`` from a finished profile and return what was composed.

    Raises:
        ArtifactError: when the profile is not finished.
        ValueError: when the model is too large to ship.
    """
    if resolve(f"outputs/{profile}/{LINE_MODEL}").is_dir():
        return _ship_lines(profile, target / PRETRAINED_LINES.name)
    sheet_model = resolve(f"outputs/{profile}/{SHEET_MODEL}")
    if sheet_model.is_dir():
        return _ship_network(sheet_model, profile, {}, target / PRETRAINED_SHEETS.name)
    run = read_run(f"outputs/{profile}")
    files = [run.folder / "model" / name for name in MODEL_FILES if name != CARD_FILE]
    _copy(files, target, profile, LARGEST)
    told = _made_by(profile) | {
        "test": run.test,
        "test_sha256": run.metrics[EVALUATION]["test_sha256"],
    }
    artifacts.write_json(target / CARD_FILE, run.card | told)
    return target


def _ship_lines(profile: str, target: Path) -> Path:
    folder = resolve(f"outputs/{profile}/{LINE_MODEL}")
    measured = artifacts.load_metrics(f"outputs/{profile}").get(NUMBERS)
    if measured is None:
        raise ArtifactError(f"nothing is measured: run `make run PROFILE={profile}` first")
    if not judges(measured, folder):
        raise ArtifactError(
            f"outputs/{profile}/metrics judges another model than {folder}: delete that file, and "
            f"`make run PROFILE={profile}`"
        )
    told = _made_by(profile) | {"sets": measured["sets"]}
    return _ship_network(folder, profile, told, target)


def _ship_network(folder: Path, profile: str, told: dict, target: Path) -> Path:
    """Copy the file that serves and the history, and write the card with what is told beside it."""
    card = artifacts.load_card(folder)
    files = [folder / card["serves"], folder / HISTORY_FILE]
    _copy(files, target, profile, LARGEST_OF_LINES)
    artifacts.write_json(target / CARD_FILE, card | told)
    for older in set(target.glob("*.tflite")) - {target / file.name for file in files}:
        older.unlink()
    return target


def _copy(files: list[Path], target: Path, profile: str, largest: int) -> None:
    if missing := [file for file in files if not file.exists()]:
        raise ArtifactError(f"{missing[0]} is missing: run `make run PROFILE={profile}` first")
    if (size := sum(file.stat().st_size for file in files)) > largest:
        raise ValueError(f"the model of {profile} has {size:,} bytes; {largest:,} may ship")
    # A folder with a card holds a whole model: the card goes first, and the new one comes last.
    (target / CARD_FILE).unlink(missing_ok=True)
    for file in files:
        with artifacts.writing(target / file.name) as unfinished:
            shutil.copyfile(file, unfinished)


def _made_by(profile: str) -> dict:
    commands = [f"make run PROFILE={profile}", f"make ship PROFILE={profile}"]
    return {"profile": profile, "made_by": commands}


if __name__ == "__main__":
    try:
        [profile] = sys.argv[1:]
    except ValueError:
        sys.exit("name one finished profile, such as: make ship PROFILE=record")
    try:
        print(f"shipped: {ship(profile)}")
    except (ArtifactError, ValueError) as fault:
        sys.exit(str(fault))
