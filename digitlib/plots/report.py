"""Figures of a run's front page."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from digitlib.plots.style import COLOURS, QUIET, figure, no_grid


def comparison(rows: Sequence[dict]) -> Figure:
    """Accuracies as dots on one axis, with their intervals where they have one.

    Args:
        rows: name, accuracy_percent, and low_percent and high_percent where there is an interval;
            ``own`` marks this project's.
    """
    fig = figure(11, 0.6 + 0.42 * len(rows))
    axes = fig.add_subplot()
    for y, row in enumerate(reversed(rows)):
        colour = COLOURS[0] if row.get("own") else QUIET
        value = row["accuracy_percent"]
        if "low_percent" in row:
            axes.plot(
                [row["low_percent"], row["high_percent"]], [y, y], color=colour, lw=3, alpha=0.4
            )
        axes.plot(value, y, "o", color=colour, ms=7)
        axes.annotate(
            f"{value:.2f} %",
            (value, y),
            (0, 7),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            color=colour,
        )
    axes.set(
        yticks=range(len(rows)),
        yticklabels=[row["name"] for row in reversed(rows)],
        ylim=(-0.6, len(rows) - 0.2),
        xlabel="accuracy (%)",
    )
    axes.margins(x=0.08)
    no_grid(axes, axis="y")
    return fig
