"""The tables of `docs/results.md`: everything that was measured, by the models that ship."""

from pathlib import Path

from digitlib import artifacts
from digitlib.artifacts import (
    AUGMENTATION,
    EVALUATION,
    NUMBERS,
    REPORT,
    ROBUSTNESS,
    TRAINING,
    ArtifactError,
    load_metrics,
)
from digitlib.measuring.handwriting import COLLECTED
from digitlib.measuring.statistics import clearly_bought
from digitlib.reading.models import PRETRAINED, PRETRAINED_LINES, PRETRAINED_SHEETS
from digitlib.release import benchmark, peers
from digitlib.reporting.findings.words import listed
from digitlib.reporting.runs import judges, robustness_lines
from digitlib.reporting.tables import markdown


def results(root: Path) -> str:
    """The table of every published profile under ``root/outputs``, best first."""
    measured = {path.name: load_metrics(path) for path in sorted((root / "outputs").glob("*"))}
    # The first run on bundled digits is for everybody to make; it is no published result.
    measured.pop("quick", None)
    rows = [(name, m) for name, m in measured.items() if TRAINING in m and EVALUATION in m]
    rows.sort(key=lambda row: -row[1][EVALUATION]["test"]["accuracy_percent"])
    heads = [
        "profile", "network", "parameters", "test accuracy", "95 % interval", "n",
        "mean ± sd of seeds or folds", "training",
    ]  # fmt: skip
    return markdown(heads, [_result(*row) for row in rows], left=2)


def _result(profile: str, metrics: dict[str, dict]) -> list[str]:
    training, test = metrics[TRAINING], metrics[EVALUATION]["test"]
    report = metrics.get(REPORT, {})
    of_folds = report.get("cross_validation", {}).get("spread", {})
    spreads = [
        f"{spread['mean']:.2f} ± {spread['sd']:.2f} ({spread['n']} {what})"
        for spread, what in ((report.get("test_percent", {}), "seeds"), (of_folds, "folds"))
        if spread.get("n", 1) > 1
    ]
    return [
        f"`{profile}`",
        training["architecture"],
        f"{training['parameters']:,}",
        f"**{percent(test, 2)}**",
        interval(test, 2),
        f"{test['n']:,}",
        ", ".join(spreads) or "–",
        f"{training['training_seconds'] / 60:.0f} min",
    ]


def handwriting(root: Path) -> str:
    """Other people's handwriting, read by the model that ships; empty until it is measured.

    Raises:
        ArtifactError: when what was measured is another model.
    """
    profile = artifacts.load_card(PRETRAINED)["profile"]
    metrics = load_metrics(root / "outputs" / profile)
    if ROBUSTNESS not in metrics:
        return ""
    of_shipped = judges(metrics[ROBUSTNESS], PRETRAINED)
    _expect(of_shipped, f"outputs/{profile}", f"make ship PROFILE={profile}")
    sets = metrics[ROBUSTNESS]["sets"]
    heads = [
        "pictures", "n", "read correctly", "95 % interval", "worst writer", "calibration error",
        "by chance, up to",
    ]  # fmt: skip
    cells = [
        [
            f"`{name}`: {COLLECTED[name][0]}" if name in COLLECTED else name,
            counted(row),
            f"**{percent(row)}**",
            interval(row),
            worst_writer(row),
            f"{row['ece_percent']:.2f} %",
            f"{row['ece_by_chance_percent']:.2f} %",
        ]
        for name, row in sets.items()
    ]
    said = [f"- {line}" for line in robustness_lines(metrics)]
    return "\n".join([markdown(heads, cells, left=1), "", _calibrated(sets), "", *said])


def _calibrated(sets: dict[str, dict]) -> str:
    """On which sets the stated probabilities are off by more than chance."""
    off = [
        f"`{name}`"
        for name, row in sets.items()
        if row["ece_percent"] > row["ece_by_chance_percent"]
    ]
    if not off:
        return "The calibration error is nowhere larger than chance explains."
    return f"The calibration error is larger than chance explains on {listed(off)}."


def numbers(root: Path) -> str:
    """How well whole numbers are read by the model that ships.

    Raises:
        ArtifactError: when what was measured is another model.
    """
    measured = load_metrics(root / "outputs/numbers").get(NUMBERS)
    if measured is None:
        return "Not measured yet: `make run PROFILE=numbers`."
    _expect(judges(measured, PRETRAINED_LINES), "outputs/numbers", "make ship PROFILE=numbers")
    heads = [
        "pictures", "n", "digits all right", "95 % interval", "as written", "surest half",
        "accepted", "of those right", "stated probability", "calibration error", "by chance, up to",
    ]  # fmt: skip
    marks, accepted = measured["marks"], measured["accepted"]
    cells = [
        [
            name,
            f"{row['n']:,}",
            f"**{percent(row)}**",
            interval(row),
            f"{marks[name]['as_written_percent']:.1f} %" if name in marks else "–",
            f"{row['surest_half_percent']:.1f} %",
            f"{accepted[name]['accepted_percent']:.1f} %",
            percent(accepted[name]) if accepted[name]["n"] else "–",
            f"{row['stated_percent']:.1f} %",
            f"{row['ece_percent']:.1f} %",
            f"{row['ece_by_chance_percent']:.1f} %",
        ]
        for name, row in measured["sets"].items()
    ]
    return markdown(heads, cells, left=1)


