"""How well a finished model reads its test digits, and how far its confidence can be trusted."""

from collections.abc import Mapping, Sequence

from digitlib.reporting.findings.words import are, bullets, counted, interval, points


def model(card: Mapping, source: str, learnt: int, chosen: int, tested: int) -> str:
    """From a model's card, and the digits it learnt from, was chosen on and is tested on."""
    return (
        f"`{card['architecture']['name']}`, {counted(card['parameters'], 'parameter')}, seed "
        f"{card['seed']}. **{source}**: {counted(learnt, 'digit')} it learnt from, {chosen:,} it "
        f"was chosen on, {tested:,} to test it."
    )


def accuracy(tested: Mapping[str, float], training: Mapping[str, float]) -> str:
    """From ``evaluation.summary`` of the test digits and of the training digits."""
    n, gap = int(tested["n"]), training["accuracy_percent"] - tested["accuracy_percent"]
    side = f"{points(gap)} {'fewer' if gap > 0 else 'more'} than" if gap else "as many as"
    return (
        f"**{tested['accuracy_percent']:.2f} %** of {counted(n, 'test digit')} {are(n)} read "
        f"correctly ({interval(tested)}), {side} of the training digits."
    )


def weakest(worst: Mapping[str, float], digits: Sequence[Mapping], chance: float) -> str:
    """From the worst row of ``per_class``, the rows of all that occur, and ``worst_by_chance``."""
    lowest = worst["recall_percent"]
    if lowest == 100:
        return "Every digit is recognised every time."
    name = f"**{worst['digit']}** is recognised least often"
    if sum(row["recall_percent"] == lowest for row in digits) > 1:
        name = f"No digit is recognised less often than **{worst['digit']}**"
    return (
        f"{name}: {lowest:.1f} % of {worst['support']:,}, with an interval from "
        f"{worst['recall_low_percent']:.1f} to {worst['recall_high_percent']:.1f} %. One of "
        f"{'ten' if len(digits) == 10 else len(digits)} is always the worst. If "
        f"all were equally hard, one would do as badly in {chance:.0%} of such tests. "
        + ("So this is more than chance." if chance < 0.05 else "So this may well be chance.")
    )


def confusions(wrong: Sequence[tuple[int, int, int]]) -> str:
    """From ``evaluation.confusions`` of the test set."""
    text = f"In the test set {len(wrong)} of 90 possible confusions occur"
    text += "s. " if len(wrong) == 1 else ". "
    if not wrong:
        return text + "Nothing is misread."
    third = wrong[:3][-1][2]
    commonest = [pair for pair in wrong if pair[2] >= third]
    named = ", ".join(f"{label} read as {answer} ({n}×)" for label, answer, n in commonest)
    equal = len(wrong) > 1 and wrong[0][2] == wrong[-1][2]
    return text + f"{'Equally often' if equal else 'The commonest'}: **{named}**."


def calibration(tested: Mapping[str, float], chance: float, most: float) -> str:
    """From ``evaluation.summary`` of the test digits, and ``calibration_error_by_chance``."""
    return (
        f"The expected calibration error on the test set is **{tested['ece_percent']:.2f} %** "
        f"({tested['ece_percent_uncalibrated']:.2f} % without the temperature). On "
        f"{counted(int(tested['n']), 'digit')} a perfectly calibrated model would show "
        f"{100 * chance:.2f} % by chance, and up to {100 * most:.2f} % in 95 of 100 tests. The "
        f"negative log likelihood is {tested['nll']:.4f} nats ({tested['nll_uncalibrated']:.4f} "
        "without)."
    )


def coverage(
    threshold: float, digits: int, accepted: int, right: int, surest: float, risk: float
) -> str:
    """From counts of test digits, the accuracy of the surest 95 %, and the area under the curve."""
    text = f"The threshold {threshold:.2f} of the model's card accepts "
    if accepted > 1:
        text += (
            f"**{100 * accepted / digits:.1f} %** of the test digits; {right:,} of these "
            f"{accepted:,} {are(right)} right. "
        )
    elif accepted:
        text += f"**one** of the test digits, which is {'right' if right else 'wrong'}. "
    else:
        text += "**none** of the test digits. "
    return (
        f"{text}Of the surest 95 % of all answers, {100 * surest:.2f} % are"
        f"{'' if accepted > 1 else ' right'}. The area under the risk–coverage curve is {risk:.5f}."
    )


def mistakes(shown: int, missed: int, second: int, refused: int) -> str:
    """From how many mistakes are shown, there are, have the label second, and are refused."""
    if not missed:
        return "There are no mistakes to show: every test digit is read correctly."
    if missed == 1:
        figure = "The figure shows the only mistake. " if shown else "There is one mistake. "
        return (
            f"{figure}The label was {'' if second else 'not '}the model's second choice. "
            f"The threshold {'rejects' if refused else 'accepts'} it."
        )
    return (
        f"The figure shows {shown} of {missed} mistakes. In **{second} of {missed}** "
        f"the label was the model's second choice. The threshold rejects {refused} of them."
    )


def suspects(found: Mapping[str, int], sizes: Mapping[str, int]) -> str:
    """From how many labels of each part are suspect, and how many digits it has."""
    counts = ", ".join(f"{n} of {sizes[name]:,} {name} digits" for name, n in found.items())
    return (
        f"Suspect labels: {counts}. A person has to decide whether such a label is wrong, the "
        "digit is hard, or the model is mistaken. Nothing is removed or relabelled here."
    )


def brightness(unchanged: Mapping[str, float], below: Sequence[Mapping]) -> str:
    """From ``statistics.accuracy`` as they are, and the changes that are clearly worse."""
    n = int(unchanged["n"])
    named = ", ".join(f"{row['change']} {row['value']:g}" for row in below)
    return (
        f"Unchanged, {unchanged['accuracy_percent']:.2f} % of {'this' if n == 1 else 'these'} "
        f"{counted(n, 'digit')} {are(n)} read correctly. Clearly fewer, with intervals that do not "
        f"touch, are read at: **{named or 'none of these changes'}**."
    )


def comparison(compared: Sequence[Mapping]) -> str:
    """From the name of each other reader, and ``comparison.paired_test`` with it."""
    lines = []
    for row in compared:
        gap, clear = row["difference_percent"], row["p_value"] < 0.05
        side = f"{points(gap)} {'better' if gap > 0 else 'worse'} than **{row['name']}**"
        why = "more than chance explains" if clear else "chance may explain it"
        equal = f"As good as **{row['name']}**: both read equally many digits."
        lines.append(f"{side}: {why}." if gap else equal)
    return bullets(lines) or "There is nothing to compare with; see the parameter `compare_with`."
