"""Processes that do not outlive the one that started them."""

import os
import threading
from multiprocessing import parent_process


def end_with_parent() -> None:
    """Let this process end when its parent is gone: a killed one cannot end those it started."""
    threading.Thread(target=_wait, daemon=True).start()


def _wait() -> None:
    if parent := parent_process():
        parent.join()
    os._exit(1)
