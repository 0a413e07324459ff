"""What several figures draw: digits, rows of them, intervals, texts, decades."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import SubFigure
from matplotlib.ticker import LogLocator, NullFormatter

from digitlib.reporting.figures.style import FAINT, INK, QUIET, TEXT, Picture, figure


def digit(
    axes: Axes, image: np.ndarray, caption: str = "", edge: str = FAINT, cmap: str = INK
) -> Axes:
    """Draw one image, (H, W) of 0 to 255 or (H, W, 3), in a thin frame over its caption.

    Args:
        edge: colour of the frame, to mark a picture.
        cmap: prints ink dark on white; ``gray`` shows a picture as it was taken.
    """
    axes.imshow(image, cmap=cmap, vmin=0, vmax=255)
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)
    axes.spines[:].set(visible=True, color=edge, linewidth=0.8)
    axes.set_xlabel(caption, fontsize=7.5, color=QUIET, labelpad=3)
    return axes


def mosaic(
    axes: Axes,
    images: np.ndarray,
    gap: int = 2,
    rows: Iterable[object] = (),
    columns: Iterable[object] = (),
    **options: Any,
) -> None:
    """Draw images (rows, columns, H, W) as one picture, dark ink on white.

    Args:
        gap: pixels between images.
        rows, columns: the names of each row and each column; none by default.
        options: further arguments of ``Axes.imshow``, such as another ``cmap``.
    """
    down, across, height, width = images.shape
    tiles = np.full((down, height + gap, across, width + gap), np.nan)
    tiles[:, :height, :, :width] = images.swapaxes(1, 2)
    sheet = tiles.reshape(down * (height + gap), -1)[:-gap, :-gap]
    look: dict[str, Any] = {"cmap": INK, "vmin": 0, "vmax": 255}
    axes.imshow(sheet, **(look | options))
    for axis, names, size in ((axes.yaxis, rows, height), (axes.xaxis, columns, width)):
        texts = [str(name) for name in names]
        axis.set_ticks([(size + gap) * i + size / 2 for i in range(len(texts))], labels=texts)
    axes.tick_params(labelsize=11, labelcolor=TEXT)
    axes.spines[:].set_visible(False)
    axes.grid(visible=False)


def row_name(axes: Axes, name: str) -> None:
    """Write a row's name on the left of its first panel."""
    axes.set_ylabel(name, rotation=0, ha="right", va="center")


def contact_sheet(
    pictures: Sequence[np.ndarray], captions: Sequence[str], title: str, cmap: str = INK
) -> Picture:
    """Pictures, (H, W) of any size, over their captions, eight to a line."""
    fig, cells = titled_cells(len(pictures), 8, 1.7, title)
    for cell, picture, caption in zip(cells, pictures, captions, strict=True):
        digit(cell.subplots(), picture, caption, cmap=cmap)
    return fig


def titled_cells(
    count: int, columns: int, height: float, title: str
) -> tuple[Picture, list[SubFigure]]:
    """A figure under its title, and ``count`` cells in reading order; with none it says so.

    Args:
        height: of a line of cells, in inches.
    """
    lines = -(-count // columns)
    fig = figure(height * lines + 0.35 if count else 0.8, alt=title)
    fig.suptitle(title, x=0.005, ha="left", fontsize=10, weight="bold")
    if not count:
        fig.text(0.005, 0.1, "Nothing to show.", color=QUIET)
        return fig, []
    return fig, list(fig.subfigures(lines, columns, squeeze=False, wspace=0.04).flat)[:count]


def interval(
    axes: Axes, y: float, row: Mapping, colour: str, mark: str = "o", label: str = ""
) -> None:
    """Draw a row's accuracy at height ``y``, under its label, on the bar of its interval if any."""
    x = row["accuracy_percent"]
    reach = reach_of([row]) if "low_percent" in row else None
    axes.errorbar(x, y, xerr=reach, fmt=mark, color=colour, ms=6)
    look: dict[str, Any] = {"ha": "center", "fontsize": 8, "color": colour}
    axes.annotate(label, (x, y), (0, 6), textcoords="offset points", **look)


def reach_of(rows: Sequence[Mapping], value: str = "accuracy", prefix: str = "") -> np.ndarray:
    """How far intervals reach to either side of their values: (2, N), for ``Axes.errorbar``."""
    ends = pd.DataFrame(rows)[[f"{prefix}low_percent", f"{prefix}high_percent"]]
    return ends.sub(pd.DataFrame(rows)[f"{value}_percent"], axis=0).abs().to_numpy().T


def text(axes: Axes, x: float, y: float, what: object, **style: Any) -> None:
    """Write ``what`` around the point (x, y) of the data."""
    axes.text(x, y, str(what), ha="center", va="center", **style)


def heatmap(axes: Axes, table: Any, **options: Any) -> None:
    """Colour the cells of a table, each under its value; ``options`` are seaborn's."""
    look: dict[str, Any] = {"annot": True, "annot_kws": {"fontsize": 7.5}}
    seaborn.heatmap(table, ax=axes, **(look | options))
    axes.tick_params(axis="y", rotation=0)
    axes.spines[:].set_visible(True)
    axes.grid(visible=False)


def label_decades(axis: Axis) -> None:
    """Label a logarithmic axis at 1, 2 and 5 of each decade, in plain numbers."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())
