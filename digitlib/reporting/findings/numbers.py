"""How well lines and sheets of numbers are read, and by what."""

from collections.abc import Mapping

from digitlib.pixels.sheet_maps import TILE
from digitlib.reporting.findings.words import are, bullets, counted, interval, listed, most_of


def network(parameters: int, multiply_adds: float) -> str:
    """From the line network's size, and its work for a line of about ten digits."""
    return (
        f"**{counted(parameters, 'parameter')}**, and {multiply_adds / 1e6:.0f} million "
        "multiply-adds for a line of about ten digits."
    )


def serving(file: str, size: int, threshold: float) -> str:
    """From the name of the file that serves, its bytes, and the threshold."""
    return (
        f"`{file}` serves, {size / 1e6:.2f} MB. A number is accepted from a confidence of "
        f"{threshold:.2f}."
    )


def trusted(sets: Mapping[str, Mapping[str, float]], aim: float) -> str:
    """From ``lines.trusted`` of each set, and the percent that the threshold was set for."""
    lines = []
    for name, row in sets.items():
        text = f"**{name}**: {most_of(row['accepted_percent'])} of the pictures are accepted"
        if row["n"]:
            text += (
                f", and {row['accuracy_percent']:.1f} % of those {row['n']:,} are read without an "
                f"error ({interval(row, 1)})"
            )
        lines.append(f"{text}.")
    missed = [name for name, row in sets.items() if row["n"] and row["high_percent"] < aim]
    verdict = f"is missed on {listed(missed)}" if missed else "is not clearly missed on any set"
    return f"{bullets(lines)}\n\nThe aim of {aim:g} % {verdict}."


def sheet_network(parameters: int, layers: int, multiply_adds: float) -> str:
    """From the sheet network's size, its layers with weights, and its work for a tile."""
    return (
        f"**{counted(parameters, 'parameter')}** in {counted(layers, 'layer')} with weights, and "
        f"{multiply_adds / 1e6:.0f} million multiply-adds for a tile of {TILE} × {TILE} pixels."
    )


def overlap(shared: Mapping[str, float]) -> str:
    """From ``sheets.overlap`` of each kind of map."""
    told = ", ".join(f"{name} **{value:.2f}**" for name, value in shared.items())
    worst = min(shared, key=lambda name: shared[name])
    return f"{told}. Of the three, {worst} {'are' if worst == 'rules' else 'is'} marked worst."


def sheet(tables: int, cells: int, fields: int, numbers: int, doubtful: int, left_out: int) -> str:
    """From counts of what was found on a sheet."""
    unsure = f", of which {doubtful} {are(doubtful)} doubtful" if numbers else ""
    return (
        f"Tables: {tables}, with {counted(cells, 'cell', none='0')}. Boxes outside tables: "
        f"{fields}. **Numbers: {numbers}**{unsure}. Left out: {left_out}."
    )


def summary(
    lines: Mapping[str, float], source: str, cells: Mapping[str, float], sheets: int
) -> str:
    """From ``lines.summary`` and its set's source, ``sheets.summary``, and how many sheets."""
    told = "No cell was judged."
    if cells["n"]:
        told = (
            f"Of {counted(int(cells['n']), 'cell')} on {counted(sheets, 'simulated sheet')}, "
            f"**{cells['accuracy_percent']:.1f} %** hold the right number ({interval(cells, 1)}), "
            f"and {cells['wrong_accepted_percent']:.1f} % are wrong and accepted."
        )
    return bullets(
        [
            f"**Lines.** Of {counted(int(lines['n']), 'picture')} of *{source}*, "
            f"**{lines['accuracy_percent']:.1f} %** are read without an error "
            f"({interval(lines, 1)}), and {lines['surest_half_percent']:.1f} % of the half that "
            "the reader is surest of.",
            f"**Sheets.** {told}",
        ]
    )
