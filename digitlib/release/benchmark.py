"""Measure speed side by side on this machine; ``make benchmark``, ``make benchmark TRAIN=1``.

    python -m digitlib.release.benchmark [--train] [--seeds N] [--cap MINUTES] [--peers]

The shipped model answers through LiteRT and through Keras, and so do the four networks of the
published systems, whose weights do not matter here. The shipped model's other file stands beside
them: in float32 where int8 serves. With ``--train``, profiles race to 99, 99.5 and 99.7 % of the
same validation digits; with ``--peers``, other readers read the same pictures (`release.peers`).
The numbers go to ``outputs/benchmark/metrics``, from which `make readme` writes docs/results.md.
"""

import argparse
import itertools
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from digitlib import Recognizer, artifacts, datasets
from digitlib.artifacts import (
    CARD_FILE,
    EVALUATION,
    FLOAT_FILE,
    INT8_FILE,
    KERAS_FILE,
    TRAINING,
)
from digitlib.measuring import speed
from digitlib.pipeline import profiles
from digitlib.reading.models import PRETRAINED, checksum, serving_file
from digitlib.release import peers
from digitlib.reporting.findings.words import counted
from digitlib.reporting.tables import markdown
from digitlib.terminal import print_anywhere

OUTPUT = "outputs/benchmark"
PUBLISHED = ("baseline", "three_block", "five_layer", "lrn")
RACERS = ("fast", "record", "five_layer")
GOALS = (0.99, 0.995, 0.997)
HELD_OUT = 5000
CAP = 60  # minutes for each fit of a racer
SEEDS = 3  # fits of each racer

# What a fresh interpreter does up to its first answer; it prints the seconds that took.
FIRST = {
    "LiteRT": "from digitlib import Recognizer; Recognizer(folder).classify(picture)",
    "model(x)": "from digitlib.learning.exporting import load_model; "
    "load_model(folder)(picture[..., None])",
    "model.predict": "from digitlib.learning.exporting import load_model; "
    "load_model(folder).predict(picture[..., None], verbose=0)",
}


def speeds() -> list[dict]:
    """A row for each network and way of answering; see ``measuring.speed.compare`` for the keys."""
    from digitlib.learning import architectures, exporting

    digits = datasets.load_dataset("optdigits", "train").images
    images = np.resize(digits, (2048, 28, 28))
    with tempfile.TemporaryDirectory() as folder:
        models = {"shipped": PRETRAINED}
        for name in PUBLISHED:
            models[name] = exporting.save_model(architectures.build(name), Path(folder) / name)
            artifacts.write_json(models[name] / CARD_FILE, {"temperature": 1, "threshold": 0})
        ways = [
            (name, engine, answer)
            for name, model_dir in models.items()
            for engine, answer in _engines(model_dir).items()
        ]
        name, models[name] = _other(Path(folder))
        ways.append((name, "LiteRT", Recognizer(models[name]).classify))
        print(f"{len(ways)} ways of answering, in turns (minutes)", flush=True)
        measured = speed.compare(
            {f"{name} {engine}": answer for name, engine, answer in ways}, images
        )
        return [
            {
                "network": name,
                "engine": engine,
                "first_answer_s": _first_answer(models[name], engine),
                "bytes": _size(models[name], engine),
                "accuracy_percent": _accuracy(name),
            }
            | measured[f"{name} {engine}"]
            for name, engine, _ in ways
        ]


def _engines(model_dir: Path) -> dict[str, speed.Answer]:
    from digitlib.learning import exporting

    recognizer, model = Recognizer(model_dir), exporting.load_model(model_dir)
    return {
        "LiteRT": recognizer.classify,
        "model(x)": lambda images: np.asarray(model(images[..., None])),
        "model.predict": lambda images: model.predict(
            images[..., None], verbose=0, batch_size=len(images)
        ),
    }


def _other(folder: Path) -> tuple[str, Path]:
    """The shipped model with its other file: a name for it, and a folder that holds it."""
    card = artifacts.load_card(PRETRAINED)
    serves_int8 = serving_file(PRETRAINED).name == INT8_FILE
    name, file = ("shipped, float32", FLOAT_FILE) if serves_int8 else ("shipped, int8", INT8_FILE)
    artifacts.write_json(folder / name / CARD_FILE, card | {"serves": file})
    shutil.copyfile(PRETRAINED / file, folder / name / file)
    return name, folder / name


