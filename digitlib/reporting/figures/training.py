"""Figures of a network and of its training."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from digitlib.reporting.figures import draw
from digitlib.reporting.figures.style import COLOURS, QUIET, figure

# What is drawn of a network, by Keras's class name; other layers change no shape worth drawing.
KINDS = {
    "InputLayer": ("pixels", COLOURS[7]),
    "Conv2D": ("convolution", COLOURS[0]),
    "MaxPooling2D": ("max pooling", COLOURS[1]),
    "Dense": ("dense", COLOURS[2]),
}


def network_diagram(network: Any) -> Figure:
    """A Keras network from left to right: boxes as high as its pictures, as wide as its channels.

    Dense layers are lines of units, as high as the logarithm of their number. Of several columns,
    which are alike, one is drawn.
    """
    drawn = [layer for layer in network.layers if type(layer).__name__ in KINDS]
    # Keras lists layers by their distance from the answer: each column's first, each one's second …
    votes = network.layers[-1].input
    columns = len(votes) if isinstance(votes, list) else 1
    drawn = drawn[:1] + drawn[1::columns]
    fig = figure(2.9, alt=f"The layers of the network {network.name} from left to right")
    axes = fig.add_subplot()
    for x, layer in enumerate(drawn):
        kind, colour = KINDS[type(layer).__name__]
        shape = layer.output.shape[1:]
        high = shape[0] if len(shape) == 3 else 10 * np.log10(shape[0])
        wide = 0.05 * np.sqrt(shape[-1]) if len(shape) == 3 else 0.06
        axes.bar(x, high, wide + 0.04, bottom=-high / 2, color=colour, alpha=0.9)
        size = " × ".join(map(str, shape)) if len(shape) == 3 else f"{shape[0]} units"
        kernel = " × ".join(map(str, getattr(layer, "kernel_size", ())))
        axes.text(x, high / 2 + 1, size, ha="center", va="bottom", fontsize=8)
        axes.text(x, -16, f"{kind}\n{kernel}", ha="center", va="top", fontsize=8, color=QUIET)
    axes.plot([0, len(drawn) - 1], [0, 0], color=QUIET, lw=0.8, zorder=0)
    axes.set(xlim=(-0.6, len(drawn) - 0.4), ylim=(-22, 18))
    many = f" in {columns} columns like this one" if columns > 1 else ""
    axes.set_title(f"{network.name}: {network.count_params():,} parameters{many}")
    axes.axis("off")
    return fig


def learning_curves(history: Sequence[dict], kept: int) -> Figure:
    """Loss and accuracy of training and validation over the epochs, and the learning rate.

    Args:
        history: a row per epoch, as ``training.fit`` gives it.
        kept: the epoch whose weights were kept, counted from 1; marked by a dotted line.
    """
    table = pd.DataFrame(history)
    fig = figure(3.2, alt="Loss, accuracy and learning rate over the epochs")
    panels = fig.subplots(1, 3)
    style = "o-" if len(table) == 1 else "-"  # a line takes two points
    for axes, name, unit, scale in (
        (panels[0], "loss", "nats", 1),
        (panels[1], "accuracy", "%", 100),
    ):
        for key, label, colour in ((name, "training", 1), (f"val_{name}", "validation", 0)):
            axes.plot(table["epoch"], scale * table[key], style, label=label, color=COLOURS[colour])
        axes.axvline(kept, color="0.6", lw=0.8, ls=":")
        axes.set(xlabel="epoch", ylabel=f"{name} ({unit})", title=name.capitalize())
    panels[0].set_yscale("log")
    draw.label_decades(panels[0].yaxis)
    panels[0].legend()
    # The first epochs would squeeze the rest.
    panels[1].set_ylim(100 * min(table["val_accuracy"].median(), 0.95) - 5, 100.2)
    panels[2].plot(table["epoch"], table["learning_rate"], style, color=COLOURS[2])
    panels[2].set(xlabel="epoch", ylabel="learning rate", title="Learning rate at the epoch's end")
    for axes in panels:
        axes.locator_params(axis="x", integer=True)
    return fig
