"""The notebooks as a graph: what each one needs, what it makes, and so what must run again.

`make run` starts it (digitlib/pipeline/run.py), which checks all parameters first and keeps to
one writer. Executed notebooks are logs, not outputs, because Snakemake deletes the outputs of a
failed job; `.done/` says that one was executed anew. A notebook is compared by what is written in
its cells, not by its file: running it in JupyterLab makes nothing out of date.
"""

from digitlib.artifacts import EVALUATION, MODEL_FILES, REPORT, TRAINING
from digitlib.pipeline import dependencies, profiles

PROFILE, SEEDS = config["profile"], int(config["seeds"])
# Of this machine, or of each job of a cluster.
CORES, ON_CLUSTER = int(config["cores"]), config["executor"] != "local"
EXPORT = "python -m digitlib.pipeline.notebooks export"
PUBLISH = "python -m digitlib.pipeline.publish outputs/{wildcards.profile} {params.run} "


def execute(notebook):
    """The command that executes a notebook for a rule."""
    return (
        "python -m digitlib.pipeline.notebooks run {input.text} {log}"
        f" -f params/{{wildcards.profile}}/{notebook}.yaml {{params.settings}} --done {{output.done}}"
    )


def text_of(wildcards, name=None):
    """The checksum of a notebook's cells."""
    return dependencies.source_digest(profiles.source(name or wildcards.notebook))


def pages(wildcards):
    """The reports that a report links to."""
    return " ".join(profiles.notebooks(wildcards.profile))


# A cluster gets the notebooks; what takes seconds is done where `make run` was started.
localrules: all, publish_training, publish_evaluation, report, report_of_run, index


wildcard_constraints:
    profile=r"[^/]+",
    run=profiles.RUN,
    notebook=r"\d\d_\w+",


rule all:
    message: "the profile is complete"
    input:
        profiles.products(PROFILE, SEEDS),


rule notebook:
    message: "{wildcards.notebook}"
    # Those of each seed have rules of their own.
    wildcard_constraints:
        notebook=rf"(?!{TRAINING}|{EVALUATION})\d\d_\w+",
    input:
        lambda w: profiles.needed(w.profile, w.notebook),
        lambda w: profiles.gathered(w.profile, SEEDS) if w.notebook == REPORT else [],
        text=ancient("notebooks/{notebook}.ipynb"),
    output:
        # What is there stays there, and in git, where the notebook fails.
        update("outputs/{profile}/metrics/{notebook}.json"),
        done="outputs/{profile}/.done/{notebook}",
    log: "outputs/{profile}/{notebook}.ipynb"
    params:
        text=text_of,
        settings=lambda w: profiles.settings(w.profile, w.notebook),
    threads: CORES if ON_CLUSTER else 1  # here, notebooks that wait leave their core to others
    resources: mem_mb=8000, runtime="12h"
    shell: execute("{wildcards.notebook}")


rule training:
    message: f"{TRAINING} ({{wildcards.run}})"
    input:
        lambda w: profiles.needed(w.profile, TRAINING),
        text=ancient(f"notebooks/{TRAINING}.ipynb"),
    output:
        expand("outputs/{{profile}}/runs/{{run}}/model/{file}", file=MODEL_FILES),
        f"outputs/{{profile}}/runs/{{run}}/metrics/{TRAINING}.json",
        done=f"outputs/{{profile}}/runs/{{run}}/.done/{TRAINING}",
    log: f"outputs/{{profile}}/runs/{{run}}/notebooks/{TRAINING}.ipynb"
    params:
        text=lambda w: text_of(w, TRAINING),
        settings=lambda w: profiles.settings(w.profile, TRAINING, w.run),
    # Two fits on a core each are done sooner than one after the other on both.
    threads:
        lambda w: CORES if ON_CLUSTER else max(1, CORES // profiles.fits(w.profile, PROFILE, SEEDS))
    resources: mem_mb=8000, runtime="24h"
    shell: "TF_NUM_INTRAOP_THREADS={threads} " + execute(TRAINING)


rule evaluation:
    message: f"{EVALUATION} ({{wildcards.run}})"
    input:
        lambda w: profiles.needed(w.profile, EVALUATION),
        expand("outputs/{{profile}}/runs/{{run}}/model/{file}", file=MODEL_FILES),
        text=ancient(f"notebooks/{EVALUATION}.ipynb"),
    output:
        f"outputs/{{profile}}/runs/{{run}}/metrics/{EVALUATION}.json",
        done=f"outputs/{{profile}}/runs/{{run}}/.done/{EVALUATION}",
    log: f"outputs/{{profile}}/runs/{{run}}/notebooks/{EVALUATION}.ipynb"
    params:
        text=lambda w: text_of(w, EVALUATION),
        settings=lambda w: profiles.settings(w.profile, EVALUATION, w.run),
    resources: mem_mb=4000, runtime="1h"
    shell: execute(EVALUATION)


def own(path):
    """A file of the run that stands for the profile."""
    return lambda w: f"outputs/{w.profile}/runs/{profiles.own_run(w.profile)}/{path}"


rule publish_training:
    message: "the model of the profile's own seed"
    input:
        [own(f"model/{file}") for file in MODEL_FILES],
        own(f"metrics/{TRAINING}.json"),
        own(f".done/{TRAINING}"),
    output:
        expand("outputs/{{profile}}/model/{file}", file=MODEL_FILES),
        f"outputs/{{profile}}/metrics/{TRAINING}.json",
        done=f"outputs/{{profile}}/.done/{TRAINING}",
    log: f"outputs/{{profile}}/{TRAINING}.ipynb"
    params: run=lambda w: profiles.own_run(w.profile)
    shell: PUBLISH + TRAINING


rule publish_evaluation:
    message: "the evaluation of the profile's own seed"
    input:
        own(f"metrics/{EVALUATION}.json"),
        own(f".done/{EVALUATION}"),
    output:
        f"outputs/{{profile}}/metrics/{EVALUATION}.json",
        done=f"outputs/{{profile}}/.done/{EVALUATION}",
    log: f"outputs/{{profile}}/{EVALUATION}.ipynb"
    params: run=lambda w: profiles.own_run(w.profile)
    shell: PUBLISH + EVALUATION


rule report:
    message: "the report of {wildcards.notebook}"
    input:
        profiles.report_files(),
        "outputs/{profile}/.done/{notebook}",
    output: "outputs/{profile}/{notebook}.html"
    params: pages=pages
    shell:
        EXPORT + " outputs/{wildcards.profile}/{wildcards.notebook}.ipynb {output}"
        " --pages {params.pages}"


rule report_of_run:
    message: "the report of {wildcards.notebook} ({wildcards.run})"
    input:
        profiles.report_files(),
        "outputs/{profile}/runs/{run}/.done/{notebook}",
    output: "outputs/{profile}/runs/{run}/notebooks/{notebook}.html"
    params: pages=pages
    shell:
        EXPORT + " outputs/{wildcards.profile}/runs/{wildcards.run}/notebooks/"
        "{wildcards.notebook}.ipynb {output} --pages {params.pages} --top ../../.."


rule index:
    message: "the front page"
    input:
        profiles.report_files(),
        f"outputs/{{profile}}/.done/{REPORT}",
    output: "outputs/{profile}/index.html"
    params: pages=pages
    shell:
        EXPORT + " outputs/{wildcards.profile}/" + REPORT + ".ipynb {output}"
        " --pages {params.pages} --hide-code"