def _size(model_dir: Path, engine: str) -> int:
    file = serving_file(model_dir) if engine == "LiteRT" else model_dir / KERAS_FILE
    return file.stat().st_size


def _first_answer(model_dir: Path, engine: str, times: int = 3) -> float:
    """Median seconds from the first import to the first answer, in fresh interpreters."""
    print(f"first answer of {model_dir.name} by {engine}", flush=True)
    program = (
        "import time; start = time.perf_counter(); import numpy as np; "
        f"folder, picture = {str(model_dir)!r}, np.zeros((1, 28, 28), np.uint8); {FIRST[engine]}; "
        "print(time.perf_counter() - start)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        for _ in range(times)
    ]
    return statistics.median(float(run.stdout.split()[-1]) for run in runs)


def _accuracy(name: str) -> float | None:
    """Accuracy on the test digits in percent, where this project measured it."""
    if name.startswith("shipped, "):
        return None
    if name == "shipped":
        return artifacts.load_card(PRETRAINED)["test"]["accuracy_percent"]
    metrics = artifacts.load_metrics(f"outputs/{name}")
    return metrics[EVALUATION]["test"]["accuracy_percent"] if EVALUATION in metrics else None


def race(cap: float = CAP, seeds: int = SEEDS) -> dict:
    """Time from the start of a fit to each goal on validation, for each seed and profile in turn.

    Args:
        cap: minutes after which a fit is given up.
        seeds: how many fits of each profile, as luck decides in which epoch one gets there.

    Returns:
        goals_percent, n_validation, cap_seconds, backend, device; and profiles, for each a list of
        fits: seed, and its log, a row for each epoch: seconds since the start, processor_seconds
        (of the fitting process on all cores; those that draw digits do not count), and
        accuracy_percent.
    """
    from digitlib.learning import training

    fits: dict[str, list[dict]] = {profile: [] for profile in RACERS}
    for seed, profile in itertools.product(range(seeds), RACERS):
        print(f"{profile}, seed {seed}: {HELD_OUT:,} validation digits", flush=True)
        fits[profile].append({"seed": seed, "log": _race(profile, seed, 60 * cap)})
    return {
        "goals_percent": [100 * goal for goal in GOALS],
        "n_validation": HELD_OUT,
        "cap_seconds": 60 * cap,
        "profiles": fits,
    } | training.device()


def _race(profile: str, seed: int, cap: float) -> list[dict]:
    """The log of a fit, which ends at the last goal, at the cap, or with its recipe."""
    from digitlib.learning import training
    from digitlib.learning.recipe import Recipe

    same_for_all = {"target_accuracy": GOALS[-1], "seed": seed, "precision": "auto"}
    settings = profiles.parameters(profile, TRAINING) | same_for_all
    everything = datasets.load_dataset(settings["dataset"], "train")
    train, held_out = datasets.split(everything, HELD_OUT)
    log: list[dict] = []

    def report(row: dict, recipe: Recipe) -> None:
        log.append(
            {
                "seconds": time.perf_counter() - start,
                "processor_seconds": time.process_time() - processor,
                "accuracy_percent": 100 * row["val_accuracy"],
            }
        )
        training.print_epoch(row, recipe)
        if log[-1]["seconds"] > cap:
            raise TimeoutError

    start, processor = time.perf_counter(), time.process_time()
    try:
        training.fit_settings(settings, train, held_out, report=report)
    except TimeoutError:
        print(f"given up after {cap / 60:.0f} minutes")
    return log


def speed_table(rows: list[dict]) -> str:
    """The speeds as a Markdown table that also reads well on a terminal."""
    heads = [
        "network", "answers by", "first answer", "p50", "p99", "1 at a time", "32", "1,024",
        "size", "MNIST test",
    ]  # fmt: skip
    cells = [
        [
            f"**{row['network']}**" if "shipped" in row["network"] else f"`{row['network']}`",
            row["engine"],
            f"{row['first_answer_s']:.2f} s",
            f"{row['p50_ms']:.2f} ms",
            f"{row['p99_ms']:.2f} ms",
            *(f"{row['per_second'][str(batch)]:,.0f}/s" for batch in speed.BATCHES),
            f"{row['bytes'] / 1e6:.1f} MB",
            f"{row['accuracy_percent']:.2f} %" if row["accuracy_percent"] else "–",
        ]
        for row in rows
    ]
    return markdown(heads, cells, left=2)


