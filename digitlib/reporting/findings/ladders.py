"""What the steps of a ladder of experiments bought."""

from collections.abc import Mapping, Sequence

from digitlib.measuring.statistics import clearly_bought
from digitlib.reporting.findings.words import counted, listed


def bought(rungs: Sequence[Mapping], seeds: int, judged_by: str) -> str:
    """From ``statistics.rungs``, how many seeds each rung has, and what it was judged by."""
    if len(rungs) < 2:
        return "No ladder was climbed here. `make run PROFILE=ablation` climbs the long one."
    first, last = rungs[0]["mean"], rungs[-1]["mean"]
    gain = round(last - first, 2)
    what = "bought" if gain > 0 else "cost" if gain < 0 else "changed nothing:"
    clear = listed(f"**{name}**" for name in clearly_bought(rungs))
    text = (
        f"All steps together {what} **{abs(gain):.2f} points** ({first:.2f} to "
        f"{last:.2f} %; {counted(seeds, 'seed')}; {judged_by}). "
        f"Steps whose own 95 % interval lies above zero: {clear}."
    )
    return text if seeds > 5 else text + " With so few seeds, only large effects show."
