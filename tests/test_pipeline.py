"""The pipeline on a miniature project: what runs again and why, kills, failures, one writer."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter

import psutil
import pytest
from miniature import NOTEBOOKS, Project, kill_tree, notebook, only_training

from digitlib.pipeline import profiles
from digitlib.pipeline import run as pipeline

ALL = [
    "01_exploration",
    "03_cnn_training (seed-7)",
    "05_evaluation (seed-7)",
    "06_robustness",
    "10_report",
]
AFTER_TRAINING = ALL[1:]
FOLDS = ["03_cnn_training (seed-7-fold-0)", "03_cnn_training (seed-7-fold-1)"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Project:
    """A project that has been run; the tests that share it leave it finished."""
    project = Project(tmp_path_factory.mktemp("finished"))
    assert project.executed(project.run()) == ALL
    return project


@pytest.fixture
def project(tmp_path) -> Project:
    """A project that has not been run, and only trains."""
    return only_training(tmp_path, real_reports=True)


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Project:
    """The same with two folds, and a profile that uses its model; both have been run.

    The tests that share it leave its training finished, by the same parameters.
    """
    project = only_training(tmp_path_factory.mktemp("shared"))
    project.write("params/quick/03_cnn_training.yaml", "folds: 2\n")
    project.write("params/other/06_robustness.yaml", "model_dir: outputs/quick/model\n")
    # The model is made first, and made once.
    assert project.executed(project.run("other")) == [ALL[1], "06_robustness"]
    assert project.executed(project.run()) == FOLDS
    return project


def test_folds_are_runs_of_their_own_and_resume_one_by_one(shared):
    """Protects a cross-validation: each fold is trained once, and only what is missing again."""
    for k in range(2):
        assert shared.json(f"runs/seed-7-fold-{k}/metrics/03_cnn_training.json")["fold"] == k
    assert shared.json("metrics/03_cnn_training.json")["fold"] == -1
    shared.out("runs/seed-7-fold-1/metrics/03_cnn_training.json").unlink()
    assert shared.executed(shared.run()) == FOLDS[1:]
    shared.write("params/quick/03_cnn_training.yaml", "folds: 3\n")
    assert FOLDS[0] in shared.plan()  # other parts are held out
    shared.write("params/quick/03_cnn_training.yaml", "folds: 2\n")


def test_outputs_are_laid_out_as_promised(finished):
    """Protects links, the README's paths and every tool that reads outputs."""
    model = ["card.json", "digits.int8.tflite", "digits.keras", "digits.tflite", "history.csv"]
    for folder in ("", "runs/seed-7/"):
        assert sorted(p.name for p in finished.out(f"{folder}model").iterdir()) == model
    names = [name for name in NOTEBOOKS if name != "10_report"]
    expected = [f"{n}.{kind}" for n in names for kind in ("html", "ipynb")]
    expected += ["10_report.ipynb", "index.html", "figures", "metrics", "model", "runs"]
    there = {p.name for p in finished.out("").iterdir() if not p.name.startswith(".")}
    assert there == set(expected) - {"figures"}
    assert finished.json("metrics/05_evaluation.json")["seed"] == 7
    assert finished.out("runs/seed-7/notebooks/03_cnn_training.html").exists()


def test_nothing_changed_runs_nothing(finished):
    """Protects the minute a second `make run` may take, and its saying so."""
    # Not a change: a touched file, an unrelated module, outputs saved in JupyterLab.
    os.utime(finished.root / "params/quick/03_cnn_training.yaml")
    os.utime(finished.out("model/digits.keras"))
    finished.write("digitlib/apps/canvas/strokes.py", "# drawn anew\n")
    path = finished.root / "notebooks/03_cnn_training.ipynb"
    content = json.loads(path.read_text())
    content["cells"][-1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "3"}]
    path.write_text(json.dumps(content))
    started = time.monotonic()
    printed = finished.run()
    assert time.monotonic() - started < 30
    assert "Nothing to be done" in printed
    assert "quick is up to date" in printed


