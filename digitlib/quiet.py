"""What comes on the terminal: no start-up notices of native libraries, and nothing that ends us."""

import contextlib
import io
import os
import sys
import threading
from collections.abc import Iterator

_turn = threading.RLock()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Send file descriptor 2 to nowhere: C++ start-up notices obey no log level.

    The descriptor is that of the whole process, so threads take turns.
    """
    with _turn:
        sys.stderr.flush()
        kept = os.dup(2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nowhere)


def print_anywhere() -> None:
    """Print ? for what a terminal has no character for, such as ━ in latin-1, and never raise."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a notebook's takes everything
            stream.reconfigure(errors="replace")
