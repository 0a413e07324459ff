"""How well a network reads hands with other habits than those it learnt from, habit by habit.

The hands are drawn (``synthetic.numerals``), so that every habit is there often enough to be
judged; no recipe is chosen by them alone. The worst habit's accuracy is the worst-group accuracy
of Sagawa et al. 2020, arXiv:1911.08731.
"""

from collections.abc import Callable

import numpy as np

from digitlib.measuring.statistics import accuracy
from digitlib.synthetic.numerals import draw_hands, write


def judge_habits(read: Callable[[np.ndarray], np.ndarray], hands: int, seed: int = 0) -> dict:
    """Accuracy on digits by drawn hands, of forms as they are learnt from and of held-out ones.

    Args:
        read: takes images uint8 (N, 28, 28), gives logits or probabilities (N, 10).
        hands: how many of each kind; all habits of a digit are equally frequent.
        seed: draws them.

    Returns:
        by_habit: rows of habit and ``accuracy``'s, worst first; forms and unseen: ``accuracy``'s
        over all digits of each kind.
    """
    random = np.random.default_rng(seed)
    found: dict = {}
    for kind in ("forms", "unseen"):
        drawn = draw_hands(hands, random, (kind,), balance=1.0)
        who, digits = np.divmod(np.arange(10 * hands), 10)
        answers = read(write(drawn, who, digits, random)).argmax(axis=1)
        found[kind] = accuracy(digits, answers)
        if kind == "forms":
            names = np.array(
                [f"{digit} {drawn.habits[i, digit]}" for i, digit in zip(who, digits, strict=True)]
            )
            rows = [
                {"habit": name} | accuracy(digits[names == name], answers[names == name])
                for name in np.unique(names)
            ]
            found["by_habit"] = sorted(rows, key=lambda row: row["accuracy_percent"])
    return found
