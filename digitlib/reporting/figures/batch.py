"""Figures of a table that many pictures were read into."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from digitlib.reporting.figures.style import COLOURS, draw_digit, figure, no_grid

SHADES = {"high": COLOURS[2], "medium": COLOURS[1], "low": COLOURS[3]}


def overview(table: pd.DataFrame) -> Figure:
    """How often each digit was read, and how sure the readings are.

    Args:
        table: of ``batch.predict``, what was not read left out.
    """
    digits = pd.Series(list("".join(table["text"].astype(str)).replace(" ", "")), dtype=str)
    counts = digits.value_counts().reindex(list("0123456789"), fill_value=0)
    fig = figure(11, 3, alt="Counts of each digit, and the distribution of confidences")
    left, right = fig.subplots(1, 2)
    bars = left.bar(counts.index, counts, color=COLOURS[0])
    left.bar_label(bars, fontsize=8)
    left.set(title="Digits read", xlabel="digit", ylabel="count")
    no_grid(left, axis="x")
    edges = np.linspace(0, 1, 41)
    for status, colour in SHADES.items():
        sure = table.loc[table["status"] == status, "confidence"]
        right.hist(sure, edges, color=colour, label=f"{status} ({len(sure)})")
    right.set_yscale("symlog", linthresh=1)
    right.set(title="How sure", xlabel="confidence", ylabel="pictures")
    right.legend()
    return fig


def contact_sheet(pictures: Sequence[np.ndarray], captions: Sequence[str]) -> Figure:
    """Pictures, grey (H, W) of any size, over their captions, as they are."""
    columns = 8
    rows = -(-len(pictures) // columns)
    fig = figure(11, 1.75 * rows, alt="The least certain pictures")
    panels = fig.subplots(rows, columns, squeeze=False).ravel()
    for axes, picture, caption in zip(panels, pictures, captions, strict=False):
        draw_digit(axes, picture, caption, cmap="gray")
    for axes in panels[len(pictures) :]:
        axes.axis("off")
    return fig
