"""Make a finished profile's model the shipped one; ``make ship PROFILE=record``.

    python -m digitlib.release.ship record

``digitlib/pretrained`` is composed from ``outputs/<profile>``: the model of the profile's own
seed, which was fixed before testing, its history, and its card with what was measured.
"""

import shutil
import sys
from pathlib import Path

from digitlib import artifacts
from digitlib.artifacts import CARD_FILE, EVALUATION, MODEL_FILES, ArtifactError
from digitlib.reading.models import PRETRAINED
from digitlib.reporting.runs import read_run

LARGEST = 5_000_000  # bytes of everything that ships


def ship(profile: str, target: Path = PRETRAINED) -> Path:
    """Compose ``target`` from a finished profile and return it.

    Raises:
        ArtifactError: when the profile is not finished.
        ValueError: when the model is too large to ship.
    """
    run = read_run(f"outputs/{profile}")
    files = [run.folder / "model" / name for name in MODEL_FILES if name != CARD_FILE]
    if missing := [file for file in files if not file.exists()]:
        raise ArtifactError(f"{missing[0]} is missing: run `make run PROFILE={profile}` first")
    if (size := sum(file.stat().st_size for file in files)) > LARGEST:
        raise ValueError(f"the model of {profile} has {size:,} bytes; {LARGEST:,} may ship")
    for file in files:
        with artifacts.writing(target / file.name) as unfinished:
            shutil.copyfile(file, unfinished)
    told = {
        "profile": profile,
        "made_by": [f"make run PROFILE={profile}", f"make ship PROFILE={profile}"],
        "test": run.test,
        "test_sha256": run.metrics[EVALUATION]["test_sha256"],
    }
    # The card comes last: a folder with a card holds a whole model.
    artifacts.write_json(target / CARD_FILE, run.card | told)
    return target


if __name__ == "__main__":
    try:
        [profile] = sys.argv[1:]
    except ValueError:
        sys.exit("name one finished profile, such as: make ship PROFILE=record")
    try:
        print(f"shipped: {ship(profile)}")
    except (ArtifactError, ValueError) as fault:
        sys.exit(str(fault))
