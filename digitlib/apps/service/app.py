"""The HTTP service of ``digitlib serve``: a picture in, digits out.

Uploads stay in memory and are never written to disk. Reading happens in processes of their own, so
no request waits for another's upload, and a reading whose time is up is ended; everything that a
request can ask for is limited (``Limits``).
It answers clients of two published services unchanged: ``/upload/`` as
arj7192/digit-recognition-service does, ``/predict`` and ``/model_metrics`` as
AndreaBasile97/DigitsRecognition does.
"""

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI, Request, Security
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import RedirectResponse, Response
from fastapi.security import APIKeyHeader
from fastapi.staticfiles import StaticFiles
from prometheus_client import CollectorRegistry, generate_latest
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException as StarletteError
from starlette.formparsers import MultiPartException, MultiPartParser
from swagger_ui_bundle import swagger_ui_path

from digitlib.apps.service.limits import Limits
from digitlib.apps.service.middleware import BusyError, Gate, error_response
from digitlib.apps.service.readers import Reader, ReaderDied
from digitlib.apps.service.schemas import (
    Batch,
    Choice,
    Fault,
    ManyDigits,
    OneDigit,
    many_digits,
    one_digit,
)
from digitlib.artifacts import load_card
from digitlib.pixels.decoding import PictureError
from digitlib.reading.models import PRETRAINED, find_models, name_of
from digitlib.reading.recognizer import Digit, Reading, Recognizer

LOOPBACK = ("localhost", "127.0.0.1", "::1")
PICTURE_TYPES = ("image/", "application/octet-stream")


def create_app(
    model_dir: str | Path = PRETRAINED,
    limits: Limits | None = None,
    api_key: str = "",
    hosts: Sequence[str] = LOOPBACK,
) -> FastAPI:
    """The service as an ASGI application.

    Args:
        model_dir: the model that reads at first.
        limits: what may be asked for.
        api_key: that every request for a reading must send as ``X-API-Key``; "" for none.
        hosts: names this service may be called by; "*" among them for any.
    """
    limits = limits or Limits()
    # Larger uploads than this would go through a file on disk.
    MultiPartParser.spool_max_size = limits.bytes
    service = _Service(model_dir, limits)
    faults = {code: {"model": Fault} for code in (400, 401, 408, 413, 422, 503, 504)}
    key = APIKeyHeader(name="X-API-Key", auto_error=False)  # for the description; Gate looks
    app = FastAPI(
        title="digitlib",
        summary="Reads handwritten digits.",
        docs_url=None,
        redoc_url=None,
        responses=faults,
        dependencies=[Security(key)] if api_key else [],
    )
    app.add_middleware(Gate, limits=limits, api_key=api_key, hosts=hosts, registry=service.registry)
    app.mount("/swagger", StaticFiles(directory=swagger_ui_path), name="swagger")
    for kind in (
        StarletteError,
        RequestValidationError,
        PictureError,
        ReaderDied,
        BusyError,
        TimeoutError,
    ):
        app.add_exception_handler(kind, _explain)
    app.add_exception_handler(Exception, _explain)
    _add_reading(app, service)
    _add_models(app, service)
    _add_watching(app, service)
    return app


def serve(
    host: str,
    port: int,
    model_dir: str | Path,
    limits: Limits | None = None,
    api_key: str = "",
    hosts: Sequence[str] = (),
) -> None:
    """Serve until interrupted; requests in flight are answered first. See ``create_app``.

    Raises:
        OSError: when the address cannot be had, with the reason.
    """
    import uvicorn

    named = hosts or (LOOPBACK if host in LOOPBACK else ("*",))
    app = create_app(model_dir, limits, api_key, named)
    listening = _listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    print(f"Reading digits at http://{shown}:{port} (its page: /docs, Ctrl-C ends it)", flush=True)
    if host not in LOOPBACK and not api_key:
        print("Whoever can reach this address may use it: --api-key asks for a key.", flush=True)
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=30)
    uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP: only then asyncio sends answers without waiting for more (TCP_NODELAY).
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as fault:
        listening.close()
        raise OSError(
            f"cannot listen on port {port} of {host}: {fault.strerror}; choose another with --port"
        ) from None
    return listening


