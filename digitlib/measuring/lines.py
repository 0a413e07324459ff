"""Lines of numbers to judge a reader by: simulated ones, and pictures that others collected."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import logit
from sklearn.linear_model import LogisticRegression

from digitlib.datasets import Dataset
from digitlib.measuring.calibration import (
    accuracy_by_coverage,
    calibration_error_by_chance,
    expected_calibration_error,
)
from digitlib.measuring.handwriting import collected_folder
from digitlib.measuring.statistics import accuracy
from digitlib.pixels.decoding import Picture
from digitlib.pixels.digit_files import opened
from digitlib.pixels.line_images import NUMBER
from digitlib.synthetic.lines import Seed, Simulation, as_seen, draw_lines
from digitlib.synthetic.texts import THIN_SPACE

# What was collected in $DIGITLIB_DATA/handwriting, and what it is.
COLLECTED = {
    "amounts": "amounts cut from real bank cheques",
    "numbers": "cheque mock-ups, photographed rows, and pairs",
}


@dataclass(frozen=True, eq=False)
class LineSet:
    """Pictures of numbers.

    Attributes:
        name: of the set.
        pictures: N of them, as `Recognizer.read_digits` takes them.
        numbers: what each says, number by number: with its marks where `marked`, else its digits.
        source: where they come from, for a reader.
        marked: whether marks are known.
    """

    name: str
    pictures: Sequence[Picture]
    numbers: Sequence[Sequence[str]]
    source: str
    marked: bool = False

    def __len__(self) -> int:
        return len(self.pictures)

    def digits(self, i: int) -> str:
        """All digits of picture `i`."""
        return digits_of(" ".join(self.numbers[i]))


@dataclass(frozen=True, eq=False)
class Answers:
    """What a reader made of a `LineSet`, one of each a picture.

    `texts` are its numbers as written with a space between. `confidences` (N,) are the stated
    probabilities, 0 to 1, of the least certain number, and 0 where none was found. `accepted` (N,)
    tells whether there are numbers and all are accepted; `right` (N,) whether all digits are as
    they should be, in order and without others; `exact` (N,) whether the marks are as well, where
    they are known.
    """

    texts: list[str]
    confidences: np.ndarray
    accepted: np.ndarray
    right: np.ndarray
    exact: np.ndarray


def digits_of(text: str) -> str:
    """The digits in a text."""
    return "".join(c for c in text if c.isdigit())


def simulated(digits: Dataset | None, count: int, seed: Seed, simulation: Simulation) -> LineSet:
    """Simulated lines, of these digits or by invented writers alone; some hold no number."""
    lines = draw_lines(*images_and_labels(digits), count, seed, simulation)
    texts = [line.text.replace(THIN_SPACE, "") for line in lines]
    said = [[found.group() for found in NUMBER.finditer(text)] for text in texts]
    pictures = [line.grey for line in lines]
    source = "simulated, of " + (digits.source if digits else "digits by invented writers")
    return LineSet("simulated", pictures, said, source, marked=True)


def images_and_labels(digits: Dataset | None) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (N, 28, 28) and labels (N,) to write with; none for pen-drawn digits alone."""
    if digits is None:
        return np.empty((0, 28, 28), np.uint8), np.empty(0, np.uint8)
    return digits.images, digits.known_labels()


def ingredient_examples(
    digits: Dataset | None, name: str, strengths: Sequence[float], count: int, tries: int = 40
) -> list[np.ndarray]:
    """Lines with one ingredient of the simulation and no other, as the line network sees them.

    `count` lines, uint8 (48, 256): the first at each of the `strengths`, then the next. They are
    those of `tries` lines in which the ingredient shows at most of the strengths, and changes most
    at the last one. [] where it shows in none.
    """
    nothing = {field.name: 0.0 for field in fields(Simulation)}
    if name == "odd_marks":
        nothing["marks"] = 2.0
    shown = []
    for seed in range(tries):
        plain, *drawn = (
            as_seen(
                draw_lines(
                    *images_and_labels(digits), 1, [seed], Simulation(**nothing | {name: strength})
                )
            )
            for strength in (0.0, *strengths)
        )
        changes = [float(np.abs(one.astype(int) - plain).mean()) for one in drawn]
        rank = sum(change > 0 for change in changes), changes[-1]
        shown.append((rank, [one[0] for one in drawn]))
    shown = sorted((one for one in shown if one[0][0]), key=lambda one: one[0])[::-1][:count]
    return [line for _, lines in shown for line in lines]


def collected() -> list[LineSet]:
    """The sets in ``$DIGITLIB_DATA/handwriting``; [] where there are none."""
    folder = collected_folder()
    return [_collected(folder / name) for name in COLLECTED if (folder / name).is_dir()]


def _collected(folder: Path) -> LineSet:
    file = folder / "readings.json"
    with opened(file, "a list of readings"):
        entries = json.loads(file.read_text(encoding="utf-8"))
        told = [entry for entry in entries if "text" in entry or "lines" in entry]
        pictures = [folder / entry["file"] for entry in told]
        numbers = [entry.get("lines") or [entry["text"]] for entry in told]
    return LineSet(folder.name, pictures, numbers, COLLECTED[folder.name])


def marks_read(wanted: str, said: str) -> tuple[int, int, int]:
    """How many marks a text has, how many of them were read in their place, how many were read.

    Both texts are aligned by their longest common blocks.
    """
    same = SequenceMatcher(None, wanted, said, autojunk=False).get_matching_blocks()
    right = sum(c in ".,-" for at, _, n in same for c in wanted[at : at + n])
    return sum(c in ".,-" for c in wanted), right, sum(c in ".,-" for c in said)


