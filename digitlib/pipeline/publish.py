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
    # A name with a dot in front is not finished.
    files = [*source.glob("figures/[!.]*"), source / f"metrics/{notebook}.json"]
    files += source.glob("model/[!.]*") if notebook == TRAINING else []
    targets = {file: top / file.relative_to(source) for file in files}
    targets[source / f"notebooks/{notebook}.ipynb"] = top / f"{notebook}.ipynb"
    targets[source / f".done/{notebook}"] = top / f".done/{notebook}"
    for file, target in targets.items():
        with writing(target) as unfinished:
            shutil.copyfile(file, unfinished)


if __name__ == "__main__":
    publish(*sys.argv[1:])
