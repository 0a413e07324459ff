"""Figures of a search: its trials, what each setting does, and what accuracy costs."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.figure import Figure

from digitlib.reporting.figures import draw
from digitlib.reporting.figures.style import COLOURS, QUIET, SEQUENTIAL, figure

OBJECTIVE = "validation accuracy (%)"


def short(name: str) -> str:
    """A setting's name without where it is put."""
    return name.split(".")[-1].replace("_", " ")


def value(setting: object) -> str:
    """A setting's value as a person writes it: 0.3, where three tenths are 0.30000000000000004."""
    return f"{setting:.4g}" if isinstance(setting, float) else str(setting)


def over_trials(accuracy: pd.Series) -> Figure:
    """Every trial in its order, and the best so far.

    Args:
        accuracy: percent by number of the trial; missing where it failed.
    """
    fig = figure(3, alt="The accuracy of every trial in order, and the best so far")
    axes = fig.add_subplot()
    axes.plot(accuracy.index, accuracy, "o", color=COLOURS[0], label="a trial")
    axes.step(accuracy.index, accuracy.cummax().ffill(), where="post", color=COLOURS[1], lw=1.5)
    failed = accuracy.index[accuracy.isna()]
    axes.plot(failed, np.full(len(failed), accuracy.min()), "x", color=COLOURS[3], label="failed")
    axes.set(xlabel="trial", ylabel=OBJECTIVE, title="Every trial, and the best so far")
    axes.locator_params(axis="x", integer=True)
    return fig


def effects(table: pd.DataFrame, accuracy: pd.Series, best: int) -> Figure:
    """A panel for each setting: what its values reached, all else varying too.

    Args:
        table: a row per trial, a column per setting.
        accuracy: percent, of the same trials.
        best: the index of the best one, ringed.
    """
    columns = min(4, len(table.columns))
    lines = -(-len(table.columns) // columns)
    fig = figure(2.6 * lines, alt="Accuracy against the values of each setting")
    panels = np.atleast_1d(fig.subplots(lines, columns, sharey=True)).ravel()
    for axes, (name, values) in zip(panels, table.items(), strict=False):
        if values.map(lambda v: isinstance(v, str)).any() or values.nunique() < 6:
            levels = sorted(values.unique())
            places = values.map(levels.index)
            axes.set_xticks(range(len(levels)), [value(level) for level in levels])
            axes.set_xlim(-0.5, len(levels) - 0.5)
            means = accuracy.groupby(places).mean()
            axes.plot(means.index, means, "_", ms=22, mew=2, color=COLOURS[1])
        else:
            places = values.astype(float)
            if places.min() > 0 and places.max() / places.min() > 10:
                axes.set_xscale("log")
                draw.label_decades(axes.xaxis)
            else:
                axes.locator_params(axis="x", nbins=3)
        axes.plot(places, accuracy, "o", ms=4.5, alpha=0.75, color=COLOURS[0])
        axes.plot(places[best], accuracy[best], "o", ms=11, mfc="none", color=COLOURS[3])
        axes.set_title(short(name))
    for axes in panels[len(table.columns) :]:
        axes.axis("off")
    for axes in panels[::columns]:
        axes.set_ylabel("validation (%)")
    return fig


def parallel(table: pd.DataFrame, numbers: pd.DataFrame, accuracy: pd.Series) -> Figure:
    """Each trial as a line through its settings; the better, the brighter.

    Args:
        table: a row per trial, a column per setting.
        numbers: the same, as numbers from 0 to 1.
        accuracy: percent, of the same trials.
    """
    fig = figure(3.8, alt="Each trial as a line through the values of its settings")
    axes = fig.add_subplot()
    rank = accuracy.rank(pct=True)
    colours = colormaps[SEQUENTIAL]
    for index in accuracy.sort_values().index:
        width, alpha = (2.4, 0.95) if rank[index] > 0.75 else (1, 0.45)
        line, colour = [*numbers.loc[index], rank[index]], colours(0.95 * rank[index])
        axes.plot(line, color=colour, lw=width, alpha=alpha)
    names = [*map(short, table.columns), "accuracy (rank)"]
    axes.set_xticks(range(len(names)), names)
    for x, name in enumerate(table.columns):
        levels = sorted(table[name].unique())
        for end in (levels[0], levels[-1]):
            place = numbers[name][table[name] == end].iloc[0]
            axes.text(x, place + (0.03 if place > 0.5 else -0.03), value(end), ha="center",
                      va="bottom" if place > 0.5 else "top", fontsize=8, color=QUIET)  # fmt: skip
    axes.set(yticks=[], ylim=(-0.14, 1.14), title="Trials through their settings, the best bright")
    axes.grid(visible=False)
    return fig


def importances(found: pd.Series) -> Figure:
    """A bar for each setting.

    Args:
        found: see ``tuning.importance``.
    """
    fig = figure(0.5 + 0.33 * len(found), alt="How much each setting tells of the accuracy")
    axes = fig.add_subplot()
    ordered = found[::-1]
    axes.barh([short(name) for name in ordered.index], ordered, color=COLOURS[0], height=0.6)
    axes.set_xlabel("explained variance that is lost when its values are shuffled")
    axes.set_title("Importance")
    axes.grid(axis="x")
    return fig


def costs(table: pd.DataFrame, front: pd.Series, best: int) -> Figure:
    """Accuracy against parameters and against seconds; the Pareto front is blue.

    Args:
        table: accuracy_percent, parameters and seconds of finished trials.
        front: which of them no other beats in all three.
        best: the index of the most accurate.
    """
    fig = figure(3.4, alt="Accuracy against parameters, and against training time")
    left, right = fig.subplots(1, 2, sharey=True)
    for axes, name in ((left, "parameters"), (right, "seconds")):
        shown = table[name], table["accuracy_percent"]
        axes.plot(*shown, "o", color=COLOURS[7], label="a trial")
        axes.plot(*(values[front] for values in shown), "o", color=COLOURS[0], label="unbeaten")
        ring = {"color": COLOURS[3], "ms": 11, "mfc": "none", "label": "most accurate"}
        axes.plot(*(values[best] for values in shown), "o", **ring)
        if table[name].max() > 10 * table[name].min():
            axes.set_xscale("log")
    left.set_xlabel("parameters")
    right.set_xlabel("training (seconds)")
    left.set(ylabel=OBJECTIVE, title="What accuracy costs")
    right.legend(loc="lower right")
    return fig


def compared(names: Sequence[str], results: Sequence[Sequence[float]]) -> Figure:
    """A dot for each seed of each recipe, and a bar for the mean.

    Args:
        names: of the recipes.
        results: for each the accuracies by seed, in percent.
    """
    fig = figure(0.9 + 0.5 * len(names), alt="The recipes' accuracies, a dot for each seed")
    axes = fig.add_subplot()
    for y, values in enumerate(results):
        apart = y + np.linspace(-0.1, 0.1, len(values) + 2)[1:-1]  # or equal ones hide each other
        axes.plot(values, apart, "o", color=COLOURS[y], alpha=0.8)
        axes.plot([np.mean(values)] * 2, [y - 0.25, y + 0.25], color=COLOURS[y], lw=3)
    axes.set_yticks(range(len(names)), names)
    axes.set(ylim=(len(names) - 0.4, -0.6), xlabel="accuracy on the comparison digits (%)")
    axes.set_title("Each seed, and the mean")
    return fig
