"""The HTTP service of ``digitlib serve``: a picture in, digits out.

Uploads stay in memory and are never written to disk. Reading happens in threads, so no request
waits for another's upload; everything that a request can ask for is limited (``Limits``).
It answers clients of two published services unchanged: ``/upload/`` as
arj7192/digit-recognition-service does, ``/predict`` and ``/model_metrics`` as
AndreaBasile97/DigitsRecognition does.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from pydantic import BaseModel
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException as StarletteError
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.middleware.trustedhost import TrustedHostMiddleware
from swagger_ui_bundle import swagger_ui_path

from digitlib.apps.models import find_models, load_cards, name_of
from digitlib.reading.pictures import PictureError
from digitlib.reading.recognizer import PRETRAINED, Digit, Recognizer

LOOPBACK = ["localhost", "127.0.0.1", "[::1]", "testserver"]
PICTURE_TYPES = ("image/", "application/octet-stream")


@dataclass(frozen=True)
class Limits:
    """What one request, and all of them together, may ask for.

    Attributes:
        bytes: of one request's body.
        files: in one request.
        seconds: that reading one request's pictures may take.
        at_once: requests that are read at the same time.
        waiting: further ones that wait their turn; more are sent away with 503.
    """

    bytes: int = 50_000_000
    files: int = 100
    seconds: float = 30.0
    at_once: int = 2
    waiting: int = 64


class Fault(BaseModel):
    """Why a request was not answered."""

    error: str


class OneDigit(BaseModel):
    """A picture read as one digit; the first two keys are for clients of another service."""

    predicted_label: int
    class_labels: list[int]
    confidence: float
    accepted: bool
    probabilities: list[float]
    box: list[int]


class FoundDigit(BaseModel):
    """One of several digits in a picture."""

    label: int
    confidence: float
    accepted: bool
    probabilities: list[float]
    box: list[int]


class ManyDigits(BaseModel):
    """All digits of a picture, in reading order; ``text`` has a line for each line of them."""

    text: str
    digits: list[FoundDigit]


class BatchResult(BaseModel):
    """One of many pictures: what it says, or why it could not be read."""

    file: str
    text: str | None = None
    digits: list[FoundDigit] = []
    error: str | None = None


class Batch(BaseModel):
    """A result for each picture, in the order they were sent."""

    results: list[BatchResult]


class Choice(BaseModel):
    """The name of a model, one of those that GET /models lists."""

    name: str


class _Busy(Exception):
    """More requests than may wait."""


def create_app(
    model_dir: str | Path = PRETRAINED,
    limits: Limits | None = None,
    api_key: str = "",
    hosts: list[str] | None = None,
) -> FastAPI:
    """The service as an ASGI application.

    Args:
        model_dir: the model that reads at first.
        limits: what may be asked for.
        api_key: that every request but /healthz must send as ``X-API-Key``; "" for none.
        hosts: names this service may be called by; those of the loopback by default.
    """
    limits = limits or Limits()
    # Larger uploads than this would go through a file on disk.
    MultiPartParser.spool_max_size = limits.bytes
    service = _Service(model_dir, limits)

    @asynccontextmanager
    async def lifespan(_app: FastAPI):
        service.turns = CapacityLimiter(limits.at_once)
        yield

    faults = {code: {"model": Fault} for code in (400, 401, 413, 422, 503, 504)}
    app = FastAPI(
        title="digitlib",
        summary="Reads handwritten digits.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=faults,
    )
    app.add_middleware(_Gate, service=service, api_key=api_key)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts or LOOPBACK)
    app.mount("/swagger", StaticFiles(directory=swagger_ui_path), name="swagger")
    for kind in (StarletteError, RequestValidationError, PictureError, _Busy, TimeoutError):
        app.add_exception_handler(kind, _explain)
    app.add_exception_handler(Exception, _explain)
    _add_reading(app, service)
    _add_models(app, service)
    _add_watching(app, service)
    return app


def serve(host: str, port: int, model_dir: str | Path, api_key: str = "") -> None:
    """Serve until interrupted; requests in flight are answered first."""
    import uvicorn

    hosts = None if host in ("127.0.0.1", "localhost", "::1") else ["*"]
    app = create_app(model_dir, api_key=api_key, hosts=hosts)
    print(f"Reading digits at http://{host}:{port} (its page: /docs, Ctrl-C ends it)", flush=True)
    uvicorn.run(app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=30)


class _Service:
    """What the endpoints share: the model in use, the limits, and the counters."""

    def __init__(self, model_dir: str | Path, limits: Limits):
        self.limits, self.turns, self.waiting = limits, None, 0
        self.use(model_dir)
        self.registry = CollectorRegistry()
        self.answered = Counter(
            "digitlib_requests", "Requests answered.", ["path", "status"], registry=self.registry
        )
        self.took = Histogram(
            "digitlib_request_seconds", "Time to the answer.", ["path"], registry=self.registry
        )

    def use(self, model_dir: str | Path) -> None:
        self.recognizer, self.model = Recognizer(model_dir), name_of(Path(model_dir))

    async def work(self, function: Callable, *arguments):
        """Do something long in a thread, when it is this request's turn."""
        if self.waiting >= self.limits.at_once + self.limits.waiting:
            raise _Busy
        self.waiting += 1
        try:
            thread = to_thread.run_sync(
                partial(function, *arguments), limiter=self.turns, abandon_on_cancel=True
            )
            return await asyncio.wait_for(thread, self.limits.seconds)
        finally:
            self.waiting -= 1


