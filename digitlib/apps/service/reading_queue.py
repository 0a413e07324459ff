"""Pictures of the HTTP service on their way to the processes that read them."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from starlette.exceptions import HTTPException

from digitlib.apps.service.limits import Limits
from digitlib.apps.service.middleware import too_busy
from digitlib.apps.service.readers import Read, T, read_limited
from digitlib.pixels.decoding import PictureError
from digitlib.reading.models import checksum, name_of
from digitlib.reading.processes import SAMPLE, ProcessDied, RecognizerProcess
from digitlib.reading.recognizer import Recognizer


class ReadingQueue:
    """Pictures wait their turn at a few processes; a reading whose time is up is ended.

    Args:
        model_dir: the model that reads at first.
        limits: how many read and wait, and for how long.

    Attributes:
        name: of the model in use.
        card: what is known of it.
    """

    def __init__(self, model_dir: str | Path, limits: Limits):
        self._limits, self._waiting, self._failed = limits, 0, True
        self.use(model_dir)
        self._threads = ThreadPoolExecutor(limits.at_once)  # each waits for a process
        self._processes: asyncio.Queue[RecognizerProcess] = asyncio.Queue()
        for _ in range(limits.at_once):
            self._processes.put_nowait(RecognizerProcess(self._model_dir, self._model))

    def use(self, model_dir: str | Path) -> None:
        """Read with this model from now on; one that cannot be loaded changes nothing."""
        card, file = Recognizer(model_dir).card, checksum(model_dir)
        self._model_dir, self.name, self.card = model_dir, name_of(model_dir), card
        self._model = (file, card)

    async def read(self, read: Read[T], content: bytes) -> T:
        """Read one picture, as ``Recognizer.read_digit`` does, when it is its turn.

        Raises:
            PictureError: for what is no picture, or too large.
            HTTPException: 500 where the process died over it, 503 where too many wait, 504 where
                its time is up.
        """
        if self._waiting >= self._limits.at_once + self._limits.waiting:
            raise too_busy()
        self._waiting += 1
        try:
            process = await self._processes.get()
            try:
                if process.model != self._model:  # another was chosen, or it was ended
                    process = self._replace(process)
                return await self._read_in(process, read, content)
            except PictureError:
                raise
            except BaseException:  # time is up, nobody waits any more, or it died
                process = self._replace(process)
                raise
            finally:
                self._processes.put_nowait(process)
        finally:
            self._waiting -= 1

    async def check(self) -> None:
        """Read a sample, unless others are being read with success.

        Raises:
            HTTPException: 503 when it cannot be read, with the reason.
        """
        if self._failed or not self._waiting:
            try:
                await self.read(Recognizer.read_digit, SAMPLE)
            except HTTPException as fault:
                raise HTTPException(503, fault.detail) from None

    async def _read_in(self, process: RecognizerProcess, read: Read[T], content: bytes) -> T:
        run, pixels = asyncio.get_running_loop().run_in_executor, self._limits.pixels
        try:
            if not process.ready:  # its start does not count as this picture's time
                await run(self._threads, process.wait)
            async with asyncio.timeout(self._limits.seconds):
                answer = await run(self._threads, process.call, read_limited, read, content, pixels)
            self._failed = False
            return answer
        except TimeoutError:
            raise HTTPException(504, "reading took too long; send a smaller picture") from None
        except ProcessDied as fault:
            self._failed = True
            raise HTTPException(500, f"{fault}; others are read on") from None

    def _replace(self, process: RecognizerProcess) -> RecognizerProcess:
        process.end()
        try:
            return RecognizerProcess(self._model_dir, self._model)
        except ProcessDied:  # the next reading tries again
            return process
