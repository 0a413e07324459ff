"""Processes that do not outlive the one that started them."""

import os
import threading
import time
from multiprocessing import parent_process

OFTEN = 0.5  # seconds between two looks at who the parent is


def end_with_parent() -> None:
    """Let this process end when its parent is gone: a killed one cannot end those it started."""
    threading.Thread(target=_wait, args=[os.getppid()], daemon=True).start()


def _wait(parent: int) -> None:
    if process := parent_process():  # started by multiprocessing, which tells at once
        process.join()
    else:
        while os.getppid() == parent:
            time.sleep(OFTEN)
    os._exit(1)