class _Gate:
    """Let no request in that has no key or too large a body; count what was answered."""

    def __init__(self, app, service: _Service, api_key: str):
        self.app, self.service, self.api_key = app, service, api_key

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, seen = time.perf_counter(), {}
        headers = dict(scope["headers"])

        async def count(message):
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
            await send(message)

        if fault := self._refused(scope, headers):
            await fault(scope, receive, count)
        else:
            await self.app(scope, self._limited(receive), count)
        route = scope.get("route")
        path = route.path if route else "other"
        self.service.answered.labels(path, str(seen.get("status", 499))).inc()
        self.service.took.labels(path).observe(time.perf_counter() - start)

    def _refused(self, scope, headers: dict[bytes, bytes]) -> Response | None:
        key = headers.get(b"x-api-key", b"")
        needs_key = bool(self.api_key) and scope["path"] != "/healthz"
        if needs_key and not secrets.compare_digest(key, self.api_key.encode()):
            return _fault(401, "send the key of this service as X-API-Key")
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self.service.limits.bytes:
            return _too_large(self.service.limits)
        return None

    def _limited(self, receive):
        read = 0

        async def limited():
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self.service.limits.bytes:
                raise HTTPException(413, _too_large_text(self.service.limits))
            return message

        return limited


def _add_reading(app: FastAPI, service: _Service) -> None:
    upload = {
        "requestBody": {
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "properties": {"item": {"type": "string", "format": "binary"}},
                        "required": ["item"],
                    }
                },
                "image/*": {"schema": {"type": "string", "format": "binary"}},
            }
        }
    }

    @app.post("/predict", openapi_extra=upload, response_model=OneDigit | ManyDigits)
    async def predict(request: Request, multi: bool = False):
        """Read one picture: a form's file, whatever its field is called, or the body itself.

        As one digit; with ``multi=true`` every digit in it is found.
        """
        [(_, content)] = await _uploads(request, service.limits, exactly=1)
        if multi:
            return _many(await service.work(service.recognizer.read_digits, content))
        return _one(await service.work(service.recognizer.read_digit, content))

    @app.post("/predict/batch", openapi_extra=upload, response_model=Batch)
    async def predict_batch(request: Request):
        """Read many pictures, the files of a form; each has a result or an error of its own."""
        files = await _uploads(request, service.limits)
        return {"results": await service.work(_read_all, service.recognizer, files)}

    @app.post("/upload/", openapi_extra=upload, response_model=list | str)
    async def upload_as_published(request: Request):
        """Answer as arj7192/digit-recognition-service does: status 200, whatever happens."""
        try:
            files = await _uploads(request, service.limits)
        except HTTPException:
            return "No files uploaded !"
        if len(files) > 1:
            return "Mutliple file uploads not allowed !"
        try:
            digit = await service.work(service.recognizer.read_digit, files[0][1])
        except PictureError:
            return "Sorry, uploaded image file not understood !!"
        if digit.label is None:
            return "Sorry, uploaded image file not understood !!"
        return [digit.label, [f"{p:.5f}" for p in digit.probabilities]]


