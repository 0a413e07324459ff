"""The HTTP service of ``digitlib serve``: a picture in, digits and numbers out.

Uploads stay in memory and are never written to disk. Reading happens in processes of their own, so
no request waits for another's upload, and a reading whose time is up is ended; everything that a
request can ask for is limited (``Limits``).
It answers clients of two published services unchanged: ``/upload/`` as
arj7192/digit-recognition-service does, ``/predict`` and ``/model_metrics`` as
AndreaBasile97/DigitsRecognition does.
"""

import asyncio
import secrets
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import fastapi_offline
import uvicorn
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request, Security
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.security import APIKeyHeader
from fastapi.staticfiles import StaticFiles
from prometheus_client import CollectorRegistry, generate_latest
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException as StarletteError
from starlette.formparsers import MultiPartParser
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from digitlib import __version__
from digitlib.apps.service.connections import limited_protocol
from digitlib.apps.service.limits import Limits
from digitlib.apps.service.middleware import LimitsMiddleware, MetricsMiddleware
from digitlib.apps.service.readers import read_both_ways, read_pages
from digitlib.apps.service.reading_queue import ReadingQueue
from digitlib.apps.service.schemas import (
    Batch,
    Choice,
    Fault,
    ManyDigits,
    OneDigit,
    WholeSheet,
    many_digits,
    one_digit,
    one_of_many,
)
from digitlib.artifacts import ArtifactError, load_card
from digitlib.pixels.decoding import PictureError
from digitlib.reading.models import PRETRAINED, find_models
from digitlib.reading.recognizer import Recognizer
from digitlib.reading.spreadsheets import as_csv, as_json, read_filled, read_into_workbook

LOOPBACK = ("localhost", "127.0.0.1", "::1")
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SWAGGER = Path(fastapi_offline.__file__).parent / "static"  # what shows /docs, without a CDN
PICTURE_TYPES = ("image/", "application/octet-stream")
SECONDS_TO_BRING = 1.0  # a request, on a connection that was made just before the service stops


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
        api_key: that every request must send as ``X-API-Key``, but for the pages that describe the
            service and its health; "" for none.
        hosts: names this service may be called by, ``*.example.org`` for all of a domain; "*"
            among them for any.
    """
    limits, names = limits or Limits(), [_as_in_url(host) for host in hosts]
    # Larger uploads than this would go through a file on disk.
    MultiPartParser.spool_max_size = limits.bytes
    queue, registry = ReadingQueue(model_dir, limits), CollectorRegistry()
    app = FastAPI(
        title="digitlib",
        version=__version__,
        summary="Reads handwritten digits.",
        docs_url=None,
        redoc_url=None,
        responses={code: {"model": Fault} for code in (400, 401, 408, 413, 422, 503, 504)},
        middleware=[
            Middleware(MetricsMiddleware, registry=registry),
            Middleware(TrustedHostMiddleware, allowed_hosts=names, www_redirect=False),
            Middleware(LimitsMiddleware, limits=limits),
        ],
        exception_handlers={
            kind: _explain
            for kind in (
                *(StarletteError, RequestValidationError, PictureError, ArtifactError, Exception),
            )
        },
    )
    app.mount("/swagger", StaticFiles(directory=SWAGGER), name="swagger")
    _add_pages(app, queue)
    router = APIRouter(dependencies=[_require(api_key)] if api_key else [])
    _add_reading(router, queue, limits)
    _add_models(router, queue)

    @router.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Counters for Prometheus."""
        return Response(generate_latest(registry), media_type="text/plain; version=0.0.4")

    app.include_router(router)
    return app