class _Service:
    """What the endpoints share: the model in use, its readers, the limits, and the counters."""

    def __init__(self, model_dir: str | Path, limits: Limits):
        self.limits, self.waiting = limits, 0
        self.use(model_dir)
        self.readers: asyncio.Queue[Reader] = asyncio.Queue()
        for _ in range(limits.at_once):
            self.readers.put_nowait(self._new_reader())
        self.registry = CollectorRegistry()

    def use(self, model_dir: str | Path) -> None:
        """Read with this model from now on; one that cannot be loaded changes nothing."""
        card = Recognizer(model_dir).card
        self.model_dir, self.model, self.card = model_dir, name_of(Path(model_dir)), card

    async def read(self, content: bytes, many: bool = False) -> Digit | Reading:
        """Read one picture, when it is this request's turn."""
        if self.waiting >= self.limits.at_once + self.limits.waiting:
            raise BusyError
        self.waiting += 1
        try:
            reader = await self.readers.get()
            try:
                if reader.card is not self.card:  # another model was chosen, or the same anew
                    reader = self._in_place_of(reader)
                await reader.begin()
                async with asyncio.timeout(self.limits.seconds):
                    return await reader.read(many, content, self.limits.pixels)
            except PictureError:
                raise
            except BaseException:  # time is up, nobody waits any more, or it died
                reader = self._in_place_of(reader)
                raise
            finally:
                self.readers.put_nowait(reader)
        finally:
            self.waiting -= 1

    def _in_place_of(self, reader: Reader) -> Reader:
        reader.end()
        return self._new_reader()

    def _new_reader(self) -> Reader:
        return Reader(self.model_dir, self.card)


def _add_reading(app: FastAPI, service: _Service) -> None:
    one = {"type": "string", "format": "binary"}
    form, forms = (_form({"item": kind}) for kind in (one, {"type": "array", "items": one}))
    body = {"image/*": {"schema": one}, "application/octet-stream": {"schema": one}}
    picture = {"requestBody": {"required": True, "content": form | body}}
    pictures = {"requestBody": {"required": True, "content": forms}}

    @app.post("/predict", openapi_extra=picture, response_model=OneDigit | ManyDigits)
    async def predict(request: Request, multi: bool = False):
        """Read one picture: a form's file, whatever its field is called, or the body itself.

        As one digit; with ``multi=true`` every digit in it is found.
        """
        files = await _uploads(request, service.limits)
        if len(files) != 1:
            raise StarletteError(422, f"send one picture, and not {len(files)}")
        if multi:
            return many_digits(await service.read(files[0][1], many=True))
        return one_digit(await service.read(files[0][1]))

    @app.post("/predict/batch", openapi_extra=pictures, response_model=Batch)
    async def predict_batch(request: Request):
        """Read many pictures, the files of a form; each has a result or an error of its own."""
        results = []
        for name, content in await _uploads(request, service.limits):
            # One at a time: other requests have their turns between them.
            try:
                reading = await service.read(content, many=True)
                results.append({"file": name} | many_digits(reading))
            except (PictureError, ReaderDied, BusyError, TimeoutError) as fault:
                results.append({"file": name, "error": _fault(fault)[1]})
        return {"results": results}

    @app.post("/upload/", openapi_extra=pictures, response_model=list | str)
    async def upload_as_published(request: Request):
        """Answer as arj7192/digit-recognition-service does: status 200, and its sentences."""
        try:
            files = await _uploads(request, service.limits)
        except StarletteError as fault:
            if fault.status_code not in (400, 422):
                raise
            many = "Too many" in str(fault.detail)
            return "Mutliple file uploads not allowed !" if many else "No files uploaded !"
        if len(files) > 1:
            return "Mutliple file uploads not allowed !"
        try:
            digit = await service.read(files[0][1])
        except PictureError:
            return "Sorry, uploaded image file not understood !!"
        if digit.label is None:
            return "Sorry, uploaded image file not understood !!"
        return [digit.label, [f"{p:.5f}" for p in digit.probabilities]]


