"""Runs on a real Slurm cluster: the same results, and nothing lost when a job ends early."""

import os
import re
import shutil
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from miniature import CHECKOUT, NOTEBOOKS, Project, Sharded
from searching import accuracies, small_search
from slurm import Cluster, missing

from digitlib.reading.batch import predict
from digitlib.reading.sources import open_source
from digitlib.synthetic.numerals import draw_digits

pytestmark = pytest.mark.campaign
TRAINING = "03_cnn_training (seed-7)"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Cluster:
    """A running cluster; a machine without Slurm skips, a test service may not."""
    if lacking := missing():
        said = f"Slurm and munge are not installed ({', '.join(lacking)} missing)"
        pytest.fail(said) if os.environ.get("CI") else pytest.skip(said)
    with Cluster(tmp_path_factory.mktemp("slurm")) as running:
        yield running


class Clustered(Project):
    """A miniature project that runs on a cluster."""

    def __init__(self, root, cluster):
        super().__init__(root)
        self.cluster, self.environment = cluster, cluster.environment
        self.options = ["--executor", "slurm", "--site", str(cluster.site), "--cores", "1"]

    def start(self, profile="quick", seeds=1, *options):
        """Start a run on the cluster."""
        return super().start(profile, seeds, *self.options, *options)

    def epochs(self, run="seed-7"):
        """The epochs that an unfinished training has on disk."""
        file = self.out(f"runs/{run}/checkpoints/epochs.txt")
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def project(tmp_path, cluster) -> Clustered:
    return Clustered(tmp_path, cluster)


@pytest.fixture
def fits(project) -> Clustered:
    """A project that only trains, with jobs that take a while."""
    for name in NOTEBOOKS:
        if name != "03_cnn_training":
            (project.root / f"params/quick/{name}.yaml").unlink()
    project.write("params/quick/03_cnn_training.yaml", "epochs: 60\npause: 0.3\n")
    return project


def test_a_profile_is_made_as_on_one_machine(project, tmp_path_factory):
    """Protects the promise that the same Snakefile runs on a cluster, seeds beside each other."""
    printed = project.run(seeds=2)
    here = Project(tmp_path_factory.mktemp("here"))
    here.run(seeds=2)
    for name in ("metrics/10_report.json", "runs/seed-8/metrics/05_evaluation.json"):
        assert project.json(name) == here.json(name)
    assert printed.count("is Slurm job") == 7  # two of each seed; reports are made here
    assert "SLURM" not in printed
    assert project.plan() == []
    assert not project.out(".jobs").exists()


def test_a_cancelled_job_ends_alone_and_goes_on_where_it_was(project):
    """Protects hours of work from `scancel`, and siblings from one that fails."""
    project.write("params/quick/03_cnn_training.yaml", "epochs: 40\npause: 0.3\n")
    run = project.start(seeds=2)
    project.wait_for(lambda: len(project.epochs()) > 3)
    [number] = [n for n, told in project.cluster.jobs() if "seed-7" in told]
    project.cluster.ask("scancel", number)
    printed, _ = run.communicate(timeout=300)
    assert run.returncode == 1
    said = f"{TRAINING} was cancelled (Slurm job {number}; its log is "
    assert said in printed
    assert project.json("runs/seed-8/metrics/05_evaluation.json")["seed"] == 8
    # Epochs follow each other without a gap or a repetition, over both runs.
    assert f"epoch {len(project.epochs())}/40" not in project.run(seeds=2)
    history = project.out("model/history.csv").read_text().split()
    assert history == ["epoch", *map(str, range(40))]


def test_a_killed_run_leaves_no_job_that_writes(fits):
    """Protects checkpoints from two writers, and a queue from jobs that nobody waits for."""
    run = fits.start()
    fits.wait_for(fits.epochs)
    run.kill()
    run.communicate()
    [(number, _)] = fits.cluster.jobs()
    printed = fits.run()
    assert "Ended what " in printed
    assert fits.cluster.state(number) != "COMPLETED"
    history = fits.out("model/history.csv").read_text().split()
    assert history == ["epoch", *map(str, range(60))]


def test_ctrl_c_takes_the_jobs_out_of_the_queue(fits):
    """Protects other people's turn on the cluster."""
    run = fits.start(seeds=3)  # one of them waits for a core
    fits.wait_for(fits.epochs)
    run.send_signal(signal.SIGINT)
    printed, _ = run.communicate(timeout=60)
    assert "The same command goes on from here." in printed
    assert "Traceback" not in printed
    assert not [*fits.cluster.jobs("R"), *fits.cluster.jobs("PD")]
    assert not fits.out(".jobs").exists()


@pytest.mark.parametrize(
    ("code", "site", "said"),
    [
        ("x = bytearray(900_000_000); import time; time.sleep(60)", "mem_mb: 700", "more memory"),
        ("import time; time.sleep(300)", "runtime: 1", "took longer"),
        ("raise ValueError('bins are few')", "mem_mb: 3000", "ValueError: bins are few"),
    ],
)
def test_a_job_that_fails_says_why_and_where_its_log_is(project, code, site, said):
    """Protects a person from Slurm's own words, and what does not need that job from waiting."""
    parameters, _ = NOTEBOOKS["01_exploration"]
    project.write_notebook("01_exploration", parameters, code)
    file = project.root / "site.yaml"
    file.write_text(project.cluster.site.read_text().replace("mem_mb: 3000", site, 1))
    printed = project.run("quick", 1, "--site", str(file), code=1)
    assert said in printed
    assert re.search(
        r"01_exploration .*\(Slurm job \d+; its log is \.snakemake/slurm_logs/", printed
    )
    assert project.json("metrics/06_robustness.json")["seed"] == 7
    assert not project.out("metrics/01_exploration.json").exists()


def test_a_machine_that_vanishes_costs_no_epoch(fits):
    """Protects a fit from a node that goes away: Slurm gives the job another, which goes on."""
    run = fits.start()
    fits.wait_for(lambda: len(fits.epochs()) > 3)
    fits.cluster.lose_node()
    for process in fits.processes():  # with its machine they would be gone
        if "ipykernel_launcher" in " ".join(process.cmdline()):
            process.kill()
    fits.cluster.start_node()
    fits.cluster.ask("scontrol", "update", f"nodename={fits.cluster.host}", "state=resume")
    printed, _ = run.communicate(timeout=300)
    if run.returncode:  # Slurm was told not to start it again by itself
        assert "lost its machine" in printed
        fits.run()
    history = fits.out("model/history.csv").read_text().split()
    assert history == ["epoch", *map(str, range(60))]


def test_parts_are_read_on_a_cluster_and_go_on_there(tmp_path, cluster):
    """Protects the table of many machines: byte for byte that of one, a cancelled job or not."""
    digits = tmp_path / "digits.npy"
    np.save(digits, np.resize(draw_digits(np.arange(50) % 10, 1), (9000, 28, 28)))
    project = Sharded(tmp_path)
    project.environment = cluster.environment
    options = ["--shards", "2", "--executor", "slurm", "--site", str(cluster.site), "--cores", "1"]
    run = project.start(digits, *options)
    begun = project.parts / "2.csv.part"
    project.wait_for(lambda: begun.exists() and begun.stat().st_size > 1000)
    [number] = [n for n, told in cluster.jobs() if told.endswith("part_wildcards_2")]
    cluster.ask("scancel", number)
    assert f"part 2 of 2 was cancelled (Slurm job {number}" in project.finish(run, code=1)
    rows = begun.read_bytes()
    printed = project.run(digits, *options)
    assert "part 1 of 2" not in printed
    whole = predict(open_source(digits), tmp_path / "whole.csv", workers=1).read_bytes()
    assert project.table.read_bytes() == whole
    assert rows.splitlines()[1] in whole


def test_a_search_is_shared_by_jobs(tmp_path, cluster):
    """Protects trials from being made twice, or by nobody, where each worker is a job."""
    small_search(tmp_path)
    project = Project.__new__(Project)
    project.root, project.environment = tmp_path, cluster.environment | {"PYTHONPATH": ""}
    options = ["--profile", "small", "--workers", "2", "--executor", "slurm", "--cores", "1"]
    run = project.start_module("digitlib.pipeline.tuning", *options, "--site", str(cluster.site))
    project.wait_for(lambda: len(cluster.jobs()) == 2)
    printed = project.finish(run)
    assert "Every trial is made" in printed
    assert sorted(accuracies(tmp_path)) == [2, 3, 4, 5, 6, 7]
    assert not [*cluster.jobs("R"), *cluster.jobs("PD")]


def test_quick_runs_with_two_seeds_and_a_cancelled_fit_goes_on(tmp_path, cluster):
    """Protects the real notebooks' way through a cluster, from data to the front page."""
    project = Clustered(tmp_path, cluster)
    for folder in ("notebooks", "params/quick", "digitlib/reporting/html"):
        shutil.rmtree(tmp_path / folder)
        shutil.copytree(CHECKOUT / folder, tmp_path / folder)
    (tmp_path / "digitlib/pretrained").symlink_to(CHECKOUT / "digitlib/pretrained")
    run = project.start(seeds=2)
    folder = project.out("runs/seed-1/checkpoints")
    project.wait_for(lambda: any(folder.glob("*/state.json")), 600)
    [number] = [n for n, told in cluster.jobs() if "seed-1" in told]
    cluster.ask("scancel", number)
    printed, _ = run.communicate(timeout=1500)
    assert run.returncode == 1
    assert f"03_cnn_training (seed-1) was cancelled (Slurm job {number}" in printed
    assert project.json("metrics/05_evaluation.json")["seed"] == 0
    run = project.start(seeds=2)
    printed, _ = run.communicate(timeout=1500)
    assert run.returncode == 0, printed
    executed = project.out("runs/seed-1/notebooks/03_cnn_training.ipynb").read_text()
    assert "Going on after epoch" in executed
    assert project.out("index.html").stat().st_size > 10_000
    assert project.plan(seeds=2) == []


def test_without_a_cluster_one_sentence_says_so(project):
    """Protects a person from Snakemake's trace where there is no Slurm, or it does not answer."""
    file = str(project.root / "site.yaml")
    assert f"SITE is {file}, which is no file" in project.run("quick", 1, "--site", file, code=1)
    bin_folder = project.root / "bin"
    bin_folder.mkdir()
    project.environment = {"PATH": f"{bin_folder}:{Path(sys.executable).parent}:/usr/bin:/bin"}
    for name in ("sbatch", "sinfo"):
        (bin_folder / name).write_text("#!/bin/sh\necho 'no such host' >&2\nexit 1\n")
        (bin_folder / name).chmod(0o755)
    assert "Slurm does not answer (sinfo: no such host)" in project.run(code=1)
