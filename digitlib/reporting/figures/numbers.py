"""Figures of the notebook on reading numbers."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from digitlib.pixels.line_images import ALPHABET, COLUMN, HEIGHT, MARGIN
from digitlib.reporting.figures import draw
from digitlib.reporting.figures.style import COLOURS, MARKS, QUIET, RIGHT, WRONG, figure

CLASSES = ["blank", *ALPHABET[:-1], "other"]


def line_sheet(
    pictures: Sequence[np.ndarray], captions: Sequence[str], title: str, columns: int = 4
) -> Figure:
    """Lines uint8 (48, W) of any width as they are, over their captions."""
    fig, cells = draw.titled_cells(len(pictures), columns, 0.95, title)
    widest = max((picture.shape[1] for picture in pictures), default=1)
    for cell, picture, caption in zip(cells, pictures, captions, strict=True):
        axes = draw.digit(cell.subplots(), picture, caption, cmap="gray")
        axes.set_xlim(-0.5, widest - 0.5)
    return fig


def strengths(rows: Mapping[str, Sequence[np.ndarray]], columns: Sequence[str]) -> Figure:
    """Lines as the network sees them, uint8 (48, W): a row for each ingredient of the simulation.

    Args:
        rows: lines by the ingredient's name, as many as there are `columns`.
        columns: what each says of the strength.
    """
    if not rows:
        return draw.titled_cells(0, 1, 0, "Ingredients")[0]
    fig = figure(11, 0.42 * len(rows) + 0.3, alt=f"Lines with {', '.join(rows)}, weak to strong")
    axes = fig.add_subplot()
    draw.mosaic(axes, np.stack([np.stack(list(r)) for r in rows.values()]), 4, rows, columns)
    axes.xaxis.tick_top()
    axes.tick_params(labelsize=8.5, length=0)
    return fig


def how_a_line_is_read(
    seen: np.ndarray, log_probabilities: np.ndarray, text: str, spans: Sequence[tuple]
) -> Figure:
    """A line over what the network says of each of its columns.

    Args:
        seen: uint8 (48, W), as the network sees it.
        log_probabilities: (W / 4, 15), of a blank and of the characters of `ALPHABET`.
        text: what was read, for the title.
        spans: of each number, (first column in pixels, last one, its text, its confidence).
    """
    fig = figure(11, 5.2, alt=f"A line read as {text}, and the probabilities of each column")
    above, below = fig.subplots(2, 1, sharex=True, height_ratios=(1, 2.4))
    width = seen.shape[1]
    above.imshow(seen, cmap="gray_r", vmin=0, vmax=255, extent=(0, width, HEIGHT, 0), aspect="auto")
    above.set(yticks=[], title=f"Read: {text}")
    above.grid(visible=False)
    for first, last, number, confidence in spans:
        place = (first, 1.5), last - first, HEIGHT - 3
        above.add_patch(Rectangle(*place, fill=False, edgecolor=RIGHT, lw=1.5))
        draw.text(above, (first + last) / 2, -5, f"{number}   {confidence:.0%}", fontsize=9)
    probabilities = np.exp(log_probabilities).T
    edges = (0, width, len(CLASSES) - 0.5, -0.5)
    below.imshow(probabilities, cmap="Blues", vmin=0, vmax=1, extent=edges, aspect="auto")
    below.set_yticks(range(len(CLASSES)), CLASSES)
    below.set(xlabel=f"place in the line (pixels; {MARGIN} of margin)")
    below.grid(visible=False)
    for column, code in enumerate(probabilities.argmax(axis=0)):
        if code:
            draw.text(below, (column + 0.5) * COLUMN, code, CLASSES[code][0], fontsize=7, color="w")
    return fig


def accuracy_by_coverage(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]], accepted: Mapping[str, float]
) -> Figure:
    """Share of the surest pictures read without an error, against how many of them are accepted.

    Args:
        curves: coverage and accuracy (shares) by the set's name.
        accepted: share of each set that the model's threshold accepts.
    """
    fig = figure(11, 3.8, alt="Accuracy on the surest numbers against their share")
    axes = fig.add_subplot()
    for k, (name, (covered, accuracy)) in enumerate(curves.items()):
        axes.plot(100 * covered, 100 * accuracy, color=COLOURS[k % 6], label=name)
        at = round(accepted[name] * len(covered)) - 1
        if at >= 0:
            axes.plot(
                100 * covered[at], 100 * accuracy[at], MARKS[k % 4], color=COLOURS[k % 6], ms=7
            )
    axes.set(xlabel="the surest share of the pictures (%)", ylabel="read without an error (%)")
    axes.set(xlim=(0, 101), ylim=(None, 100.7))
    axes.set_title("When only the surest numbers count (marks: what the threshold accepts)")
    axes.legend(loc="lower left")
    return fig


def reliability(bins: Mapping[str, Sequence[Mapping]]) -> Figure:
    """How often pictures are read without an error, against the probability stated for that.

    Args:
        bins: those of each set, as ``measuring.calibration.reliability`` gives them.
    """
    fig = figure(11, 3.8, alt="Share read without an error against the stated probability")
    panels = fig.subplots(1, len(bins), sharey=True, squeeze=False)[0]
    for axes, (name, rows) in zip(panels, bins.items(), strict=True):
        table = 100 * pd.DataFrame(rows, columns=["confidence", "accuracy", "low", "high"])
        axes.plot([0, 100], [0, 100], "--", color=QUIET, lw=1)
        reach = [table["accuracy"] - table["low"], table["high"] - table["accuracy"]]
        axes.errorbar(table["confidence"], table["accuracy"], reach, fmt="o", color=RIGHT, ms=5)
        axes.set(title=name, xlabel="stated probability (%)", xlim=(0, 102), ylim=(-2, 102))
    panels[0].set_ylabel("read without an error (%)")
    return fig


def kinds_of_error(rows: Sequence[Mapping]) -> Figure:
    """How often each digit is read as something else: bars, the most frequent on top.

    Args:
        rows: wanted, read (each some digits, or "nothing"), n.
    """
    fig = figure(11, 0.5 + 0.24 * max(len(rows), 1), alt="The most frequent errors")
    axes = fig.add_subplot()
    names = [f"{row['wanted']} read {row['read']}" for row in rows]
    axes.barh(names, [row["n"] for row in rows], color=WRONG)
    axes.invert_yaxis()
    axes.set(xlabel="times")
    axes.grid(axis="x")
    return fig
