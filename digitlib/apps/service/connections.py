"""Connections to the HTTP service: not too many, and none that keeps its request back for long.

uvicorn waits for ever for the headers of a request. Enough connections that never finish sending
them would use up all the files that a process may open.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from digitlib.apps.service.limits import Limits

BUSY = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


def limited_protocol(limits: Limits) -> type[asyncio.Protocol]:
    """The class of connections, for ``uvicorn.Config(http=…)``, that keeps ``limits``."""

    class LimitedProtocol(H11Protocol):
        _until: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if len(self.connections) > limits.connections:
                self._end(BUSY)
            else:
                self._wait_for_head()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.cycle is None or self.cycle.response_complete:
                self._wait_for_head()
            elif self._until:
                self._until.cancel()
                self._until = None

        def connection_lost(self, exc: Exception | None) -> None:
            if self._until:
                self._until.cancel()
            super().connection_lost(exc)

        def _wait_for_head(self) -> None:
            if self._until is None:
                loop = asyncio.get_running_loop()
                self._until = loop.call_later(limits.seconds, self._end, LATE)

        def _end(self, answer: bytes) -> None:
            self.transport.write(answer)
            self.transport.close()

    return LimitedProtocol