def test_only_what_depends_on_a_change_runs_again(finished):
    """Protects both: no stale result, and no training for nothing."""
    # A parameter of a notebook that only the report reads.
    finished.write("params/quick/06_robustness.yaml", "level: 2\n")
    printed = finished.run("quick", 1, "--dry-run")
    assert finished.executed(printed) == ["06_robustness", "10_report"]
    assert "06_robustness – updated input files: params/quick/06_robustness.yaml" in printed
    finished.write("params/quick/06_robustness.yaml", "{}\n")

    # A module that one notebook imports, and the text of another.
    finished.write("digitlib/measuring/unrelated.py", "# not unrelated to 01\n")
    parameters, code = NOTEBOOKS["05_evaluation"]
    finished.write_notebook("05_evaluation", parameters, code + "\n# a better idea")
    assert finished.plan() == ["01_exploration", "05_evaluation (seed-7)", "10_report"]
    finished.write("digitlib/measuring/unrelated.py", "")
    finished.write_notebook("05_evaluation", parameters, code)

    # A module that the training imports: everything that reads the model follows.
    finished.write("digitlib/tiny.py", 'NAME = "small"\n')
    assert finished.plan() == AFTER_TRAINING
    finished.write("params/quick/06_robustness.yaml", "level: 2\n")
    assert finished.executed(finished.run()) == AFTER_TRAINING
    assert "small" in finished.out("model/digits.keras").read_text()
    assert finished.json("metrics/06_robustness.json")["level"] == 2.0


def test_more_seeds_run_only_the_new_ones(finished):
    """Protects hours of training, and a report that shows every run there is."""
    printed = finished.run(seeds=2)
    assert finished.executed(printed) == [
        "03_cnn_training (seed-8)",
        "05_evaluation (seed-8)",
        "10_report",
    ]
    assert finished.json("metrics/10_report.json")["runs"] == ["seed-7", "seed-8"]
    assert finished.json("model/card.json")["seed"] == 7
    assert "Nothing to be done" in finished.run("quick", 1, "--dry-run")


@pytest.mark.parametrize("whole_tree", [True, False], ids=["whole tree", "Snakemake alone"])
def test_a_killed_run_goes_on_with_one_writer(project, whole_tree):
    """Protects a long training from a power cut, and its checkpoint from two writers."""
    project.write("params/quick/03_cnn_training.yaml", "epochs: 24\npause: 0.25\n")
    epochs = project.out("runs/seed-7/checkpoints/epochs.txt")
    process = project.start()
    project.wait_for(lambda: epochs.exists() and len(epochs.read_text().splitlines()) >= 3)
    if whole_tree:
        kill_tree(process)
    else:
        (snakemake,) = psutil.Process(process.pid).children()
        snakemake.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        assert process.returncode != 0
        assert not project.processes()  # the runner ended what Snakemake left
    assert not project.out("runs/seed-7/metrics/03_cnn_training.json").exists()
    before = len(epochs.read_text().splitlines())

    process = project.start()
    project.wait_for(lambda: len(epochs.read_text().splitlines()) > before)
    lines = [line.split() for line in epochs.read_text().splitlines()]
    printed, _ = process.communicate(timeout=90)
    assert process.returncode == 0, printed
    assert [int(epoch) for epoch, _ in lines] == list(range(len(lines)))
    assert len({writer for _, writer in lines[before:]}) == 1
    # Epochs follow each other without a gap or a repetition, over both runs.
    history = project.out("model/history.csv").read_text().split()
    assert history == ["epoch", *map(str, range(24))]
    assert project.json("metrics/03_cnn_training.json") == {"epochs": 24, "fold": -1}
    assert not list(project.out("").rglob("*.part*"))


def test_orphans_of_a_killed_runner_are_ended_and_a_live_run_is_left_alone(project):
    """Protects the outputs when only the runner was killed, and a run from a second one."""
    project.write("params/quick/03_cnn_training.yaml", "epochs: 40\npause: 0.25\n")
    epochs = project.out("runs/seed-7/checkpoints/epochs.txt")
    process = project.start()
    project.wait_for(epochs.exists)
    printed = project.run(code=1)
    assert f"quick is already running (pid {process.pid})" in printed
    process.kill()
    process.communicate()
    orphans = project.processes()
    assert orphans  # Snakemake and the notebook go on

    project.write("params/quick/03_cnn_training.yaml", "epochs: 40\npause: 0.0\n")
    printed = project.run()
    assert "Ended what an earlier run left behind" in printed
    assert not [p for p in orphans if p.is_running()]
    assert project.json("model/card.json")["epochs"] == 40


