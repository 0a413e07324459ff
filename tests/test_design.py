"""What import-linter (see pyproject.toml) cannot say: what is loaded, and what was measured."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import digitlib
from digitlib.artifacts import NUMBERS, load_card, load_metrics
from digitlib.reading.models import PRETRAINED_LINES
from digitlib.release import readme

PACKAGE = Path(digitlib.__file__).parent
ROOT = PACKAGE.parent
MODULES = sorted(PACKAGE.rglob("*.py"))


def test_reading_and_measuring_never_load_tensorflow():
    """In a process of its own, everything outside ``learning`` is imported and used."""
    modules = [
        ".".join(f.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for f in MODULES
        if "learning" not in f.parts
    ]
    program = (
        f"import importlib, sys; [importlib.import_module(m) for m in {modules!r}];"
        "from digitlib import Recognizer, datasets;"
        "Recognizer().classify(datasets.load_dataset('optdigits').images[:1]);"
        "print([m for m in ('tensorflow', 'keras') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_the_readme_says_what_was_measured():
    """Its results are those of the metrics that git keeps; ``make readme`` brings them together."""
    for page, text in readme.update(ROOT).items():
        assert text == (ROOT / page).read_text(encoding="utf-8")


def test_the_card_of_the_line_model_says_what_was_measured():
    """Protects from a card and a README that tell different shares of the same model."""
    measured = load_metrics(ROOT / "outputs" / "numbers")[NUMBERS]
    assert load_card(PRETRAINED_LINES)["sets"] == measured["sets"]


def test_links_between_pages_lead_somewhere():
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob(".github/*.md")]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for target, anchor in re.findall(r"\]\((?!http)([^)#\s]*)(?:#([^)\s]+))?\)", text):
            file = page.parent / target if target else page
            assert file.exists(), (page, target)
            if anchor:
                heads = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
                assert anchor in {_anchor(head) for head in heads}, (page, target, anchor)


def _anchor(heading: str) -> str:
    """The address of a heading in its page, as GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_the_pythons_of_the_pages_are_python():
    """Protects whoever pastes an example: it parses, statement by statement."""
    blocks = []
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        blocks += re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 2
    for block in blocks:
        assert len(ast.parse(block).body) > 3, block
