"""What Snakemake says, told to a person: each step with its reason in one line, no chatter."""

import contextlib
import re
from collections.abc import Iterable
from pathlib import Path

from digitlib.artifacts import from_root
from digitlib.pipeline import slurm

# What Snakemake says besides what it runs and why. A failed notebook tells its own error.
CHATTER = re.compile(
    r"$|\[\w{3} \w{3} +\d|\[IPKernelApp\] WARNING|Assuming unrestricted|Building DAG|Using shell"
    r"|Select jobs|Execute \d+ jobs|Complete log|Elapsed time|RuleException|Using profile"
    r"|CalledProcessError in|Command 'set -euo|Exiting because|WorkflowError:$|At least one job"
    r"|Reasons:|Cannot restore|Restored previous|SLURM run ID|Cleaning up SLURM|No SLURM account"
    r"|No account was|Unable to guess SLURM|sacct: "
)


def narrate(lines: Iterable[str]) -> None:
    """Print what is worth reading of Snakemake's lines, as they come."""
    steps: dict[str, str] = {}  # by the number that Snakemake gives it
    failed: dict[str, str] | None = None  # what is said of a step that failed, by name
    chatter = False
    for line in map(str.rstrip, lines):
        if failed is not None:
            if line.startswith(" "):
                name, _, value = line.strip().partition(": ")
                failed.setdefault(name, value)
                continue
            say(_failure(failed, steps))
            failed = None
        # Indented lines belong to the block above them.
        chatter = bool(CHATTER.match(line)) or (chatter and line.startswith(" "))
        if found := re.match(r"Job (\d+): (.*)", line):
            number, steps[number := found[1]] = found[1], found[2]
        elif line.startswith("Reason: "):
            say(f"▸ {steps[number]} – {_reason(line.removeprefix('Reason: '))}")
        elif found := re.match(r"Job (\d+) has been submitted .* jobid (\d+) \(log: (.*)\)", line):
            say(f"  {steps[found[1]]} is Slurm job {found[2]}, which writes {from_root(found[3])}")
        elif found := re.match(r"Error in rule (\w+):", line):
            failed = {"rule": found[1]}
        elif not chatter:
            say(line)


def say(text: str) -> None:
    """Print, and go on where nobody reads it any more: a full pipe would stop the run."""
    if text:
        with contextlib.suppress(OSError):
            print(text, flush=True)


def _failure(told: dict[str, str], steps: dict[str, str]) -> str:
    """That a step failed; of a job on a cluster also why. One that ran here has told its error."""
    step = steps.get(told.get("jobid", ""), told["rule"])
    message = told.get("message", "None")
    if job := told.get("external_jobid"):
        state = re.search(r"status is: '(\w+)'", message)
        log = Path(told.get("log", "").partition(" (check")[0].split(", ")[-1])
        return "✗ " + slurm.explain(told["rule"], step, job, state[1] if state else "", log)
    return f"✗ {step}" + ("" if message == "None" else f": {message}")


def _reason(text: str) -> str:
    """Snakemake's reason without hidden files, and with two names where it gives all."""
    told = {}
    for part in text.split("; "):
        kind, _, files = part.partition(": ")
        if kind.startswith("Params"):  # the checksum of its cells, or its settings
            kind, files = "the notebook or its settings changed", ""
        elif kind.startswith("Missing output"):
            kind, files = "not made yet", ""
        names = [f for f in sorted(files.split(", ")) if f and "/.done/" not in f]
        more = f" and {len(names) - 2} more" if len(names) > 2 else ""
        told[kind[:1].lower() + kind[1:]] = ", ".join(names[:2]) + more
    if len(told) > 1:  # said by the other reason already
        told.pop("input files updated by another job", None)
    return "; ".join(f"{kind}: {names}" if names else kind for kind, names in told.items())
