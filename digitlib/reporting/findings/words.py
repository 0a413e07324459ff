"""What sentences are made of: counts with their nouns, lists, shares and differences."""

from collections.abc import Iterable, Mapping, Sequence


def counted(number: int, noun: str, none: str = "no") -> str:
    """A count with its noun: ``no images``, ``1 image``, ``1,234 images``."""
    return f"{f'{number:,}' if number else none} {noun}{'' if number == 1 else 's'}"


def are(number: int) -> str:
    """The verb after a count: ``is`` after one, else ``are``."""
    return "is" if number == 1 else "are"


def were(number: int) -> str:
    """The verb after a count: ``was`` after one, else ``were``."""
    return "was" if number == 1 else "were"


def listed(items: Iterable[object]) -> str:
    """Items in a row: ``none``, ``a``, ``a and b``, ``a, b and c``."""
    words = [str(item) for item in items]
    return (
        f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words) or "none"
    )


def bullets(lines: Iterable[str]) -> str:
    """A Markdown list, an item to a line."""
    return "\n".join(f"- {line}" for line in lines)


def first_of(lines: Sequence[str], most: int = 10) -> str:
    """A Markdown list of the first lines, a file each, which says how many are missing."""
    missing = len(lines) - most
    more = [f"… and {counted(missing, 'more file')}"] if missing > 0 else []
    return bullets([*lines[:most], *more])


def share(part: float, whole: float) -> str:
    """A share in percent with one digit after the point."""
    return f"{100 * part / whole:.1f} %"


def most_of(percent: float) -> str:
    """Whole percent, but 0 only where it is none and 100 only where it is all."""
    whole = f"{percent:.0f} %"
    if whole == "0 %" and percent > 0:
        return "less than 1 %"
    return "more than 99 %" if whole == "100 %" and percent < 100 else whole


def points(difference: float, decimals: int = 2) -> str:
    """How large a difference of percentages is: ``0.24 points``, ``less than 0.01 points``."""
    size = f"{abs(difference):.{decimals}f} points"
    if difference and not float(size.split()[0]):
        return f"less than {10**-decimals:g} points"
    return size


def signed(difference: float) -> str:
    """A difference with its sign: ``+0.24``, ``-0.24``, and ``+0.00`` where it is next to none."""
    return f"{round(difference, 2) + 0.0:+.2f}"


def interval(found: Mapping[str, float], decimals: int = 2) -> str:
    """The interval of an accuracy: ``95 % interval 98.00 to 99.85 %``."""
    low, high = found["low_percent"], found["high_percent"]
    return f"95 % interval {low:.{decimals}f} to {high:.{decimals}f} %"


def from_to(before: float, after: float, decimals: int = 2) -> str:
    """How a percentage changes: ``goes from 1.73 % to 1.58 %``, ``stays at 1.73 %``."""
    was, now = f"{before:.{decimals}f} %", f"{after:.{decimals}f} %"
    return f"stays at {was}" if was == now else f"goes from {was} to {now}"


def degrees(angle: float) -> str:
    """An angle in whole degrees: ``−8°``."""
    return f"{round(angle):d}°".replace("-", "−")
