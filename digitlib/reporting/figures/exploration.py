"""Figures of digit data that no model has seen yet. Images are uint8 (N, H, W), ink bright on 0."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, Rectangle
from matplotlib.patheffects import withStroke

from digitlib.measuring.images import (
    PROPERTIES,
    correlation_by_chance,
    grey_levels,
    plain_name,
    unit,
)
from digitlib.reporting.figures import draw
from digitlib.reporting.figures.style import (
    COLOURS,
    DIVERGING,
    QUIET,
    SEQUENTIAL,
    TEST,
    TEXT,
    TRAIN,
    figure,
)

DIGITS = range(10)
CHANCE: dict[str, Any] = {"color": "#EAEAEA", "lw": 0}  # the band that chance alone stays in
# Ten classes need more colours than are safe: their figures write the digit as well.
CLASS_COLOURS = (*COLOURS[:6], "#222222", "#8C564B", "#7B68C8", "#8A8A00")
# What an image at either end of a property looks like, and the property's unit.
ENDS = {
    "ink_coverage_percent": ("least ink", "most ink", " %"),
    "contrast": ("lowest contrast", "highest contrast", ""),
    "stroke_width_pixels": ("thinnest strokes", "thickest strokes", " px"),
    "slant_degrees": ("leaning left", "leaning right", "°"),
    "centre_x_pixels": ("furthest left", "furthest right", " px"),
    "centre_y_pixels": ("furthest up", "furthest down", " px"),
}


def samples(images: np.ndarray, labels: np.ndarray, seed: int, columns: int = 20) -> Figure:
    """Images of each class, one row per class, drawn by seed."""
    chance = np.random.default_rng(seed)
    rows = np.zeros((10, columns, *images.shape[1:]))
    for digit in DIGITS:
        chosen = chance.permutation(np.flatnonzero(labels == digit))[:columns]
        rows[digit, : len(chosen)] = images[chosen]
    fig = figure(5.7, alt=f"{columns} training images of each digit, one row per digit")
    draw.mosaic(fig.add_subplot(), rows, rows=DIGITS)
    return fig


def class_balance(counts: np.ndarray) -> Figure:
    """Images of each class, beside the count that each would have if all had the same."""
    fig = figure(2.9, alt="Bars: the number of training images of each digit")
    axes = fig.add_subplot()
    bars = axes.bar(DIGITS, counts, color=TRAIN, width=0.68)
    shares = [f"{count:,}\n{100 * count / counts.sum():.1f} %" for count in counts]
    axes.bar_label(bars, shares, label_type="center", fontsize=8.5, color="white")
    axes.hlines(counts.mean(), -0.5, 9.5, color=TEXT, lw=1.2, ls="--", zorder=3)
    axes.text(9.55, counts.mean(), "equal shares", va="center", fontsize=8.5)
    axes.set(xticks=DIGITS, xlabel="digit", ylabel="training images", xlim=(-0.6, 10.4))
    axes.yaxis.set_major_formatter("{x:,.0f}")
    return fig


def closest_pairs(test: np.ndarray, train: np.ndarray, differences: Sequence[float]) -> Figure:
    """Test images above the training image most like each, and what is between them."""
    fig = figure(3.4, alt="Test images, their nearest training images and the differences")
    top, middle, bottom = fig.subplots(3, 1)
    draw.mosaic(top, test[None], gap=6)
    draw.mosaic(middle, train[None], gap=6)
    between, texts = test.astype(float) - train, [f"{d:.1f}" for d in differences]
    draw.mosaic(bottom, between[None], gap=6, columns=texts, cmap=DIVERGING, vmin=-128, vmax=128)
    draw.row_name(top, "test image")
    draw.row_name(middle, "nearest\ntraining image")
    draw.row_name(bottom, "difference")
    bottom.set_xlabel("root-mean-square difference (grey levels of 255)")
    return fig


def pixels(images: np.ndarray) -> Figure:
    """How often each grey level occurs, and where in the frame the ink is."""
    fig = figure(3.4, alt="Histogram of grey levels, and maps of mean and spread by pixel")
    left, *maps = fig.subplots(1, 3, width_ratios=(2.1, 1, 1))
    shares = 100 * grey_levels(images) / images.size
    bins = shares.reshape(64, 4).sum(axis=1)
    left.bar(np.arange(64) * 4 + 2, bins, width=3.6, color=TRAIN)
    left.set(yscale="log", xlabel="grey level (0 paper, 255 full ink)", ylabel="pixels (%)")
    left.set(title="Grey levels, four to a bar", xlim=(-3, 259), ylim=(None, 130))
    left.yaxis.set_major_formatter("{x:g}")
    mean, spread = images.mean(axis=0), images.std(axis=0, dtype=np.float32)
    for axes, values, title in zip(maps, (mean, spread), ("Mean", "Spread"), strict=True):
        shown = axes.imshow(values, cmap=SEQUENTIAL, vmin=0)
        fig.colorbar(shown, ax=axes, label="grey level", shrink=0.75, pad=0.03)
        ticks = [0, 7, 14, 21, 27]
        axes.set(title=f"{title} of each pixel", xticks=ticks, yticks=ticks)
        axes.grid(visible=False)
    return fig


def class_means(means: np.ndarray, spreads: np.ndarray) -> Figure:
    """Mean image of each class, and below it how much each pixel varies: (10, H, W) each."""
    fig = figure(2.75, alt="Mean image and spread image of each digit")
    top, bottom = fig.subplots(2, 1)
    draw.mosaic(top, means[None], vmax=means.max())
    draw.mosaic(bottom, spreads[None], columns=DIGITS, cmap=SEQUENTIAL, vmax=spreads.max())
    draw.row_name(top, f"mean\n0 to {means.max():.0f}")
    draw.row_name(bottom, f"spread\n0 to {spreads.max():.0f}")
    return fig


def properties_by_class(table: pd.DataFrame, labels: np.ndarray) -> Figure:
    """Five properties as violins by class, and where each class has its centre of mass."""
    fig = figure(6.2, alt="Distributions of image properties by digit")
    panels = fig.subplots(2, 3)
    for axes, name in zip(panels.flat, list(PROPERTIES)[:5], strict=False):
        seaborn.violinplot(
            x=labels, y=table[name], ax=axes, color=COLOURS[4], inner="quart", cut=0,
            density_norm="width", width=0.85, linewidth=0.9, gridsize=80,
        )  # fmt: skip
        axes.set(xlabel="digit", ylabel=unit(name), title=plain_name(name).capitalize())
    _centres(panels[1, 2], table, labels)
    return fig


def extremes(images: np.ndarray, table: pd.DataFrame) -> Figure:
    """Nine images at both ends of each property, the most extreme outside."""
    fig = figure(5.6, alt="The images with the lowest and highest value of each property")
    # Where all images have their centre within two pixels there is nothing to see.
    seen = [n for n in ENDS if not n.startswith("centre") or np.ptp(table[n].dropna()) >= 2]
    fig.set_figheight(0.94 * len(seen))
    for row, name in zip(fig.subplots(len(seen), 2), seen, strict=True):
        order = table[name].sort_values().dropna().index.to_numpy()
        *ends, short_unit = ENDS[name]
        for axes, chosen, end in zip(row, (order[:9], order[-9:]), ends, strict=True):
            draw.mosaic(axes, images[chosen][None])
            low, high = table[name][chosen[[0, -1]]].round(1) + 0.0
            axes.set_title(end, fontsize=8.5, pad=3)
            values = f"{low:.1f} to {high:.1f}{short_unit}".replace("-", "−")
            axes.set_title(values, fontsize=8, pad=3, loc="right", fontweight="normal")
    return fig


def odd_ones(
    images: np.ndarray, labels: np.ndarray, score: np.ndarray, flagged: np.ndarray
) -> Figure:
    """Of each class three usual images, and the oddest, oddest last; flagged ones are framed.

    Args:
        score: (N,), higher is odder.
        flagged: bool (N,).
    """
    usual, odd = 3, 12
    fig = figure(6.4, alt="Three usual and the twelve oddest training images of each digit")
    left, right = fig.subplots(1, 2, width_ratios=(usual, odd))
    chosen = np.zeros((10, usual + odd), int)
    for digit in DIGITS:
        order = np.flatnonzero(labels == digit)
        order = np.resize(order[np.argsort(score[order], kind="stable")], max(len(order), 15))
        middle = len(order) // 2
        chosen[digit] = np.r_[order[middle : middle + usual], order[-odd:]]
    draw.mosaic(left, images[chosen[:, :usual]], gap=4, rows=DIGITS)
    draw.mosaic(right, images[chosen[:, usual:]], gap=4)
    height, width = images.shape[1:]
    for row, column in np.argwhere(flagged[chosen[:, usual:]]):
        corner, colour = (column * (width + 4) - 1.5, row * (height + 4) - 1.5), COLOURS[3]
        frame = Rectangle(corner, width + 2, height + 2, fill=False, ec=colour, lw=1.3)
        right.add_patch(frame).set_clip_on(False)
    left.set_title("Usual")
    right.set_title("Oddest of its class →")
    return fig


def parts_compared(train: pd.DataFrame, test: pd.DataFrame, gaps: pd.DataFrame) -> Figure:
    """Each property in training (filled) and test images (line), and how far they lie apart."""
    fig = figure(5.4, alt="Distributions of image properties in training and test images")
    panels = list(fig.subplots(2, 4).flat)
    for axes, name in zip(panels, PROPERTIES, strict=False):
        bars = int(np.clip(np.sqrt(min(len(train), len(test))), 10, 30))
        ends = tuple(pd.concat([train[name], test[name]]).quantile([0.001, 0.999]))
        for part, style in (
            (train, {"color": TRAIN, "alpha": 0.35, "linewidth": 0, "label": "training"}),
            (test, {"color": TEST, "fill": False, "label": "test"}),
        ):
            bins = {"bins": bars, "binrange": ends, "stat": "percent", "element": "step"}
            seaborn.histplot(x=part[name], ax=axes, **bins, **style)
        axes.set(xlabel=unit(name), ylabel="images (%)", title=plain_name(name).capitalize())
    panels[0].legend(handlelength=1.2)
    last, high = panels[7], np.arange(len(gaps))[::-1]
    last.axvspan(0, gaps["by_chance_percent"].max(), **CHANCE)
    last.plot(gaps["gap_percent"], high, "o", color=COLOURS[3], ms=6)
    for y, name in zip(high, gaps.index, strict=True):
        last.text(0.1, y + 0.3, plain_name(name), fontsize=7.5, color=QUIET)
    last.set(title="Largest gap", xlabel="gap (%); grey: by chance", yticks=[])
    last.set_ylim(-0.6, len(gaps) - 0.2)
    last.set_xlim(0, 1.25 * gaps[["gap_percent", "by_chance_percent"]].to_numpy().max())
    return fig


def alike_by_distance(alike: pd.DataFrame, images: int) -> Figure:
    """How alike images are that lie so far apart in the file, and what chance alone gives."""
    fig = figure(2.8, alt="Correlation of image properties over the distance in the file")
    axes = fig.subplots()
    chance = correlation_by_chance(images)
    axes.axhspan(-chance, chance, **CHANCE)
    for name, colour in zip(alike.columns, COLOURS, strict=False):
        axes.plot(alike.index, alike[name], "o", ms=4, color=colour, label=plain_name(name))
    axes.set(xscale="log", xlabel="places apart in the file", ylabel="correlation")
    draw.label_decades(axes.xaxis)
    axes.legend()
    return fig


def confusable(
    images: np.ndarray, labels: np.ndarray, neighbour: np.ndarray, counts: np.ndarray, pairs: list
) -> Figure:
    """How often the nearest neighbour is of another class, and what such neighbours look like.

    Args:
        neighbour: int (N,), index of each image's nearest neighbour.
        counts: int (10, 10), row the class, column its neighbour's.
        pairs: (class, class, count), the most confusable first.
    """
    fig = figure(4.3, alt="Matrix of nearest neighbours of another class, with examples")
    left, right = fig.subplots(1, 2, width_ratios=(1, 1.25))
    rates = 100 * counts * (1 - np.eye(10)) / counts.sum(axis=1).clip(1)[:, None]
    cells = {"fmt": ".1f", "mask": rates == 0, "square": True, "cbar": False}
    draw.heatmap(left, rates, vmin=0, vmax=max(rates.max(), 0.1), cmap="Blues", **cells)
    left.set(xlabel="digit of the nearest neighbour", ylabel="digit")
    left.set_title("Nearest neighbour is another digit (%)")
    rows = []
    for a, b, _ in pairs[:5]:
        found = [i for i in range(len(labels)) if {labels[i], labels[neighbour[i]]} == {a, b}]
        shown = np.zeros((8, *images.shape[1:]))
        shown[: 2 * len(found[:4])] = [images[j] for i in found[:4] for j in (i, neighbour[i])]
        rows.append(shown)
    if rows:
        draw.mosaic(right, np.stack(rows), rows=[f"{a} and {b}" for a, b, _ in pairs[:5]])
        for edge in (2, 4, 6):
            right.axvline(edge * (images.shape[2] + 2) - 1.5, color="#B0B0B0", lw=0.8)
    else:
        right.axis("off")
    right.set_title("Image and its nearest neighbour, side by side")
    for axes in (left, right):
        axes.set_anchor("N")
    return fig


def class_map(points: np.ndarray, labels: np.ndarray, neighbour: np.ndarray) -> Figure:
    """Images as points (N, 2) written as their digit; ringed where the neighbour's differs.

    Args:
        neighbour: int (N,), the class of each image's nearest neighbour.
    """
    fig = figure(7.4, alt="A t-SNE map of training images, each drawn as its digit")
    axes = fig.add_subplot()
    for digit in DIGITS:
        x, y = points[labels == digit].T
        axes.scatter(x, y, marker=f"${digit}$", s=26, lw=0.2, color=CLASS_COLOURS[digit])
    x, y = points[labels != neighbour].T
    axes.scatter(x, y, s=95, fc="none", ec=TEXT, lw=1.1, zorder=3)
    halo = [withStroke(linewidth=5, foreground="white")]
    for digit in DIGITS:
        if (labels == digit).any():
            x, y = np.median(points[labels == digit], axis=0)
            look = {"color": CLASS_COLOURS[digit], "path_effects": halo, "zorder": 4}
            draw.text(axes, x, y, digit, fontsize=25, fontweight="bold", **look)
    axes.set(xticks=[], yticks=[], title="Ringed: its nearest neighbour is another digit")
    axes.spines[:].set_visible(False)
    return fig


def _centres(axes: Axes, table: pd.DataFrame, labels: np.ndarray) -> None:
    """The mean centre of mass of each class, in an ellipse of one standard deviation."""
    places = table[["centre_x_pixels", "centre_y_pixels"]].groupby(labels)
    middles, spread = places.mean(), places.std().mean(axis=None)
    for digit, covariance in places.cov().groupby(level=0):
        variances, directions = np.linalg.eigh(covariance.fillna(0))
        wide, high = 2 * np.sqrt(np.maximum(variances, 0))
        angle = np.degrees(np.arctan2(directions[1, 0], directions[0, 0]))
        look = {"angle": angle, "color": CLASS_COLOURS[digit], "alpha": 0.12}
        axes.add_patch(Ellipse(tuple(middles.loc[digit]), wide, high, **look))
    if np.ptp(middles, axis=0).max() < 0.5 * spread:
        # Digits written over each other could not be read.
        x, y = middles.mean()
        draw.text(axes, x, y, "all digits", fontweight="bold")
    else:
        for digit, x, y in middles.itertuples():
            draw.text(axes, x, y, digit, fontweight="bold", color=CLASS_COLOURS[digit])
    axes.axhline(0, color="#B0B0B0", lw=0.8)
    axes.axvline(0, color="#B0B0B0", lw=0.8)
    axes.autoscale_view()
    axes.set_aspect("equal", "datalim")
    axes.invert_yaxis()
    axes.set(xlabel="right of the middle (pixels)", ylabel="below the middle (pixels)")
    axes.set_title("Centre of mass")