def race_table(result: dict) -> str:
    """The race as a Markdown table that also reads well on a terminal, with its ratios below."""
    goals = result["goals_percent"]
    logs = {name: [fit["log"] for fit in fits] for name, fits in result["profiles"].items()}
    rows = {
        name: [[_reaching(log, goal) for log in own] for goal in goals]
        for name, own in logs.items()
    }
    cells = [
        [
            f"`{name}`",
            str(len(logs[name])),
            *(_reached(fits) or _missed(logs[name], result["cap_seconds"]) for fits in row),
        ]
        for name, row in rows.items()
    ]
    heads = ["time to", "seeds", *(f"{goal:g} %" for goal in goals)]
    lines = [markdown(heads, cells, left=1), ""]
    first, last, goal = next(iter(rows)), next(reversed(rows)), goals[1]
    leading, trailing = ([fit for fit in rows[name][1] if fit] for name in (first, last))
    everyone = sum(len(result["profiles"][name]) for name in (first, last))
    if first != last and len(leading) + len(trailing) == everyone:
        behind, ahead = (
            statistics.median(fit["seconds"] for fit in fits) for fits in (trailing, leading)
        )
        lines.append(
            f"By the medians, `{first}` is {behind / ahead:.1f} times as fast as `{last}` to "
            f"{goal:g} %."
        )
    return "\n".join(lines).strip()


def _reaching(log: list[dict], goal: float) -> dict | None:
    """The epoch in which a fit reached a goal, with its number; None where it did not."""
    rows = (row | {"epoch": number} for number, row in enumerate(log, 1))
    return next((row for row in rows if row["accuracy_percent"] >= goal), None)


def _reached(fits: list[dict | None]) -> str:
    """When fits reached a goal: the median, the range, and in which epochs; "" where none did."""
    there = [row for row in fits if row]
    if not there:
        return ""
    wall = sorted(row["seconds"] for row in there)
    epochs = sorted({row["epoch"] for row in there})
    between = f"{_time(wall[0])} – {_time(wall[-1])}" if len(wall) > 1 else _time(wall[0])
    when = f"epoch{'s' * (len(epochs) > 1)} {', '.join(map(str, epochs))}"
    if len(there) < len(fits):  # a median of those that got there would flatter
        return f"{len(there)} of {len(fits)} fits: {between}, {when}"
    middle = f"**{_time(statistics.median(wall))}**"
    return f"{middle}, {between}, {when}" if len(wall) > 1 else f"{middle}, {when}"


def _missed(logs: list[list[dict]], cap: float) -> str:
    """How near to a goal fits came that did not reach it, and whether they were given up."""
    best = max(row["accuracy_percent"] for log in logs for row in log)
    epochs = max(map(len, logs))
    given_up = any(log[-1]["seconds"] > cap for log in logs)
    until = f"not within {_time(cap)}" if given_up else "not reached"
    return f"{until} (best of {counted(epochs, 'epoch')}: {best:.2f} %)"


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def main() -> None:
    """Measure, print the tables, keep the numbers."""
    print_anywhere()
    parser = argparse.ArgumentParser(description="Compare speed side by side on this machine.")
    parser.add_argument("--train", action="store_true", help="also race to 99.7 %% on validation")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="fits of each racer")
    parser.add_argument("--cap", type=float, default=CAP, help="minutes until a fit is given up")
    parser.add_argument("--peers", action="store_true", help="also compare with other readers")
    options = parser.parse_args()
    others = peers.find_peers() if options.peers else None  # what is missing is said at once
    machine = {"machine": artifacts.machine(), "commit": artifacts.commit()}
    rows = speeds()
    model = {"model_sha256": checksum(PRETRAINED)}
    artifacts.save_metrics(OUTPUT, "speed", machine | model | {"rows": rows})
    print(f"{machine['machine']}\n\n{speed_table(rows)}\n")
    if options.train:
        result = race(options.cap, options.seeds)
        artifacts.save_metrics(OUTPUT, "race", machine | result)
        print(f"\n{race_table(result)}")
    if others:
        print(f"\n{peers.measure(*others)}")


if __name__ == "__main__":
    main()
