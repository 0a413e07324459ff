"""Files in and out of the page: a picture that is dropped or chosen, and files that are made."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import anywidget
import traitlets


class PictureDrop(anywidget.AnyWidget):
    """A place to drop a picture on, or to choose one.

    Args:
        take: is given the bytes of the file.

    Attributes:
        busy: whether it takes none now.
    """

    _esm = Path(__file__).with_name("drop.js")
    busy = traitlets.Bool(False).tag(sync=True)

    def __init__(self, take: Callable[[bytes], object]) -> None:
        super().__init__()
        self.on_msg(lambda _widget, _message, buffers: take(bytes(buffers[0])))


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
        self.send({"file": file}, [await asyncio.to_thread(make)])