def _form(fields: dict) -> dict:
    schema = {"type": "object", "properties": fields, "required": list(fields)}
    return {"multipart/form-data": {"schema": schema}}


def _add_models(app: FastAPI, service: _Service) -> None:
    @app.get("/models")
    async def models() -> dict:
        """The models there are, and the one in use."""
        return {"models": list(find_models()), "in_use": service.model}

    @app.get("/models/{name:path}", responses={404: {"model": Fault}})
    async def model(name: str) -> dict:
        """A model's card, with what was measured and its intervals."""
        return load_card(_folder_of(name))

    @app.post("/model", responses={404: {"model": Fault}})
    async def choose(choice: Choice) -> dict:
        """Read with another model from now on."""
        await asyncio.to_thread(service.use, _folder_of(choice.name))
        return {"in_use": service.model}

    @app.get("/model_metrics")
    async def model_metrics() -> dict:
        """How well the model in use reads: its test set where it was asked, else validation."""
        card = service.card
        part = "test" if "test" in card else "validation_metrics"
        measured = card[part]
        return {
            "last_accuracy": measured["accuracy_percent"] / 100,
            "interval": [measured["low_percent"] / 100, measured["high_percent"] / 100],
            "n": measured["n"],
            "measured_on": f"{part.split('_')[0]} digits of {card['dataset']}",
        }


def _folder_of(name: str) -> Path:
    found = find_models()
    if name not in found:
        raise StarletteError(404, f"there is no model {name!r}; GET /models lists them")
    return found[name]


def _add_watching(app: FastAPI, service: _Service) -> None:
    @app.get("/healthz")
    async def healthz() -> dict:
        """Whether this service can read."""
        return {"status": "ok", "model": service.model}

    @app.get("/metrics", response_class=Response)
    async def metrics():
        """Counters for Prometheus."""
        return Response(generate_latest(service.registry), media_type="text/plain; version=0.0.4")

    @app.get("/", include_in_schema=False)
    async def front():
        return RedirectResponse("docs")

    @app.get("/docs", include_in_schema=False)
    async def docs():
        return get_swagger_ui_html(
            openapi_url="openapi.json",
            title="digitlib",
            swagger_js_url="swagger/swagger-ui-bundle.js",
            swagger_css_url="swagger/swagger-ui.css",
            swagger_favicon_url="data:,",
        )


async def _uploads(request: Request, limits: Limits) -> list[tuple[str, bytes]]:
    """The files that a request brings, by name; in memory, and never more than is allowed."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind.startswith(PICTURE_TYPES):
        return [("picture", await request.body())]
    if kind != "multipart/form-data":
        raise StarletteError(
            422, "send a picture as multipart/form-data, or as the body with its image/… type"
        )
    try:
        async with request.form(max_files=limits.files, max_fields=limits.files) as form:
            sent = [part for _, part in form.multi_items() if isinstance(part, UploadFile)]
            files = [(part.filename or "picture", await part.read()) for part in sent]
    except MultiPartException as fault:
        raise StarletteError(400, fault.message) from None
    if not files:
        raise StarletteError(422, "the form brings no file")
    return files


async def _explain(_request: Request, fault: Exception) -> Response:
    """An error as JSON with its reason, and nothing of the program's inside."""
    match fault:
        case StarletteError():
            return error_response(fault.status_code, str(fault.detail), fault.headers)
        case RequestValidationError():
            first = fault.errors()[0]
            where = ".".join(map(str, first["loc"]))
            return error_response(422, f"{where}: {first['msg']}")
    status, reason = _fault(fault)
    return error_response(status, reason, {"Retry-After": "1"} if status == 503 else None)


def _fault(fault: Exception) -> tuple[int, str]:
    """The status and the reason of a picture that was not read."""
    match fault:
        case PictureError():
            return 422, str(fault)
        case ReaderDied():
            return 500, "the process that read this picture died; others are read on"
        case BusyError():
            return 503, "too many requests are waiting"
        case TimeoutError():
            return 504, "reading took too long; send a smaller picture"
    return 500, "this is a fault of the service"
