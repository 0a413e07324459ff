"""What the report and the README say is what the runs measured."""

import contextlib
import json
import re
import subprocess

import pytest

from digitlib import artifacts
from digitlib.artifacts import (
    CARD_FILE,
    FLOAT_FILE,
    HISTORY_FILE,
    LINE_FLOAT_FILE,
    LINE_INT8_FILE,
    LINE_KERAS_FILE,
    LINE_MODEL,
    MODEL_FILES,
    NUMBERS,
    ArtifactError,
    load_card,
    write_json,
    writing,
)
from digitlib.reading.models import PRETRAINED, checksum
from digitlib.release import readme, tables
from digitlib.release import ship as shipping
from digitlib.reporting import runs
from digitlib.reporting.cards import VARIED, card_lines
from digitlib.reporting.published import CLAIMS


def save(folder, seed, correct, n=360, minutes=2.0):
    """Metrics of one run, as notebooks 03 and 05 save them."""
    share = {"n": n, "correct": correct, "accuracy_percent": 100 * correct / n}
    share |= {"low_percent": 90.0, "high_percent": 99.0, "ece_percent": 0.5}
    training = {"seed": seed, "epochs": 8, "training_seconds": 60 * minutes, "validation": share}
    training |= {"architecture": "digitnet", "parameters": 75_498}
    write_json(folder / "metrics" / "03_cnn_training.json", training)
    write_json(folder / "metrics" / "05_evaluation.json", {"test": share})


@pytest.fixture
def outputs(tmp_path):
    """A profile of three seeds; its own is 3."""
    for seed, correct in ((3, 350), (4, 355), (10, 340)):
        save(tmp_path / "runs" / f"seed-{seed}", seed, correct)
    save(tmp_path, 3, 350)
    card = {"seed": 3, "architecture": {"name": "digitnet"}, "dataset": "optdigits"}
    write_json(tmp_path / "model" / CARD_FILE, card)
    (tmp_path / "model" / FLOAT_FILE).write_bytes(b"the model")
    file = tmp_path / "metrics" / "05_evaluation.json"
    write_json(file, json.loads(file.read_text()) | {"model_sha256": checksum(tmp_path / "model")})
    return tmp_path


def test_a_card_is_told_in_words():
    """Protects a reader from a recipe's raw names and numbers."""
    told = card_lines(load_card(PRETRAINED))
    assert told["network"].startswith("digitnet: ")
    assert "2 columns, whose mean answers" in told["network"]
    assert told["varied"].startswith("turned by up to 10°, resized by up to 10%")
    assert "slanted by up to 7°" in told["varied"]
    assert "AdamW, learning rate 0.0025 falling along a cosine" in told["recipe"]
    assert not [text for text in told.values() if "_" in text or "{" in text]
    plain = load_card(PRETRAINED) | {
        "augmentation": {},
        "architecture": {"name": "lrn", "options": {}},
    }
    assert "varied" not in card_lines(plain)
    assert card_lines(plain)["network"] == "lrn"


def test_every_augmentation_has_its_words():
    """Protects the card of a model that is varied in a new way."""
    from digitlib.learning.augmentation import OTHERS, WARPS

    assert set(VARIED) == {*WARPS, *OTHERS}


def test_every_seed_is_gathered_and_the_own_one_leads(outputs):
    assert [row["seed"] for row in runs.read_run(outputs).rows] == [3, 4, 10]


def test_a_seed_that_is_not_finished_is_no_row(outputs):
    (outputs / "runs" / "seed-4" / "metrics" / "05_evaluation.json").unlink()
    assert [row["seed"] for row in runs.read_run(outputs).rows] == [3, 10]


def test_a_run_without_the_pipeline_is_its_own_only_row(outputs, tmp_path_factory):
    """In JupyterLab notebooks write to the profile's folder and there is no ``runs``."""
    (outputs / "runs").rename(tmp_path_factory.mktemp("elsewhere") / "runs")
    rows = runs.read_run(outputs).rows
    assert [(row["seed"], row["training_minutes"]) for row in rows] == [(3, 2.0)]


def test_a_missing_step_is_named_with_its_remedy(outputs):
    (outputs / "metrics" / "05_evaluation.json").unlink()
    with pytest.raises(ArtifactError, match=r"run notebooks/05_evaluation\.ipynb first"):
        runs.read_run(outputs)
    with pytest.raises(ArtifactError, match="make run PROFILE=quick"):
        load_card(outputs / "nowhere")


