"""The architecture stays what it says: imports point down, predictions never load TensorFlow."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import digitlib
from digitlib.release import readme

PACKAGE = Path(digitlib.__file__).parent
ROOT = PACKAGE.parent
MODULES = sorted(PACKAGE.rglob("*.py"))
# From the bottom up. A module may import from its own layer and from those below.
LAYERS = [
    {"quiet", "artifacts"},
    {
        f"reading.{name}"
        for name in (
            "pictures",
            "sheets",
            "parts",
            "normalisation",
            "rulings",
            "segmentation",
            "lines",
            "restoration",
        )
    }
    | {"datasets"},
    {"reading", "measuring", "learning", "plots"},
    {"apps"},
]


def layer(name):
    """The layer of a dotted name below digitlib; the longest entry that fits counts."""
    fits = {
        part: i
        for i, names in enumerate(LAYERS)
        for part in names
        if f"{name}.".startswith(f"{part}.")
    }
    return fits[max(fits, key=len)] if fits else None


def imports(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("file", MODULES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_imports_point_down(file):
    name = ".".join(file.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
    if name == "__init__":
        return
    own = layer(name)
    assert own is not None, f"{name} belongs to no layer; add it to LAYERS"
    for imported in imports(file):
        if imported.startswith("digitlib."):
            below = layer(imported.removeprefix("digitlib."))
            assert below is None or below <= own, f"{name} imports {imported}, which is above it"


@pytest.mark.parametrize("file", MODULES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_only_learning_imports_keras(file):
    """One exception: MNIST's verified download is Keras's."""
    inside = file.relative_to(PACKAGE).parts[0]
    names = [n for n in imports(file) if n.split(".")[0] in ("keras", "tensorflow")]
    if inside == "datasets.py":
        assert names == ["keras.datasets.mnist"]
    elif inside != "learning":
        assert names == []


def test_reading_and_measuring_never_load_tensorflow():
    """In a process of its own, everything outside ``learning`` is imported and used."""
    modules = [
        ".".join(f.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for f in MODULES
        if "learning" not in f.parts
    ]
    program = (
        f"import importlib, sys; [importlib.import_module(m) for m in {modules!r}];"
        "from digitlib import Recognizer, datasets; datasets.load_dataset('optdigits');"
        "print([m for m in ('tensorflow', 'keras') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_the_readme_says_what_was_measured():
    """Its results are those of the metrics that git keeps; ``make readme`` brings them together."""
    assert readme.update(ROOT) == (ROOT / "README.md").read_text(encoding="utf-8")
