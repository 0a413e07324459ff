"""What a search found, what it says about the settings, and whether its winner is better."""

from collections.abc import Mapping

import pandas as pd

from digitlib.reporting.findings.words import are, counted, signed, were


def data(source: str, learning: int, judging: int, comparing: int) -> str:
    """From where the digits come from, and how many of them each of the three parts has."""
    return (
        f"**{source}**: {counted(learning, 'digit')} for a trial to learn from, {judging:,} to "
        f"judge it, {comparing:,} to compare the winner on."
    )


def trials(finished: int, faults: Mapping[int, str], best: float, judging: int, near: int) -> str:
    """From what became of the trials, the best's percent, and how many are a digit behind it."""
    others = f"{counted(near, 'other')} {are(near)} at most one digit behind"
    if not near:
        others = "no other comes within a digit of it"
    return (
        f"{counted(finished, 'trial')} {were(finished)} finished and {len(faults)} failed"
        + "".join(f"; trial {number}: {fault}" for number, fault in faults.items())
        + f". The best reads **{best:.2f} %** of {counted(judging, 'judging digit')}; "
        f"{others}."
    )


def importance(found: pd.Series, explained: float, trials: int) -> str:
    """From ``trials.importance`` by a setting's name, and how many trials it looked at."""
    said = found[found > 0].index
    text = (
        f"On trials it has not seen, the forest explains {explained if explained > 0 else 0:.0%} "
        "of the differences. So "
    )
    if not (explained > 0.1 and len(said)):
        few = f"{counted(trials, 'trial')} {are(trials)} too few"
        return f"{text}{few} for these bars to mean anything."
    then = f", then on {said[1]}" if len(said) > 1 else ""
    return text + f"the bars mean something: most depends on **{said[0]}**{then}."


def costs(done: pd.DataFrame, front: pd.Series) -> str:
    """From accuracy_percent and parameters of each trial, and ``trials.pareto`` of them."""
    n, best = int(front.sum()), done["accuracy_percent"].max()
    order = ["parameters", "accuracy_percent"]
    lean = done[front].sort_values(order, ascending=[True, False]).iloc[0]
    winners = done.loc[done["accuracy_percent"] == best, "parameters"]
    text = (
        f"{n} of {counted(len(done), 'trial')} {are(n)} unbeaten. "
        f"{'The smallest of them' if n > 1 else 'It'} has {lean['parameters']:,.0f} parameters"
    )
    behind = best - lean["accuracy_percent"]
    if not behind:
        return text + ", and none is more accurate."
    which = "which" if winners.nunique() == 1 else "the smallest of which"
    return f"{text} and is {behind:.2f} points behind the best, {which} has {winners.min():,.0f}."


def verdict(spread: Mapping, clear: int, digits: int) -> str:
    """From ``over_seeds`` of the differences, how many are clear by themselves, and the digits."""
    n, several = spread["n"], spread["n"] > 2
    word = "cannot be told from"
    if several and spread["low"] * spread["high"] > 0:
        word = "beats" if spread["mean"] > 0 else "falls short of"
    return (
        f"The winner **{word}** `digitnet`: {signed(spread['mean'])} points on average over "
        f"{counted(n, 'seed')} and {counted(digits, 'digit')}"
        + (
            f" (95 % interval {signed(spread['low'])} to {signed(spread['high'])})"
            if several
            else ""
        )
        + (
            f". The difference is clear (p < 0.05) with {clear or 'none'} of the seeds."
            if n > 1
            else f". With this seed the difference is {'' if clear else 'not '}clear (p < 0.05)."
        )
    )
