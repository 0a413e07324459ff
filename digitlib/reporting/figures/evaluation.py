"""Figures that judge a finished model."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from digitlib.reporting.figures import draw
from digitlib.reporting.figures.style import COLOURS, QUIET, RIGHT, TEST, TRAIN, WRONG, figure

PARTS = {"training": TRAIN, "validation": COLOURS[2], "test": TEST}
DIGITS = range(10)


def per_class(rows: Sequence[Mapping]) -> Figure:
    """Precision and recall of each digit, as ``measuring.evaluation.per_class`` gives them."""
    fig = figure(3.2, alt="Precision and recall of each digit, with intervals for recall.")
    axes = fig.add_subplot()
    table, reach = pd.DataFrame(rows), draw.reach_of(rows, "recall", "recall_")
    x, label = table["digit"] - 0.1, "recall, with 95 % interval"
    axes.errorbar(x, table["recall_percent"], reach, fmt="o", color=RIGHT, label=label)
    axes.plot(x + 0.2, table["precision_percent"], "D", ms=5.5, color=COLOURS[1], label="precision")
    axes.set(xlabel="digit", ylabel="%", xticks=DIGITS, title="Recall and precision of each digit")
    axes.legend(ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
    return fig


def confusion(matrices: Mapping[str, np.ndarray]) -> Figure:
    """Confusion matrices side by side: counts, and mistakes coloured by their share of the row.

    Args:
        matrices: (10, 10) counts by the part's name; rows are labels, columns answers.
    """
    fig = figure(4.1, alt=f"Confusion matrices: {', '.join(matrices)}.")
    panels = fig.subplots(1, len(matrices), squeeze=False)[0]
    off_diagonal = 1 - np.eye(10)
    shares = [100 * m * off_diagonal / m.sum(axis=1).clip(1)[:, None] for m in matrices.values()]
    top = max(1.0, np.max(shares))
    # White where nothing is misread, so that a single mistake stands out.
    colours = seaborn.blend_palette(["white", WRONG], as_cmap=True)
    for axes, (name, matrix), share in zip(panels, matrices.items(), shares, strict=True):
        cells = {"annot": matrix, "fmt": "d", "mask": matrix == 0, "square": True, "cbar": False}
        draw.heatmap(axes, share, vmin=0, vmax=top, cmap=colours, **cells)
        misread = matrix.sum() - matrix.trace()
        axes.set_title(f"{name.capitalize()}: {misread:,} of {matrix.sum():,} misread")
        axes.set(xlabel="read as", ylabel="label")
    label = "misread, % of the label's digits"
    fig.colorbar(axes.collections[0], ax=panels, label=label, shrink=0.7, pad=0.01)
    return fig


def calibration(before: Sequence[Mapping], after: Sequence[Mapping], temperature: float) -> Figure:
    """Reliability diagrams before and after temperature scaling, over how many digits they rest on.

    Args:
        before, after: bins as ``measuring.calibration.reliability`` gives them.
    """
    fig = figure(4.6, alt="Accuracy against confidence, before and after temperature scaling.")
    grid = fig.subplots(2, 2, sharex=True, sharey="row", height_ratios=(3, 1))
    titles = ("Before: temperature 1", f"After: temperature {temperature:.2f}")
    for column, (rows, title) in enumerate(zip((before, after), titles, strict=True)):
        above, below = grid[0, column], grid[1, column]
        above.plot([0, 100], [0, 100], "--", color=QUIET, lw=1, label="perfect calibration")
        table = 100 * pd.DataFrame(rows)
        y, label = table["accuracy"], "digits of one bin, with 95 % interval"
        reach = [y - table["low"], table["high"] - y]
        above.errorbar(table["confidence"], y, reach, fmt="o", color=RIGHT, ms=5, label=label)
        above.set(title=title, xlim=(0, 102), ylim=(-2, 102))
        width = 0.9 * (table["to"] - table["from"])
        below.bar((table["from"] + table["to"]) / 2, table["n"] / 100, width, color=COLOURS[4])
        below.set(yscale="log", ylim=(0.7, None), xlabel="confidence (%)")
        below.yaxis.set_minor_locator(NullLocator())
        below.yaxis.set_major_formatter("{x:,.0f}")
    grid[0, 0].set_ylabel("accuracy (%)")
    grid[1, 0].set_ylabel("digits")
    grid[0, 0].legend(loc="upper left")
    return fig


def coverage(curves: Mapping[str, tuple[np.ndarray, np.ndarray]], accepted: float) -> Figure:
    """Accuracy on the surest answers against the share of digits answered.

    Args:
        curves: coverage and accuracy (shares) by the part's name.
        accepted: share of test digits that the model's threshold accepts.
    """
    fig = figure(3.4, alt="Accuracy against coverage.")
    axes = fig.add_subplot()
    for name, (covered, accuracy) in curves.items():
        axes.plot(100 * covered, 100 * accuracy, color=PARTS[name], label=name)
        axes.plot(100, 100 * accuracy[-1], "o", color=PARTS[name])
    # What is left of the first mistake is all right and needs no room.
    first = min(covered[np.argmax(accuracy < 1)] for covered, accuracy in curves.values())
    start = max(0, 10 * int(10 * min(first, accepted) - 1))
    axes.axvline(100 * accepted, color=QUIET, ls=":", lw=1.2)
    place, text = axes.get_xaxis_transform(), "accepted by the model's threshold"
    axes.text(100 * accepted, 1.02, text, transform=place, ha="right", fontsize=8, color=QUIET)
    axes.set(xlabel="coverage: the surest share of the digits (%)", ylabel="accuracy on them (%)")
    axes.set_xlim(start, 100 + 0.015 * (100 - start))
    axes.set_title("Accuracy when only the surest answers count")
    axes.legend(loc="lower left")
    return fig


def answers(
    images: np.ndarray, labels: np.ndarray, probabilities: np.ndarray, title: str
) -> Figure:
    """Pictures (N, 28, 28), each over its ten probabilities (N, 10); the label's bar in blue."""
    fig, cells = draw.titled_cells(len(images), 8, 2.1, title)
    for cell, image, label, row in zip(cells, images, labels, probabilities, strict=True):
        upper, lower = cell.subplots(2, 1, height_ratios=(2.4, 1))
        answer = int(row.argmax())
        draw.digit(upper, image)
        look = {"fontsize": 8.5, "weight": "normal", "pad": 3}
        upper.set_title(f"{label} read as {answer}", loc="center", **look)
        colours = [RIGHT if d == label else WRONG if d == answer else "#BBBBBB" for d in DIGITS]
        lower.bar(DIGITS, 100 * row, color=colours)
        lower.set(ylim=(0, 100), xlim=(-0.7, 9.7), xticks=DIGITS)
        lower.set_yticks([0, 50, 100], ["0", "", "100 %"])
        lower.tick_params(labelsize=6, pad=1)
    return fig


