"""Write the results in README and docs from the metrics that git keeps; ``make readme``.

Every number there that was measured stands between two markers and comes from
``outputs/<profile>/metrics`` or ``outputs/benchmark/metrics``. A test compares the two.
"""

from pathlib import Path

from digitlib import artifacts
from digitlib.release import summaries, tables

START, END = "<!-- {}: written by `make readme` -->", "<!-- end of {} -->"

#: What stands in each page.
PAGES = {
    "README.md": (summaries.headlines, summaries.acceptance, tables.results, summaries.summary),
    "docs/results.md": (
        tables.results,
        tables.handwriting,
        tables.numbers,
        tables.sheets,
        tables.other_readers,
        tables.ladders,
        tables.performance,
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