@pytest.mark.parametrize("notebook", ["05_evaluation", "06_robustness"])
def test_numbers_of_another_model_are_not_reported(outputs, notebook):
    """Somebody trained into the folder by hand: its card would stand over the old numbers."""
    file = outputs / "metrics" / f"{notebook}.json"
    measured = json.loads(file.read_text()) if file.exists() else {}
    write_json(file, measured | {"model_sha256": checksum(outputs / "model")})
    runs.read_run(outputs)
    write_json(file, measured | {"model_sha256": "of another"})
    with pytest.raises(ArtifactError, match=f"{notebook}.*judges another model"):
        runs.read_run(outputs)


def test_published_claims_stand_beside_the_run_unchanged(outputs):
    own, *claims = runs.beside_published(runs.read_run(outputs))
    assert own["accuracy_percent"] == pytest.approx(97.222, abs=1e-3)
    assert [row["accuracy_percent"] for row in claims] == [c.accuracy_percent for c in CLAIMS]


def unpadded(text: str) -> str:
    """Markdown with its tables as narrow as can be."""
    return re.sub(" +", " ", text)


def test_the_readme_table_lists_published_profiles_best_first(tmp_path):
    """The bundled first run is not among them; it is everybody's own."""
    for profile, correct in (("quick", 360), ("worse", 340), ("better", 357)):
        save(tmp_path / "outputs" / profile, 0, correct)
    (tmp_path / "docs").mkdir()
    for page, sections in readme.PAGES.items():
        names = [section.__name__ for section in sections]
        stale = [f"{readme.START.format(n)}\nstale\n{readme.END.format(n)}\n" for n in names]
        (tmp_path / page).write_text(f"before\n{''.join(stale)}after\n")
    text, others = map(unpadded, readme.update(tmp_path).values())
    assert "stale" not in others
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "stale" not in text
    assert "quick" not in text
    assert text.index("`better`") < text.index("`worse`")
    assert "| **99.17 %** | 90.00 – 99.00 | 360 | – | 2 min |" in text


def test_the_readme_says_how_the_shipped_model_reads_unseen_writers(tmp_path):
    assert tables.handwriting(tmp_path) == ""
    canvas = {"n": 510, "writers": 30, "accuracy_percent": 98.8, "low_percent": 97.4}
    canvas |= {"high_percent": 99.5, "ece_percent": 0.6, "ece_by_chance_percent": 1.4}
    canvas |= {"grouped_by": "photo"}
    measured = {
        "sets": {"canvas": canvas, "usps": canvas | {"writers": None}},
        "corruptions": [{"n": 1000}],
        "corruption_mean_percent": 97.3,
        "corruption_mean_not_trained_percent": 75.4,
        "model_sha256": checksum(PRETRAINED),
        "corruptions_percent": dict.fromkeys("abc", 97.3),
        "auroc": {"auroc": 0.971, "low": 0.96, "high": 0.98, "digits": 600, "non_digits": 300}
        | {"drawn": False},
        "accepted_digits_percent": 95.0,
        "accepted_nondigits_percent": 20.0,
    }
    write_json(tmp_path / "outputs" / "record" / "metrics" / "06_robustness.json", measured)
    text = unpadded(tables.handwriting(tmp_path))
    canvas = "`canvas`: drawn with mouse, finger or tablet"
    row = f"| {canvas} | 510 (30 photos) | **98.8 %** | 97.4 – 99.5 | – | 0.60 % | 1.40 % |"
    assert row in text
    assert "US postal digits, 16×16 pixels | 510 | **98.8 %** |" in text
    assert "97.3 % are read correctly on average over 3 corruptions" in text
    assert "resemble nothing in the training, the mean is 75.4 %" in text
    assert "0.971 (0.960 to 0.980)" in text
    file = tmp_path / "outputs" / "record" / "metrics" / "06_robustness.json"
    write_json(file, measured | {"model_sha256": "another"})
    with pytest.raises(ArtifactError, match="make ship PROFILE=record"):
        tables.handwriting(tmp_path)


def test_the_readme_says_what_each_variation_bought(tmp_path):
    assert tables.ladders(tmp_path) == ""
    first = {"step": "none", "mean": 98.7, "sd": 0.1, "bought": None}
    second = {"step": "slant 0.2", "mean": 99.1, "sd": 0.05, "bought": 0.4}
    rungs = [first, second | {"bought_low": -0.1, "bought_high": 0.9}]
    metrics = tmp_path / "outputs" / "ablation" / "metrics"
    write_json(metrics / "02_augmentation.json", {"ladder": rungs})
    text = unpadded(tables.ladders(tmp_path))
    assert "| none | 98.70 % | 0.10 | – | – |" in text
    assert "| + slant 0.2 | 99.10 % | 0.05 | +0.40 | -0.10 to +0.90 |" in text
    assert text.endswith("Steps whose own 95 % interval lies above zero: none.")


