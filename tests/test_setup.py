"""The set-up: one list of dependencies, one lock, and a wheel that works by itself."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections import Counter
from importlib.metadata import distribution
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
LOCK = (CHECKOUT / "requirements.lock").read_text()


def pinned() -> list[Requirement]:
    return [Requirement(s) for s in LOCK.splitlines() if s and not s.startswith("#")]


def test_every_dependency_is_pinned_in_the_lock_and_fits():
    """Protects a fresh set-up from a dependency nobody pinned, or a pin nobody allows."""
    versions = {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in pinned()}
    extras = PROJECT["optional-dependencies"]
    locked = [extras[name] for name in extras if name != "peers"]
    wanted = [Requirement(one) for one in sum(locked, PROJECT["dependencies"])]
    for requirement in (one for one in wanted if one.name != "digitlib"):
        name = canonicalize_name(requirement.name)
        assert name in versions, f"{name} is not locked: run `make lock`"
        assert requirement.specifier.contains(versions[name]), f"{requirement}: run `make lock`"


def test_the_lock_is_exact_and_belongs_to_no_machine():
    """Protects everyone else: only names, versions and markers, and macOS too."""
    for pin in pinned():
        assert [s.operator for s in pin.specifier] == ["=="], pin
        assert pin.url is None, pin
    assert not re.search(r"https?://|file:|--|/", LOCK)
    tensorflow = next(pin for pin in pinned() if pin.name == "tensorflow")
    assert tensorflow.marker is None


def test_this_environment_is_the_locked_one():
    """Protects the results: what is tested is what is locked."""
    from importlib.metadata import version

    for pin in pinned():
        if pin.marker is None or pin.marker.evaluate():
            assert pin.specifier.contains(version(pin.name), prereleases=True), pin


def test_the_packages_that_were_asked_for_are_installed_with_the_notebooks():
    """Protects what `make run`, `make test` and conda install, whatever reading alone needs."""
    asked = {
        *("jupyterlab", "papermill", "tensorflow", "keras-tuner", "matplotlib", "seaborn"),
        *("scikit-learn", "nbval", "ipywidgets"),
    }
    assert asked <= {canonicalize_name(pin.name) for pin in pinned()}
    extras = PROJECT["optional-dependencies"]
    of_notebooks = extras["notebooks"] + extras["canvas"] + extras["train"] + extras["dev"]
    assert asked <= {Requirement(one).name for one in of_notebooks}


def test_conda_installs_the_same_lock():
    """Protects conda users from a second, older list of dependencies."""
    environment = yaml.safe_load((CHECKOUT / "environment.yml").read_text())
    *conda, pip = environment["dependencies"]
    assert pip == {"pip": ["-r requirements.lock", "-e ."]}
    (python,) = [s for s in conda if s.startswith("python=")]
    assert Requirement(f"x{PROJECT['requires-python']}").specifier.contains(python[7:])
    others = {s.partition("=")[0] for s in conda}
    assert others == {"python", "pip", "make", "git"}, "everything else comes from the lock"


def test_makefile_refuses_an_old_python(tmp_path):
    """Protects a newcomer from a page of pip errors."""
    old = tmp_path / "python3.9"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2 || exit 1\n')
    old.chmod(0o755)
    arguments = ["make", "--always-make", "setup", f"PYTHON={old}"]
    done = subprocess.run(arguments, cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode
    assert "needs Python 3.11" in done.stderr
    assert "3.9.2" in done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel of a copy of the checkout, so that building leaves no traces in it."""
    copy = tmp_path_factory.mktemp("copy")
    shutil.copytree(
        CHECKOUT / "digitlib", copy / "digitlib", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, copy)
    arguments = ["-m", "build", "--wheel", "--no-isolation", "--outdir", "dist"]
    subprocess.run([sys.executable, *arguments], cwd=copy, check=True, capture_output=True)
    return next((copy / "dist").glob("*.whl"))