def serve(
    host: str,
    port: int,
    model_dir: str | Path,
    limits: Limits,
    api_key: str,
    hosts: Sequence[str],
) -> None:
    """Serve until interrupted; requests in flight are answered first. See ``create_app``.

    Raises:
        OSError: when the address cannot be had, with the reason.
    """
    named = hosts or (LOOPBACK if host in LOOPBACK else ("*",))
    app = create_app(model_dir, limits, api_key, named)
    listening = _listen(host, port)
    url = f"http://{_as_in_url(host)}:{port}"
    print(f"Reading digits at {url} (its page: /docs, Ctrl-C ends it)", flush=True)
    if host not in LOOPBACK and not api_key:
        print("Whoever can reach this address may use it: --api-key asks for a key.", flush=True)
    http = limited_protocol(limits)
    config = uvicorn.Config(app, http=http, log_level="warning", timeout_graceful_shutdown=30)
    _Server(config).run(sockets=[listening])


def _as_in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


class _Server(uvicorn.Server):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop; a connection that was accepted before is given the time to bring its request."""
        for server in self.servers:
            server.close()
        await asyncio.sleep(SECONDS_TO_BRING)
        await super().shutdown(sockets)


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


def _require(api_key: str) -> Any:
    """A dependency of endpoints that need the key."""

    def check(
        sent: Annotated[str | None, Security(APIKeyHeader(name="X-API-Key", auto_error=False))],
    ) -> None:
        if not secrets.compare_digest((sent or "").encode(), api_key.encode()):
            raise HTTPException(401, "send the key of this service as X-API-Key")

    return Depends(check)


def _add_reading(router: APIRouter, queue: ReadingQueue, limits: Limits) -> None:
    one = {"type": "string", "format": "binary"}
    form, forms = (_form({"item": kind}) for kind in (one, {"type": "array", "items": one}))
    body = {"image/*": {"schema": one}, "application/octet-stream": {"schema": one}}
    picture = {"requestBody": {"required": True, "content": form | body}}
    pictures = {"requestBody": {"required": True, "content": forms}}

    @router.post("/predict", openapi_extra=picture, response_model=OneDigit | ManyDigits)
    async def predict(request: Request, multi: bool = False) -> dict:
        """Read one picture: a form's file, whatever its field is called, or the body itself.

        As one digit, with a warning where there are several; with ``multi=true`` all of them.
        """
        content = await _one_upload(request, limits)
        if multi:
            return many_digits(await queue.read(Recognizer.read_digits, content))
        return one_digit(*await queue.read(read_both_ways, content))

    @router.post("/predict/batch", openapi_extra=pictures, response_model=Batch)
    async def predict_batch(request: Request) -> dict:
        """Read many pictures, the files of a form; each has a result or an error of its own.

        Each page of a PDF or TIFF is a picture.
        """
        results = []
        for name, content in await _uploads(request, limits):
            # One at a time: other requests have their turns between them.
            try:
                read = await queue.read(read_pages, content)
            except (PictureError, StarletteError) as fault:
                read = [("", getattr(fault, "detail", str(fault)))]
            results += [{"file": name + page} | one_of_many(said) for page, said in read]
        return {"results": results}

    @router.post(
        "/sheet",
        openapi_extra=picture,
        response_model=WholeSheet,
        responses={200: {"content": {"text/csv": {}, WORKBOOK: {}}}},
    )
    async def sheet(
        request: Request,
        kind: Annotated[Literal["json", "csv", "xlsx"], Query(alias="format")] = "json",
    ) -> Any:
        """Read a picture of a table or a form: its cells, fields and lines, and what is left out.

        ``format=csv`` gives the tables as they stand, ``format=xlsx`` an Excel workbook.
        """
        content = await _one_upload(request, limits)
        if kind == "xlsx":
            return _file(await queue.read(read_into_workbook, content), "sheet.xlsx", WORKBOOK)
        read = await queue.read(read_filled, content)
        if kind == "csv":
            return _file(as_csv(read), "sheet.csv", "text/csv")
        return as_json(read)

    @router.post("/upload/", openapi_extra=pictures, response_model=list | str)
    async def upload_as_published(request: Request) -> list | str:
        """Answer as arj7192/digit-recognition-service does: always status 200, in its words."""
        try:
            files = await _uploads(request, limits)
        except StarletteError as fault:
            if fault.status_code not in (400, 422):
                raise
            many = "Too many" in fault.detail
            return "Mutliple file uploads not allowed !" if many else "No files uploaded !"
        if len(files) > 1:
            return "Mutliple file uploads not allowed !"
        try:
            digit = await queue.read(Recognizer.read_digit, files[0][1])
        except PictureError:
            return "Sorry, uploaded image file not understood !!"
        if digit.label is None:
            return "Sorry, uploaded image file not understood !!"
        return [digit.label, [f"{p:.5f}" for p in digit.probabilities]]


def _file(content: str | bytes, name: str, media_type: str) -> Response:
    """A file that a browser saves under this name."""
    as_file = {"Content-Disposition": f"attachment; filename={name}"}
    return Response(content, media_type=media_type, headers=as_file)


def _form(fields: dict) -> dict:
    schema = {"type": "object", "properties": fields, "required": list(fields)}
    return {"multipart/form-data": {"schema": schema}}


def _add_models(router: APIRouter, queue: ReadingQueue) -> None:
    @router.get("/models")
    async def models() -> dict:
        """The models there are, and the one in use."""
        return {"models": list(find_models()), "in_use": queue.name}

    @router.get("/models/{name:path}", responses={404: {"model": Fault}})
    async def model(name: str) -> dict:
        """A model's card, with what was measured and its intervals."""
        return load_card(_folder_of(name))

    @router.post("/model", responses={404: {"model": Fault}})
    async def choose(choice: Choice) -> dict:
        """Read with another model from now on."""
        await asyncio.to_thread(queue.use, _folder_of(choice.name))
        return {"in_use": queue.name}

    @router.get("/model_metrics")
    async def model_metrics() -> dict:
        """How well the model in use reads: its test set where it was asked, else validation."""
        card = queue.card
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
        raise HTTPException(404, f"there is no model {name!r}; GET /models lists them")
    return found[name]


