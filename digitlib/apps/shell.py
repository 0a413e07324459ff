"""Pictures named on the command line: paths relative to the shell's folder, or standard input."""

import io
import sys
from argparse import ArgumentTypeError
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from digitlib.pixels.formats import page_name, page_of, pages
from digitlib.reading.sources import Chunk, Files, Source, open_source

STANDARD_INPUT = "-"


class UsageError(Exception):
    """A command that cannot be carried out; the message says why."""


class StandardInput:
    """The picture on standard input, or the pages of a file there."""

    files: Sequence[Path] = ()

    @cached_property
    def content(self) -> bytes:
        """What is there, all of it."""
        return sys.stdin.buffer.read()

    @cached_property
    def pages(self) -> list[int | None]:
        """As ``formats.pages`` gives them."""
        return pages(lambda: io.BytesIO(self.content))

    def __len__(self) -> int:
        return len(self.pages)

    @property
    def names(self) -> list[str]:
        """What each page is called."""
        return [STANDARD_INPUT + page_name(page) for page in self.pages]

    def chunks(self, _size: int) -> Iterator[Chunk]:
        """All of it."""
        pictures = [page_of(self.content, page) for page in self.pages]
        yield Chunk(self.names, [None] * len(pictures), pictures, {})


def file_name(given: str) -> str:
    """The name of a file or folder, for argparse; an empty one is of a variable that is not set."""
    if not given:
        raise ArgumentTypeError("a name is missing")
    return given


def source_of(pictures: Sequence[str]) -> Source | StandardInput:
    """Open what is named, and say what is left out of it or assumed of it.

    Raises:
        UsageError: for standard input among others, and for an address.
        DataError: when it cannot be opened.
    """
    if list(pictures) == [STANDARD_INPUT]:
        return StandardInput()
    if STANDARD_INPUT in pictures:
        raise UsageError("- (standard input) is one picture: give it alone")
    for name in pictures:
        if name.startswith(("http://", "https://")):
            raise UsageError(f"{name} is an address; try: curl -s {name} | digitlib predict -")
    # Names typed at a shell are seen from where it is, not from the project.
    here = [Path(name).expanduser().absolute() for name in pictures]
    source = open_source(here[0] if len(here) == 1 else here)
    if isinstance(source, Files) and not source.root:
        inside = all(path.is_relative_to(Path.cwd()) for path in source.files)
        source.root = Path.cwd() if inside else None
    for note in source.notes:
        print(f"digitlib: {note}", file=sys.stderr)
    return source


def check_target(file: Path, overwrite: bool, several: bool = False) -> None:
    """Raise UsageError unless a file may be written there, or several in a folder."""
    if several and file.is_file():
        raise UsageError(f"{file} is a file: for several pictures give the name of a folder")
    if not several and file.is_dir():
        raise UsageError(f"{file} is a folder: give the name of a file")
    if file.exists() and not (file.is_file() or file.is_dir()):
        raise UsageError(f"{file} is no file: give the name of one")
    if file.exists() and not overwrite and not (several and not any(file.iterdir())):
        raise UsageError(f"{file} is there already: give --overwrite, or another name")