def test_a_result_is_of_a_commit_unless_code_differs(tmp_path, monkeypatch):
    """Metrics that git keeps change with every run; that says nothing against the code."""
    monkeypatch.setenv("DIGITLIB_ROOT", str(tmp_path))
    assert artifacts.commit() == ""
    for file in ("outputs/fast/metrics/05.json", "digitlib/code.py"):
        write_json(tmp_path / file, 1)
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for command in (["init"], ["add", "."], [*who, "commit", "-m", "first"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True, capture_output=True)
    clean = artifacts.commit()
    assert len(clean) == 12
    write_json(tmp_path / "outputs/fast/metrics/05.json", 2)
    assert artifacts.commit() == clean
    write_json(tmp_path / "digitlib/code.py", 2)
    assert artifacts.commit() == f"{clean}-dirty"


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "metrics.json"
    target.write_text("{}")
    with contextlib.suppress(RuntimeError), writing(target) as unfinished:
        unfinished.write_text('{"half":')
        raise RuntimeError
    assert json.loads(target.read_text()) == {}
    assert [p.name for p in tmp_path.iterdir()] == ["metrics.json"]


@pytest.fixture
def finished(outputs, monkeypatch):
    """The profile as ``make ship`` finds it: ``outputs/mine`` below the root, with its model."""
    root = outputs / "root"
    folder = root / "outputs" / "mine"
    save(folder, 3, 350)
    metrics = json.loads((folder / "metrics" / "05_evaluation.json").read_text())
    for name in MODEL_FILES:
        (folder / "model").mkdir(exist_ok=True)
        (folder / "model" / name).write_bytes(b"x" * 1000)
    write_json(folder / "model" / CARD_FILE, {"seed": 3, "architecture": {"name": "digitnet"}})
    identity = {"test_sha256": "f00d", "model_sha256": checksum(folder / "model")}
    write_json(folder / "metrics" / "05_evaluation.json", metrics | identity)
    monkeypatch.setenv("DIGITLIB_ROOT", str(root))
    return folder


def test_what_ships_is_whole_and_its_card_says_how_it_was_made(finished, tmp_path):
    target = shipping.ship("mine", tmp_path / "pretrained")
    assert {p.name for p in target.iterdir()} == set(MODEL_FILES)
    card = json.loads((target / "card.json").read_text())
    assert card["made_by"] == ["make run PROFILE=mine", "make ship PROFILE=mine"]
    assert card["test"]["correct"] == 350
    assert card["seed"] == 3


def test_a_line_model_ships_beside_the_digit_model(finished, tmp_path):
    """Protects ``make ship PROFILE=numbers``: the file that serves, alone, history and card."""
    folder, target = finished / LINE_MODEL, tmp_path / "pretrained"
    write_json(folder / CARD_FILE, {"serves": LINE_INT8_FILE, "temperature": 1.1})
    with pytest.raises(ArtifactError, match="make run PROFILE=mine"):
        shipping.ship("mine", target)  # nothing is measured yet
    for name in (LINE_KERAS_FILE, LINE_FLOAT_FILE, LINE_INT8_FILE, HISTORY_FILE):
        (folder / name).write_bytes(b"x" * 1000)
    measured = {"sets": {"amounts": {"n": 590}}}
    file = write_json(finished / "metrics" / f"{NUMBERS}.json", measured | {"model_sha256": "0"})
    with pytest.raises(ArtifactError, match="judges another model"):
        shipping.ship("mine", target)
    write_json(file, measured | {"model_sha256": checksum(folder)})
    (target / "lines").mkdir(parents=True)
    (target / "lines" / LINE_FLOAT_FILE).write_bytes(b"an older one")
    shipped = shipping.ship("mine", target)
    assert {p.name for p in shipped.iterdir()} == {LINE_INT8_FILE, "history.csv", CARD_FILE}
    card = json.loads((shipped / CARD_FILE).read_text())
    assert card["made_by"] == ["make run PROFILE=mine", "make ship PROFILE=mine"]
    assert card["sets"]["amounts"]["n"] == 590
    (folder / LINE_INT8_FILE).write_bytes(b"x" * 1_100_000)
    write_json(file, measured | {"model_sha256": checksum(folder)})
    with pytest.raises(ValueError, match="1,000,000 may ship"):
        shipping.ship("mine", target)


def test_an_unfinished_or_huge_model_does_not_ship(finished, tmp_path):
    target = tmp_path / "pretrained"
    (finished / "model" / "digits.keras").write_bytes(b"x" * 6_000_000)
    with pytest.raises(ValueError, match="5,000,000 may ship"):
        shipping.ship("mine", target)
    (finished / "model" / "digits.int8.tflite").unlink()
    with pytest.raises(ArtifactError, match="make run PROFILE=mine"):
        shipping.ship("mine", target)
    assert not target.exists()