def _add_models(app: FastAPI, service: _Service) -> None:
    @app.get("/models")
    async def models() -> dict:
        """The models there are, and the one in use."""
        return {"models": list(find_models()), "in_use": service.model}

    @app.get("/models/{name:path}", responses={404: {"model": Fault}})
    async def model(name: str) -> dict:
        """A model's card, with what was measured and its intervals."""
        cards = load_cards()
        if name not in cards:
            raise HTTPException(404, f"there is no model {name!r}; GET /models lists them")
        return cards[name]

    @app.post("/model", responses={404: {"model": Fault}})
    async def choose(choice: Choice) -> dict:
        """Read with another model from now on."""
        found = find_models()
        if choice.name not in found:
            raise HTTPException(404, f"there is no model {choice.name!r}; GET /models lists them")
        await service.work(service.use, found[choice.name])
        return {"in_use": service.model}

    @app.get("/model_metrics")
    async def model_metrics() -> dict:
        """How well the model in use reads: its test set where it was asked, else validation."""
        card = service.recognizer.card
        part = "test" if "test" in card else "validation_metrics"
        measured = card[part]
        return {
            "last_accuracy": measured["accuracy_percent"] / 100,
            "interval": [measured["low_percent"] / 100, measured["high_percent"] / 100],
            "n": measured["n"],
            "measured_on": f"{part.split('_')[0]} digits of {card['dataset']}",
        }


def _add_watching(app: FastAPI, service: _Service) -> None:
    @app.get("/healthz")
    async def healthz() -> dict:
        """Whether this service can read."""
        return {"status": "ok", "model": service.model}

    @app.get("/metrics", response_class=Response)
    async def metrics():
        """Counters for Prometheus."""
        return Response(generate_latest(service.registry), media_type="text/plain; version=0.0.4")

    @app.get("/docs", include_in_schema=False)
    async def docs():
        return get_swagger_ui_html(
            openapi_url="openapi.json",
            title="digitlib",
            swagger_js_url="swagger/swagger-ui-bundle.js",
            swagger_css_url="swagger/swagger-ui.css",
            swagger_favicon_url="data:,",
        )


async def _uploads(request: Request, limits: Limits, exactly: int = 0) -> list[tuple[str, bytes]]:
    """The files that a request brings, by name; in memory, and never more than is allowed."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind.startswith(PICTURE_TYPES):
        files = [("picture", await request.body())]
    elif kind == "multipart/form-data":
        try:
            async with request.form(max_files=limits.files, max_fields=limits.files) as form:
                sent = [part for _, part in form.multi_items() if isinstance(part, UploadFile)]
                files = [(part.filename or "picture", await part.read()) for part in sent]
        except MultiPartException as fault:
            raise HTTPException(400, fault.message) from None
    else:
        raise HTTPException(
            422, "send a picture as multipart/form-data, or as the body with its image/… type"
        )
    if not files:
        raise HTTPException(422, "the form brings no file")
    if exactly and len(files) != exactly:
        raise HTTPException(422, f"the form brings {len(files)} files instead of {exactly}")
    return files


def _read_all(recognizer: Recognizer, files: list[tuple[str, bytes]]) -> list[dict]:
    results = []
    for name, content in files:
        try:
            results.append({"file": name} | _many(recognizer.read_digits(content)))
        except PictureError as fault:
            results.append({"file": name, "error": str(fault)})
    return results


def _one(digit: Digit) -> dict:
    if digit.label is None:
        raise PictureError("there is no ink to read")
    found = _found(digit)
    return {"predicted_label": found.pop("label"), "class_labels": list(range(10))} | found


def _many(reading) -> dict:
    return {"text": reading.text, "digits": [_found(digit) for digit in reading.digits]}


def _found(digit: Digit) -> dict:
    return {
        "label": digit.label,
        "confidence": round(digit.confidence, 6),
        "accepted": digit.accepted,
        "probabilities": [round(float(p), 6) for p in digit.probabilities],
        "box": [int(side) for side in digit.box],
    }


async def _explain(_request: Request, fault: Exception) -> Response:
    """An error as JSON with its reason, and nothing of the program's inside."""
    match fault:
        case StarletteError():
            return _fault(fault.status_code, str(fault.detail), fault.headers)
        case RequestValidationError():
            first = fault.errors()[0]
            where = ".".join(map(str, first["loc"]))
            return _fault(422, f"{where}: {first['msg']}")
        case PictureError():
            return _fault(422, str(fault))
        case _Busy():
            return _fault(503, "too many requests are waiting", {"Retry-After": "1"})
        case TimeoutError():
            return _fault(504, "reading took too long; send a smaller picture, or fewer")
    return _fault(500, "this is a fault of the service")


def _fault(status: int, reason: str, headers=None) -> JSONResponse:
    return JSONResponse({"error": reason}, status, headers)


def _too_large_text(limits: Limits) -> str:
    return f"a request may bring {limits.bytes / 1e6:g} MB"


def _too_large(limits: Limits) -> JSONResponse:
    return _fault(413, _too_large_text(limits))
