"""What the README says of the results: a few figures, and how good they are."""

from collections.abc import Sequence
from pathlib import Path

from digitlib import artifacts
from digitlib.artifacts import EVALUATION, NUMBERS, REPORT, ROBUSTNESS, load_metrics
from digitlib.reading.models import PRETRAINED
from digitlib.release import benchmark, peers
from digitlib.release.tables import counted, interval, percent, worst_writer
from digitlib.reporting.tables import markdown

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
            f"- **{percent(test, 2)}** of MNIST's {test['n']:,} test digits are read correctly "
            f"(95 % interval {interval(test, 2)}{mean})."
        )
    if "canvas" in metrics.get(ROBUSTNESS, {}).get("sets", {}):
        drawn = metrics[ROBUSTNESS]["sets"]["canvas"]
        lines.append(
            f"- **{percent(drawn)}** of {drawn['n']} digits drawn by {drawn['writers']} people "
            "with a mouse, a finger or a tablet are read correctly. The model has learnt from none "
            f"of them (95 % interval {interval(drawn)})."
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
        [words, counted(row), f"**{percent(row)}**", interval(row), worst_writer(row)]
        for words, row in rows
    ]
    compared = load_metrics(root / peers.OUTPUT).get(peers.NAME, {}).get("rows", [])
    return f"{markdown(heads, cells, left=1)}\n\n{beside(compared)}".strip()


def beside(compared: Sequence[dict]) -> str:
    """The best other reader of the cheques' amounts beside this project; "" if not measured."""
    of_amounts = [row for row in compared if row["set"] == "amounts"]
    own = [row for row in of_amounts if row["reader"] == peers.OWN]
    others = [row for row in of_amounts if row["reader"] != peers.OWN]
    if not own or not others:
        return ""
    best = max(others, key=lambda row: row["accuracy_percent"])
    size = f" with models of {best['bytes'] / 1e6:.0f} MB" if best["bytes"] else ""
    return (
        f"In one run on the cheques' amounts, the best other reader, {best['reader']}, read "
        f"{percent(best)}{size}, and this project read {percent(own[0])} with models of "
        f"{own[0]['bytes'] / 1e6:.1f} MB."
    )


def acceptance(root: Path) -> str:
    """What the line model's threshold means on simulated lines and sheets, and on real cheques."""
    measured, lines = load_metrics(root / "outputs/numbers").get(NUMBERS, {}), []
    accepted = measured.get("accepted", {})
    for name, what in (("simulated", "simulated lines"), ("amounts", "amounts on real cheques")):
        if row := accepted.get(name):
            lines.append(
                f"- Of the {what}, {row['accepted_percent']:.0f} % are accepted, and "
                f"{percent(row)} of those are right."
            )
    if cells := measured.get("sheets", {}).get("cells"):
        row = cells["all"]
        right = 100 * (1 - row["wrong_accepted_percent"] / row["accepted_percent"])
        lines.append(
            f"- Of the cells on simulated sheets, {row['accepted_percent']:.0f} % are accepted, "
            f"and {right:.1f} % of those are right."
        )
    return "\n".join(lines)
