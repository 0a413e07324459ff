"""What a network is, how its fit went, and how well it reads validation digits."""

from collections.abc import Mapping, Sequence

from digitlib.reporting.findings.words import (
    counted,
    first_of,
    from_to,
    interval,
    listed,
    points,
    were,
)


def data(
    source: str, learning: int, choosing: int, left_out: Sequence[tuple[str, str]], remedy: str = ""
) -> str:
    """From counts of digits, (file, reason) of what was left out, and ``placing.remedy``."""
    n = len(left_out)
    text = (
        f"**{source}**: {counted(learning, 'digit')} to learn from, {choosing:,} to choose by. "
        f"{counted(n, 'file', none='0')} {were(n)} left out."
    )
    if left_out:
        text += "\n" + first_of([f"`{file}`: {reason}" for file, reason in left_out])
    return text + (f"\n\n**Look at them:** {remedy}." if remedy else "")


def size(parameters: int, multiply_adds: float, layers: Sequence[str], part: float) -> str:
    """From the network's parameters and work, the layers with most of it, and the share of each."""
    does = f"does most of the work, {part:.0%}"
    if len(layers) > 1:
        does = f"do most of the work, {part:.0%} each"
    return (
        f"**{counted(parameters, 'parameter')}**, {parameters * 4 / 1e6:.1f} MB in "
        f"float32, and {multiply_adds / 1e6:.1f} million multiply-adds a digit. "
        f"{listed(f'`{layer}`' for layer in layers)} {does}."
    )


def kept(best: Mapping[str, float], epochs: int, digits: int) -> str:
    """From the history's row of the epoch that is kept, all epochs, and validation digits."""
    gap = 100 * (best["val_accuracy"] - best["accuracy"])
    side = f"{points(gap)} {'ahead' if gap > 0 else 'behind'}" if gap else "level"
    return (
        f"The epoch kept is {best['epoch']:.0f} of {epochs}: **{best['val_accuracy']:.2%}** "
        f"on validation, and {best['accuracy']:.2%} on the training digits, which are varied and "
        f"read with dropout. Validation is {side}; one digit there is {100 / digits:.2f} points."
    )


def exported(int8: float, float32: float, serves: str) -> str:
    """From the percent of validation digits that each file reads, and the file that serves."""
    return (
        f"Quantised to int8 the network reads {int8:.2f} % of the validation digits, in float32 "
        f"{float32:.2f} %: **`{serves}` serves**."
    )


def calibration(temperature: float, measured: Mapping[str, float], threshold: float) -> str:
    """From the temperature, ``evaluation.summary`` of the validation digits, and the threshold."""
    shown = f"{temperature:.2f}"
    mood = "above 1: it was too sure" if temperature > 1 else "below 1: it was not sure enough"
    if shown == "1.00":
        mood = "as good as 1: it was about as sure as it should be"
    change = from_to(measured["ece_percent_uncalibrated"], measured["ece_percent"])
    return (
        f"The temperature is **{shown}** ({mood}). The expected calibration error on validation "
        f"{change}. It was fitted to the same digits, so 05 measures it again on others. An answer "
        f"counts as accepted from a confidence of {threshold:.2f} up."
    )


def habits(found: Mapping) -> str:
    """From ``habits.judge_habits``."""
    forms, unseen, rows = found["forms"], found["unseen"], found["by_habit"]
    lowest = rows[0]["accuracy_percent"]
    worst = [row["habit"] for row in rows if row["accuracy_percent"] == lowest]
    where = f"the worst habit{'s' if len(worst) > 1 else ''} ({listed(worst)})"
    if len(worst) == len(rows):
        where = "every habit"
    return (
        f"Of {counted(forms['n'], 'digit')} by invented writers "
        f"**{forms['accuracy_percent']:.2f} %** are read correctly, of {where} **{lowest:.1f} %**, "
        "and of forms that are never used in training "
        f"**{unseen['accuracy_percent']:.2f} %**."
    )


def model(folder: str, measured: Mapping[str, float]) -> str:
    """From the model's folder, and ``evaluation.summary`` of the validation digits."""
    return (
        f"The model in `{folder}` reads **{measured['accuracy_percent']:.2f} %** of "
        f"{counted(int(measured['n']), 'validation digit')} ({interval(measured)}). "
        "05 asks the test set."
    )
