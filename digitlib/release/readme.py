"""Write the results in README and docs from the metrics that git keeps; ``make readme``.

Every number there that was measured stands between two markers and comes from
``outputs/<profile>/metrics`` or ``outputs/benchmark/metrics``. A test compares the two.
"""

from collections.abc import Sequence
from pathlib import Path

from digitlib import artifacts
from digitlib.artifacts import (
    AUGMENTATION,
    EVALUATION,
    NUMBERS,
    REPORT,
    ROBUSTNESS,
    TRAINING,
    load_metrics,
)
from digitlib.measuring.handwriting import COLLECTED
from digitlib.measuring.statistics import clearly_bought
from digitlib.reading.models import PRETRAINED, PRETRAINED_LINES, PRETRAINED_SHEETS
from digitlib.release import benchmark, peers
from digitlib.reporting.findings.words import listed
from digitlib.reporting.runs import judges, robustness_lines
from digitlib.reporting.tables import markdown

START, END = "<!-- {}: written by `make readme` -->", "<!-- end of {} -->"


#: What the summary shows: by the name of its measure, who wrote the digits, and how.
SHOWN = {
    "mnist test": "MNIST's test digits, scanned from forms",
    "canvas": "digits drawn with mouse, finger or tablet",
    "photos": "digits on paper, photographed",
    "scans": "digits on paper, scanned",
    "hands": "digits on paper, scanned, most of them by Swiss writers",
    "pendigits": "strokes of a digital pen, drawn 3 px wide",
    "amounts": "amounts on real bank cheques",
}


def headlines(root: Path) -> str:
    """Why one would use this, in three figures; fewer where not all of it is measured."""
    lines = []
    card, speed = artifacts.load_card(PRETRAINED), load_metrics(root / benchmark.OUTPUT)
    metrics = load_metrics(root / "outputs" / card["profile"])
    if EVALUATION in metrics:
        spread = metrics.get(REPORT, {}).get("test_percent", {})
        mean = (
            f"; {spread['mean']:.2f} ± {spread['sd']:.2f} % over {spread['n']} seeds"
            if spread.get("n", 1) > 1
            else ""
        )
        test = metrics[EVALUATION]["test"]
        lines.append(
            f"- **{test['accuracy_percent']:.2f} %** of MNIST's {test['n']:,} test digits are "
            f"read correctly (95 % interval {test['low_percent']:.2f} – "
            f"{test['high_percent']:.2f}{mean})."
        )
    if "canvas" in metrics.get(ROBUSTNESS, {}).get("sets", {}):
        drawn = metrics[ROBUSTNESS]["sets"]["canvas"]
        lines.append(
            f"- **{drawn['accuracy_percent']:.1f} %** of {drawn['n']} digits drawn by "
            f"{drawn['writers']} people with a mouse, a finger or a tablet are read correctly. The "
            "model has learnt from none of them (95 % interval "
            f"{drawn['low_percent']:.1f} – {drawn['high_percent']:.1f})."
        )
    for row in speed.get("speed", {}).get("rows", [])[:1]:
        lines.append(
            f"- **{row['p50_ms']:.2f} ms** to classify an image of 28×28 pixels (median of "
            f"{row['asked']:,}, {speed['speed']['machine']}), by a model of "
            f"{row['bytes'] / 1e6:.1f} MB, without TensorFlow."
        )
    return "\n".join(lines)


def summary(root: Path) -> str:
    """How well the shipped models read pictures of each kind; see ``SHOWN``."""
    card = artifacts.load_card(PRETRAINED)
    of_digits = load_metrics(root / "outputs" / card["profile"]).get(ROBUSTNESS, {})
    of_lines = load_metrics(root / "outputs/numbers").get(NUMBERS, {})
    measured = of_digits.get("sets", {}) | of_lines.get("sets", {})
    rows = [(words, measured[name]) for name, words in SHOWN.items() if name in measured]
    if cells := of_lines.get("sheets"):
        rows.append(("cells of simulated tables and forms", cells["cells"]["all"]))
    heads = ["pictures", "n", "read correctly", "95 % interval", "worst writer"]
    cells = [
        [
            words,
            f"{row['n']:,}"
            + (f" ({row['writers']} {row['grouped_by']}s)" if row.get("writers") else ""),
            f"**{row['accuracy_percent']:.1f} %**",
            f"{row['low_percent']:.1f} – {row['high_percent']:.1f}",
            _worst_writer(row),
        ]
        for words, row in rows
    ]
    compared = load_metrics(root / peers.OUTPUT).get(peers.NAME, {}).get("rows", [])
    return f"{markdown(heads, cells, left=1)}\n\n{_beside(compared)}".strip()


