"""Figures of the robustness notebook."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from digitlib.reporting.figures.style import COLOURS, QUIET, TEXT, draw_digit, figure, no_grid

RIGHT, WRONG = COLOURS[0], COLOURS[3]
DIGITS = range(10)
MARKS = ("o", "s", "^", "v", "D", "P", "X", "*")
AS_TAKEN = {"cmap": "gray", "vmin": 0, "vmax": 255}


def prepared(
    pictures: Sequence[np.ndarray],
    labels: np.ndarray,
    images: Mapping[str, np.ndarray],
    answers: Mapping[str, np.ndarray],
) -> Figure:
    """Pictures over what each preprocessing makes of them, framed blue where read rightly.

    Args:
        pictures: N of uint8 (H, W) or (H, W, 3).
        labels: (N,).
        images: uint8 (N, 28, 28) by the preprocessing's name.
        answers: (N,), what the network reads then.
    """
    lines = ["picture", *images]
    fig = figure(11, 0.3 + 0.94 * len(lines), alt="Pictures, and what the network sees of them")
    grid = fig.subplots(len(lines), len(pictures), squeeze=False)
    for column, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        draw_digit(grid[0, column], picture, **AS_TAKEN)
        for row, (name, made) in enumerate(images.items(), 1):
            answer = int(answers[name][column])
            edge = RIGHT if answer == label else WRONG
            axes = draw_digit(grid[row, column], made[column], edge=edge)
            axes.spines[:].set_linewidth(1.8)
            label_box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
            axes.text(2, 2, str(answer), color=edge, fontsize=9, weight="bold", bbox=label_box,
                      ha="center", va="center")  # fmt: skip
    for axes, name in zip(grid[:, 0], lines, strict=True):
        axes.set_ylabel(name, rotation=0, ha="right", va="center")
    return fig


def accuracies(rows: Sequence[Mapping], by: str = "") -> Figure:
    """Accuracy of each set as a dot with its interval, one line a set.

    Args:
        rows: set, n, accuracy_percent, low_percent and high_percent.
        by: a further key; its values have a colour and a mark each.
    """
    sets = list(dict.fromkeys(row["set"] for row in rows))
    kinds = list(dict.fromkeys(row.get(by, "") for row in rows))
    pitch = 0.5 if len(kinds) == 1 else 0.16 * len(kinds) + 0.2
    fig = figure(11, 0.9 + pitch * len(sets), alt=f"Accuracy on {', '.join(sets)}")
    axes = fig.add_subplot()
    for row in rows:
        k = kinds.index(row.get(by, ""))
        y = sets.index(row["set"]) + (k + 1) / (len(kinds) + 1) - 0.5
        colour = COLOURS[7] if row.get("reference") else COLOURS[(len(kinds) - 1 - k) % 6]
        ends = [row["low_percent"], row["high_percent"]]
        axes.plot(ends, [y, y], color=colour, lw=4, alpha=0.4, solid_capstyle="butt")
        label = row[by] if by and row["set"] == sets[0] else None
        mark = MARKS[k % len(MARKS)]
        axes.plot(row["accuracy_percent"], y, mark, color=colour, ms=6, label=label, ls="")
        if len(kinds) == 1:
            text = f"{row['accuracy_percent']:.1f} %"
            place = {"xytext": (0, 6), "textcoords": "offset points", "ha": "center"}
            axes.annotate(text, (row["accuracy_percent"], y), fontsize=8, color=colour, **place)
    sizes = {row["set"]: row["n"] for row in rows}
    axes.set(yticks=range(len(sets)), xlabel="read rightly (%), with 95 % interval")
    axes.set_yticklabels([f"{name}  (n = {sizes[name]:,})" for name in sets])
    axes.set_ylim(len(sets) - 0.5, -0.5)
    axes.set_xlim(right=100.6 if len(kinds) == 1 else 102)
    if by:
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(kinds), handletextpad=0.1)
    no_grid(axes, axis="y")
    return fig


def digits_by_set(recalls: Mapping[str, np.ndarray]) -> Figure:
    """How often each digit is read rightly, (10,) in percent by set; NaN is left blank."""
    table = np.array(list(recalls.values()))
    fig = figure(11, 0.8 + 0.36 * len(table), alt="Share of each digit read rightly, by set")
    axes = fig.add_subplot()
    floor = min(90.0, np.floor(np.nanmin(table) / 10) * 10)
    colours = LinearSegmentedColormap.from_list("recall", [WRONG, "white"])
    picture = axes.imshow(table, cmap=colours, vmin=floor, vmax=100, aspect="auto")
    for (i, j), value in np.ndenumerate(table):
        if np.isfinite(value):
            weight = "bold" if value == np.nanmin(table[i]) < 100 else "normal"
            text = f"{value:.1f}".removesuffix(".0")
            axes.text(j, i, text, ha="center", va="center", fontsize=8, color=TEXT, weight=weight)
    axes.set(xticks=DIGITS, xlabel="digit", yticks=range(len(recalls)))
    axes.set_yticklabels(list(recalls))
    no_grid(axes)
    bar = fig.colorbar(picture, ax=axes, pad=0.01, label="read rightly (%)")
    bar.outline.set_visible(False)
    return fig


def sheet(
    pictures: Sequence[np.ndarray], images: np.ndarray, captions: Sequence[str], title: str
) -> Figure:
    """Pictures, each beside what the network saw, over a caption; six to a line.

    Args:
        pictures: N of uint8 (H, W) or (H, W, 3).
        images: uint8 (N, 28, 28).
        captions: N texts of one or two short lines.
        title: over all.
    """
    lines = -(-len(pictures) // 6)
    fig = figure(11, 1.28 * lines + 0.35 if lines else 0.8, alt=title)
    fig.suptitle(title, x=0.005, ha="left", fontsize=10, weight="bold")
    if not lines:
        fig.text(0.005, 0.1, "Nothing to show.", color=QUIET)
        return fig
    cells = fig.subfigures(lines, 6, squeeze=False, wspace=0.04).flat
    for cell, picture, image, caption in zip(cells, pictures, images, captions, strict=False):
        left, right = cell.subplots(1, 2)
        draw_digit(left, picture, **AS_TAKEN)
        draw_digit(right, image)
        cell.supxlabel(caption, fontsize=8, color=TEXT)
    return fig


def styles(rows: Sequence[Mapping]) -> Figure:
    """Accuracy by thirds of each property, as ``measuring.robustness.by_style`` gives them."""
    names = list(dict.fromkeys(row["property"] for row in rows))
    fig = figure(11, 2.9, alt="Accuracy in the lowest, middle and highest third of each property")
    panels = fig.subplots(1, len(names), sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        thirds = [row for row in rows if row["property"] == name]
        for x, row in enumerate(thirds):
            ends = [row["low_percent"], row["high_percent"]]
            axes.plot([x, x], ends, color=RIGHT, lw=5, alpha=0.35, solid_capstyle="butt")
            axes.plot(x, row["accuracy_percent"], "o", color=RIGHT)
        texts = [f"{row['from']:.3g} to\n{row['to']:.3g}".replace("-", "−") for row in thirds]
        axes.set(xticks=range(len(thirds)), xlabel=name, xlim=(-0.5, len(thirds) - 0.5))
        axes.set_xticklabels(texts)
        no_grid(axes, axis="x")
    panels[0].set_ylabel("read rightly (%)")
    return fig


def severities(
    rows: Sequence[Mapping], examples: Mapping[str, np.ndarray], varied: Collection[str] = ()
) -> Figure:
    """Accuracy against severity under each corruption, over the mean of all in bold.

    Args:
        rows: of ``measuring.robustness.under_corruption``.
        examples: a digit (28, 28) under each corruption, by its name.
        varied: corruptions that the training varied too; they are marked.
    """
    table = pd.DataFrame(rows)
    mean = table.groupby("severity")["accuracy_percent"].mean()
    levels = list(mean.index)
    fig = figure(11, 6.9, alt="Accuracy against severity under each of the corruptions")
    grid = fig.subplots(-(-len(examples) // 5), 5, sharex=True, sharey=True)
    for axes, (name, example) in zip(grid.flat, examples.items(), strict=False):
        curve = table[table["corruption"] == name].sort_values("severity")
        colour = COLOURS[2] if name in varied else RIGHT
        axes.plot(levels, mean, color=COLOURS[7], lw=3.2, zorder=1, label="mean of all")
        axes.fill_between(
            levels, curve["low_percent"], curve["high_percent"], color=colour, alpha=0.2, lw=0
        )
        axes.plot(
            levels, curve["accuracy_percent"], "o-", color=colour, ms=4, zorder=3,
            label="this corruption",
        )  # fmt: skip
        title = name.replace("_", " ") + (" (practised)" if name in varied else "")
        axes.set_title(title, fontsize=9, weight="normal", pad=4)
        room = 0.45 * (levels[-1] - levels[0] or 1)  # for the example, right of the curve
        axes.set(ylim=(0, 103), xticks=levels, xlim=(levels[0] - 0.2, levels[-1] + room))
        draw_digit(axes.inset_axes((0.74, 0.05, 0.26, 0.35)), example)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper left", ncols=len(labels))
    for axes in grid[:, 0]:
        axes.set_ylabel("read rightly (%)")
    for axes in grid[-1]:
        axes.set_xlabel("severity")
    return fig


def confidences(digits: Mapping[str, np.ndarray], others: np.ndarray, threshold: float) -> Figure:
    """How confidence is spread over the digits of each set and over what is no digit.

    Args:
        digits: confidences (N,) by set.
        others: confidences (M,).
        threshold: of the model's card.
    """
    fig = figure(11, 3.5, alt="Share of digits and of non-digits above each confidence")
    panels = fig.subplots(1, 2, width_ratios=(1, 1.25))
    bins = np.linspace(0, 1, 21)
    everything = np.concatenate(list(digits.values()))
    parts = ((everything, RIGHT, "digits"), (others, WRONG, "no digits"))
    for values, colour, label in parts:
        share = 100 * np.histogram(values, bins)[0] / max(len(values), 1)
        panels[0].stairs(share, bins, fill=True, color=colour, alpha=0.45, label=label)
        panels[0].stairs(share, bins, color=colour, lw=1.4)
    panels[0].set(xlabel="confidence", ylabel="share (%)", title="How sure it is")
    panels[0].legend(loc="upper center")
    colours = COLOURS[:6] + COLOURS[7:]  # yellow is too pale for a line
    for (name, values), colour in zip(digits.items(), colours * 2, strict=False):
        at = np.sort(values)
        panels[1].plot(at, 100 * np.linspace(1, 0, len(at)), color=colour, lw=1.3, label=name)
    at = np.sort(others)
    panels[1].plot(at, 100 * np.linspace(1, 0, len(at)), color=TEXT, lw=2.6, label="no digits")
    panels[1].set(xlabel="confidence", ylabel="surer than that (%)", title="What a threshold keeps")
    panels[1].set_xlim(left=0)
    panels[1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    for axes in panels:
        axes.axvline(threshold, color=QUIET, ls=":", lw=1.4)
    return fig


def ladder(names: Sequence[str], results: Mapping[str, Sequence[Sequence[float]]]) -> Figure:
    """Accuracies in percent by step and set: a dot for each seed, a line through the means."""
    fig = figure(11, 3.6 if names else 0.5, alt="Accuracy on each set at each step of the ladder")
    if not names:
        fig.text(0.005, 0.3, "Nothing to show.", color=QUIET)
        return fig
    axes = fig.add_subplot()
    shift = np.linspace(-0.03, 0.03, len(results)) * len(results) if len(results) > 1 else [0]
    for k, (name, steps) in enumerate(results.items()):
        colour, mark = COLOURS[k % 6], MARKS[k % len(MARKS)]
        x = np.arange(len(names)) + shift[k]
        style = "-" if k < 6 else "--"  # where a colour comes again
        axes.plot(x, [np.mean(values) for values in steps], style, color=colour, lw=1.6, label=name)
        for at, values in zip(x, steps, strict=True):
            axes.plot([at] * len(values), values, mark, color=colour, ms=4.5, alpha=0.6)
    labels = [name if k == 0 else f"+ {name}" for k, name in enumerate(names)]
    axes.set(xticks=range(len(names)), xticklabels=labels, ylabel="read rightly (%)")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    no_grid(axes, axis="x")
    return fig
