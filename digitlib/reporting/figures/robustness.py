"""Figures of the robustness notebook."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn
from matplotlib.figure import Figure

from digitlib.reporting.figures import draw
from digitlib.reporting.figures.style import COLOURS, MARKS, QUIET, RIGHT, TEXT, WRONG, figure


def prepared(
    pictures: Sequence[np.ndarray],
    labels: np.ndarray,
    images: Mapping[str, np.ndarray],
    answers: Mapping[str, np.ndarray],
) -> Figure:
    """Pictures over what each preprocessing makes of them, framed blue where read correctly.

    Args:
        pictures: N of uint8 (H, W) or (H, W, 3).
        labels: (N,).
        images: uint8 (N, 28, 28) by the preprocessing's name.
        answers: (N,), what the network reads then.
    """
    lines = ["picture", *images]
    fig = figure(0.3 + 0.94 * len(lines), alt="Pictures, and what the network sees of them")
    grid = fig.subplots(len(lines), len(pictures), squeeze=False)
    for column, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        draw.digit(grid[0, column], picture, cmap="gray")
        for row, (name, made) in enumerate(images.items(), 1):
            answer = int(answers[name][column])
            edge = RIGHT if answer == label else WRONG
            axes = draw.digit(grid[row, column], made[column], edge=edge)
            axes.spines[:].set_linewidth(1.8)
            paper = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
            draw.text(axes, 2, 2, answer, color=edge, fontsize=9, weight="bold", bbox=paper)
    for axes, name in zip(grid[:, 0], lines, strict=True):
        draw.row_name(axes, name)
    return fig


def accuracies(rows: Sequence[Mapping], by: str = "") -> Figure:
    """Accuracy of each set as a dot with its interval, one line a set.

    Args:
        rows: set, n, accuracy_percent, low_percent and high_percent.
        by: a further key; its values have a colour and a mark each.
    """
    sets = {row["set"]: row["n"] for row in rows}
    kinds = list(dict.fromkeys(row.get(by, "") for row in rows))
    pitch = 0.16 * len(kinds) + 0.2 if by else 0.5
    fig = figure(0.9 + pitch * len(sets), alt=f"Accuracy on {', '.join(sets)}")
    axes = fig.add_subplot()
    styles = {
        kind: (COLOURS[(len(kinds) - 1 - k) % 6], MARKS[k % len(MARKS)])
        for k, kind in enumerate(kinds)
    }
    for row in rows:
        kind = row.get(by, "")
        y = list(sets).index(row["set"]) + (kinds.index(kind) + 1) / (len(kinds) + 1) - 0.5
        colour, mark = styles[kind]
        colour = COLOURS[7] if row.get("reference") else colour
        draw.interval(axes, y, row, colour, mark, "" if by else f"{row['accuracy_percent']:.1f} %")
    axes.set_yticks(range(len(sets)), [f"{name}  (n = {n:,})" for name, n in sets.items()])
    axes.set(xlabel="read correctly (%), with 95 % interval", ylim=(len(sets) - 0.5, -0.5))
    axes.set_xlim(right=102 if by else 100.6)
    if by:
        for kind, (colour, mark) in styles.items():
            axes.plot([], [], mark, color=colour, label=kind)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(kinds), handletextpad=0.1)
    axes.grid(axis="x")
    return fig


def writers(rows: Mapping[str, Sequence[Mapping]]) -> Figure:
    """Accuracy of every writer as a dot, a line for each set.

    Args:
        rows: by set, one for each writer: group, n and accuracy_percent.
    """
    fig = figure(0.9 + 0.55 * max(len(rows), 1), alt="Accuracy of each writer, by set")
    axes = fig.add_subplot()
    random = np.random.default_rng(0)
    for y, (name, people) in enumerate(rows.items()):
        accuracy = [row["accuracy_percent"] for row in people]
        sizes = [12 + 60 * min(row["n"] / 300, 1) for row in people]
        places = y + random.uniform(-0.2, 0.2, len(people))
        axes.scatter(accuracy, places, sizes, color=COLOURS[y % 6], alpha=0.6, lw=0, label=name)
        worst = people[0]
        note = f"writer {worst['group']}: {worst['accuracy_percent']:.1f} %"
        axes.annotate(note, (accuracy[0], places[0]), (-6, 0), textcoords="offset points",
                      ha="right", va="center", fontsize=8, color=TEXT)  # fmt: skip
    names = [f"{name}  ({len(people)} writers)" for name, people in rows.items()]
    axes.set_yticks(range(len(rows)), names)
    low = min((p["accuracy_percent"] for people in rows.values() for p in people), default=90)
    axes.set(xlabel="read correctly (%)", ylim=(max(len(rows), 1) - 0.5, -0.5))
    axes.set_xlim(low - 0.12 * (100 - low) - 1, 100.4)
    axes.grid(axis="x")
    return fig


def digits_by_set(recalls: Mapping[str, np.ndarray]) -> Figure:
    """How often each digit is read correctly, (10,) in percent by set; NaN is left blank."""
    table = pd.DataFrame.from_dict(recalls, orient="index")
    fig = figure(0.8 + 0.36 * len(table), alt="Share of each digit read correctly, by set")
    axes = fig.add_subplot()
    floor = min(90.0, table.min(axis=None) // 10 * 10)
    colours = seaborn.blend_palette([WRONG, "white"], as_cmap=True)
    bar = {"label": "read correctly (%)", "pad": 0.01}
    draw.heatmap(axes, table, fmt=".1f", vmin=floor, vmax=100, cmap=colours, cbar_kws=bar)
    axes.set_xlabel("digit")
    return fig


def taken_and_seen(
    pictures: Sequence[np.ndarray], images: np.ndarray, captions: Sequence[str], title: str
) -> Figure:
    """Pictures, each beside what the network saw, over a caption; six to a line.

    Args:
        pictures: N of uint8 (H, W) or (H, W, 3).
        images: uint8 (N, 28, 28).
        captions: N texts of one or two short lines.
        title: over all.
    """
    fig, cells = draw.titled_cells(len(pictures), 6, 1.28, title)
    for cell, picture, image, caption in zip(cells, pictures, images, captions, strict=True):
        left, right = cell.subplots(1, 2)
        draw.digit(left, picture, cmap="gray")
        draw.digit(right, image)
        cell.supxlabel(caption, fontsize=8, color=TEXT)
    return fig


def accuracy_by_property(rows: Sequence[Mapping]) -> Figure:
    """Accuracy by thirds, as ``measuring.robustness.accuracy_by_property`` gives them."""
    names = list(dict.fromkeys(row["property"] for row in rows))
    fig = figure(2.9, alt="Accuracy in the lowest, middle and highest third of each property")
    panels = fig.subplots(1, len(names), sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        thirds = [row for row in rows if row["property"] == name]
        texts = [f"{row['from']:.3g} to\n{row['to']:.3g}".replace("-", "−") for row in thirds]
        values = [row["accuracy_percent"] for row in thirds]
        axes.errorbar(range(len(thirds)), values, draw.reach_of(thirds), fmt="o", color=RIGHT)
        axes.set_xticks(range(len(thirds)), texts)
        axes.set(xlabel=name, xlim=(-0.5, len(thirds) - 0.5))
    panels[0].set_ylabel("read correctly (%)")
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
    fig = figure(6.9, alt="Accuracy against severity under each of the corruptions")
    grid = fig.subplots(-(-len(examples) // 5), 5, sharex=True, sharey=True)
    for axes, (name, example) in zip(grid.flat, examples.items(), strict=False):
        curve = table[table["corruption"] == name].sort_values("severity")
        colour = COLOURS[2] if name in varied else RIGHT
        axes.plot(levels, mean, color=COLOURS[7], lw=3.2, zorder=1, label="mean of all")
        low, value, high = (curve[f"{key}_percent"] for key in ("low", "accuracy", "high"))
        axes.fill_between(levels, low, high, color=colour, alpha=0.2, lw=0)
        axes.plot(levels, value, "o-", color=colour, ms=4, zorder=3, label="this corruption")
        title = name.replace("_", " ") + (" (practised)" if name in varied else "")
        axes.set_title(title, fontsize=9, weight="normal", pad=4)
        room = 0.45 * (levels[-1] - levels[0] or 1)  # for the example, right of the curve
        axes.set(ylim=(0, 103), xticks=levels, xlim=(levels[0] - 0.2, levels[-1] + room))
        axes.set(xlabel="severity", ylabel="read correctly (%)")
        axes.label_outer()
        draw.digit(axes.inset_axes((0.74, 0.05, 0.26, 0.35)), example)
    fig.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=2)
    return fig


def confidences(digits: Mapping[str, np.ndarray], others: np.ndarray, threshold: float) -> Figure:
    """How confidence is spread over the digits of each set and over what is no digit.

    Args:
        digits: confidences (N,) by set.
        others: confidences (M,).
        threshold: of the model's card.
    """
    fig = figure(3.5, alt="Share of digits and of non-digits above each confidence")
    left, right = fig.subplots(1, 2, width_ratios=(1, 1.25))
    everything = np.concatenate(list(digits.values()))
    for values, colour, label in ((everything, RIGHT, "digits"), (others, WRONG, "no digits")):
        look = {"element": "step", "alpha": 0.45, "color": colour, "label": label}
        seaborn.histplot(x=values, binrange=(0, 1), bins=20, stat="percent", ax=left, **look)
    left.set(xlabel="confidence", ylabel="share (%)", title="How sure it is")
    left.legend(loc="upper center")
    right.set_prop_cycle(color=COLOURS[:6] + COLOURS[7:])  # yellow is too pale for a line
    for name, values in [*digits.items(), ("no digits", others)]:
        look = {"color": TEXT, "lw": 2.6} if values is others else {"lw": 1.3}
        right.plot(np.sort(values), 100 * np.linspace(1, 0, len(values)), label=name, **look)
    right.set(
        xlabel="confidence", ylabel="accepted at this threshold (%)", title="What a threshold keeps"
    )
    right.set_xlim(left=0)
    right.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    for axes in (left, right):
        axes.axvline(threshold, color=QUIET, ls=":", lw=1.4)
    return fig
