"""Processes that do not outlive the one that started them, nor take all its memory."""

import os
import sys
import threading
import time
from multiprocessing import parent_process
from pathlib import Path

OFTEN = 0.5  # seconds between two looks at who the parent is


def end_with_parent() -> None:
    """Let this process end when its parent is gone: a killed one cannot end those it started."""
    threading.Thread(target=_wait, args=[os.getppid()], daemon=True).start()


def limit_memory(more: int) -> None:
    """Let this process take so many bytes more than it has; what asks for more gets MemoryError.

    Only Linux counts what a process has asked for in a way that this can be limited by.
    """
    if sys.platform == "linux":
        import resource

        has = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        most = has + more if hard == resource.RLIM_INFINITY else min(has + more, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def _wait(parent: int) -> None:
    if process := parent_process():  # started by multiprocessing, which tells at once
        process.join()
    else:
        while os.getppid() == parent:
            time.sleep(OFTEN)
    os._exit(1)
