"""Middleware of the HTTP service: how much a request may bring, and counting what is answered."""

import asyncio
import time

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digitlib.apps.service.limits import Limits


class MetricsMiddleware:
    """Counts the answers and times them.

    Args:
        app: what answers.
        registry: gets the counters, ``digitlib_requests`` and ``digitlib_request_seconds``.
    """

    def __init__(self, app: ASGIApp, registry: CollectorRegistry):
        self.app = app
        self.answered = Counter(
            "digitlib_requests", "Requests answered.", ["path", "status"], registry=registry
        )
        self.took = Histogram(
            "digitlib_request_seconds", "Time to the answer.", ["path"], registry=registry
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        start, status = time.perf_counter(), 499

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, note)
        except ClientDisconnect:  # nobody is there to be answered
            pass
        except Exception:
            status = 500
            raise
        finally:
            if scope["type"] == "http":
                path = getattr(scope.get("route"), "path", "other")
                self.answered.labels(path, str(status)).inc()
                self.took.labels(path).observe(time.perf_counter() - start)


class LimitsMiddleware:
    """Bodies come neither too large nor too slowly, and all together fit in memory.

    One that does not raises HTTPException where it is received, to be answered with its reason.

    Args:
        app: what answers.
        limits: of a request's body, and of all bodies together.
    """

    def __init__(self, app: ASGIApp, limits: Limits):
        self.app, self.limits = app, limits
        self.in_memory = 0  # bytes of all bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limits, until = self.limits, time.monotonic() + self.limits.seconds
        length = Headers(scope=scope).get("content-length", "")
        announced = int(length) if length.isdigit() else 0
        too_large = HTTPException(413, f"a request may bring {limits.bytes / 1e6:g} MB")
        brought, complete = 0, False

        async def receive_limited() -> Message:
            nonlocal brought, complete
            if complete:  # what comes now is that the client has gone
                return await receive()
            if announced > limits.bytes:
                raise too_large
            try:
                async with asyncio.timeout(until - time.monotonic()):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, "the body of the request was too slow") from None
            size = len(message.get("body", b""))
            brought += size
            self.in_memory += size
            if brought > limits.bytes:
                raise too_large
            if self.in_memory > limits.memory:
                raise too_busy()
            complete = not message.get("more_body", False)
            return message

        try:
            await self.app(scope, receive_limited, send)
        finally:
            self.in_memory -= brought


def too_busy() -> HTTPException:
    """The error of a request for which there is no room now."""
    return HTTPException(503, "too many requests are waiting", {"Retry-After": "1"})
