"""What became of many pictures that were read one after the other."""

from collections.abc import Mapping, Sequence

from digitlib.reporting.findings.words import are, counted, interval, were


def source(pictures: int, name: str, notes: Sequence[str]) -> str:
    """From how many pictures there are, where they are, and what else is to be said."""
    return "\n\n".join([f"**{pictures:,}** of `{name}`.", *notes])


def read(pictures: int, read: int, status: Mapping[str, int], sure: float | None) -> str:
    """From how many there are, were read, have each status, and their mean confidence."""
    counts = ", ".join(f"{n:,} {name}" for name, n in status.items())
    mean = "" if sure is None else f"; {sure:.1%} sure on average"
    return f"**{read:,} of {pictures:,}** {were(read)} read, {counts}{mean}."


def speed(seconds: float, pictures: int) -> str:
    """From how long it took to read so many pictures."""
    rate = pictures / seconds
    return f"{seconds:.1f} seconds, **{f'{rate:.2g}' if rate < 1 else f'{rate:,.0f}'} a second**."


def judged(found: Mapping[str, float] | None) -> str:
    """From ``statistics.accuracy``, or None where nobody knows what the pictures show."""
    if found is None:
        return "What these pictures show is not known."
    return f"**{found['accuracy_percent']:.1f} %** of {found['n']:,} ({interval(found, 1)})."


def spreadsheet(numbers: int, doubtful: int, files: Sequence[object]) -> str:
    """From how many numbers were found on a sheet, how many are doubtful, and the files made."""
    where = ", ".join(f"`{file}`" for file in files)
    if not numbers:
        return f"**No number** was found to put into {where}"
    return (
        f"**{counted(numbers, 'number')}**, of which {doubtful} {are(doubtful)} doubtful, "
        f"{are(numbers)} in {where}"
    )
