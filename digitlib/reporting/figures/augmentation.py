"""Figures of the augmentation notebook; 03 and 06 show some of them too."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from digitlib.reporting.figures import draw
from digitlib.reporting.figures.style import COLOURS, MARKS, RIGHT, WRONG, figure


def varied_digits(originals: np.ndarray, varied: Mapping[str, np.ndarray]) -> Figure:
    """The same digits varied in several ways, one row each, under the originals.

    Args:
        originals: (N, 28, 28), 0 to 255.
        varied: arrays or tensors (N, 28, 28, 1), 0 to 255, by the text beside the row.
    """
    rows = [originals, *(np.asarray(images)[..., 0] for images in varied.values())]
    names = ["original", *varied]
    fig = figure(0.98 * len(rows), alt=f"{len(originals)} digits: {', '.join(names)}")
    draw.mosaic(fig.add_subplot(), np.stack(rows), rows=names)
    return fig


def forms_of_digits(forms: Mapping[str, Mapping[str, np.ndarray]]) -> Figure:
    """Every form of every digit, a row for each habit, in two columns of rows.

    Args:
        forms: by habit and kind ("forms", "unseen", "on_lines"): images (N, 28, 28), 0 to 255.
            Those that are no plain forms stand in a frame, whose colour tells their kind.
    """
    frames = {"unseen": WRONG, "on_lines": RIGHT}
    widest = max(sum(map(len, kinds.values())) for kinds in forms.values())
    half = -(-len(forms) // 2)
    fig = figure(0.36 * half, alt="How each digit is drawn, a row for each habit")
    panels = fig.subplots(1, 2)
    for axes, start in zip(panels, (0, half), strict=True):
        rows = dict(list(forms.items())[start : start + half])
        tiles = np.zeros((half, widest, 28, 28))
        for y, kinds in enumerate(rows.values()):
            shown = [(kind, image) for kind, images in kinds.items() for image in images]
            for x, (kind, image) in enumerate(shown):
                tiles[y, x] = image
                if kind in frames:
                    box: dict[str, Any] = {"edgecolor": frames[kind], "fill": False, "lw": 1.2}
                    axes.add_patch(Rectangle((30 * x, 30 * y), 27, 27, **box))
        draw.mosaic(axes, tiles, rows=rows)
        axes.tick_params(labelsize=9)
    return fig


def hands(images: np.ndarray, names: Sequence[str]) -> Figure:
    """Digits (hands, digits, 28, 28), 0 to 255, a row for each hand beside its name."""
    fig = figure(0.55 * len(images), alt="Digits by invented writers, a row for each")
    draw.mosaic(fig.add_subplot(), images, rows=names)
    return fig


def ablation_ladder(
    names: Sequence[str], results: Mapping[str, Sequence[Sequence[float]]], measured: str
) -> Figure:
    """What each step of a ladder of experiments reached: a mark for each seed, a line of means.

    Args:
        names: of the steps, the first without any change.
        results: for each step one value per seed, by the digits that were read.
        measured: the values in words, with their unit.
    """
    title = f"{measured.capitalize()} at each step"
    if not names:
        return draw.titled_cells(0, 1, 0, title)[0]
    fig = figure(3.6, alt=title)
    axes = fig.add_subplot()
    for k, (name, steps) in enumerate(results.items()):
        colour, x = COLOURS[k % 6], np.arange(len(names)) + 0.06 * (k - (len(results) - 1) / 2)
        style = "-" if k < 6 else "--"  # where a colour comes again
        axes.plot(x, [np.mean(values) for values in steps], style, color=colour, lw=1.6, label=name)
        axes.plot(x, steps, MARKS[k % len(MARKS)], color=colour, ms=4.5, alpha=0.6)
    axes.set_xticks(range(len(names)), [names[0], *(f"+ {name}" for name in names[1:])])
    axes.set_ylabel(measured)
    if len(results) > 1:
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig
