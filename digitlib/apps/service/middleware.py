"""What comes into the HTTP service: who may ask, how much a request may bring, and counting."""

import asyncio
import secrets
import time
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from digitlib.apps.service.limits import Limits

OPEN = ("/healthz", "/docs", "/openapi.json", "/swagger")  # need no key


class BusyError(Exception):
    """More requests than may wait, or more of them in memory than may be."""


class Gate:
    """ASGI middleware: let in what may come in, and count what was answered.

    Args:
        app: answers what is let in.
        limits: of a request's body, and of all bodies together.
        api_key: that a request must send as ``X-API-Key``, but to the pages of ``OPEN``; "" for
            none.
        hosts: names the service may be called by; "*" among them for any.
        registry: gets the counters, ``digitlib_requests`` and ``digitlib_request_seconds``.
    """

    def __init__(
        self, app, limits: Limits, api_key: str, hosts: Sequence[str], registry: CollectorRegistry
    ):
        self.app, self.limits, self.api_key, self.hosts = app, limits, api_key, hosts
        self.in_memory = 0  # bytes of all bodies
        self.answered = Counter(
            "digitlib_requests", "Requests answered.", ["path", "status"], registry=registry
        )
        self.took = Histogram(
            "digitlib_request_seconds", "Time to the answer.", ["path"], registry=registry
        )

    async def __call__(self, scope, receive, send):
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status, brought = time.perf_counter(), 499, _Body(self, receive)

        async def noted(message):
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            if refused := self._refused(scope):
                await refused(scope, receive, noted)
            else:
                await self.app(scope, brought.receive, noted)
        except ClientDisconnect:  # nobody is there to be answered
            pass
        except Exception:
            status = 500
            raise
        finally:
            self.in_memory -= brought.bytes
            path = getattr(scope.get("route"), "path", "other")
            self.answered.labels(path, str(status)).inc()
            self.took.labels(path).observe(time.perf_counter() - start)

    def _refused(self, scope) -> Response | None:
        headers = Headers(scope=scope)
        name = headers.get("host", "").rsplit(":", 1)[0].strip("[]")
        if "*" not in self.hosts and name not in self.hosts:
            return error_response(400, f"this service is not called {name!r}")
        key = headers.get("x-api-key", "").encode()
        open_to_all = not self.api_key or scope["path"].startswith(OPEN)
        if not open_to_all and not secrets.compare_digest(key, self.api_key.encode()):
            return error_response(401, "send the key of this service as X-API-Key")
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > self.limits.bytes:
            return error_response(413, _too_large(self.limits))
        return None


class _Body:
    """A request's body on its way in: not too large, not too slow, not too much with the others."""

    def __init__(self, gate: Gate, receive):
        self.gate, self.limits, self.ask, self.bytes = gate, gate.limits, receive, 0
        self.until = time.monotonic() + self.limits.seconds
        self.whole = False

    async def receive(self):
        if self.whole:  # what comes now is that the client has gone
            return await self.ask()
        try:
            async with asyncio.timeout(self.until - time.monotonic()):
                message = await self.ask()
        except TimeoutError:
            raise HTTPException(408, "the body of the request was too slow") from None
        size = len(message.get("body", b""))
        self.bytes += size
        self.gate.in_memory += size
        if self.bytes > self.limits.bytes:
            raise HTTPException(413, _too_large(self.limits))
        if self.gate.in_memory > self.limits.memory:
            raise BusyError
        self.whole = not message.get("more_body", False)
        return message


def error_response(status: int, reason: str, headers=None) -> JSONResponse:
    """The answer to a request that gets none, with the reason."""
    return JSONResponse({"error": reason}, status, headers)


def _too_large(limits: Limits) -> str:
    return f"a request may bring {limits.bytes / 1e6:g} MB"