def read_all(read_digits: Callable[[Picture], Any], lines: LineSet) -> Answers:
    """Have all pictures of a set read; `read_digits` is that of a `Recognizer`."""
    readings = [read_digits(picture) for picture in lines.pictures]
    texts = [" ".join(number.text for number in reading.numbers) for reading in readings]
    confidences = np.array([reading.confidence for reading in readings])
    accepted = np.array([reading.accepted for reading in readings], bool)
    right = np.array([digits_of(text) == lines.digits(i) for i, text in enumerate(texts)], bool)
    exact = right
    if lines.marked:
        as_written = [" ".join(numbers) for numbers in lines.numbers]
        exact = np.array(texts) == np.array(as_written)
    return Answers(texts, confidences, accepted, right, exact)


def summary(answers: Answers) -> dict[str, float]:
    """How well a set is read, in percent.

    Returns:
        What ``statistics.accuracy`` has, of pictures read without an error; surest_half_percent,
        the same of the half with the highest confidences; and of the pictures in which a number
        was found stated_percent, the mean confidence, and the expected calibration error with its
        95th percentile by chance.
    """
    right, sure = answers.right, answers.confidences
    found = sure > 0
    told = (right[found], sure[found]) if found.any() else (right, sure)
    return right_and_surest_half(right, sure) | {
        "stated_percent": 100 * float(told[1].mean()),
        "ece_percent": 100 * expected_calibration_error(*told),
        "ece_by_chance_percent": 100 * calibration_error_by_chance(told[1])[1],
    }


def trusted(answers: Answers) -> dict[str, Any]:
    """How many pictures are accepted, and what share of those is read without an error.

    Returns:
        accepted_percent, and what ``statistics.accuracy`` has of the accepted ones, in which
        percentages are None where there are none.
    """
    sure = answers.accepted
    share = {"accepted_percent": 100 * float(sure.mean())}
    if not sure.any():
        ends = dict.fromkeys(("accuracy_percent", "low_percent", "high_percent"))
        return share | {"n": 0, "correct": 0} | ends
    return share | accuracy(np.ones(sure.sum()), answers.right[sure])


def right_and_surest_half(right: np.ndarray, confidences: np.ndarray) -> dict[str, float]:
    """What ``statistics.accuracy`` has, and surest_half_percent; see `summary`."""
    _, of_surest = accuracy_by_coverage(right, confidences)
    half = max(1, len(right) // 2)
    of_all = accuracy(np.ones(len(right)), right)
    return of_all | {"surest_half_percent": 100 * float(of_surest[half - 1])}


def marks_summary(lines: LineSet, answers: Answers) -> dict[str, float]:
    """How many marks of a set there are, and what share is read in its place: as ``accuracy`` has.

    precision_percent is the share of the marks read that are there; as_written_percent the share of
    the pictures whose numbers are all as they are written, digits and marks.
    """
    counts = [marks_read(" ".join(n), t) for n, t in zip(lines.numbers, answers.texts, strict=True)]
    n, right, read = np.sum(counts, axis=0).tolist()
    as_written = 100 * float(answers.exact.mean())
    if not n:
        return {"n": 0, "as_written_percent": as_written}
    found = accuracy(np.ones(n), np.arange(n) < right)
    precision = 100 * right / max(read, 1)
    return found | {"precision_percent": precision, "as_written_percent": as_written}


def fit_calibration(answers: Answers) -> dict[str, float]:
    """The slope and the intercept that make stated probabilities agree with the share right.

    They apply to log odds (Platt 1999). `answers` are those of a reader that is not calibrated, to
    held-out lines. Those with one number of several characters count: single digits are calibrated
    by themselves. Where these are all right or all wrong, nothing is changed.
    """
    one = np.array([len(text) > 1 and " " not in text for text in answers.texts], bool)
    right = answers.right[one]
    if len(np.unique(right)) < 2:
        return {"slope": 1.0, "intercept": 0.0}
    log_odds = logit(answers.confidences[one])[:, None]
    fit = LogisticRegression(C=np.inf).fit(log_odds, right)
    return {"slope": float(fit.coef_[0, 0]), "intercept": float(fit.intercept_[0])}


def threshold_for(answers: Answers, share: float) -> float:
    """The least confidence from which on that share (0 to 1) of the answers is right; 1 for none.

    Pictures in which no number was found do not count.
    """
    sure = np.sort(np.unique(answers.confidences[answers.confidences > 0]))
    enough = (one for one in sure if answers.right[answers.confidences >= one].mean() >= share)
    return float(next(enough, 1.0))


def errors(lines: LineSet, answers: Answers) -> list[dict]:
    """What is read as what in the pictures that are misread, the most frequent first.

    Returns rows of wanted and read, each a run of digits or "nothing", and n. A picture counts with
    each place where its digits, aligned by their longest common blocks, differ.
    """
    counts: Counter = Counter()
    for i in np.flatnonzero(~answers.right).tolist():
        wanted, said = lines.digits(i), digits_of(answers.texts[i])
        matcher = SequenceMatcher(None, wanted, said, autojunk=False)
        for kind, a, b, c, d in matcher.get_opcodes():
            if kind != "equal":
                counts[wanted[a:b] or "nothing", said[c:d] or "nothing"] += 1
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{"wanted": wanted, "read": read, "n": n} for (wanted, read), n in ranked]
