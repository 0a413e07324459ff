"""``digitlib sheet``: photos of tables and forms into spreadsheets."""

import argparse
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tabulate import tabulate

from digitlib.apps.shell import StandardInput, UsageError, check_target, file_name, source_of
from digitlib.artifacts import write_json, writing
from digitlib.pixels.decoding import Picture, PictureError
from digitlib.reading.recognizer import Recognizer
from digitlib.reading.sheets import Sheet
from digitlib.reading.sources import Archive, Digits, Source
from digitlib.reading.spreadsheets import (
    as_csv,
    as_json,
    loose_entries,
    read_filled,
    summary,
    told,
    write_workbook,
)


def add_sheet_command(commands: argparse._SubParsersAction) -> None:
    """Declare the command and its arguments."""
    reading = commands.add_parser(
        "sheet",
        help="read photos of tables or forms",
        description="Read photos of tables or forms. For several pictures FILE is a folder, "
        "which gets a file of each.",
    )
    reading.add_argument(
        "pictures",
        nargs="+",
        type=file_name,
        metavar="PICTURES",
        help="picture files, a folder, a zip file, or - for standard input",
    )
    reading.add_argument("--xlsx", type=file_name, metavar="FILE", help="write an Excel workbook")
    reading.add_argument(
        "--csv", type=file_name, metavar="FILE", help="write the tables as they stand"
    )
    reading.add_argument(
        "--json", type=file_name, metavar="FILE", help="write all that is known, as JSON"
    )
    reading.add_argument("--overwrite", action="store_true", help="replace files that are there")
    reading.set_defaults(run=_sheets)


def _sheets(chosen: Namespace) -> int:
    source = source_of(chosen.pictures)
    if isinstance(source, Digits):
        raise UsageError(f"{chosen.pictures[0]} holds digits row by row: use digitlib predict")
    targets = {kind: getattr(chosen, kind) for kind in ("xlsx", "csv", "json")}
    files = {kind: Path(name).expanduser() for kind, name in targets.items() if name}
    several = len(source) > 1 or isinstance(source, Archive) or Path(chosen.pictures[0]).is_dir()
    if "xlsx" in files and not several and files["xlsx"].suffix.lower() != ".xlsx":
        raise UsageError(f"{files['xlsx']}: Excel opens a workbook only if its name ends in .xlsx")
    for file in files.values():
        check_target(file, chosen.overwrite, several)
    taken = {file.resolve() for file in [*source.files, *files.values()]}
    if not several and len(taken) < len(source.files) + len(files):
        raise UsageError("a file would be replaced by another one: give each a name of its own")
    if several and files:
        _check_names(source.names)
    recognizer = Recognizer()
    failed = 0
    for name, picture, fault in _pictures(source):
        own = {kind: folder / f"{_below(name)}.{kind}" for kind, folder in files.items()}
        try:
            if fault:
                raise PictureError(fault)
            sheet = read_filled(recognizer, picture)
            _write(sheet, picture, own if several else files)
        except PictureError as error:
            print(f"{name}: {error.reason}", file=sys.stderr)
            failed += 1
            continue
        print(*([f"{name}:"] if several else []), *_described(sheet), sep="\n\n")
        for file in (own if several else files).values():
            print(f"written: {file}")
    if several:
        print(f"{len(source) - failed:,} of {len(source):,} read")
    return int(failed > 0)


def _pictures(source: Source | StandardInput) -> Iterator[tuple[str, Picture, str]]:
    """The name of each picture, the picture, and why it cannot be read, "" where it may be."""
    for chunk in source.chunks(1):
        for i, name in enumerate(chunk.names):
            yield name, chunk.pictures[i], chunk.faults.get(i, "")


def _check_names(names: Sequence[str]) -> None:
    """Refuse pictures whose files would have one name."""
    taken: dict[Path, str] = {}
    for name in names:
        if (other := taken.setdefault(_below(name), name)) != name:
            raise UsageError(f"{other} and {name} would be written to one file: rename one")


def _below(name: str) -> Path:
    """A path below a folder for what is made of a picture of this name, wherever that lies."""
    path = Path(name)
    return Path(*(part for part in path.parts if part not in ("..", path.anchor)))


def _write(sheet: Sheet, picture: Picture, files: Mapping[str, Path]) -> None:
    # Names are seen from where the shell is, not from the project.
    absolute = {kind: file.absolute() for kind, file in files.items()}
    if "xlsx" in absolute:
        write_workbook(sheet, picture, absolute["xlsx"])
    if "csv" in absolute:
        with writing(absolute["csv"]) as unfinished:
            unfinished.write_text(as_csv(sheet), encoding="utf-8")
    if "json" in absolute:
        write_json(absolute["json"], as_json(sheet))


def _described(sheet: Sheet) -> Iterator[str]:
    """A sheet for people: its tables, then its fields and lines, then how much is doubtful."""
    for table in sheet.tables:
        yield tabulate(table.grid(told), tablefmt="rounded_grid", disable_numparse=True)
    if others := [f"{one.where:9}  {told(one)}" for one in loose_entries(sheet)]:
        yield "\n".join(others)
    yield summary(sheet)
