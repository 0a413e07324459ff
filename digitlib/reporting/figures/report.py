"""Figures of a run's front page."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from digitlib.reporting.figures import draw
from digitlib.reporting.figures.style import COLOURS, QUIET, figure


def comparison(rows: Sequence[dict]) -> Figure:
    """Accuracies as dots on one axis, with their intervals where they have one.

    Args:
        rows: name, accuracy_percent, and low_percent and high_percent where there is an interval;
            ``own`` marks this project's.
    """
    fig = figure(11, 0.6 + 0.42 * len(rows), alt="Accuracy of this run and of published systems")
    axes = fig.add_subplot()
    names = [row["name"] for row in rows]
    for y, row in enumerate(rows):
        value, colour = row["accuracy_percent"], COLOURS[0] if row.get("own") else QUIET
        ends = [row[end] for end in ("low_percent", "high_percent") if end in row]
        draw.interval(axes, y, value, ends, colour, label=f"{value:.2f} %")
    axes.set(yticks=range(len(rows)), yticklabels=names, ylim=(len(rows) - 0.4, -0.8))
    axes.set_xlabel("accuracy (%)")
    axes.margins(x=0.08)
    draw.no_grid(axes, axis="y")
    return fig


def folds(percent: Sequence[float], recalls: Sequence[dict]) -> Figure:
    """The folds of a cross-validation: their accuracies, and how well each reads each digit.

    Args:
        percent: accuracy of each fold.
        recalls: for each fold, recall in percent by digit.
    """
    fig = figure(11, 3.2, alt="Accuracy of the folds as a box plot, and their recall of each digit")
    whole, single = fig.subplots(1, 2, width_ratios=(1, 3), sharey=False)
    boxes = {"widths": 0.5, "showfliers": False, "medianprops": {"color": COLOURS[1], "lw": 2}}
    whole.boxplot(percent, **boxes)
    whole.plot(np.linspace(0.9, 1.1, len(percent)), percent, "o", color=COLOURS[0], alpha=0.8)
    whole.set(xticks=[], ylabel="accuracy (%)", title=f"{len(percent)} folds")
    by_digit = [[recall[digit] for recall in recalls] for digit in recalls[0]]
    single.boxplot(by_digit, **boxes)
    for x, values in enumerate(by_digit, start=1):
        places = np.linspace(x - 0.1, x + 0.1, len(values))
        single.plot(places, values, "o", ms=4, color=COLOURS[0], alpha=0.8)
    single.set_xticks(range(1, len(by_digit) + 1), list(recalls[0]))
    single.set(xlabel="digit", ylabel="recall (%)", title="Each digit")
    draw.no_grid(whole, single, axis="x")
    return fig