def _beside(compared: Sequence[dict]) -> str:
    """The best other reader of the cheques' amounts beside this project; "" if not measured."""
    of_amounts = [row for row in compared if row["set"] == "amounts"]
    own = [row for row in of_amounts if row["reader"] == peers.OWN]
    others = [row for row in of_amounts if row["reader"] != peers.OWN]
    if not own or not others:
        return ""
    best = max(others, key=lambda row: row["accuracy_percent"])
    return (
        f"The best other reader measured on these amounts, {best['reader']} "
        f"({best['bytes'] / 1e6:.0f} MB), reads {best['accuracy_percent']:.1f} % of them, and this "
        f"project ({own[0]['bytes'] / 1e6:.1f} MB) {own[0]['accuracy_percent']:.1f} % in the same "
        "run."
    )


def acceptance(root: Path) -> str:
    """What the line model's threshold means on simulated sheets and on real cheques, in words."""
    measured, lines = load_metrics(root / "outputs/numbers").get(NUMBERS, {}), []
    if cells := measured.get("sheets", {}).get("cells"):
        row = cells["all"]
        right = 100 * (1 - row["wrong_accepted_percent"] / row["accepted_percent"])
        lines.append(
            f"On simulated sheets, {row['accepted_percent']:.0f} % of the cells are accepted, and "
            f"{right:.1f} % of those are right."
        )
    if "amounts" in (accepted := measured.get("accepted", {})):
        row = accepted["amounts"]
        lines.append(
            f"Of the amounts on real cheques, {row['accepted_percent']:.0f} % are accepted, and "
            f"{row['accuracy_percent']:.1f} % of those are right."
        )
    return "\n".join(lines)


def _worst_writer(row: dict) -> str:
    if row.get("grouped_by") != "writer" or "worst_percent" not in row:
        return "–"
    return f"{row['worst_percent']:.1f} % of {row['worst_n']}"


def results(root: Path) -> str:
    """The table of every published profile under ``root/outputs``, best first."""
    measured = {path.name: load_metrics(path) for path in sorted((root / "outputs").glob("*"))}
    # The first run on bundled digits is for everybody to make; it is no published result.
    measured.pop("quick", None)
    rows = [(name, m) for name, m in measured.items() if TRAINING in m and EVALUATION in m]
    rows.sort(key=lambda row: -row[1][EVALUATION]["test"]["accuracy_percent"])
    lines = [
        "| profile | network | parameters | test accuracy | 95 % interval | n "
        "| mean ± sd of seeds or folds | training |",
        "|---|---|--:|--:|:-:|--:|--:|--:|",
        *(_line(*row) for row in rows),
    ]
    return "\n".join(lines)


def _line(profile: str, metrics: dict[str, dict]) -> str:
    training, test = metrics[TRAINING], metrics[EVALUATION]["test"]
    report = metrics.get(REPORT, {})
    of_folds = report.get("cross_validation", {}).get("spread", {})
    spreads = [
        f"{spread['mean']:.2f} ± {spread['sd']:.2f} ({spread['n']} {what})"
        for spread, what in ((report.get("test_percent", {}), "seeds"), (of_folds, "folds"))
        if spread.get("n", 1) > 1
    ]
    return (
        f"| `{profile}` | {training['architecture']} | {training['parameters']:,} "
        f"| **{test['accuracy_percent']:.2f} %** "
        f"| {test['low_percent']:.2f} – {test['high_percent']:.2f} "
        f"| {test['n']:,} | {', '.join(spreads) or '–'} "
        f"| {training['training_seconds'] / 60:.0f} min |"
    )