def test_ctrl_c_ends_everything(project):
    """Protects a person's machine from kernels that go on in the background."""
    project.write("params/quick/03_cnn_training.yaml", "epochs: 400\npause: 0.25\n")
    process = project.start()
    project.wait_for(project.out("runs/seed-7/checkpoints/epochs.txt").exists)
    os.killpg(process.pid, signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Traceback" not in printed, printed
    assert not project.processes()


def test_a_second_signal_does_not_interrupt_the_ending(tmp_path):
    """Protects from a kernel that goes on: make sends its group's SIGTERM to a run once more."""
    command = [sys.executable, "-c", SLOW_TO_END, tmp_path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        child = psutil.Process(int(run.stdout.readline()))
        run.send_signal(signal.SIGTERM)
        assert run.stdout.readline() == "ending\n"
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            run.send_signal(number)
        assert run.wait(timeout=60) == 128 + signal.SIGTERM
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    assert not list(tmp_path.iterdir())


SLOW_TO_END = """
import subprocess, sys, time
from pathlib import Path
from digitlib.pipeline import processes

def slowly(*arguments, all=processes.psutil.process_iter):
    print("ending", flush=True)
    time.sleep(1)
    return all(*arguments)

with processes.only_run([Path(sys.argv[1])]):
    processes.psutil.process_iter = slowly
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    print(child.pid, flush=True)
    child.wait()
"""


def test_a_damaged_model_is_set_aside_and_made_again(finished):
    """Protects everything that is computed from a model: a damaged one is not up to date."""
    run, top = finished.out("runs/seed-7/model"), finished.out("model")
    made = {folder: (folder / "digits.tflite").read_bytes() for folder in (run, top)}
    for folder, damage in (run, made[run][:3]), (top, b"x" + made[top][1:]):
        (folder / "digits.tflite").write_bytes(damage)
    printed = finished.run(seeds=2)
    assert printed.count("digits.tflite is damaged: it is now called digits.tflite.damaged") == 2
    assert ALL[1] in finished.executed(printed)
    for folder in (run, top):
        assert (folder / "digits.tflite").read_bytes() == made[folder]
        (folder / "digits.tflite.damaged").unlink()


def test_what_was_made_by_hand_does_not_break_a_run_and_is_kept(finished):
    """Protects who tries a value in JupyterLab, and the next `make run`."""
    top, metrics = finished.out("model"), finished.out("metrics/06_robustness.json")
    made = {file: file.read_bytes() for file in [*top.iterdir(), metrics]}
    (top / "digits.keras").write_text("another")
    (top / "card.json").write_text('{"seed": 3}')
    metrics.write_text("{}")
    printed = finished.run(seeds=2)
    assert "outputs/quick/model was trained by hand: it is now outputs/quick/by-hand-1" in printed
    assert "06_robustness.json was written by hand since: it is made again" in printed
    assert "03_cnn_training" not in finished.executed(printed)  # its model is there, in its run
    assert {file: file.read_bytes() for file in made} == made
    assert finished.out("by-hand-1/model/digits.keras").read_text() == "another"
    shutil.rmtree(finished.out("by-hand-1"))


def test_a_copy_that_is_cut_off_never_gets_its_name(tmp_path):
    """Protects from a truncated notebook where the disk is full; here, a file gets too large."""
    code = "for _ in range(3000): print('x' * 100)"
    source, copy = tmp_path / "long.ipynb", tmp_path / "copy.ipynb"
    source.write_text(json.dumps(notebook("long", ["a: int = 1  # any"], code)))
    copy.write_text("of an earlier run")
    done = subprocess.run(
        [sys.executable, "-m", "digitlib.pipeline.notebooks", "run", source, copy],
        env=os.environ | {"HOME": str(tmp_path)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert f"long │ long failed: File too large: {copy}" in done.stderr
    assert copy.read_text() == "of an earlier run"
    assert not list(tmp_path.glob(".*.part*"))


def test_a_failing_notebook_stops_only_what_needs_it(shared):
    """Protects an overnight run from one bad cell, and the traceback that explains it."""
    shared.write("params/quick/06_robustness.yaml", "level: 6\n")
    shared.write("params/quick/05_evaluation.yaml", "{}\n")
    printed = shared.run(code=1)
    assert "06_robustness failed in cell [3]" in printed
    assert "AssertionError: the level is too high" in printed
    assert shared.json("metrics/05_evaluation.json")["seed"] == 7  # its sibling
    assert not shared.out("metrics/06_robustness.json").exists()
    executed = json.loads(shared.out("06_robustness.ipynb").read_text())
    kinds = Counter(o["output_type"] for c in executed["cells"] for o in c.get("outputs", []))
    assert kinds["error"] == 1

    shared.write("params/quick/06_robustness.yaml", "level: 4\n")
    assert shared.executed(shared.run()) == ["06_robustness"]

    # Numbers that are there stay, which git may know, and are not taken for new ones.
    shared.write("params/quick/06_robustness.yaml", "level: 6\n")
    assert "06_robustness failed" in shared.run(code=1)
    assert shared.json("metrics/06_robustness.json")["level"] == 4
    assert shared.plan() == ["06_robustness"]
    shared.write("params/quick/06_robustness.yaml", "level: 3\n")
    assert shared.executed(shared.run()) == ["06_robustness"]
    assert shared.json("metrics/06_robustness.json")["level"] == 3

    # A model that was removed is made again, though what was computed from it is still there.
    card = shared.out("runs/seed-7/model/card.json")
    kept = card.rename(card.with_name(".card.json"))
    assert shared.plan() == ALL[1:4]
    kept.rename(card)


def test_a_model_of_another_profile_is_used_anew(shared):
    """Protects profiles that use another's model; that it is made first, `shared` has checked."""
    assert shared.json("metrics/06_robustness.json", "other")["seed"] == 7
    shared.write("params/quick/03_cnn_training.yaml", "epochs: 4\nfolds: 2\n")
    assert shared.plan("other") == [ALL[1], "06_robustness"]
    shared.write("params/quick/03_cnn_training.yaml", "folds: 2\n")


def test_all_trainings_of_a_profile_share_the_cores(project, monkeypatch):
    """Protects time: as many as its seeds and folds; of another's model that is used, one."""
    project.write("params/quick/03_cnn_training.yaml", "folds: 2\n")
    project.write("params/other/06_robustness.yaml", "model_dir: outputs/quick/model\n")
    monkeypatch.setenv("DIGITLIB_ROOT", str(project.root))
    assert [profiles.fits("quick", asked, seeds=3) for asked in ("quick", "other")] == [5, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch: 3", "there is no parameter 'epoch'"),
        ("epochs: 2.5", "epochs is 2.5, but must be of type int"),
        ("epochs: true", "epochs is True, but must be of type int"),
        ("pause: 1e-3", "write 1.0e-3"),
        ("- 1", "must hold `name: value` lines"),
        ("epochs: [1", "not YAML"),
        ("output_dir: elsewhere", "output_dir must be outputs/quick"),
    ],
)
def test_wrong_parameters_stop_everything_before_it_starts(project, text, message):
    """Protects hours: a misspelt parameter must not be found out at the end."""
    project.write("params/quick/03_cnn_training.yaml", text + "\n")
    printed = project.run(code=1)
    assert "params/quick/03_cnn_training.yaml" in printed
    assert message in printed
    if "parameter" in message or "of type" in message:
        assert "epochs: int = 3  # at most" in printed
    assert not project.out("").exists()


def test_an_unknown_profile_lists_the_known_ones(project):
    """Protects a person from guessing."""
    assert "there is no profile 'quik'; use quick" in project.run("quik", code=1)
    assert not project.out("", "quik").exists()


@pytest.mark.parametrize("wrong", [["--cores", "0"], ["--cores", "two"], ["--seeds", "0"]])
def test_senseless_numbers_are_refused(wrong, capsys):
    """Protects from a run that waits for ever for a core."""
    with pytest.raises(SystemExit):
        pipeline.main(wrong)
    assert "use a number from 1 up" in capsys.readouterr().err
