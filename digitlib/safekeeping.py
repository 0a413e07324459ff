"""What a kill, a full disk or a second command must not spoil.

A folder or file has one writer at a time; what was written is known by its checksum; and what is
damaged is set aside under a name that says so. (``artifacts.writing`` makes files appear whole.)
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

DAMAGED = ".damaged"
SEAL = ".checksums.json"


class BeingWritten(OSError):
    """Another process writes there; the message names it."""


@contextlib.contextmanager
def only_writer(of: Path, doing: str = "being written") -> Iterator[None]:
    """Hold a folder, or a file that is to appear, for this process until the block ends.

    The system gives it back when the process dies, however it dies.

    Args:
        of: what is held.
        doing: what the message says is done with it.

    Raises:
        BeingWritten: when another process holds it.
    """
    file = of / ".lock" if of.is_dir() else of.with_name(of.name + ".lock")
    lock = FileLock(file)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        holder = ""
        with contextlib.suppress(OSError):
            holder = f" (pid {file.read_text()})"
        raise BeingWritten(
            f"{of.name} is already {doing}{holder}; wait for it, or stop it with Ctrl-C in its "
            "terminal"
        ) from None
    try:
        with contextlib.suppress(OSError):  # Windows locks the content, too
            file.write_text(str(os.getpid()))
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows removes no open file
            file.unlink()
        lock.release()


def checksums(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file in a folder, by its name; unfinished and damaged ones apart."""
    found = {}
    for file in sorted(folder.glob("[!.]*")):
        if file.suffix != DAMAGED:
            found[file.name] = checksum(file)
    return found


def checksum(file: Path) -> str:
    """The SHA-256 of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def seal(folder: Path) -> None:
    """Note the checksums of a folder's files in it, now that it is whole."""
    (folder / SEAL).write_text(json.dumps(checksums(folder)), encoding="utf-8")


def is_whole(folder: Path) -> bool:
    """Whether a folder's files are still those that were there when it was sealed."""
    return whole_json(folder / SEAL) == checksums(folder)


def is_json(file: Path) -> bool:
    """Whether a file is there, and its JSON is whole."""
    return whole_json(file) is not None


def whole_json(file: Path) -> Any:
    """What the JSON in a file says; None where the file is not there or not whole."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def set_aside(path: Path) -> Path:
    """Rename a damaged file or folder to ``<name>.damaged``, instead of an earlier one."""
    aside = path.with_name(path.name + DAMAGED)
    if aside.is_dir():
        shutil.rmtree(aside)
    return path.replace(aside)
