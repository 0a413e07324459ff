"""Make the surroundings fit for what is started here: HOME, Python's and Jupyter's paths, terminal.

Containers and clusters have a HOME that cannot be written, and a shell may offer another
``digitlib`` or another ``python3`` kernel than this project's own.
"""

import atexit
import contextlib
import os
import shutil
import sys
import tempfile
from importlib.machinery import PathFinder
from pathlib import Path

from digitlib.artifacts import project_root
from digitlib.pipeline.dependencies import PACKAGE
from digitlib.terminal import print_anywhere

#: Where libraries write under HOME, as far as it is there already.
WRITTEN = ("", ".cache", ".config", ".ipython", ".jupyter", ".local", ".local/share")


def prepare() -> None:
    """Change ``os.environ``, which all processes inherit, and what standard output does."""
    print_anywhere()
    if not _can_be_written(Path(os.path.expanduser("~"))):
        os.environ["HOME"] = str(_another_home())
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    found = PathFinder.find_spec(PACKAGE.name, list(filter(None, paths)))
    if found and found.origin and (other := Path(found.origin).resolve().parent) != PACKAGE:
        print(f"PYTHONPATH has another digitlib, {other}; used is {PACKAGE}.", file=sys.stderr)
        put_first("PYTHONPATH", PACKAGE.parent)
    # The kernel called python3 is the one that this Python's environment has.
    put_first("JUPYTER_PATH", Path(sys.prefix) / "share" / "jupyter")


def _can_be_written(home: Path) -> bool:
    places = [home / name for name in WRITTEN]
    return home.is_dir() and all(os.access(one, os.W_OK) for one in places if one.exists())


def _another_home() -> Path:
    """``.home`` in the project, or a folder for this run where the project cannot be written."""
    home = project_root() / ".home"
    with contextlib.suppress(OSError):
        home.mkdir(exist_ok=True)
    if not os.access(home, os.W_OK):
        home = Path(tempfile.mkdtemp(prefix="digitlib-"))
        atexit.register(shutil.rmtree, home, ignore_errors=True)
    return home


def put_first(variable: str, folder: Path) -> None:
    """Put a folder in front of those that a variable of the environment names."""
    others = os.environ.get(variable, "").split(os.pathsep)
    paths = [str(folder), *(one for one in others if one and one != str(folder))]
    os.environ[variable] = os.pathsep.join(paths)
