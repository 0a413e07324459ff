"""What counts as the same output: another processor's numbers do, wrong ones never."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from agreement import disagreements, first_difference
from nbformat.v4 import new_code_cell, new_notebook, new_output

FITTED = ["fitted"]
SENTENCE = "**97.22 %** of 360 digits are read (95 % interval 94.96 to 98.48 %), loss 0.0916."


def agrees(reference: str, found: str, tags: list[str]) -> bool:
    return not first_difference(reference, found, tags)


def changed(old: str, new: str, text: str = SENTENCE) -> str:
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("97.22", "97.78"),
        ("97.22", "95.00"),
        ("94.96", "95.66"),
        ("0.0916", "0.1107"),
    ],
)
def test_another_processor_may_train_a_slightly_different_network(old, new):
    assert agrees(SENTENCE, changed(old, new), FITTED)
    assert not agrees(SENTENCE, changed(old, new), [])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("97.22", "37.22"),
        ("97.22", "0.9722"),
        ("97.22", "-97.22"),
        ("97.22", "nan"),
        ("360", "36"),
        ("360", "3,600"),
        ("94.96", "64.96"),
        ("0.0916", "0.9160"),
        ("digits", "letters"),
        ("are read ", ""),
        ("loss", "the loss"),
        (", loss 0.0916", ""),
        ("%), ", "), "),
    ],
)
@pytest.mark.parametrize("tags", [FITTED, []], ids=["fitted", "computed"])
def test_a_wrong_number_or_word_is_never_the_same(old, new, tags):
    assert not agrees(SENTENCE, changed(old, new), tags)
    assert not agrees(changed(old, new), SENTENCE, tags)


def test_what_is_computed_from_data_may_be_rounded_otherwise():
    text = "384 of 784 pixels, −1.25° and 0.158 on average; conv2d_2 of keras 3.15.1"
    assert agrees(text, changed("0.158", "0.159", text), [])
    assert agrees(text, changed("−1.25", "−1.26", text), [])
    assert not agrees(text, changed("0.158", "0.160", text), [])
    assert not agrees(text, changed("−1.25", "1.25", text), [])
    assert not agrees(text, changed("384", "385", text), [])
    for name in ("conv2d_3 ", "conv2d_"):
        assert not agrees(text, changed("conv2d_2", name, text), FITTED)
    assert not agrees(text, changed("3.15.1", "3.15.2", text), FITTED)


def test_a_sign_matters_where_it_is_more_than_noise():
    assert agrees("+0.14 points", "-0.42 points", FITTED)
    assert not agrees("+30.7 points", "-30.7 points", FITTED)
    assert not agrees("+0.14 points", "-0.42 points", [])


def test_nbval_compares_so(tmp_path):
    """Protects the comparison itself: it would not be noticed if nbval passed it by."""
    cells = []
    for said, committed, tags in [
        ("96 % of 360 are read", "97 % of 360 are read", ["fitted"]),
        ("97 % of 360 are read", "37 % of 360 are read", ["fitted"]),
        ("96 % of 360 are read", "97 % of 360 are read", []),
        ("anything", "something", ["nbval-ignore-output"]),
    ]:
        cell = new_code_cell(f"print({said!r})", execution_count=1, metadata={"tags": tags})
        cell.outputs = [new_output("stream", name="stdout", text=f"{committed}\n")]
        cells.append(cell)
    nbformat.write(new_notebook(cells=cells), tmp_path / "x.ipynb")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-p", "agreement"),
            *("-p", "no:cacheprovider", "--rootdir", tmp_path, tmp_path / "x.ipynb"),
        ],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
    )
    assert "2 failed, 2 passed" in done.stdout
    assert "97 is committed, 96 was found: 96 % of 360 are read" in done.stdout


def table(**changes: object) -> str:
    values = {"accuracy (%)": [99.44, 96.11], "n": [360, 180], "p": [0.5, 0.02]}
    rows = pd.DataFrame(values | changes, index=["test", "paper"])
    return rows.style.format(precision=2).to_html()


def test_tables_are_compared_as_they_are_read():
    """Protects from a table's random names and colours, and finds a wrong or missing row."""
    assert "#T_" in table() or "T_" in table()
    assert agrees(table(), table(), [])
    assert agrees(table(), table(**{"accuracy (%)": [98.89, 94.44]}), FITTED)
    assert not agrees(table(), table(**{"accuracy (%)": [98.89, 34.44]}), FITTED)
    assert not agrees(table(), table(n=[36, 180]), FITTED)
    one_row = pd.DataFrame({"accuracy (%)": [99.44], "n": [360], "p": [0.5]}, index=["test"])
    assert not agrees(table(), one_row.style.format(precision=2).to_html(), FITTED)
    picture = '<svg aria-label="A drawing, read as {}"><image href="data:,{}"/></svg>'
    assert agrees(picture.format(407, "x"), picture.format(407, "y"), [])
    assert not agrees(picture.format(407, "x"), picture.format(401, "x"), [])


METRICS = {
    "dataset": "optdigits",
    "seed": 0,
    "training_seconds": 6.5,
    "test": {"n": 360, "correct": 358, "accuracy_percent": 99.44, "nll": 0.0215},
    "auroc": {"auroc": 0.9, "digits": 360},
    "temperature": 0.95,
    "rows": [{"digit": 3, "difference_percent": 1.11}, {"digit": 4, "difference_percent": 30.0}],
    "predictions": "0123456789" * 4,
    "ladder": [{"step": "none", "mean": 91.4}],
}


def metrics(*path: str | int, value: object) -> dict:
    """A copy of ``METRICS`` with another value at one place; None takes it away."""
    copy = json.loads(json.dumps(METRICS))
    *way, last = path
    inner = copy
    for key in way:
        inner = inner[key]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return copy


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("training_seconds",), 60.0),
        (("test", "correct"), 355),
        (("test", "accuracy_percent"), 98.6),
        (("test", "nll"), 0.031),
        (("auroc", "auroc"), 0.87),
        (("temperature",), 1.1),
        (("rows", 0, "difference_percent"), -0.28),
        (("predictions",), "0123456788" + "0123456789" * 3),
    ],
)
def test_metrics_of_another_processor_agree(path, value):
    assert not disagreements(METRICS, metrics(*path, value=value), fitted=True)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("dataset",), "mnist"),
        (("seed",), 1),
        (("test", "n"), 359),
        (("test", "correct"), 100),
        (("test", "accuracy_percent"), 39.44),
        (("test", "accuracy_percent"), "99.44"),
        (("test", "accuracy_percent"), None),
        (("test", "nll"), 0.5),
        (("test", "low_percent"), 98.0),
        (("auroc", "auroc"), 0.6),
        (("auroc", "digits"), 359),
        (("temperature",), 2.0),
        (("rows", 1), None),
        (("rows", 0, "digit"), 4),
        (("rows", 1, "difference_percent"), -30.0),
        (("predictions",), "9876543210" * 4),
    ],
)
def test_wrong_metrics_never_agree(path, value):
    wrong = metrics(*path, value=value)
    assert disagreements(METRICS, wrong, fitted=True)
    assert disagreements(METRICS, wrong)


def test_of_a_miniature_only_the_names_are_compared():
    other = METRICS | {"ladder": [{"step": s, "mean": 50.0} for s in ("none", "shift 1")]}
    assert disagreements(METRICS, other, fitted=True)
    assert not disagreements(METRICS, other, fitted=True, miniature="ladder")
    other["ladder"] = [{"step": "none"}]
    assert disagreements(METRICS, other, fitted=True, miniature="ladder")