def suspects(images: Sequence[np.ndarray], rows: Sequence[Mapping]) -> Figure:
    """Pictures whose label is suspect, over what is said of them.

    Args:
        images: N of (28, 28).
        rows: as ``measuring.evaluation.suspect_labels`` gives them; the first N.
    """
    captions = [
        f"labelled {row['label']}, reads as {row['suggested']}\n({row['part']})"
        for row in rows[: len(images)]
    ]
    return draw.contact_sheet(images, captions, "The most suspect labels")


def brightness(rows: Sequence[Mapping], look: Callable[..., np.ndarray]) -> Figure:
    """Accuracy at each factor and each offset, over one digit as it then looks.

    Args:
        rows: as ``measuring.evaluation.under_brightness`` gives them.
        look: one digit (28, 28) under ``factor=value`` or ``offset=value``.
    """
    fig = figure(3.6, alt="Accuracy under changed brightness.")
    table, panels = pd.DataFrame(rows), fig.subplots(1, 2, sharey=True)
    labels = ("pixel values multiplied by", "added to pixel values (of 0 to 255)")
    for axes, change, label in zip(panels, ("factor", "offset"), labels, strict=True):
        chosen = table[table["change"] == change].reset_index()
        ends = chosen["low_percent"], chosen["high_percent"]
        axes.fill_between(chosen.index, *ends, alpha=0.2, lw=0, label="95 % interval")
        axes.plot(chosen["accuracy_percent"], "o-", color=RIGHT, label="accuracy")
        axes.set_xticks(chosen.index, [f"{value:g}" for value in chosen["value"]])
        axes.set(xlabel=label, xlim=(-0.6, len(chosen) - 0.4))
        for k, value in enumerate(chosen["value"]):
            inset = axes.inset_axes((k - 0.4, 1.03, 0.8, 0.2), transform=axes.get_xaxis_transform())
            draw.digit(inset, look(**{change: value}))
    panels[0].set(ylabel="accuracy (%)", ylim=(None, 101))
    panels[0].yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    panels[0].legend(loc="lower right")
    return fig
