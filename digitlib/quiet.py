"""Keep native libraries' start-up notices off the terminal and out of notebooks."""

import contextlib
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