def performance(root: Path) -> str:
    """The tables of ``make benchmark`` as it last ran here; nothing where it never did.

    Raises:
        ArtifactError: when the speed is that of another model.
    """
    metrics = load_metrics(root / benchmark.OUTPUT)
    tables = []
    if speed := metrics.get("speed"):
        if not judges(speed, PRETRAINED):
            raise artifacts.ArtifactError(
                "another model than the one that ships was timed: make benchmark first"
            )
        tables.append(f"On {speed['machine']}:\n\n{benchmark.speed_table(speed['rows'])}")
    if race := metrics.get("race"):
        on = race["machine"] if race["device"] == "processor" else race["device"]
        by = {"tensorflow": "TensorFlow", "jax": "JAX"}.get(race["backend"], race["backend"])
        most = f"{race['cap_seconds'] / 60:g} minutes each at most"
        tables.append(f"Training with {by} on {on}, {most}:\n\n{benchmark.race_table(race)}")
    return "\n\n".join(tables)


def other_readers(root: Path) -> str:
    """This project and other readers on the same pictures; a hint until that is measured.

    Raises:
        ArtifactError: when what was measured is another model.
    """
    measured = load_metrics(root / peers.OUTPUT).get(peers.NAME)
    if measured is None:
        return "Not measured yet: `make benchmark PEERS=1`."
    if measured["models_sha256"] != peers.shipped_models():
        raise artifacts.ArtifactError(
            "other readers were compared with other models than those that ship: "
            "make benchmark PEERS=1 first"
        )
    table, verdict = peers.peers_table(measured["rows"]), peers.verdict(measured["rows"])
    return f"On {measured['machine']}:\n\n{table}\n\n{verdict}"


def handwriting(root: Path) -> str:
    """Other people's handwriting, read by the model that ships; empty until it is measured.

    Raises:
        ArtifactError: when what was measured is another model.
    """
    card = artifacts.load_card(PRETRAINED)
    metrics = load_metrics(root / "outputs" / card["profile"])
    if ROBUSTNESS not in metrics:
        return ""
    if not judges(metrics[ROBUSTNESS], PRETRAINED):
        raise artifacts.ArtifactError(
            f"outputs/{card['profile']} measures another model than the one that ships: "
            f"make ship PROFILE={card['profile']} first"
        )
    lines = [
        "| pictures | n | read correctly | 95 % interval | worst writer | calibration error "
        "| by chance, up to |",
        "|---|--:|--:|:-:|--:|--:|--:|",
    ]
    for name, row in metrics[ROBUSTNESS]["sets"].items():
        groups = f" ({row['writers']} {row['grouped_by']}s)" if row["writers"] else ""
        what = f"`{name}`: {COLLECTED[name][0]}" if name in COLLECTED else name
        lines.append(
            f"| {what} | {row['n']:,}{groups} | **{row['accuracy_percent']:.1f} %** "
            f"| {row['low_percent']:.1f} – {row['high_percent']:.1f} | {_worst_writer(row)} "
            f"| {row['ece_percent']:.2f} % | {row['ece_by_chance_percent']:.2f} % |"
        )
    lines += ["", _calibrated(metrics[ROBUSTNESS]["sets"]), ""]
    return "\n".join([*lines, *(f"- {line}" for line in robustness_lines(metrics))])


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
    if not judges(measured, PRETRAINED_LINES):
        raise artifacts.ArtifactError(
            "outputs/numbers measures another model than the one that ships: "
            "make ship PROFILE=numbers first"
        )
    heads = [
        "pictures", "n", "digits all right", "95 % interval", "as written", "surest half",
        "accepted", "of those right", "stated probability", "calibration error", "by chance, up to",
    ]  # fmt: skip
    cells = [
        [
            name,
            f"{row['n']:,}",
            f"**{row['accuracy_percent']:.1f} %**",
            f"{row['low_percent']:.1f} – {row['high_percent']:.1f}",
            _as_written(measured["marks"].get(name)),
            f"{row['surest_half_percent']:.1f} %",
            f"{measured['accepted'][name]['accepted_percent']:.1f} %",
            _right(measured["accepted"][name]),
            f"{row['stated_percent']:.1f} %",
            f"{row['ece_percent']:.1f} %",
            f"{row['ece_by_chance_percent']:.1f} %",
        ]
        for name, row in measured["sets"].items()
    ]
    return markdown(heads, cells, left=1)


