"""A page that reads digits by itself: one file, opened from disk, offline; ``digitlib site``."""

import html
from pathlib import Path
from string import Template

from digitlib.artifacts import load_card, writing
from digitlib.reading.models import PRETRAINED
from digitlib.reporting import live

PAGE = Path(__file__).with_name("site.html")


def write_site(output: str | Path, model_dir: str | Path = PRETRAINED, report: str = "") -> Path:
    """Write the page.

    Args:
        output: the HTML file.
        model_dir: the model of single digits that reads in it.
        report: the address of a report to link to; none by default.

    Raises:
        ArtifactError: when there is no model in the folder.
    """
    card = load_card(model_dir)
    measured = card.get("test") or card["validation_metrics"]
    text = Template(PAGE.read_text(encoding="utf-8")).substitute(
        canvas=live.enlivened(live.canvas(model_dir)),
        accuracy=f"{measured['accuracy_percent']:.2f}",
        n=f"{measured['n']:,}",
        kind="test" if "test" in card else "validation",
        dataset=html.escape(card["dataset"]),
        parameters=f"{card['parameters']:,}",
        report=f'<a href="{html.escape(report)}">The report of a run</a>' if report else "",
    )
    with writing(output) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    return Path(output)
