"""How a finished model does on unseen writers, corruptions, and what is no digit."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from digitlib.measuring.intervals import difference_interval
from digitlib.reporting.findings.words import are, bullets, counted, listed, points


def notes(of_sets: Sequence[str]) -> str:
    """From what could not be loaded, as sentences."""
    return "\n\n".join(of_sets) or "Everything that was asked for is there."


def preprocessing(own: pd.Series, others: pd.DataFrame) -> str:
    """From percent by set behind this project's preprocessing, and a column for each other one."""
    lines = []
    for name, percent in own.items():
        best = others.loc[name].max()
        where = listed(others.columns[others.loc[name] == best])
        side = f"{points(percent - best, 1)} {'more' if percent > best else 'fewer'}"
        lines.append(
            f"**{name}**: {percent:.1f} %, against {best:.1f} % for the best of the others "
            f"({where}); {'as many' if percent == best else side}"
        )
    return "Read correctly behind this project's preprocessing:\n\n" + bullets(lines)


def whose(simulated: Sequence[bool]) -> str:
    """From whether each set is simulated: whose pictures they are."""
    kinds = ["simulated"] * any(simulated) + ["unseen writers'"] * (not all(simulated))
    return listed(kinds)


def sets(scores: Mapping[str, Mapping], familiar: str, others: str) -> str:
    """From ``robustness.judge`` of each set, which one is familiar, and whose the others are."""
    yardstick = scores[familiar]["accuracy_percent"]
    strange = {name: score for name, score in scores.items() if name != familiar}
    percent = [score["accuracy_percent"] for score in strange.values()]
    hardest = listed(
        f"**{name}**, {score['accuracy_percent']:.1f} % ({score['low_percent']:.1f} to "
        f"{score['high_percent']:.1f} %, n = {score['n']:,})"
        for name, score in strange.items()
        if score["accuracy_percent"] == min(percent)
    )
    harder = [
        name
        for name, score in strange.items()
        if difference_interval(score, scores[familiar])[1] < 0
    ]
    return (
        f"Of the familiar digits **{yardstick:.1f} %** are read correctly, of {others} pictures "
        f"**{np.mean(percent):.1f} %** (mean of {counted(len(strange), 'set')}). Hardest: "
        f"{hardest}. Harder than the familiar: **{', '.join(harder) or 'none'}**."
    )


def misread(wrong: Mapping[str, Sequence[tuple[int, int, int]]], blank: Mapping[str, int]) -> str:
    """From ``evaluation.confusions`` of each set, and in how many pictures no ink was found."""
    lines = []
    for name, found in wrong.items():
        commonest = ", ".join(f"{label} as {answer} ({n}×)" for label, answer, n in found[:5])
        unread = f"; no ink found in {blank[name]}" if blank[name] else ""
        lines.append(f"**{name}**: {commonest or 'nothing misread'}{unread}")
    return bullets(lines)


def styles(thirds: Sequence[Mapping], right: int, digits: int) -> str:
    """From ``robustness.accuracy_by_property``, and how many of all digits are right."""
    percent = [row["accuracy_percent"] for row in thirds]
    worst = [row for row in thirds if row["accuracy_percent"] == min(percent)]
    where = listed(
        f"of those whose {row['property']} is {row['from']:.3g} to {row['to']:.3g}" for row in worst
    )
    least = f"; the fewest {where}: **{min(percent, default=0):.2f} %**"
    if len(worst) == len(thirds):
        least = ", in every third alike"
    named = ", ".join(
        f"{row['property']} from {row['from']:.3g} to {row['to']:.3g}"
        for row in thirds
        if row["high_percent"] < 100 * right / digits
    )
    return (
        f"Of all {counted(digits, 'digit')} {100 * right / digits:.2f} % are read correctly{least}."
        f" Clearly below the whole: **{named or 'no third'}**."
    )


