"""Rows of measurements as tables for a reader."""

from collections.abc import Mapping, Sequence

import pandas as pd

HEADINGS = {
    "seed": "seed",
    "digit": "digit",
    "n": "digits",
    "support": "digits",
    "correct": "read rightly",
    "accuracy_percent": "accuracy (%)",
    "low_percent": "95 % from",
    "high_percent": "to",
    "ece_percent": "calibration error (%)",
    "precision_percent": "precision (%)",
    "recall_percent": "recall (%)",
    "f1_percent": "F1 (%)",
    "name": "other reader",
    "only_first": "right: only this",
    "only_second": "only the other",
    "difference_percent": "difference (points)",
    "p_value": "p",
}


def readable(rows: Sequence[Mapping] | Mapping[str, Mapping], *keys: str) -> pd.DataFrame:
    """A table of some of the rows' values, in the order of ``keys``, under words for headings.

    Args:
        rows: a sequence of rows, numbered; or rows by name, which becomes the index.
        keys: of ``HEADINGS``.
    """
    if isinstance(rows, Mapping):
        table = pd.DataFrame.from_dict(rows, orient="index")
    else:
        table = pd.DataFrame(rows, columns=None if rows else keys)
    return table[list(keys)].rename(columns=HEADINGS)
