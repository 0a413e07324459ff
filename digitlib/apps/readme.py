"""Write the README's results from the metrics that git keeps; ``make readme``.

Every number in the README that a run measured stands between two markers and comes from
``outputs/<profile>/metrics``. A test compares the two.
"""

from pathlib import Path

from digitlib.artifacts import load_metrics, project_root, writing
from digitlib.measuring.runs import EVALUATION, TRAINING

START, END = "<!-- results: written by `make readme` -->", "<!-- end of results -->"


def results(root: Path) -> str:
    """The table of every published profile under ``root/outputs``, best first."""
    rows = []
    for folder in sorted((root / "outputs").glob("*/metrics")):
        metrics = load_metrics(folder.parent)
        # The first run on bundled digits is for everybody to make; it is no published result.
        if folder.parent.name != "quick" and TRAINING in metrics and EVALUATION in metrics:
            rows.append((folder.parent.name, metrics))
    rows.sort(key=lambda row: -row[1][EVALUATION]["test"]["accuracy_percent"])
    lines = [
        "| profile | network | parameters | test accuracy | 95 % interval | n | seeds | training |",
        "|---|---|--:|--:|:-:|--:|--:|--:|",
        *(_line(*row) for row in rows),
    ]
    return "\n".join(lines)


def _line(profile: str, metrics: dict[str, dict]) -> str:
    training, test = metrics[TRAINING], metrics[EVALUATION]["test"]
    seeds = metrics.get("09_report", {}).get("seeds", [training["seed"]])
    return (
        f"| `{profile}` | {training['architecture']} | {training['parameters']:,} "
        f"| **{test['accuracy_percent']:.2f} %** "
        f"| {test['low_percent']:.2f} – {test['high_percent']:.2f} "
        f"| {test['n']:,} | {len(seeds)} | {training['training_seconds'] / 60:.0f} min |"
    )


def update(root: Path) -> str:
    """The README's text with its results brought up to date."""
    text = (root / "README.md").read_text(encoding="utf-8")
    before, rest = text.split(START)
    after = rest.split(END)[1]
    return f"{before}{START}\n{results(root)}\n{END}{after}"


def main() -> None:
    """Bring README.md up to date."""
    text = update(project_root())
    with writing("README.md") as unfinished:
        unfinished.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