def sheets(root: Path) -> str:
    """How often the right number is in the right cell, by the model that ships.

    Raises:
        ArtifactError: when what was measured is another model.
    """
    measured = load_metrics(root / "outputs/numbers").get(NUMBERS, {}).get("sheets")
    if measured is None:
        return "Not measured yet: `make run PROFILE=numbers`."
    of_shipped = judges(measured, PRETRAINED_SHEETS)
    _expect(of_shipped, "outputs/numbers (sheets)", "make run PROFILE=numbers")
    heads = ["cells", "n", "right", "95 % interval", "as written", "accepted", "wrong and accepted"]
    cells = [
        [
            name,
            f"{row['n']:,}",
            f"**{percent(row)}**",
            interval(row),
            f"{row['as_written_percent']:.1f} %",
            f"{row['accepted_percent']:.1f} %",
            f"{row['wrong_accepted_percent']:.1f} %",
        ]
        for name, row in measured["cells"].items()
    ]
    return markdown(heads, cells, left=1)


def other_readers(root: Path) -> str:
    """This project and other readers on the same pictures; a hint until that is measured.

    Raises:
        ArtifactError: when what was measured is another model.
    """
    measured = load_metrics(root / peers.OUTPUT).get(peers.NAME)
    if measured is None:
        return "Not measured yet: `make benchmark PEERS=1`."
    of_shipped = measured["models_sha256"] == peers.shipped_models()
    _expect(of_shipped, f"{peers.OUTPUT} (other readers)", "make benchmark PEERS=1")
    table, verdict = peers.peers_table(measured["rows"]), peers.verdict(measured["rows"])
    return f"On {measured['machine']}:\n\n{table}\n\n{verdict}"


def ladders(root: Path) -> str:
    """What each variation bought, by the ladders of ``ablation``; empty where there are none."""
    metrics = load_metrics(root / "outputs/ablation")
    goals = {AUGMENTATION: "validation accuracy", ROBUSTNESS: "unseen writers read correctly"}
    tables = [
        _rungs(goal, metrics[notebook]["ladder"])
        for notebook, goal in goals.items()
        if notebook in metrics
    ]
    if NUMBERS in metrics:
        tables.append(_rungs_of_lines(metrics[NUMBERS]))
    return "\n\n".join(tables)


def _rungs(goal: str, rungs: list[dict]) -> str:
    heads = ["variation", goal, "sd of seeds", "bought (points)", "95 % interval"]
    cells = [
        [
            f"{'+ ' * (i > 0)}{rung['step']}",
            f"{rung['mean']:.2f} %",
            f"{rung['sd']:.2f}",
            f"{rung['bought']:+.2f}" if i else "–",
            f"{rung['bought_low']:+.2f} to {rung['bought_high']:+.2f}" if i else "–",
        ]
        for i, rung in enumerate(rungs)
    ]
    clear = listed(clearly_bought(rungs))
    table = markdown(heads, cells, left=1)
    return f"{table}\n\nSteps whose own 95 % interval lies above zero: {clear}."


def _rungs_of_lines(measured: dict) -> str:
    ladder, sets = measured["ladder"], measured["sets"]
    heads = [f"{name} ({row['n']:,})" for name, row in sets.items()]
    cells = [
        [f"{'+ ' * (i > 0)}{step}", *(f"{ladder['percent'][name][i][0]:.1f} %" for name in sets)]
        for i, step in enumerate(ladder["steps"])
    ]
    return markdown(["ingredients of the simulation", *heads], cells, left=1)


def performance(root: Path) -> str:
    """The tables of ``make benchmark`` as it last ran here; nothing where it never did.

    Raises:
        ArtifactError: when the speed is that of another model.
    """
    metrics = load_metrics(root / benchmark.OUTPUT)
    tables = []
    if speed := metrics.get("speed"):
        _expect(judges(speed, PRETRAINED), f"{benchmark.OUTPUT} (speed)", "make benchmark")
        tables.append(f"On {speed['machine']}:\n\n{benchmark.speed_table(speed['rows'])}")
    if race := metrics.get("race"):
        on = race["machine"] if race["device"] == "processor" else race["device"]
        by = {"tensorflow": "TensorFlow", "jax": "JAX"}.get(race["backend"], race["backend"])
        most = f"{race['cap_seconds'] / 60:g} minutes each at most"
        tables.append(f"Training with {by} on {on}, {most}:\n\n{benchmark.race_table(race)}")
    return "\n\n".join(tables)


def counted(row: dict) -> str:
    """How many pictures were measured, and of how many writers where that is known."""
    groups = f" ({row['writers']} {row['grouped_by']}s)" if row.get("writers") else ""
    return f"{row['n']:,}{groups}"


def percent(row: dict, places: int = 1) -> str:
    """The accuracy of a measure, in words."""
    return f"{row['accuracy_percent']:.{places}f} %"


def interval(row: dict, places: int = 1) -> str:
    """The interval of a measure's accuracy, in words."""
    return f"{row['low_percent']:.{places}f} – {row['high_percent']:.{places}f}"


def worst_writer(row: dict) -> str:
    """The accuracy of the worst writer, in words; a dash where writers are not known."""
    if row.get("grouped_by") != "writer" or "worst_percent" not in row:
        return "–"
    return f"{row['worst_percent']:.1f} % of {row['worst_n']}"


def _expect(of_shipped: bool, place: str, remedy: str) -> None:
    if not of_shipped:
        raise ArtifactError(
            f"{place}: what was measured is another model than the one that ships; {remedy} first"
        )
