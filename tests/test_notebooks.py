"""The committed notebooks: clean, readable, and reproducible; and the code that runs them."""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest
from agreement import REASONS, disagreements
from miniature import notebook
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from digitlib.artifacts import read_json
from digitlib.pipeline.dependencies import code_cells, imported_modules, source_digest
from digitlib.pipeline.notebooks import clean
from digitlib.pipeline.parameters import ParameterError, check_parameters, declared_parameters
from digitlib.pipeline.profiles import check, profiles

CHECKOUT = Path(__file__).resolve().parents[1]
COMMITTED = sorted((CHECKOUT / "notebooks").glob("[0-9]*.ipynb"))
#: The metrics of the committed notebooks, written by `make notebooks` as they are.
REFERENCE = CHECKOUT / "tests" / "reference"
#: What is run one after the other: the first of them trains the model that the others read.
TOGETHER = [
    ["03_cnn_training", "05_evaluation", "06_robustness", "10_report"],
    ["00_quickstart", "01_data_exploration", "02_augmentation"],
    ["04_hyperparameter_tuning", "07_reading_numbers"],
    ["08_interactive_canvas", "09_batch_prediction"],
]
#: What a cell's tags may be; `agreement` says what they mean.
TAGS = {"parameters", "fitted", "nbval-ignore-output"}


class Miniature(NamedTuple):
    """Smaller parameters for long cells, and a pattern for the metrics that depend on them."""

    parameters: dict
    metrics: str


MINIATURE = {
    "02_augmentation": Miniature({"seeds": [0], "epochs": 5}, "seeds|epochs|ladder"),
    "04_hyperparameter_tuning": Miniature(
        {"trials": 2, "epochs": 1, "final_seeds": [0], "final_epochs": 1},
        "trials|best|importance|percent_by_seed|paired|difference_percent",
    ),
    "06_robustness": Miniature({"ladder_seeds": [0], "ladder_epochs": 3}, "ladder"),
    "07_reading_numbers": Miniature(
        {"dataset": "optdigits", "lines": 128, "test_lines": 40, "calibration_lines": 40}
        | {"sheets": 2},
        "model_sha256|dataset|sets|marks|accepted|errors|sheets",
    ),
}


@pytest.fixture(params=COMMITTED, ids=lambda path: path.stem)
def committed(request) -> Path:
    """Each committed notebook."""
    return request.param


def cells(path: Path, kind: str) -> list[dict]:
    content = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in content["cells"] if cell["cell_type"] == kind]


def test_it_is_executed_in_order_and_clean(committed):
    """Protects readers on GitHub, and diffs from noise: refreshed by `make notebooks`."""
    code = cells(committed, "code")
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    for output in (output for cell in code for output in cell["outputs"]):
        assert output["output_type"] != "error"
        assert output.get("name") != "stderr", output["text"]
    text = committed.read_text(encoding="utf-8")
    assert clean(text) == text, "run `make notebooks`"
    assert len(text) < 2e6
    assert "/tmp/" not in text
    assert "/home/" not in text


def test_it_reads_well(committed):
    """Protects readers: prose before code, short cells, one place for imports."""
    prose, code = cells(committed, "markdown"), cells(committed, "code")
    assert len(prose) >= len(code)
    assert prose[0]["source"][0].startswith("# ")
    # The first is the list of parameters, which is as long as they are many.
    lines = [len("".join(cell["source"]).splitlines()) for cell in code[1:]]
    assert max(lines) <= 25
    importing = [s for s in code_cells(committed) if re.search(r"^\s*(import|from) \w", s, re.M)]
    assert len(importing) == 1


def test_it_declares_its_parameters(committed):
    """Protects `papermill --help-notebook`, and parameter files from silently doing nothing."""
    assert len(code_cells(committed, tag="parameters")) == 1
    declared = declared_parameters(committed)
    assert "output_dir" in declared
    assert not [name for name, parameter in declared.items() if not parameter.help]
    check_parameters(committed, {name: it.default for name, it in declared.items()})


def test_what_is_not_compared_says_why(committed):
    """Protects readers from numbers that nothing checks."""
    for cell in cells(committed, "code"):
        tags = set(cell["metadata"].get("tags", []))
        assert tags <= TAGS | set(REASONS), "this tag is not known"
        assert ("nbval-ignore-output" in tags) == bool(tags & set(REASONS)), cell["source"]


def test_their_networks_are_float32():
    """Protects the committed numbers: in bfloat16, on processors that have it, they differ."""
    training = CHECKOUT / "notebooks" / "03_cnn_training.ipynb"
    assert declared_parameters(training)["precision"].default == "float32"


@pytest.mark.parametrize("together", TOGETHER, ids=lambda names: " ".join(n[:2] for n in names))
def test_their_outputs_come_out_again(together, tmp_path):
    """Protects every number and sentence in the committed notebooks, within tolerances.

    nbval runs them in order and compares their cells, then their metrics are compared.
    """
    for path in COMMITTED:
        copy = load_notebook_node(str(path))
        if smaller := MINIATURE.get(path.stem):
            copy = parameterize_notebook(copy, check_parameters(path, smaller.parameters))
        (tmp_path / "notebooks").mkdir(exist_ok=True)
        nbformat.write(copy, tmp_path / "notebooks" / path.name)
    # A notebook that is run elsewhere has left its metrics, which the report reads.
    metrics = tmp_path / "outputs" / "quick" / "metrics"
    metrics.mkdir(parents=True)
    for path in COMMITTED:
        if path.stem not in together:
            shutil.copy(REFERENCE / f"{path.stem}.json", metrics)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-p", "agreement"),
            *("--nbval-cell-timeout", "600"),
            *("--nbval-sanitize-with", "nbval_sanitize.cfg"),
            *("-q", "-p", "no:cacheprovider", "--rootdir", tmp_path),
            *(tmp_path / "notebooks" / f"{name}.ipynb" for name in together),
        ],
        cwd=CHECKOUT / "tests",
        # Where a processor multiplies bfloat16 in hardware, this hides it: float32 is compared.
        env=os.environ | {"DIGITLIB_ROOT": str(tmp_path), "ONEDNN_MAX_CPU_ISA": "AVX512_CORE_VNNI"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-20_000:]
    told = [
        f"{name}: {fault}"
        for name in together
        for fault in disagreements(
            read_json(REFERENCE / f"{name}.json"),
            read_json(metrics / f"{name}.json"),
            fitted=name != "01_data_exploration",
            miniature=MINIATURE[name].metrics if name in MINIATURE else "^$",
        )
    ]
    assert not told, "\n".join(told)


