"""A reader in a process of its own, asked from asyncio, that can be ended while it reads."""

import asyncio
import pickle
import socket
import weakref
from multiprocessing import get_context
from pathlib import Path

from digitlib.reading.processes import HEAD, answer_questions
from digitlib.reading.recognizer import Digit, Reading


class ReaderDied(Exception):
    """The process ended before it answered."""


class Reader:
    """Reads one picture at a time.

    Args:
        model_dir: the model that reads.
        card: that model's, for its owner to know it by.
    """

    def __init__(self, model_dir: str | Path, card: dict):
        self.card, self.begun = card, False
        self.channel, theirs = socket.socketpair()
        self.channel.setblocking(False)
        weakref.finalize(self, self.channel.close)  # its process ends when nobody can ask any more
        self.process = get_context("spawn").Process(
            target=answer_questions, args=(theirs, str(model_dir)), daemon=True
        )
        self.process.start()
        theirs.close()

    async def begin(self) -> None:
        """Wait until it can read; a new process takes half a second.

        Raises:
            ReaderDied: when it cannot.
        """
        if not self.begun:
            await self._answer()
            self.begun = True

    async def read(self, many: bool, content: bytes, pixels: int) -> Digit | Reading:
        """What ``workers.read_limited`` gives or raises; for one caller at a time.

        Raises:
            PictureError: for what is no picture, or too large.
            ReaderDied: when the process does not survive it.
        """
        question = pickle.dumps((many, content, pixels))
        try:
            await asyncio.get_running_loop().sock_sendall(self.channel, question)
        except OSError:
            raise ReaderDied from None
        answer = await self._answer()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def end(self) -> None:
        """End it now, whatever it is doing."""
        self.process.kill()
        self.process.join()
        self.process.close()
        self.channel.close()

    async def _answer(self):
        (size,) = HEAD.unpack(await self._receive(HEAD.size))
        return pickle.loads(await self._receive(size))

    async def _receive(self, size: int) -> bytes:
        loop, received = asyncio.get_running_loop(), bytearray()
        while len(received) < size:
            try:
                part = await loop.sock_recv(self.channel, size - len(received))
            except OSError:
                part = b""
            if not part:
                raise ReaderDied
            received += part
        return bytes(received)
