"""The set-up: one list of dependencies, one lock, and a wheel that works by itself."""

import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
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
    wanted = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]
    for requirement in map(Requirement, wanted):
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
