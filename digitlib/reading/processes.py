"""Readers in processes of their own: for all cores at once, and for readings that may be ended."""

import contextlib
import io
import os
import pickle
import signal
import socket
import struct
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from digitlib.pixels.decoding import PictureError
from digitlib.reading.recognizer import Digit, Reading, Recognizer

HEAD = struct.Struct("!Q")  # the length of an answer


def start_workers(count: int, model_dir: str | Path) -> ProcessPoolExecutor:
    """So many processes, each with a recognizer of its own; they end with this one.

    What they are to do is submitted as ``with_reader, function, arguments``.
    """
    # Fresh processes: a fork of one with running threads may hang.
    return ProcessPoolExecutor(count, get_context("spawn"), _begin, (str(model_dir),))


def with_reader(function: Callable, *arguments):
    """In such a process: ``function`` of its recognizer and the arguments."""
    return function(_reader, *arguments)


def answer_questions(channel: socket.socket, model_dir: str) -> None:
    """A process's whole life: say that it is ready, then read whatever is asked, until nobody asks.

    A question is a pickled (many, content, pixels), an answer the pickled result or exception of
    ``read_limited``, after its length.
    """
    reader = _own_reader(model_dir)

    def say(answer) -> None:
        told = pickle.dumps(answer)
        channel.sendall(HEAD.pack(len(told)) + told)

    with channel, channel.makefile("rb") as questions, contextlib.suppress(EOFError, OSError):
        reader.read_digits(cv2.line(np.zeros((64, 64), np.uint8), (32, 12), (32, 52), 255, 5))
        say(None)  # the first reading, which takes longer, is done
        while True:
            question = pickle.load(questions)
            try:
                say(read_limited(reader, *question))
            except PictureError as fault:
                say(fault)


def read_limited(reader: Recognizer, many: bool, content: bytes, pixels: int) -> Digit | Reading:
    """Read the bytes of a picture that may have so many pixels, as one digit or as ``many``.

    Raises:
        PictureError: for a larger one, and for what is no picture.
    """
    width = height = 0
    with contextlib.suppress(Exception), Image.open(io.BytesIO(content)) as picture:
        width, height = picture.size  # from the head of the file; the reader says what is wrong
    if width * height > pixels:
        raise PictureError(f"a picture may have {pixels / 1e6:g} million pixels")
    return reader.read_digits(content) if many else reader.read_digit(content)


def _begin(model_dir: str) -> None:
    global _reader
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _reader = _own_reader(model_dir)


def _own_reader(model_dir: str) -> Recognizer:
    """The recognizer of a process that is one of several and not a person's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who asked
    cv2.setNumThreads(1)
    return Recognizer(model_dir)


def _end_with_parent() -> None:
    """A killed process cannot end those it started: they watch for it."""
    parent_process().join()
    os._exit(1)
