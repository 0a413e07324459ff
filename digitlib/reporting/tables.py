"""Rows of measurements as tables for a reader."""

from collections.abc import Mapping, Sequence

import pandas as pd
from pandas.io.formats.style import Styler
from tabulate import tabulate

from digitlib.reading.sheets import Table
from digitlib.reading.spreadsheets import DOUBTFUL, FRAME

HEADINGS = {
    "n": "digits",
    "support": "digits",
    "correct": "read correctly",
    "accuracy_percent": "accuracy (%)",
    "validation_percent": "validation (%)",
    "test_percent": "test (%)",
    "low_percent": "95 % from",
    "high_percent": "to",
    "ece_percent": "calibration error (%)",
    "ece_by_chance_percent": "by chance, up to (%)",
    "precision_percent": "precision (%)",
    "as_written_percent": "numbers as written (%)",
    "accepted_percent": "accepted (%)",
    "wrong_accepted_percent": "wrong and accepted (%)",
    "wrong_accepted_high_percent": "95 % interval up to",
    "recall_percent": "recall (%)",
    "f1_percent": "F1 (%)",
    "surest_half_percent": "surest half (%)",
    "stated_percent": "stated probability (%)",
    "training_minutes": "training (minutes)",
    "name": "other reader",
    "only_first": "only this one is right",
    "only_second": "only the other is right",
    "difference_percent": "difference (points)",
    "p_value": "p",
    "mean": "mean (%)",
    "sd": "spread (points)",
    "bought": "bought (points)",
    "bought_low": "95 % from",
    "bought_high": "to",
    "trained_on": "varied in training",
    "corruption": "resembles",
    "at_severity_3": "which is, at severity 3",
    "within": "reached in training",
}


def readable(rows: Sequence[Mapping] | Mapping[str, Mapping], *keys: str) -> pd.DataFrame:
    """A table of rows of measurements, under words for headings.

    Args:
        rows: a sequence of rows, numbered; or rows by name, which becomes the index.
        keys: what is shown of each row, in this order; everything by default.
    """
    if isinstance(rows, Mapping):
        table = pd.DataFrame.from_dict(rows, orient="index")
    else:
        table = pd.DataFrame(rows, columns=None if rows else keys)
    return table.reindex(columns=list(keys or table)).rename(columns=HEADINGS)


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> str:
    """A Markdown table; all but the first ``left`` columns are set to the right."""
    sides = ["left"] * left + ["right"] * (len(heads) - left)
    return tabulate(rows, heads, tablefmt="pipe", colalign=sides, disable_numparse=True)


def as_it_stands(table: Table) -> Styler:
    """A table of a sheet, cell by cell, with doubtful cells in a colour."""
    said = pd.DataFrame(table.grid(lambda cell: cell.text))
    look = f"border: 1px solid {FRAME}; min-width: 3em; height: 1.8em; "
    doubtful = f"background: {DOUBTFUL}; color: black"
    looks = pd.DataFrame(table.grid(lambda cell: look + ("" if cell.accepted else doubtful)))
    return said.style.apply(lambda _: looks, axis=None).hide(axis="index").hide(axis="columns")
