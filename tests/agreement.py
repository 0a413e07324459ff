"""When what a notebook says now agrees with what is committed of it.

Words have to be the same. How far a number may be off depends on where it comes from, which a
cell's tag says:

- no tag: it is computed from data, and may differ by rounding alone;
- ``fitted``: it comes from a network. Another processor adds up in another order and so trains a
  slightly different one: accuracies move by a point or two, losses by a third (measured with
  oneDNN's kernels for several processors, without it, and on one thread);
- ``nbval-ignore-output``: words differ too, and a second tag says why (``REASONS``).

As a plugin (``pytest --nbval -p agreement``) this makes nbval compare cells so. Pictures are not
compared; what they are drawn from is, in the metrics (``disagreements``).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from bs4 import BeautifulSoup

#: Why a cell's output is not compared.
REASONS = {
    "because:times": "it says how long something took, in numbers that have no unit beside them",
    "because:fits-differ": "it depends on which digits a network misreads, in words or by far",
    "because:widget": "it lives as long as the notebook's kernel, and is not stored",
    "because:miniature": "smaller parameters change its words or its number of rows",
}

Rule = Callable[[float, float], bool]


def exactly(reference: float, found: float) -> bool:
    """For what is counted or chosen."""
    return found == reference


def rounding(reference: float, found: float) -> bool:
    """For what is computed from data: the last of a number's digits are the processor's."""
    return abs(found - reference) <= 1e-3 * abs(reference) + 1e-6


def percent(reference: float, found: float) -> bool:
    """For percentages and points: the closer to 0 or 100 %, the less a few digits move them."""
    size = abs(reference)
    return abs(found - reference) <= 3 + 0.6 * min(size, abs(100 - size))


def percent_of_few(reference: float, found: float) -> bool:
    """For percentages of some dozens of digits."""
    return abs(found - reference) <= 15 or percent(reference, found)


def percent_of_strange(reference: float, found: float) -> bool:
    """For pictures unlike any it learnt from: equally good networks read them differently."""
    return abs(found - reference) <= 30


def share(reference: float, found: float) -> bool:
    """For shares from 0 to 1."""
    return percent(100 * reference, 100 * found)


def count(reference: float, found: float) -> bool:
    """For how many digits are read or accepted."""
    return abs(found - reference) <= 10 + 0.4 * abs(reference)


def measure(reference: float, found: float) -> bool:
    """For losses, temperatures, confidences."""
    return abs(found - reference) <= 0.05 + 0.4 * abs(reference)


def anything(reference: float, found: float) -> bool:
    """For times, and for what a single digit changes."""
    return True


# --- Text ---------------------------------------------------------------------------------------

# A number by itself: not a part of a name (conv2d_2), a version (1.2.3) or a checksum.
NUMBER = re.compile(
    r"(?<![\w.])(?P<number>[-+−]?(?>\d{1,3}(?:,\d{3})++|\d++)(?:\.\d++)?(?:e[-+]?\d++)?)(?!\.?\w)"
)
PERCENT = re.compile(r"[*_\s]*(%|points)")
RANGE = re.compile(r"[*_\s]*(to|–|and|±)[*_\s]*")
PERCENT_COLUMN = re.compile(r"%|percent|points|^(from|to)$")


@dataclass(frozen=True)
class Number:
    """A number in a text: as it is written, and whether ``%`` or ``points`` follow."""

    text: str
    percent: bool

    @property
    def value(self) -> float:
        """What it means."""
        return float(self.text.replace(",", "").replace("−", "-"))

    @property
    def step(self) -> float:
        """What its last digit is worth: 0.01 in 97.25."""
        decimals = self.text.partition("e")[0].partition(".")[2]
        return 10.0 ** -len(decimals)

    def agrees(self, found: "Number", tags: list[str]) -> bool:
        """Whether another number may stand in its place in a cell with these tags."""
        if "fitted" in tags:
            rule = percent if self.percent else count if self.step == 1 else measure
            return rule(self.value, found.value)
        if self.step == 1:
            return self.text == found.text
        return abs(self.value - found.value) < 1.5 * self.step


def parts(text: str) -> list[str | Number]:
    """A text's words and numbers, in order; of HTML what a reader sees."""
    if text.lstrip().startswith("<") and "</" in text:
        text = visible(text)
    found, end = [], 0
    matches = list(NUMBER.finditer(text))
    units = percentages(text, matches)
    for match, is_percent in zip(matches, units, strict=True):
        found += [*text[end : match.start()].split(), Number(match["number"], is_percent)]
        end = match.end()
    return [*found, *text[end:].split()]


def percentages(text: str, matches: list[re.Match]) -> list[bool]:
    """Which numbers are percentages; in "95.0 to 97.1 %" both are."""
    units: list[bool] = []
    following = None
    for match in reversed(matches):
        joined = following and RANGE.fullmatch(text, match.end(), following.start())
        units.append(bool(PERCENT.match(text, match.end()) or (joined and units[-1])))
        following = match
    return units[::-1]