def corruptions(percent: pd.Series, clean: float, digits: int) -> str:
    """From accuracy by corruption at severity 3, and that of the same digits unspoilt."""
    mean, lowest = percent.mean(), percent.nsmallest(3, keep="all")
    worst = ", ".join(
        f"{name.replace('_', ' ')} ({value:.0f} %)"
        for name, value in lowest[lowest < percent.max()].items()
    )
    side = f"{points(clean - mean, 1)} {'below' if clean > mean else 'above'}"
    return (
        f"At severity 3 the mean over {counted(len(percent), 'corruption')} is **{mean:.1f} %**, "
        f"{'as high as that of' if mean == clean else side} the same {counted(digits, 'digit')} "
        f"unspoilt ({clean:.1f} %). "
        + (f"Worst: {worst}." if worst else "None is worse than another.")
    )


def unpractised(percent: pd.Series, varied: int) -> str:
    """From accuracy by corruption that training did not vary, and how many others it varied."""
    n = len(percent)
    if not n:
        return f"The training varied all {varied} corruptions in some form."
    if not varied:
        text = f"The training varied none of the {n} corruptions in any form. The mean over them"
        return f"{text} is **{percent.mean():.1f} %**."
    over = f"Over the other {n} the mean is" if n > 1 else "Of the other one it is"
    return (
        f"The training varied {varied} of the {n + varied} corruptions in some form. {over} "
        f"**{percent.mean():.1f} %**."
    )


def nondigits(pictures: int, drawn: bool, taught: float) -> str:
    """From how many there are, whether they are drawn, and how many a digit the model learnt."""
    kind = "letters and signs by unseen writers"
    if drawn:
        kind = "drawn by this project's own generator"
    text = f"{counted(pictures, 'picture')}, {kind}. The model was "
    if not taught:
        return text + "trained on digits alone."
    text += f"**trained on drawn non-digits** ({taught:.0%} as many as digits)"
    kinder = ": for it these are of a familiar kind, and the result is kind too."
    return text + (kinder if drawn else ".")


def told_apart(
    found: Mapping[str, float], threshold: float, digits: float, nondigits: float
) -> str:
    """From ``robustness.auroc``, the card's threshold, and the percent of each accepted at it."""
    return (
        f"AUROC **{found['auroc']:.3f}** (95 % interval {found['low']:.3f} to "
        f"{found['high']:.3f}; {counted(int(found['digits']), 'digit')}, "
        f"{counted(int(found['non_digits']), 'non-digit')}). At the card's threshold "
        f"{threshold:.2f} the reader accepts **{digits:.1f} %** of the digits and "
        f"{'still ' if nondigits else ''}**{nondigits:.1f} %** of what is no digit."
    )


def wrongly_treated(accepted: int, nondigits: int, refused: int, right: int) -> str:
    """From how many of the non-digits are accepted, and of the correctly read digits refused."""
    text = f"{accepted:,} of {counted(nondigits, 'non-digit')} {are(accepted)} accepted; "
    if not right:
        return text + "no digit was read correctly."
    return text + f"{refused:,} of {counted(right, 'correctly read digit')} {are(refused)} refused."


def sureness(off: Mapping[str, float]) -> str:
    """From confidence less accuracy, 0 to 1, of each set that is off by more than chance."""
    lines = []
    for name, gap in off.items():
        size = f"{100 * abs(gap):.1f}"
        side = f"{'too sure' if gap > 0 else 'not sure enough'} by {size} points on average"
        if size == "0.0":
            side = "right on average, but not at every confidence"
        lines.append(f"**{name}**: {side}")
    return "Off by more than chance explains:\n\n" + bullets(lines or ["none of the sets"])


def ladder(digits: int, steps: int, seeds: int) -> str:
    """From how many digits the small networks learn from, how many steps and how many seeds."""
    return (
        f"{counted(digits, 'digit')} to learn from, {counted(steps, 'step', none='0')}, "
        f"{counted(seeds, 'seed')}."
    )