def test_every_notebook_is_run_again():
    """Protects a new notebook from being committed and never checked."""
    assert sorted(itertools.chain(*TOGETHER)) == [path.stem for path in COMMITTED]


def write(folder: Path, parameters: list[str], code: str = "1") -> Path:
    path = folder / "01_x.ipynb"
    path.write_text(json.dumps(notebook("x", parameters, code)))
    return path


def test_parameters_are_read_with_type_default_and_help(tmp_path):
    """Protects the contract between notebooks and parameter files."""
    lines = ["rates: list[float] = [1e-3, -1]  # tried in turn", 'name: str = "#"  # hash # mark']
    declared = declared_parameters(write(tmp_path, lines))
    assert declared["rates"] == ("list", [0.001, -1], "tried in turn")
    assert declared["name"] == ("str", "#", "hash # mark")


@pytest.mark.parametrize("line", ["a: str | None = None", "a = 1", "a: int", "a: int = 1 + b"])
def test_a_parameter_papermill_would_drop_is_an_error(tmp_path, line):
    """Protects authors: papermill leaves these out without a word."""
    with pytest.raises(ParameterError, match=r"01_x.ipynb.*is not a parameter"):
        declared_parameters(write(tmp_path, [line]))


def test_whole_numbers_fit_floats_and_truth_is_no_number(tmp_path):
    """Protects `learning_rate: 1` and catches `epochs: true`."""
    path = write(tmp_path, ["rate: float = 0.1  # r", "n: int = 1  # n"])
    assert check_parameters(path, {"rate": 1}) == {"rate": 1.0}
    for wrong in ({"n": True}, {"n": 1.0}, {"rate": "1e-3"}, {"rate": None}):
        with pytest.raises(ParameterError):
            check_parameters(path, wrong)


def test_imports_are_followed_but_not_too_far(tmp_path):
    """Protects both: a stale result, and a training run again because the canvas changed."""

    def names(code: str) -> set[str]:
        files = imported_modules(write(tmp_path, ["a: int = 1  # a"], code))
        return {str(file.relative_to(CHECKOUT / "digitlib")) for file in files}

    assert names("import numpy") == set()
    assert names("%matplotlib inline\nfrom digitlib import artifacts") == {
        "__init__.py",
        "artifacts.py",
    }
    # Inside a function, of a module that a module imports.
    assert "pixels/segmentation.py" in names("import digitlib.datasets as d")
    # The package offers Recognizer on demand; only who asks for it depends on it.
    assert "reading/recognizer.py" not in names("import digitlib.artifacts")
    assert "reading/recognizer.py" in names("def f():\n    from digitlib import Recognizer")


def test_outputs_are_no_part_of_a_notebook_s_text(tmp_path):
    """Protects a trained model from being out of date because somebody pressed Run."""
    path = write(tmp_path, ["a: int = 1  # a"])
    before = source_digest(path)
    content = json.loads(path.read_text())
    content["cells"][2] |= {"execution_count": 3, "outputs": [{"output_type": "stream"}]}
    path.write_text(json.dumps(content))
    assert source_digest(path) == before
    content["cells"][2]["source"] = "2"
    path.write_text(json.dumps(content))
    assert source_digest(path) != before


def test_cleaning_removes_what_differs_from_run_to_run(tmp_path):
    """Protects diffs: a refresh without a change must not change a byte."""
    content = notebook("x", ["a: int = 1  # a"], "print(1)")
    content["metadata"] |= {"papermill": {"duration": 1}, "widgets": {"state": {}}}
    content["metadata"]["language_info"] = {"name": "python", "version": "3.11.7"}
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "x"}, "text/plain": "Bar()"}
    content["cells"][2] |= {
        "metadata": {"papermill": {"start_time": "x"}, "tags": []},
        "outputs": [
            {"output_type": "stream", "name": "stdout", "text": "a"},
            {"output_type": "stream", "name": "stdout", "text": "b\n"},
            {"output_type": "display_data", "data": view, "metadata": {}},
            {"output_type": "display_data", "data": view | {"text/html": "x"}, "metadata": {}},
        ],
    }
    once = clean(json.dumps(content))
    result = json.loads(once)
    assert clean(once) == once
    assert result["metadata"]["language_info"] == {"name": "python"}
    assert set(result["metadata"]) == {"kernelspec", "language_info"}
    assert result["cells"][2]["metadata"] == {}
    stream, canvas = result["cells"][2]["outputs"]
    assert stream["text"] == ["ab\n"]
    assert set(canvas["data"]) == {"text/plain", "text/html"}  # its picture stays


@pytest.mark.parametrize("profile", profiles())
def test_every_profile_fits_its_notebooks(profile):
    """Protects `make run PROFILE=…` from a typing mistake that would show after hours."""
    check(profile)