def visible(html: str) -> str:
    """The text of HTML, with what describes pictures, and with ``%`` in columns of percentages."""
    soup = BeautifulSoup(html, "html.parser")
    for hidden in soup(["style", "script"]):
        hidden.decompose()
    for described in soup(attrs={"aria-label": True}):
        described.append(described["aria-label"])
    for row in (row for table in soup("table") for row in table("tr")[1:]):
        headings = row.find_parent("table").tr(["th", "td"])
        for heading, cell in zip(headings, row(["th", "td"]), strict=False):
            if cell.name == "td" and PERCENT_COLUMN.search(heading.get_text(strip=True)):
                cell.append(" %")
    return soup.get_text(" ")


def first_difference(reference: str, found: str, tags: list[str]) -> str:
    """Where two texts disagree, for a person; "" where they agree."""
    old, new = parts(reference), parts(found)
    for i, (a, b) in enumerate(zip(old, new, strict=False)):
        if isinstance(a, Number) and isinstance(b, Number):
            if not a.agrees(b, tags):
                return f"{a.text} is committed, {b.text} was found: {context(new, i)}"
        elif a != b:
            return f"{context(old, i)!r} is committed, {context(new, i)!r} was found"
    if len(old) != len(new):
        end = min(len(old), len(new))
        return f"{len(old)} words are committed, {len(new)} were found: {context(old, end)!r}"
    return ""


def context(words: list[str | Number], place: int) -> str:
    near = words[max(0, place - 8) : place + 8]
    return " ".join(word.text if isinstance(word, Number) else word for word in near)


class Output(str):
    """A cell's output, which equals another that agrees with it."""

    tags: list[str]

    def __new__(cls, text: str, tags: list[str]) -> "Output":
        """Of a text, in a cell with these tags."""
        output = super().__new__(cls, text)
        output.tags = tags
        return output

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and not first_difference(self, other, self.tags)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__


def pytest_itemcollected(item) -> None:
    """Let nbval compare a cell's outputs as its tags say."""
    if hasattr(item, "sanitize"):
        sanitize, tags = item.sanitize, item.cell.metadata.get("tags", [])
        item.sanitize = lambda text: Output(sanitize(text), tags)


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Say where two outputs disagree."""
    if isinstance(left, Output):
        return [first_difference(left, str(right), left.tags)]
    return None


# --- Metrics ------------------------------------------------------------------------------------

# By the name of a number, with all it is in: `test.accuracy_percent`. The first that fits is taken.
KINDS: list[tuple[str, Rule]] = [
    (r"seconds|p_value$", anything),
    (r"corruptions.*percent|accepted_nondigits_percent", percent_of_strange),
    (r"(per_class|brightness|styles|by_preprocessing).*percent", percent_of_few),
    (r"auroc\.(auroc|low|high)$|mean_confidence$", share),
    (r"percent|\.(mean|sd|low|high)$", percent),
    (r"correct$|only_\w+$|accepted\.n$|status|confusion|label_issues", count),
    (r"nll|brier|aurc|temperature$|threshold$", measure),
]
UNCOMPARED = r"machine$|model_sha256$"
PREDICTIONS = r"predictions$"  # one character a digit


def disagreements(
    reference: dict, found: dict, fitted: bool = False, miniature: str = "^$"
) -> list[str]:
    """Where a notebook's metrics disagree with the committed ones, for a person.

    Args:
        reference, found: as read from JSON.
        fitted: a network was trained for them, so that numbers are judged by ``KINDS``.
        miniature: a pattern for names of which only the shape is compared.
    """
    old, new = leaves(reference, miniature), leaves(found, miniature)
    return [
        *(f"{name} is missing" for name in old.keys() - new.keys()),
        *(f"{name} is not committed" for name in new.keys() - old.keys()),
        *(
            f"{name}: {value!r} is committed, {new[name]!r} was found"
            for name, value in old.items()
            if name in new and not alike(name, value, new[name], fitted)
        ),
    ]


def leaves(metrics: object, miniature: str, name: str = "") -> dict[str, object]:
    """All values by their names, with dots; those of ``miniature`` without places and values."""
    if isinstance(metrics, (dict, list)) and metrics:
        items = metrics.items() if isinstance(metrics, dict) else enumerate(metrics)
        found: dict[str, object] = {}
        for key, value in items:
            found |= leaves(value, miniature, f"{name}.{key}" if name else str(key))
        return found
    if re.match(miniature, name):
        return {re.sub(r"\.\d+(?=\.|$)", ".#", name): None}
    return {name: metrics}


def alike(name: str, reference: object, found: object, fitted: bool) -> bool:
    """Whether a value of the metrics agrees with the committed one."""
    if re.search(UNCOMPARED, name):
        return True
    if re.search(PREDICTIONS, name):
        pairs = list(zip(str(reference), str(found), strict=True))
        return sum(a == b for a, b in pairs) > 0.9 * len(pairs)
    numbers = [isinstance(v, (int, float)) and not isinstance(v, bool) for v in (reference, found)]
    if not all(numbers):
        return reference == found
    default = rounding if isinstance(reference, float) else exactly
    kinds = (rule for pattern, rule in KINDS if re.search(pattern, name)) if fitted else iter(())
    return next(kinds, default)(reference, found)
