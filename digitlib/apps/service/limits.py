"""What the HTTP service allows. It imports no server, so that the command can list the limits."""

from dataclasses import dataclass, field
from typing import Any


def _limit(default: float, meaning: str) -> Any:
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True)
class Limits:
    """What one request, and all of them together, may ask for; more is an error 4xx or 503."""

    bytes: int = _limit(50_000_000, "of one request's body")
    pixels: int = _limit(64_000_000, "of one picture")
    files: int = _limit(100, "in one request")
    seconds: float = _limit(30.0, "to bring a head, to bring a body, and to read one picture")
    at_once: int = _limit(2, "pictures read at the same time")
    waiting: int = _limit(64, "requests that wait their turn")
    memory: int = _limit(500_000_000, "bytes of all bodies together")
    connections: int = _limit(200, "open at the same time")
