"""Copy one notebook's results of a run to the top of its profile's folder.

python -m digitlib.pipeline.publish outputs/quick seed-0 03_cnn_training
"""

import shutil
import sys
from pathlib import Path

from digitlib.artifacts import TRAINING, resolve, writing


def publish(profile_dir: str | Path, run: str, notebook: str) -> None:
    """Copy what ``runs/<run>`` holds of a notebook: model, metrics, figures, executed copy."""
    top = resolve(profile_dir)
    source = top / "runs" / run
    files = {
        source / "metrics" / f"{notebook}.json": top / "metrics",
        source / "notebooks" / f"{notebook}.ipynb": top,
        source / ".done" / notebook: top / ".done",
    }
    for folder in ("figures", "model") if notebook == TRAINING else ("figures",):
        # A name with a dot in front is not finished.
        files |= {p: top / folder for p in (source / folder).glob("[!.]*") if p.is_file()}
    for file, target in files.items():
        with writing(target / file.name) as unfinished:
            shutil.copyfile(file, unfinished)


if __name__ == "__main__":
    publish(*sys.argv[1:])
