"""What several figures draw: digits, rows of them, intervals, texts, colour bars, legends."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
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
    no_grid(axes)
    axes.spines[:].set(visible=True, color=edge, linewidth=0.8)
    if caption:
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
    no_grid(axes)


def digit_rows(rows: Mapping[str, np.ndarray]) -> Picture:
    """Rows of digits, each of equally many, (N, 28, 28), with its name on the left."""
    count = len(next(iter(rows.values())))
    fig = figure(11, 0.98 * len(rows), alt=f"{count} digits: {', '.join(rows)}")
    grid = fig.subplots(len(rows), count, squeeze=False)
    for line, (name, images) in zip(grid, rows.items(), strict=True):
        for axes, image in zip(line, images, strict=True):
            digit(axes, image)
        row_name(line[0], name)
    return fig


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
    fig = figure(11, height * lines + 0.35 if count else 0.8, alt=title)
    fig.suptitle(title, x=0.005, ha="left", fontsize=10, weight="bold")
    if not count:
        fig.text(0.005, 0.1, "Nothing to show.", color=QUIET)
        return fig, []
    return fig, list(fig.subfigures(lines, columns, squeeze=False, wspace=0.04).flat)[:count]


def interval(
    axes: Axes,
    at: float,
    value: float,
    ends: Sequence[float],
    colour: str,
    mark: str = "o",
    label: str = "",
    vertical: bool = False,
) -> None:
    """Draw a value as a mark on the bar of its interval.

    Args:
        at: its place on the other axis.
        ends: of the interval; empty where there is none.
        label: written above the mark.
        vertical: whether values run upwards; otherwise they run to the right.
    """
    bar, (x, y) = (axes.vlines, (at, value)) if vertical else (axes.hlines, (value, at))
    if ends:
        bar(at, ends[0], ends[1], color=colour, lw=4, alpha=0.4, capstyle="butt")
    axes.plot(x, y, mark, color=colour, ms=6)
    if label:
        axes.annotate(
            label, (x, y), (0, 6), textcoords="offset points", ha="center", fontsize=8,
            color=colour,
        )  # fmt: skip


def text(axes: Axes, x: float, y: float, what: object, **style: Any) -> None:
    """Write ``what`` around the point (x, y) of the data."""
    axes.text(x, y, str(what), ha="center", va="center", **style)


def colour_bar(shown: ScalarMappable, panels: Any, label: str, **options: Any) -> None:
    """A bar beside the panels that says what the colours mean, without a frame."""
    fig = np.ravel(panels)[0].figure
    fig.colorbar(shown, ax=panels, label=label, **options).outline.set_visible(False)


def legend_beside(axes: Axes) -> None:
    """A legend to the right of the panel, for more entries than it has room for."""
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))


def no_grid(*panels: Axes, axis: Literal["both", "x", "y"] = "both") -> None:
    """Take the grid away where it says nothing: behind pictures, or across bars (``axis="x"``)."""
    for axes in panels:
        axes.grid(visible=False, axis=axis)


def label_decades(axis: Axis) -> None:
    """Label a logarithmic axis at 1, 2 and 5 of each decade, in plain numbers."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())