def test_the_wheel_carries_every_file_of_the_package(wheel):
    """Protects an installed digitlib from a style sheet or model that stayed in the checkout."""
    files = {
        str(p.relative_to(CHECKOUT))
        for p in (CHECKOUT / "digitlib").rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
        metadata = next(n for n in packed if n.endswith("METADATA"))
        assert "License-Expression: MIT" in archive.read(metadata).decode()
    assert files <= packed


MOST_MEGABYTES = 350  # of all that a package that only reads installs
READ = """
import sys
import numpy as np
from digitlib import Recognizer
picture = np.full((100, 160), 255, np.uint8)
picture[20:80, 50:56] = picture[20:80, 90:96] = 0
assert Recognizer().read_digits(picture).text == "11"
assert Recognizer().read_sheet(picture).lines
assert not {"tensorflow", "keras", "scipy", "sklearn", "pandas", "IPython"} & set(sys.modules)
"""
MISSING = {
    "digitlib.learning": "pip install 'digitlib[train]'",
    "digitlib.apps.canvas": "pip install 'digitlib[canvas]'",
    "digitlib.reporting.figures": "pip install 'digitlib[notebooks]'",
    "digitlib.apps.cli; sys.exit(digitlib.apps.cli.main(['serve']))": (
        "pip install 'digitlib[service]'"
    ),
}
USE = """
import sys
import digitlib, digitlib.datasets, digitlib.reporting.html
from digitlib import Recognizer, artifacts
from pathlib import Path
assert "environment" in digitlib.__file__, digitlib.__file__
assert (Path(digitlib.reporting.html.__file__).parent / "style.css").exists()
assert len(digitlib.datasets.load_dataset("optdigits")) > 1000
if (Path(digitlib.__file__).parent / "pretrained" / "card.json").exists():
    import numpy as np
    assert Recognizer().classify(np.zeros((1, 28, 28), np.uint8)).shape == (1, 10)
assert "tensorflow" not in sys.modules
assert artifacts.project_root() == Path.cwd()
"""


def test_the_wheel_alone_reads_digits(wheel, tmp_path):
    """Protects `pip install` users: nothing may be looked for in the checkout."""
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    (packages,) = environment.glob("lib/python*/site-packages")
    # Third-party packages come from here; entries of a .pth file are not searched for others, so
    # the checkout, which is installed as editable, is not seen.
    third_party = next(p for p in sys.path if p.endswith("site-packages"))
    (packages / "third_party.pth").write_text(third_party + "\n")
    arguments = ["-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel]
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    subprocess.run([python, "-c", USE], cwd=tmp_path, check=True)


def test_reading_needs_what_the_package_declares_and_no_more(wheel, tmp_path):
    """Protects who only wants to read: what is installed is small, and it is enough."""
    packages = tmp_path / "packages"
    names = [Requirement(one).name for one in PROJECT["dependencies"]]
    needed = with_dependencies(names)
    for name in needed:
        for file in distribution(name).files or ():
            source, target = Path(file.locate()), packages / file
            if ".." not in file.parts and source.is_file() and "__pycache__" not in file.parts:
                target.parent.mkdir(parents=True, exist_ok=True)
                try:
                    os.link(source, target)
                except OSError:  # on another disk
                    shutil.copy(source, target)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    sizes = Counter()
    for file in (one for one in packages.rglob("*") if one.is_file()):
        sizes[file.relative_to(packages).parts[0]] += file.stat().st_size / 1e6
    largest = ", ".join(f"{name} {size:.0f} MB" for name, size in sizes.most_common(5))
    print(f"{sizes.total():.0f} MB: {largest}")
    assert sizes.total() < MOST_MEGABYTES, largest
    bare = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(packages)!r})"]
    subprocess.run([*bare[:-1], f"{bare[-1]}\n{READ}"], cwd=tmp_path, check=True)
    for module, command in MISSING.items():
        done = subprocess.run(
            [*bare[:-1], f"{bare[-1]}\nimport {module}"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode
        assert command in done.stderr


def with_dependencies(names: list[str]) -> set[str]:
    """These packages and all that they need, here."""
    found: set[str] = set()
    while names:
        name = canonicalize_name(names.pop())
        if name not in found:
            found.add(name)
            for one in map(Requirement, distribution(name).requires or ()):
                if one.marker is None or one.marker.evaluate({"extra": ""}):
                    names.append(one.name)
    return found
