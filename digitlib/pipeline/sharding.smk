"""A table of readings: its parts, beside each other, and the whole. See sharding.py."""

from pathlib import Path

JOB = Path(workflow.configfiles[0])
SHARDS, CORES, ON_CLUSTER = config["shards"], int(config["cores"]), config["executor"] != "local"


localrules: table


rule table:
    message: "the table of all parts"
    input:
        expand(f"{JOB.parent}/{{number}}.csv", number=range(1, SHARDS + 1)),
    output: config["table"]
    params: job=JOB
    shell: "python -m digitlib.pipeline.sharding join {params.job:q}"


rule part:
    message: f"part {{wildcards.number}} of {SHARDS}"
    output: f"{JOB.parent}/{{number}}.csv"
    wildcard_constraints: number=r"\d+",
    params: job=JOB
    threads: CORES if ON_CLUSTER else 1
    resources: mem_mb=4000, runtime="12h"
    shell:
        "python -m digitlib.pipeline.sharding part {params.job:q} {wildcards.number}"
        " --workers {threads}"
