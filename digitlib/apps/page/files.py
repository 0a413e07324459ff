"""Files in and out of the page: a picture that is dropped or chosen, and files that are made."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import anywidget
import traitlets


class FileDrop(anywidget.AnyWidget):
    """A place to drop files on, or to choose them.

    Args:
        take: is given the name and the bytes of one file after the other.
        words: what stands on it.
        label: what it is called where it is not seen.
        accept: which files are offered, as HTML has it.
        multiple: whether several may be given at a time.

    Attributes:
        busy: whether it takes none now.
    """

    _esm = Path(__file__).with_name("drop.js")
    words, label, accept = (traitlets.Unicode().tag(sync=True) for _ in range(3))
    multiple = traitlets.Bool(False).tag(sync=True)
    busy = traitlets.Bool(False).tag(sync=True)

    def __init__(self, take: Callable[[str, bytes], object], **settings: object) -> None:
        super().__init__(**settings)
        self.on_msg(lambda _widget, message, buffers: take(message["name"], bytes(buffers[0])))


class Downloads(anywidget.AnyWidget):
    """A button for each file, which is made when its button is pressed.

    Args:
        files: by the words on its button, a file's name and what makes its bytes.
    """

    _esm = Path(__file__).with_name("downloads.js")
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)

    def __init__(self, files: Mapping[str, tuple[str, Callable[[], bytes]]]) -> None:
        self.files = files
        super().__init__(names=list(files))
        self.on_msg(self._give)

    def _give(self, _widget: object, message: dict, _buffers: object) -> None:
        self.making = asyncio.ensure_future(self._make(*self.files[message["name"]]))

    async def _make(self, file: str, make: Callable[[], bytes]) -> None:
        try:
            self.send({"file": file}, [await asyncio.to_thread(make)])
        except Exception as fault:  # Voilà shows a task's errors to nobody
            self.send({"fault": f"{file} could not be made: {fault}"})
