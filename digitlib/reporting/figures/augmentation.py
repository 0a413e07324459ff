"""Figures of the augmentation notebook."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from digitlib.reporting.figures.style import COLOURS, draw_digit, figure, no_grid

# The ladder's columns as a reader sees them.
COLUMNS = {
    "mean": "mean (%)",
    "sd": "spread (points)",
    "bought": "bought (points)",
    "bought_low": "from",
    "bought_high": "to",
}


def strengths(originals: np.ndarray, varied: Mapping[str, np.ndarray]) -> Figure:
    """The same digits at several strengths, one row each, under the originals.

    Args:
        originals: (N, 28, 28), 0 to 255.
        varied: (N, 28, 28, 1), 0 to 255, by the text that stands beside the row.
    """
    rows = {"original": originals} | {name: np.asarray(v)[..., 0] for name, v in varied.items()}
    fig = figure(10, 0.98 * len(rows), alt=f"Ten digits: {', '.join(rows)}")
    panels = fig.subplots(len(rows), len(originals))
    for line, (name, images) in zip(panels, rows.items(), strict=True):
        for axes, image in zip(line, images, strict=True):
            draw_digit(axes, image)
        line[0].set_ylabel(name, rotation=0, ha="right", va="center")
    return fig


def ladder(names: Sequence[str], results: Sequence[Sequence[float]]) -> Figure:
    """Accuracies in percent by step: a dot for each seed, a line through the means."""
    fig = figure(11, 3.4, alt="Validation accuracy at each step of the ladder")
    axes = fig.add_subplot()
    means = [float(np.mean(values)) for values in results]
    axes.plot(range(len(names)), means, color=COLOURS[0], lw=1, alpha=0.5)
    for x, (values, mean) in enumerate(zip(results, means, strict=True)):
        axes.plot([x] * len(values), values, "o", color=COLOURS[0], alpha=0.5, ms=5)
        axes.plot([x - 0.18, x + 0.18], [mean, mean], color=COLOURS[3], lw=2.5)
    labels = [name if x == 0 else f"+ {name}" for x, name in enumerate(names)]
    axes.set(xticks=range(len(names)), xticklabels=labels, ylabel="validation accuracy (%)")
    no_grid(axes, axis="x")
    return fig
