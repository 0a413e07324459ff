"""What is told of Snakemake's lines, and why a job of a cluster failed."""

import pytest

from digitlib.pipeline import slurm
from digitlib.pipeline.narration import narrate

SAID = """\
Using profile digitlib/pipeline/slurm.yaml for setting default command line arguments.
Building DAG of jobs...
SLURM run ID: digitlib-x_38d57795-40fd-46d2-8c80-79f60c4f0a5d
Using shell: /usr/bin/bash
Select jobs to execute...
Execute 2 jobs...

[Fri Nov 27 19:03:35 2026]
Job 2: 03_cnn_training (seed-1)
Reason: Missing output files: outputs/quick/runs/seed-1/.done/03_cnn_training
[Fri Nov 27 19:03:35 2026]
Job 1: 01_data_exploration
Reason: Updated input files: params/quick/01.yaml, outputs/quick/.done/00
No SLURM account given, trying to guess.
No account was given, not able to get a SLURM account via sacct: sacct: invalid option -- '1'

Unable to guess SLURM account. Trying to proceed without.
Job 2 has been submitted with SLURM jobid 7 (log: {log}).
[Fri Nov 27 19:03:45 2026]
Error in rule training:
    message: SLURM-job '7' failed, SLURM status is: 'FAILED'. For further error details see
    jobid: 2
    output: a.txt
    log: outputs/quick/03.ipynb, {log} (check log file(s) for error details)
    shell:
        exit 1
        (command exited with non-zero exit code)
    external_jobid: 7
[Fri Nov 27 19:03:46 2026]
Error in rule notebook:
    message: None
    jobid: 1
    output: b.txt
Cleaning up SLURM log files older than 10 day(s).
Exiting because a job execution failed. Look above for error messages
WorkflowError:
At least one job did not complete successfully.
"""


def test_steps_are_told_in_a_line_and_chatter_is_not(tmp_path, monkeypatch, capsys):
    """Protects a person from forty lines a step, and from not seeing what failed."""
    monkeypatch.setenv("DIGITLIB_ROOT", str(tmp_path))
    log = tmp_path / "7.log"
    log.write_text(
        "03_cnn_training │ epoch 1\n03_cnn_training │ 03_cnn_training failed in cell [9]\n"
    )
    narrate(SAID.format(log=log).splitlines())
    assert capsys.readouterr().out.splitlines() == [
        "▸ 03_cnn_training (seed-1) – not made yet",
        "▸ 01_data_exploration – updated input files: params/quick/01.yaml",
        "  03_cnn_training (seed-1) is Slurm job 7, which writes 7.log",
        "✗ 03_cnn_training (seed-1) failed (Slurm job 7; its log is 7.log).",
        "03_cnn_training │ 03_cnn_training failed in cell [9]",
        "✗ 01_data_exploration",
    ]


@pytest.mark.parametrize(
    ("state", "log", "said"),
    [
        ("TIMEOUT", "", "took longer than it had asked for"),
        ("FAILED", "slurmstepd: error: JOB 7 CANCELLED AT … DUE TO TIME LIMIT", "took longer"),
        ("FAILED", "slurmstepd: error: Exceeded job memory limit\nexceeded memory limit", "memory"),
        ("OUT_OF_MEMORY", "", "set-resources: training: mem_mb: 16000"),
        ("NODE_FAIL", "", "lost its machine"),
        ("CANCELLED", "", "was cancelled"),
        ("FAILED", "cannot open libcudnn.so.9", "lacks a library of the graphics card"),
        ("FAILED", "", "03 failed (Slurm job 7"),
    ],
)
def test_why_a_job_failed_is_told_with_its_log_and_a_remedy(
    tmp_path, monkeypatch, state, log, said
):
    """Protects a person from reading a log of hundreds of lines."""
    monkeypatch.setenv("DIGITLIB_ROOT", str(tmp_path))
    (tmp_path / "7.log").write_text(log)
    told = slurm.explain("training", "03", "7", state, tmp_path / "7.log")
    assert said in told
    assert "Slurm job 7; its log is 7.log" in told