def _add_pages(app: FastAPI, queue: ReadingQueue) -> None:
    @app.get("/healthz")
    async def healthz() -> dict:
        """Whether this service can read; 503 with the reason while it cannot."""
        await queue.check()
        return {"status": "ok", "model": queue.name}

    @app.get("/", include_in_schema=False)
    async def front() -> RedirectResponse:
        return RedirectResponse("docs")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="openapi.json",
            title="digitlib",
            swagger_js_url="swagger/swagger-ui-bundle.js",
            swagger_css_url="swagger/swagger-ui.css",
            swagger_favicon_url="data:,",
        )


async def _one_upload(request: Request, limits: Limits) -> bytes:
    """The one file that a request brings."""
    files = await _uploads(request, limits)
    if len(files) != 1:
        raise HTTPException(422, f"send one picture, and not {len(files)}")
    return files[0][1]


async def _uploads(request: Request, limits: Limits) -> list[tuple[str, bytes]]:
    """The files that a request brings, by name; in memory, and never more than is allowed."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind.startswith(PICTURE_TYPES):
        return [("picture", await request.body())]
    if kind != "multipart/form-data":
        raise HTTPException(
            422, "send a picture as multipart/form-data, or as the body with its image/… type"
        )
    async with request.form(max_files=limits.files, max_fields=limits.files) as form:
        sent = [part for _, part in form.multi_items() if isinstance(part, UploadFile)]
        files = [(part.filename or "picture", await part.read()) for part in sent]
    if not files:
        raise HTTPException(422, "the form brings no file")
    return files


async def _explain(_request: Request, fault: Exception) -> JSONResponse:
    """An error as JSON with its reason; it tells nothing of the program's inside."""
    match fault:
        case StarletteError():
            return JSONResponse({"error": fault.detail}, fault.status_code, fault.headers)
        case RequestValidationError():
            first = fault.errors()[0]
            where = ".".join(map(str, first["loc"]))
            return JSONResponse({"error": f"{where}: {first['msg']}"}, 422)
        case PictureError() | ArtifactError():
            return JSONResponse({"error": str(fault)}, 422)
    return JSONResponse({"error": "this is a fault of the service"}, 500)