def _right(row: dict) -> str:
    return f"{row['accuracy_percent']:.1f} %" if row["n"] else "–"


def _as_written(marks: dict | None) -> str:
    return f"{marks['as_written_percent']:.1f} %" if marks else "–"


def sheets(root: Path) -> str:
    """How often the right number is in the right cell, by the model that ships.

    Raises:
        ArtifactError: when what was measured is another model.
    """
    measured = load_metrics(root / "outputs/numbers").get(NUMBERS, {}).get("sheets")
    if measured is None:
        return "Not measured yet: `make run PROFILE=numbers`."
    if not judges(measured, PRETRAINED_SHEETS):
        raise artifacts.ArtifactError(
            "outputs/numbers measures another sheet network than the one that ships: "
            "make run PROFILE=numbers first"
        )
    heads = ["cells", "n", "right", "95 % interval", "as written", "accepted", "wrong and accepted"]
    cells = [
        [
            name,
            f"{row['n']:,}",
            f"**{row['accuracy_percent']:.1f} %**",
            f"{row['low_percent']:.1f} – {row['high_percent']:.1f}",
            f"{row['as_written_percent']:.1f} %",
            f"{row['accepted_percent']:.1f} %",
            f"{row['wrong_accepted_percent']:.1f} %",
        ]
        for name, row in measured["cells"].items()
    ]
    return markdown(heads, cells, left=1)


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


def _rungs_of_lines(measured: dict) -> str:
    ladder, sets = measured["ladder"], measured["sets"]
    heads = [f"{name} ({row['n']:,})" for name, row in sets.items()]
    cells = [
        [f"{'+ ' * (i > 0)}{step}", *(f"{ladder['percent'][name][i][0]:.1f} %" for name in sets)]
        for i, step in enumerate(ladder["steps"])
    ]
    return markdown(["ingredients of the simulation", *heads], cells, left=1)


def _rungs(goal: str, rungs: list[dict]) -> str:
    lines = [
        f"| variation | {goal} | sd of seeds | bought (points) | 95 % interval |",
        "|---|--:|--:|--:|:-:|",
        f"| {rungs[0]['step']} | {rungs[0]['mean']:.2f} % | {rungs[0]['sd']:.2f} | – | – |",
    ]
    for rung in rungs[1:]:
        lines.append(
            f"| + {rung['step']} | {rung['mean']:.2f} % | {rung['sd']:.2f} "
            f"| {rung['bought']:+.2f} | {rung['bought_low']:+.2f} to {rung['bought_high']:+.2f} |"
        )
    clear = listed(clearly_bought(rungs))
    return "\n".join([*lines, "", f"Steps whose own 95 % interval lies above zero: {clear}."])


PAGES = {
    "README.md": (headlines, acceptance, results, summary),
    "docs/results.md": (
        *(results, handwriting, numbers, sheets, other_readers, ladders, performance),
    ),
}


def update(root: Path) -> dict[str, str]:
    """The text of each page, by its name, with its tables brought up to date."""
    texts = {}
    for page, sections in PAGES.items():
        text = (root / page).read_text(encoding="utf-8")
        for section in sections:
            start, end = (mark.format(section.__name__) for mark in (START, END))
            before, rest = text.split(start)
            text = f"{before}{start}\n{section(root)}\n{end}{rest.split(end)[1]}"
        texts[page] = text
    return texts


def main() -> None:
    """Bring the pages up to date."""
    for page, text in update(artifacts.project_root()).items():
        with artifacts.writing(page) as unfinished:
            unfinished.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
