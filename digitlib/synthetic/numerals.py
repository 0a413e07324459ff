"""Pen-drawn digits by hands that do not exist, from a table of how people form each digit.

MNIST was written in the United States around 1990. It has hardly any crossed 7s, 1s with a long
upstroke, or 9s like a ϱ. The hands drawn here have these habits and the common ones,
each hand always the same: a school, one form of each digit, one slant, width and pen. The table is
``numerals.yaml``, which names its sources; forms vary only so far that none turns into another
digit.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml

from digitlib.synthetic.strokes import NARROWEST, Manner, Seed, draw_by, draw_manners

DIGITS_OF_ONE = 10  # of a hand, in a set of single digits


class Habit(NamedTuple):
    """One way to form a digit, in several forms; see the YAML file.

    `often` has a weight for each school; `forms`, `unseen` and `on_lines` are paths by name.
    """

    often: Mapping[str, float]
    forms: Mapping[str, str]
    unseen: Mapping[str, str] = {}
    on_lines: Mapping[str, str] = {}
    widest: float = 1.7
    thickest: float = 4.0


_TABLE = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
SCHOOLS: dict[str, float] = _TABLE.pop("schools")
HABITS: dict[int, dict[str, Habit]] = {
    digit: {name: Habit(**habit) for name, habit in habits.items()}
    for digit, habits in _TABLE.items()
}


class Hands(NamedTuple):
    """How n people write: their `manners`, and of each digit habit and path, (n, 10) of str."""

    manners: Manner
    habits: np.ndarray
    paths: np.ndarray


def draw_hands(
    n: int,
    random: np.random.Generator,
    kinds: Sequence[str] = ("forms",),
    schools: Mapping[str, float] = SCHOOLS,
    balance: float = 0.0,
) -> Hands:
    """The hands of n people.

    Args:
        n: how many.
        random: draws them.
        kinds: which of a habit's paths they have: ``forms``, ``unseen``, ``on_lines``. A habit
            without any is left out.
        schools: how often each of `SCHOOLS` occurs.
        balance: 0 draws habits as often as people have them, 1 all of a digit equally often.
    """
    names = list(schools)
    weights = np.array([schools[name] for name in names], float)
    school = random.choice(len(names), n, p=weights / weights.sum())
    habits, paths = np.empty((2, n, 10), object)
    for digit, known in HABITS.items():
        had = {name: _paths(habit, kinds) for name, habit in known.items()}
        had = {name: them for name, them in had.items() if them}
        for number, name in enumerate(names):
            mine = np.flatnonzero(school == number)
            often = np.array([known[habit].often[name] for habit in had]) ** (1 - balance)
            chosen = random.choice(list(had), len(mine), p=often / often.sum())
            habits[mine, digit] = chosen
            paths[mine, digit] = [random.choice(had[habit]) for habit in chosen]
    return Hands(draw_manners(n, random), habits, paths)


def _paths(habit: Habit, kinds: Sequence[str]) -> list[str]:
    return [path for kind in kinds for path in getattr(habit, kind).values()]


def write(
    hands: Hands,
    who: np.ndarray,
    digits: np.ndarray,
    random: np.random.Generator,
    size: int = 28,
) -> np.ndarray:
    """N digits by these hands, a little different every time: uint8 (N, size, size).

    ``who`` and ``digits`` are integers (N,): whose hand, and 0 to 9. As in MNIST a digit is about
    20 of 28 pixels on its longer side, with its centre of mass at pixel (14, 14), ink bright on 0.
    """
    images = np.empty((len(who), size, size), np.uint8)
    paths, habits = hands.paths[who, digits], hands.habits[who, digits]
    for path in dict.fromkeys(paths):
        rows = np.flatnonzero(paths == path)
        habit = HABITS[digits[rows[0]]][habits[rows[0]]]
        manners = _each_time(hands.manners, who[rows], habit.widest, random)
        images[rows] = draw_by(manners, path, random, habit.thickest, size)
    return images


def _each_time(
    manners: Manner, who: np.ndarray, widest: float, random: np.random.Generator
) -> Manner:
    """The manners of the people `who`, each a little different from their own."""
    own = Manner(*(part[who] for part in manners))
    one = own.pen.shape
    return own._replace(
        stretch=(own.stretch * random.lognormal(0, 0.08, one)).clip(NARROWEST, widest),
        slant=own.slant + random.normal(0, 0.06, one),
        turn=own.turn + random.normal(0, 0.03, one),
        pen=own.pen * random.lognormal(0, 0.08, one),
    )


def draw_digits(labels: np.ndarray, seed: Seed, balance: float = 0.5) -> np.ndarray:
    """Draw a digit for each label, by as many hands as there are tens of them.

    `labels` are integers (N,), 0 to 9; `balance` is as for `draw_hands`. Returns uint8
    (N, 28, 28), as `write` does. The same arguments give the same images. Raises ValueError for
    other labels.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or not set(np.unique(labels)) <= set(range(10)):
        raise ValueError("labels must be one row of integers from 0 to 9")
    random = np.random.default_rng(seed)
    count = -(-len(labels) // DIGITS_OF_ONE)
    hands = draw_hands(count, random, balance=balance)
    who = random.permutation(np.arange(len(labels)) % max(count, 1))
    return write(hands, who, labels.astype(int), random)
