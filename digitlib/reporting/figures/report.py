"""Figures of a run's front page."""

from collections.abc import Sequence

import pandas as pd
import seaborn
from matplotlib.figure import Figure

from digitlib.reporting.figures import draw
from digitlib.reporting.figures.style import COLOURS, QUIET, figure


def comparison(rows: Sequence[dict]) -> Figure:
    """Accuracies as dots on one axis, with their intervals where they have one.

    Args:
        rows: name, accuracy_percent, and low_percent and high_percent where there is an interval;
            ``own`` marks this project's.
    """
    fig = figure(0.6 + 0.42 * len(rows), alt="Accuracy of this run and of published systems")
    axes = fig.add_subplot()
    for y, row in enumerate(rows):
        colour = COLOURS[0] if row.get("own") else QUIET
        draw.interval(axes, y, row, colour, label=f"{row['accuracy_percent']:.2f} %")
    axes.set_yticks(range(len(rows)), [row["name"] for row in rows])
    axes.set(ylim=(len(rows) - 0.4, -0.8), xlabel="accuracy (%)")
    axes.margins(x=0.08)
    axes.grid(axis="x")
    return fig


def folds(percent: Sequence[float], recalls: Sequence[dict]) -> Figure:
    """The folds of a cross-validation: their accuracies, and how well each reads each digit.

    Args:
        percent: accuracy of each fold.
        recalls: for each fold, recall in percent by digit.
    """
    fig = figure(3.2, alt="Accuracy of the folds as a box plot, and their recall of each digit")
    whole, single = fig.subplots(1, 2, width_ratios=(1, 3))
    for axes, values in (whole, pd.DataFrame(percent)), (single, pd.DataFrame(recalls)):
        median = {"color": COLOURS[1], "lw": 2}
        seaborn.boxplot(
            values, ax=axes, width=0.5, showfliers=False, color="white", medianprops=median
        )
        seaborn.stripplot(values, ax=axes, color=COLOURS[0], alpha=0.8, jitter=False)
    whole.set(xticks=[], ylabel="accuracy (%)", title=f"{len(percent)} folds")
    single.set(xlabel="digit", ylabel="recall (%)", title="Each digit")
    return fig
