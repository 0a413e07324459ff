"""Figures of a table that many pictures were read into."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from digitlib.reporting.figures import draw
from digitlib.reporting.figures.style import COLOURS, figure

SHADES = {"high": COLOURS[2], "medium": COLOURS[1], "low": COLOURS[3]}


def overview(table: pd.DataFrame) -> Figure:
    """How often each digit was read, and how sure the readings are.

    Args:
        table: of ``batch.predict``, what was not read left out.
    """
    digits, text = list("0123456789"), "".join(table["text"].astype(str))
    fig = figure(3, alt="Counts of each digit, and the distribution of confidences")
    left, right = fig.subplots(1, 2)
    bars = left.bar(digits, list(map(text.count, digits)), color=COLOURS[0])
    left.bar_label(bars, fontsize=8)
    left.set(title="Digits read", xlabel="digit", ylabel="count")
    left.locator_params(axis="y", integer=True)
    for status, colour in SHADES.items():
        sure = table.loc[table["status"] == status, "confidence"]
        right.hist(sure, 40, (0, 1), color=colour, label=f"{status} ({len(sure)})")
    right.set_yscale("symlog", linthresh=1)
    right.set(title="How sure", xlabel="confidence", ylabel="pictures")
    right.legend()
    return fig


def least_certain(pictures: Sequence[np.ndarray], table: pd.DataFrame) -> Figure:
    """Pictures, grey (H, W) of any size, over what was read in them.

    Args:
        table: their rows of ``batch.predict``'s table, in the same order.
    """
    captions = [f"{row.text} ({row.confidence:.0%})" for row in table.itertuples()]
    return draw.contact_sheet(pictures, captions, "The least certain pictures", cmap="gray")
