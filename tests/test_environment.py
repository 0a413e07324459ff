"""Runs where HOME, paths, kernels, folders and terminals are not as a developer has them."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from miniature import BOUND, CHECKOUT, NOTEBOOKS, Project, only_training

from digitlib.pipeline import environment
from digitlib.pipeline.dependencies import PACKAGE


@pytest.fixture
def project(tmp_path) -> Project:
    """A project that has not been run, and only trains."""
    return only_training(tmp_path / "project")


def foreign_kernel(folder: Path) -> Path:
    """A folder for JUPYTER_PATH whose kernel `python3` is none."""
    kernel = folder / "kernels" / "python3"
    kernel.mkdir(parents=True)
    argv = ["/bin/false", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "another"}))
    return folder


def foreign_package(folder: Path) -> Path:
    """A folder for PYTHONPATH whose digitlib cannot be used."""
    (folder / "digitlib").mkdir(parents=True)
    (folder / "digitlib" / "__init__.py").write_text("raise RuntimeError('the other digitlib')")
    return folder


def unwritable(folder: Path) -> Path:
    """A folder in which nothing can be made."""
    folder.mkdir()
    folder.chmod(0o555)
    return folder


def test_a_run_goes_its_way_in_strange_surroundings(project, tmp_path):
    """Protects containers and clusters, and whoever has other Pythons, in one run."""
    project.environment = {
        "HOME": str(unwritable(tmp_path / "home")),
        "JUPYTER_PATH": str(foreign_kernel(tmp_path / "jupyter")),
        "PYTHONPATH": str(foreign_package(tmp_path / "other")),
        "PYTHONIOENCODING": "latin-1",  # which has no ▸, │ or ━
    }
    parameters, code = NOTEBOOKS["03_cnn_training"]
    project.write_notebook("03_cnn_training", parameters, f"{code}\nprint('é')")
    printed = project.run()
    assert project.json("model/card.json")["seed"] == 7
    assert (
        f"PYTHONPATH has another digitlib, {tmp_path / 'other' / 'digitlib'}; used is " in printed
    )
    assert printed.count("another digitlib") == 1
    assert "03_cnn_training | epoch 3/3" in printed
    assert "03_cnn_training | \N{REPLACEMENT CHARACTER}" in printed  # é in latin-1 is no UTF-8
    assert not list((tmp_path / "home").iterdir())


@pytest.mark.parametrize(
    "closed", ["", "outputs", ".snakemake"], ids=["checkout", "outputs", "state"]
)
def test_what_cannot_be_written_is_said_in_a_sentence(project, closed):
    """Protects from a page of traceback."""
    if closed:
        unwritable(project.root / closed)
        place = "outputs/quick" if closed == "outputs" else closed
    else:
        project.root.chmod(0o555)
        place = "outputs"
    printed = project.run(code=1)
    assert printed.startswith(
        f"{project.root / place}: Permission denied. A run writes to outputs/"
    )
    assert len(printed.splitlines()) == 1


def test_a_reader_who_leaves_does_not_stop_the_run(project):
    """Protects `make run | head`: a full pipe would hang it."""
    parameters, code = NOTEBOOKS["01_exploration"]
    code += "\nfor _ in range(4000): print('x' * 100)"
    project.write_notebook("01_exploration", parameters, code)
    project.write("params/quick/01_exploration.yaml", "{}\n")
    process = project.start()
    process.stdout.readline()
    process.stdout.close()
    try:
        process.wait(timeout=120)
    finally:
        process.terminate()
    assert project.json("metrics/01_exploration.json") == {"bins": 3}
    assert project.out("model/card.json").exists()


def test_files_that_are_dated_in_the_future_stop_nothing(project):
    """Protects a clone whose clock was wrong: Snakemake discards what is older than its input."""
    late = time.time() + 86_400
    for name in ("params/quick/03_cnn_training.yaml", "digitlib/tiny.py"):
        os.utime(project.root / name, (late, late))
    printed = project.run()
    assert "Dated in the future, and now today: digitlib/tiny.py and 1 more." in printed
    assert project.json("model/card.json")["seed"] == 7
    assert project.plan() == []


def test_a_home_that_can_be_written_stays(tmp_path, monkeypatch):
    for name in ("HOME", "PYTHONPATH", "JUPYTER_PATH"):
        monkeypatch.setenv(name, str(tmp_path))
    environment.prepare()
    assert os.environ["HOME"] == os.environ["PYTHONPATH"] == str(tmp_path)
    own, other = os.environ["JUPYTER_PATH"].split(os.pathsep)
    assert (own, other) == (f"{sys.prefix}/share/jupyter", str(tmp_path))


@pytest.mark.parametrize("project_closed", [False, True])
def test_another_home_is_in_the_project_or_temporary(tmp_path, project_closed):
    """Protects caches that are worth keeping, such as a download, and another person's checkout."""
    root = unwritable(tmp_path / "root")
    root.chmod(0o555 if project_closed else 0o755)
    program = (
        "import os; from digitlib.pipeline.environment import prepare; prepare();"
        "home = os.environ['HOME']; open(f'{home}/file', 'w').close(); print(home)"
    )
    given = {"HOME": "/nonexistent", "DIGITLIB_ROOT": str(root), "PYTHONPATH": str(PACKAGE.parent)}
    command = [*BOUND, sys.executable, "-c", program]
    done = subprocess.run(command, env=os.environ | given, capture_output=True, text=True)
    home = Path(done.stdout.strip())
    assert (home == root / ".home") is not project_closed, done.stderr
    assert home.exists() is not project_closed  # a temporary one is removed


def test_the_package_is_found_from_the_folder_above_a_clone(tmp_path):
    """Protects `import digitlib` where the clone is called so, and looks like a package itself."""
    clone = tmp_path / "digitlib"
    package = clone / "digitlib"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("__version__ = 'of the clone'\n")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        (clone / name).write_bytes((CHECKOUT / name).read_bytes())
    target = tmp_path / "installed"
    arguments = ["-m", "pip", "install", "--no-deps", "--no-build-isolation", "--quiet"]
    subprocess.run([sys.executable, *arguments, "--target", target, "-e", clone], check=True)
    program = (
        f"import site; site.addsitedir({str(target)!r});"
        "import digitlib; print(digitlib.__version__)"
    )
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        # Without the packages here (-S), among which this project's own is.
        [sys.executable, "-S", "-c", program],
        cwd=tmp_path,
        env=bare,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "of the clone", done.stderr
