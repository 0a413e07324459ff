"""One run of a profile at a time, and nothing of it left when it ends, however it ends."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil

from digitlib.safekeeping import only_writer

MARK = "DIGITLIB_RUN"  # every process of a run inherits it, so that orphans can be told apart
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE = 10  # seconds that a killed process may take to disappear


@contextlib.contextmanager
def only_run(folders: Sequence[Path]) -> Iterator[None]:
    """Hold the folders of profiles for this process, with nothing of an earlier run alive in them.

    What is started meanwhile belongs to the run and is ended with the block; Ctrl-C, SIGTERM and
    SIGHUP end it, too. For the main thread.

    Raises:
        BeingWritten: when another run holds one of them.
        OSError: when one cannot be written.
    """
    with contextlib.ExitStack() as held:
        ignore_signals = held.enter_context(_ended_by_signals())
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
            held.enter_context(only_writer(folder, "running"))
            if ended := end_orphans(folder):
                print(f"Ended what an earlier run left behind (processes: {ended}).", flush=True)
            held.callback(end_orphans, folder)
        held.callback(ignore_signals)
        os.environ[MARK] = os.pathsep.join(map(str, folders))
        yield


def end_orphans(folder: Path) -> int:
    """End every process that a run in ``folder`` left behind; their number."""
    spared = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}

    def is_orphan(process: psutil.Process) -> bool:
        alive = process.pid not in spared and process.info["status"] != psutil.STATUS_ZOMBIE
        marked = (process.info["environ"] or {}).get(MARK, "").split(os.pathsep)
        return alive and str(folder) in marked

    ended = 0
    # One of them may start another before it ends: look again.
    while orphans := list(filter(is_orphan, psutil.process_iter(["environ", "status"]))):
        for orphan in orphans:
            with contextlib.suppress(psutil.NoSuchProcess):
                orphan.kill()
        psutil.wait_procs(orphans, timeout=PATIENCE)
        ended += len(orphans)
    return ended


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[Callable[[], None]]:
    """Let signals raise SystemExit or KeyboardInterrupt in the block; gives what ignores them.

    The first one ignores the others, which would interrupt the ending: make sends its own again
    to what its whole group has been sent already.
    """
    before = {number: signal.getsignal(number) for number in SIGNALS}
    heard = [number for number in SIGNALS if before[number] != signal.SIG_IGN]  # as under nohup

    def ignore() -> None:
        for number in heard:
            signal.signal(number, signal.SIG_IGN)

    def end(number: int, _frame: object) -> None:
        ignore()
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(128 + number)

    for number in heard:
        signal.signal(number, end)
    try:
        yield ignore
    finally:
        for number in heard:
            signal.signal(number, before[number])
