"""The figure that shows why a digit was read as it was."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from digitlib.reporting.figures import draw
from digitlib.reporting.figures.style import DIVERGING, figure


def evidence(images: np.ndarray, maps: Sequence[np.ndarray], probabilities: np.ndarray) -> Figure:
    """What the network sees, and which ink speaks for its answer and for the runner-up.

    Args:
        images: uint8 (N, 28, 28), N up to about 10.
        maps: for each, (10, 28, 28) as ``explain`` gives it.
        probabilities: (N, 10).
    """
    answers = np.argsort(-probabilities, axis=1)[:, :2]
    fig = figure(4.6, alt="Digits, and the ink that speaks for and against two answers")
    grid = fig.subplots(3, len(images), squeeze=False)
    limit = max(1.0, max(float(np.abs(found).max()) for found in maps))
    for column, (image, found) in enumerate(zip(images, maps, strict=True)):
        draw.digit(grid[0, column], image)
        for row, digit in enumerate(answers[column], 1):
            axes = grid[row, column]
            drawn = axes.imshow(found[digit], cmap=DIVERGING, vmin=-limit, vmax=limit)
            likely = probabilities[column, digit]
            said = "below 0.1%" if likely < 0.0005 else f"{likely:.1%}"
            axes.set(xticks=[], yticks=[], title=f"{digit}: {said}")
            axes.grid(visible=False)
    for axes, name in zip(grid[:, 0], ("seen", "for the answer", "for the runner-up"), strict=True):
        axes.set_ylabel(name)
    fig.colorbar(drawn, ax=grid, label="speaks for it (nats)", shrink=0.6)
    return fig
