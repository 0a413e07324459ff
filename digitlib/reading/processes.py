"""A recognizer in a process of its own: for all cores at once, and for readings that may be ended.

The processes of a pool share a queue and its lock, and one that dies while it holds the lock stops
the others. So each process here has a pipe to itself: its death concerns nobody else, and it may
be killed while it reads.
"""

import contextlib
import signal
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from digitlib.children import end_with_parent, limit_memory
from digitlib.pixels.decoding import PictureError
from digitlib.reading.recognizer import Recognizer

MEMORY = 500_000_000  # bytes that a process may take beyond what it has when it is ready
Answer = TypeVar("Answer")
#: A PNG file that shows a 1, for trying whether a process can read.
SAMPLE = cv2.imencode(
    ".png", cv2.line(np.zeros((64, 64), np.uint8), (32, 12), (32, 52), (255,), 5)
)[1].tobytes()


class ProcessDied(OSError):
    """The process ended before it answered, or could not be started."""


class RecognizerProcess:
    """A process with a recognizer, for one caller at a time; it ends with this object.

    Args:
        model_dir: the model that reads.
        model: anything that tells this model from another.

    Raises:
        ProcessDied: when the system starts no further process.

    Attributes:
        model: as given; None once it was ended.
        ready: whether it is known that it can read.
    """

    def __init__(self, model_dir: str | Path, model: object = ""):
        self.model: object = model
        self.ready = False
        context = get_context("spawn")  # a fork of a process with running threads may hang
        try:
            self._connection, theirs = context.Pipe()
            with theirs:  # closed here, so that the process's death is the connection's end
                self._process = context.Process(
                    target=_answer_calls, args=(theirs, str(model_dir)), daemon=True
                )
                self._process.start()
        except OSError as fault:
            raise ProcessDied(f"no process can be started: {fault.strerror}") from None

    def wait(self) -> None:
        """Wait until it can read; that takes half a second.

        Raises:
            ProcessDied: when it cannot.
        """
        if self.ready:
            return
        try:
            self._receive()
        except ProcessDied:
            raise ProcessDied(
                "a process ended before it could read; if a script started it, call this below "
                '`if __name__ == "__main__":`, or with workers=1'
            ) from None
        self.ready = True

    def call(self, function: Callable[..., Answer], *arguments: object) -> Answer:
        """What ``function`` of its recognizer and the arguments returns, or raises, in the process.

        Raises:
            ProcessDied: when it does not survive it, or is ended by another thread.
        """
        self.wait()
        with contextlib.suppress(OSError):  # nobody is there: what is received says so
            self._connection.send((function, arguments))
        fault, answer = self._receive()
        if fault:
            raise fault
        return answer

    def end(self) -> None:
        """End it now, whatever it is doing."""
        self.model = None
        self._process.kill()
        self._process.join()

    def _receive(self) -> tuple:
        try:
            return self._connection.recv()
        except (EOFError, OSError):
            raise ProcessDied("the process that read this picture died") from None


def _answer_calls(calls: Connection, model_dir: str) -> None:
    """The process's whole life: say that it is ready, then answer calls until nobody can call."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    end_with_parent()
    cv2.setNumThreads(1)
    recognizer = Recognizer(model_dir)
    recognizer.read_digits(SAMPLE)  # the first reading takes longer
    limit_memory(MEMORY)
    with contextlib.suppress(EOFError, OSError):
        calls.send(())
        while True:
            function, arguments = calls.recv()
            try:
                calls.send((None, function(recognizer, *arguments)))
            except MemoryError:
                calls.send((PictureError(f"it takes more than {MEMORY / 1e6:g} MB"), None))
            except Exception as fault:
                calls.send((fault, None))
