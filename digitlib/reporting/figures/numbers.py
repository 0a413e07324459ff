"""Figures of the notebook on reading numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from digitlib.pixels.decoding import Decoded
from digitlib.pixels.line_images import ALPHABET, COLUMN, HEIGHT, MARGIN
from digitlib.pixels.segmentation import Box
from digitlib.reading.sheets import Sheet
from digitlib.reporting.figures import draw
from digitlib.reporting.figures.style import (
    COLOURS,
    FAINT,
    MARKS,
    QUIET,
    RIGHT,
    TEXT,
    WRONG,
    figure,
)

CLASSES = ["blank", *ALPHABET[:-1], "other"]
MAP_COLOURS = {"writing": COLOURS[0], "print": COLOURS[1], "rules": COLOURS[2]}


def line_sheet(pictures: Sequence[np.ndarray], captions: Sequence[str], title: str) -> Figure:
    """Lines uint8 (48, W) of any width as they are, over their captions."""
    fig, cells = draw.titled_cells(len(pictures), 4, 0.95, title)
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
    fig = figure(0.42 * len(rows) + 0.3, alt=f"Lines with {', '.join(rows)}, weak to strong")
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
    fig = figure(5.2, alt=f"A line read as {text}, and the probabilities of each column")
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
    below.set(xlabel=f"place in the line (pixels; {MARGIN} of margin)", ylabel="character")
    below.grid(visible=False)
    for column, code in enumerate(probabilities.argmax(axis=0)):
        if code:
            draw.text(below, (column + 0.5) * COLUMN, code, CLASSES[code][0], fontsize=7, color="w")
    return fig


def accuracy_by_coverage(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]], accepted: Mapping[str, Mapping]
) -> Figure:
    """Share of the surest pictures read without an error, against how many of them are accepted.

    Args:
        curves: coverage and accuracy (shares) by the set's name.
        accepted: what is accepted of each set, as ``measuring.lines.trusted`` tells it.
    """
    fig = figure(3.8, alt="Accuracy on the surest numbers against their share")
    axes = fig.add_subplot()
    for k, (name, (covered, accuracy)) in enumerate(curves.items()):
        axes.plot(100 * covered, 100 * accuracy, color=COLOURS[k % 6], label=name)
        told = accepted[name]
        if told["n"]:
            at = told["accepted_percent"], told["accuracy_percent"]
            axes.plot(*at, MARKS[k % 4], color=COLOURS[k % 6], ms=7)
    axes.set(xlabel="the surest share of the pictures (%)", ylabel="read without an error (%)")
    axes.set(xlim=(0, 101), ylim=(None, 100.7))
    axes.set_title("When only the surest numbers count (points: what is accepted)")
    axes.legend(loc="lower left")
    return fig


def reliability(bins: Mapping[str, Sequence[Mapping]]) -> Figure:
    """How often pictures are read without an error, against the probability stated for that.

    Args:
        bins: those of each set, as ``measuring.calibration.reliability`` gives them.
    """
    fig = figure(3.8, alt="Share read without an error against the stated probability")
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
    fig = figure(0.5 + 0.24 * max(len(rows), 1), alt="The most frequent errors")
    axes = fig.add_subplot()
    names = [f"{row['wanted']} read as {row['read']}" for row in rows]
    axes.barh(names, [row["n"] for row in rows], color=WRONG)
    axes.invert_yaxis()
    axes.set(xlabel="number of errors")
    axes.grid(axis="x")
    return fig


def sheet_and_maps(grey: np.ndarray, maps: Sequence[np.ndarray]) -> Figure:
    """A sheet uint8 (H, W), and beside it what is written, printed and ruled on it.

    Args:
        maps: three of uint8 (H, W), in the order of `MAP_COLOURS`.
    """
    height, width = grey.shape
    fig = figure(8.1 * height / width, alt="A simulated sheet and its three maps")
    panels = fig.subplot_mosaic([["sheet", name] for name in MAP_COLOURS], width_ratios=(3, 1))
    _page(panels["sheet"], grey, "A simulated sheet")
    for (name, colour), one in zip(MAP_COLOURS.items(), maps, strict=True):
        _page(panels[name], _inked(one, colour), name)
    return fig


def marked_sheet(maps: Sequence[np.ndarray], found: Sequence[np.ndarray]) -> Figure:
    """What a sheet is made of, beside what the sheet network says of it.

    Args:
        maps: as in `sheet_and_maps`.
        found: the same, each a probability in 255ths.
    """
    height, width = maps[0].shape
    fig = figure(5.5 * height / width + 0.3, alt="A sheet's maps as drawn and as found")
    for axes, name, three in zip(
        fig.subplots(1, 2), ("What is there", "What the network sees"), (maps, found), strict=True
    ):
        inked = map(_inked, three, MAP_COLOURS.values())
        _page(axes, np.prod(list(inked), axis=0), name)
    return fig


def sheet_as_read(picture: Decoded, sheet: Sheet) -> Figure:
    """A sheet with the places that were found, beside what was read in each.

    What is doubtful is in another colour, and what was left out is dotted.
    """
    grey, width, height = picture
    fig = figure(5.5 * height / width + 0.3, alt="A sheet, and what was read where")
    seen, said = fig.subplots(1, 2)
    for axes, shown, name in (seen, grey, "Found"), (said, np.full_like(grey, 255), "Read"):
        _page(axes, shown, name)
        axes.images[0].set_extent((0, width, height, 0))
    for cell in sheet.cells:
        found = cell.numbers or cell.written
        _frame(seen, cell.box, (RIGHT if cell.accepted else WRONG) if found else QUIET)
        _frame(said, cell.box, FAINT)
    for number in (number for line in sheet.lines for number in line):
        _frame(seen, number.box, RIGHT if number.accepted else WRONG)
    for left in sheet.left_out:
        _frame(seen, left.box, WRONG, linestyle=":")
    points = 72 * 5.3 / width  # of a pixel
    for number in sheet.reading.numbers:
        x, y, wide, high = number.box
        size = points * min(1.2 * high, 1.9 * wide / len(number.text))
        look = {"fontsize": size, "color": TEXT if number.accepted else WRONG}
        draw.text(said, x + wide / 2, y + high / 2, number.text, **look)
    return fig


def _page(axes: Axes, picture: np.ndarray, title: str) -> None:
    """A sheet, (H, W) of 0 to 255 or (H, W, 3) of 0 to 1, in a frame under its title."""
    draw.digit(axes, picture, cmap="gray").set_title(title)
    axes.images[0].set_interpolation("antialiased")


def _inked(one: np.ndarray, colour: str) -> np.ndarray:
    """A map uint8 (H, W) as ink of this colour on white, 0 to 1: (H, W, 3)."""
    return 1 - one[..., None] / 255 * (1 - np.array(to_rgb(colour)))


def _frame(axes: Axes, box: Box, colour: str, **look: Any) -> None:
    axes.add_patch(Rectangle(box[:2], *box[2:], fill=False, edgecolor=colour, **look))
