"""What a run reached, in a few words."""

from collections.abc import Mapping, Sequence

from digitlib.reporting.findings.words import bullets, counted, interval, signed


def in_words(card: Mapping, test: Mapping[str, float]) -> str:
    """From a model's card, and what notebook 05 measured on the test digits."""
    n, name = int(test["n"]), card["architecture"]["name"]
    return (
        f"A network of {counted(card['parameters'], 'parameter')} (`{name}`) reads "
        f"**{test['accuracy_percent']:.2f} %** of {counted(n, 'test digit')} of {card['dataset']} "
        f"({n - test['correct']} misread). From {counted(n, 'digit')}, the 95 % interval goes from "
        f"**{test['low_percent']:.2f}** to **{test['high_percent']:.2f} %**. What it says of its "
        f"own certainty is off by {test['ece_percent']:.2f} points on average."
    )


def luck(percent: Sequence[float], spread: Mapping) -> str:
    """From the test accuracy with each seed, and ``over_seeds`` of it."""
    if len(percent) == 1:
        return "A single seed says nothing about that. `make run SEEDS=5` trains five."
    if len(percent) == 2:
        return (
            f"Two seeds are {abs(percent[1] - percent[0]):.2f} points apart; an interval takes at "
            "least three."
        )
    return (
        f"Over {len(percent)} seeds the test accuracy is **{spread['mean']:.2f} % ± "
        f"{spread['sd']:.2f}** (mean ± standard deviation; 95 % interval of the mean "
        f"{spread['low']:.2f} to {spread['high']:.2f} %)."
    )


def folds(found: Mapping) -> str:
    """From ``statistics.cross_validation``."""
    percent, spread, overall = found["percent"], found["spread"], found["overall"]
    around, spans = f"{spread['mean']:.2f} %", ""
    if len(percent) > 1:
        around += f" ± {spread['sd']:.2f}"
        spans = f" (mean ± standard deviation; {min(percent):.2f} to {max(percent):.2f})"
    return (
        "In a cross-validation, every training digit is held out once, by one of several fits. "
        "How far these folds lie apart says how far to trust any one of them. "
        f"Over {counted(len(percent), 'fold')} the accuracy is **{around}**{spans}. Of all "
        f"{counted(overall['n'], 'digit')}, each answered by the fit that had not seen it, "
        f"{overall['accuracy_percent']:.2f} % are read correctly ({interval(overall)})."
    )


def published(claimed: Sequence[float], test: Mapping[str, float]) -> str:
    """From the accuracies that other systems claim, and what notebook 05 measured."""
    lower = sum(percent < test["low_percent"] for percent in claimed)
    higher = sum(percent > test["high_percent"] for percent in claimed)
    return (
        f"Of the {counted(len(claimed), 'published figure')}, those below this run's interval: "
        f"{lower}, inside it: {len(claimed) - lower - higher}, above it: {higher}. Their networks "
        "can be trained here on MNIST: `make run PROFILE=five_layer`, for instance."
    )


def beside_others(rows: Sequence[Mapping]) -> str:
    """From ``statistics.differences_over_seeds``."""
    lines = []
    for row in rows:
        mean = f"{signed(row['mean'])} points on average over {counted(row['n'], 'seed')}"
        if row["low"] is not None:
            mean += f" (95 % interval {signed(row['low'])} to {signed(row['high'])})"
        lines.append(f"**{row['name']}**: {mean}")
    return bullets(lines) or "There is nothing to compare with; see 05's `compare_with`."
