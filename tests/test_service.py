"""The HTTP service: a real server on the loopback, real clients, hostile uploads, load."""

import asyncio
import contextlib
import csv
import http.client
import io
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import fields
from multiprocessing import get_context

import httpx
import numpy as np
import psutil
import pytest
import schemathesis
from forms import form
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from PIL import Image
from pillow_heif import register_heif_opener
from playwright.sync_api import expect, sync_playwright
from readings import READING, number
from schemathesis.specs.openapi.checks import response_schema_conformance
from serving import LOOPBACK, start_service, stop_service

from digitlib.apps.canvas import DigitCanvas
from digitlib.apps.canvas.strokes import write
from digitlib.apps.cli import main
from digitlib.apps.service.app import Limits, create_app
from digitlib.apps.service.schemas import ManyDigits, many_digits
from digitlib.artifacts import load_card, write_json
from digitlib.reading.models import PRETRAINED
from digitlib.reading.numbers import Reading


def png(text: str) -> bytes:
    return as_png(DigitCanvas(strokes=write(text)).picture)


def as_png(picture: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def seven() -> bytes:
    return png("7")


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[subprocess.Popen, str]]:
    server, url = start_service()
    yield server, url
    stop_service(server)


@pytest.fixture
def client(running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running[1], timeout=60) as client:
        yield client


def test_one_picture_is_read(client, seven):
    for sent in (
        {"files": {"item": ("seven.png", seven)}},
        {"content": seven, "headers": {"content-type": "image/png"}},
    ):
        answer = client.post("/predict", **sent)
        assert answer.status_code == 200
        read = answer.json()
        assert (read["predicted_label"], read["accepted"]) == (7, True)
        assert sum(read["probabilities"]) == pytest.approx(1, abs=1e-3)
        assert len(read["box"]) == 4


def test_several_digits_taken_for_one_come_with_a_warning(client, seven):
    """Protects from a 2 that was told of a picture of 12, and nothing else."""
    one, two = (client.post("/predict", files={"item": file}).json() for file in (seven, png("12")))
    assert one["warning"] is None
    assert [number["text"] for number in one["numbers"]] == ["7"]
    assert two["warning"] == "this picture has 2 digits; ask with multi=true"
    assert [number["text"] for number in two["numbers"]] == ["12"]


def test_several_digits_are_found(client):
    answer = client.post("/predict", params={"multi": True}, files={"item": png("407")}).json()
    assert answer["text"] == "407"
    assert [digit["label"] for digit in answer["digits"]] == [4, 0, 7]
    for found in answer["numbers"]:
        assert found.keys() == {"text", "value", "confidence", "accepted", "box"}
        assert 0 <= found["confidence"] <= 1


def test_numbers_are_told_as_written_with_their_worth_and_how_sure_that_is():
    """Protects programs from sums of numbers that may be worth one thing or another."""
    answer = ManyDigits(**many_digits(READING)).model_dump()
    assert answer["text"] == "1537150 1234\n8"
    told = [(n["text"], n["value"], n["confidence"], n["accepted"]) for n in answer["numbers"]]
    assert told == [
        ("15.371,50", 15371.5, 0.97, True),
        ("1.234", None, 0.41, False),
        ("8", 8, 0.99, True),
    ]
    assert answer["numbers"][0]["box"] == [10, 20, 140, 30]


@pytest.mark.parametrize("text", ["7" * 5000, "7" * 5000 + ",5"])
def test_a_number_without_end_has_no_value_and_is_no_fault(text):
    """Protects from a picture of a long row of digits: JSON knows no infinity."""
    [found] = many_digits(Reading(((number(text, 0.5),),)))["numbers"]
    assert found["value"] is None


def test_a_batch_has_a_result_or_an_error_for_each(client, seven):
    files = [("a", ("a.png", seven)), ("b", ("b.png", b"no picture")), ("c", ("c.png", png("12")))]
    results = client.post("/predict/batch", files=files).json()["results"]
    assert [result["file"] for result in results] == ["a.png", "b.png", "c.png"]
    assert [result["text"] for result in results] == ["7", None, "12"]
    assert [bool(result["numbers"]) for result in results] == [True, False, True]
    assert "not a picture" in results[1]["error"]


def test_each_page_of_a_file_is_told_of_or_the_file_is_refused(client):
    """Protects from the second page, which was left out in silence."""
    stream = io.BytesIO()
    first, *others = (Image.open(io.BytesIO(png(text))).convert("L") for text in ("7", "12"))
    first.save(stream, "PDF", save_all=True, append_images=others)
    sent = {"files": {"item": ("scan.pdf", stream.getvalue())}}
    results = client.post("/predict/batch", **sent).json()["results"]
    named = [(one["file"], one["text"]) for one in results]
    assert named == [("scan.pdf#page=1", "7"), ("scan.pdf#page=2", "12")]
    for path in ("/predict", "/predict?multi=true", "/sheet"):
        answer = client.post(path, **sent)
        assert answer.status_code == 422
        assert "it has 2 pages: send one of them, or all to /predict/batch" in answer.text


def test_a_sheet_is_read_as_json_csv_and_workbook(client):
    """Protects programs that file forms: what is in which cell, and what could not be read."""
    sent = {"files": {"item": as_png(form())}}
    read = client.post("/sheet", **sent).json()
    (table,) = read["tables"]
    assert [cell["text"] for cell in table["cells"]] == ["47", "", "5", "208", "", ""]
    assert [cell["accepted"] for cell in table["cells"]] == 4 * [True] + [False, True]
    assert table["cells"][3]["numbers"][0]["value"] == 208
    assert [one["reason"] for one in read["left_out"]] == ["no number was found in it"]
    tables = client.post("/sheet", params={"format": "csv"}, **sent)
    assert tables.headers["content-type"].startswith("text/csv")
    assert list(csv.reader(tables.text.splitlines())) == [["47", "", "5"], ["208", "?", ""]]
    workbook = client.post("/sheet", params={"format": "xlsx"}, **sent)
    assert "sheet.xlsx" in workbook.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(workbook.content)) as parts:
        assert b"<v>208</v>" in parts.read("xl/worksheets/sheet1.xml")


def test_a_sheet_that_cannot_be_given_is_refused_with_a_reason(client, seven):
    for sent, params in (({"item": b"no picture"}, {}), ({"item": seven}, {"format": "pdf"})):
        answer = client.post("/sheet", params=params, files=sent)
        assert answer.status_code == 422
        assert answer.json()["error"]


def test_a_blank_picture_is_answered_alike_everywhere(client):
    """Protects clients from taking a blank page for one that was read."""
    blank = {"files": {"item": as_png(np.full((200, 300), 255, np.uint8))}}
    for path in ("/predict", "/predict?multi=true", "/sheet", "/sheet?format=xlsx"):
        answer = client.post(path, **blank)
        assert answer.status_code == 422, path
        assert answer.json()["error"] == "no digit was found in it"
    [result] = client.post("/predict/batch", **blank).json()["results"]
    assert result["error"] == "no digit was found in it"


def test_a_client_of_system_e_works_unchanged(client, seven):
    """Protects programs written for arj7192/digit-recognition-service."""
    label, probabilities = client.post("/upload/", files={"file": ("x.png", seven)}).json()
    assert label == 7
    assert [len(p) for p in probabilities] == [7] * 10
    assert all(isinstance(p, str) for p in probabilities)
    said = {
        "No files uploaded !": {},
        "Mutliple file uploads not allowed !": {"files": [("a", seven), ("b", seven)]},
        "Sorry, uploaded image file not understood !!": {"files": {"file": b"no picture"}},
    }
    many = [("a", seven)] * 101
    assert client.post("/upload/", files=many).json() == "Mutliple file uploads not allowed !"
    torn = {"content": b"--x", "headers": {"content-type": "multipart/form-data"}}
    assert client.post("/upload/", **torn).json() == "No files uploaded !"
    for sentence, sent in said.items():
        answer = client.post("/upload/", **sent)
        assert (answer.status_code, answer.json()) == (200, sentence)


def test_a_client_of_system_a_works_unchanged(client):
    """Protects programs written for AndreaBasile97/DigitsRecognition: JPEG, field ``item``."""
    stream = io.BytesIO()
    Image.fromarray(DigitCanvas(strokes=write("3")).picture).save(stream, "JPEG")
    sent = {"item": ("three.jpg", stream.getvalue(), "image/jpeg")}
    answer = client.post("/predict", files=sent).json()
    assert answer["predicted_label"] == 3
    assert answer["class_labels"] == list(range(10))
    assert 0.5 < client.get("/model_metrics").json()["last_accuracy"] <= 1


def test_models_are_listed_described_and_chosen(client):
    names = client.get("/models").json()["models"]
    assert names[0] == "shipped"
    assert client.get("/models/shipped").json()["architecture"]["name"] == "digitnet"
    for wrong in ("../../etc", "nothing"):
        answer = client.post("/model", json={"name": wrong})
        assert answer.status_code == 404
        assert "GET /models" in answer.json()["error"]


def test_a_model_that_is_chosen_reads_from_then_on(seven, tmp_path, monkeypatch):
    """Protects from answers of a model that is gone: another was trained in its place."""
    monkeypatch.setenv("DIGITLIB_ROOT", str(tmp_path))
    mine = tmp_path / "outputs" / "mine" / "model"
    shutil.copytree(PRETRAINED, mine)
    card = load_card(mine)
    sent = {"content": seven, "headers": {"content-type": "image/png"}}
    server, url = start_service()
    certain = [httpx.post(f"{url}/predict", **sent).json()["confidence"]]
    for temperature in (4.0, 8.0):
        write_json(mine / "card.json", card | {"temperature": temperature})
        chosen = httpx.post(f"{url}/model", json={"name": "outputs/mine/model"})
        assert chosen.json() == {"in_use": "outputs/mine/model"}
        certain.append(httpx.post(f"{url}/predict", **sent).json()["confidence"])
    (mine / "card.json").write_text("{")
    damaged = httpx.post(f"{url}/model", json={"name": "outputs/mine/model"})
    assert damaged.status_code == 422
    assert "card.json is damaged" in damaged.json()["error"]
    stop_service(server)
    assert certain == sorted(set(certain), reverse=True)


def test_health_counters_and_the_page_that_describes_it(client):
    assert client.get("/healthz").json()["status"] == "ok"
    assert "digitlib_requests_total" in client.get("/metrics").text


def test_its_page_describes_it_and_asks_it(running, chromium):
    """Protects from a page that cannot show this description, or that needs another machine."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page, asked = browser.new_page(), []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{running[1]}/docs")
        models = page.locator(".opblock", has=page.get_by_text("/models", exact=True))
        models.click()
        models.get_by_role("button", name="Try it out").click()
        models.get_by_role("button", name="Execute").click()
        expect(models.locator(".live-responses-table")).to_contain_text('"in_use": "shipped"')
        paths = set(httpx.get(f"{running[1]}/openapi.json").json()["paths"])
        shown = {link.inner_text() for link in page.locator(".opblock-summary-path").all()}
        assert {path.replace("\u200b", "") for path in shown} == paths
        assert {url for url in asked if not url.startswith((running[1], "data:"))} == set()
        browser.close()


def bomb() -> bytes:
    stream = io.BytesIO()
    Image.new("1", (60_000, 60_000)).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [
        (b"", 422, "zero bytes"),
        (b"no picture", 422, "not a picture"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, 422, ""),
        (b"x" * 60_000_000, 413, "50 MB"),
    ],
    ids=["empty", "text", "torn", "large"],
)
def test_what_is_no_picture_is_refused_with_a_reason(client, content, status, reason):
    answer = client.post("/predict", content=content, headers={"content-type": "image/png"})
    assert answer.status_code == status
    assert reason in answer.json()["error"]


def test_bodies_of_unknown_length_are_limited_and_their_memory_is_given_back():
    """Protects memory: a client need not say how much it is going to send."""
    server, url = start_service("--max-bytes", "1000", "--max-memory", "1500")
    kind = {"content-type": "image/png"}
    for _ in range(5):
        for parts, code in ((2, 413), (1, 422)):
            body = (b"x" * 600 for _ in range(parts))
            assert httpx.post(f"{url}/predict", content=body, headers=kind).status_code == code
    stop_service(server)


def test_truncated_pictures_and_bombs_are_refused(client, seven):
    for content in (seven[: len(seven) // 2], bomb()):
        answer = client.post("/predict", files={"item": content})
        assert answer.status_code == 422, answer.text
        assert answer.json()["error"]


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"content": b"{", "headers": {"content-type": "application/json"}},
        {"content": b"--x", "headers": {"content-type": "multipart/form-data"}},
        {"content": b"--x", "headers": {"content-type": "multipart/form-data; boundary=x"}},
        {
            "content": b'--x\r\nContent-Disposition: form-data; name="\xff"\r\n\r\n\xff\r\n--x--',
            "headers": {"content-type": "multipart/form-data; boundary=x; charset=utf-99"},
        },
        {"data": {"item": "not a file"}, "files": {}},
        {"files": [("a", b"1"), ("b", b"2")]},
    ],
)
def test_a_request_without_one_picture_says_what_to_send(client, sent):
    answer = client.post("/predict", **sent)
    assert 400 <= answer.status_code < 500
    assert answer.json()["error"]


@pytest.mark.campaign
def test_mutated_pictures_never_break_it(running, seven):
    """10,000 random changes of a good picture: no 5xx, and memory does not grow."""
    server, url = running
    random = np.random.default_rng(0)
    processes = [psutil.Process(server.pid), *psutil.Process(server.pid).children()]
    good = np.frombuffer(seven, np.uint8)
    bodies = []
    for _ in range(10_000):
        changed = good.copy()
        places = random.integers(0, len(good), random.integers(1, 9))
        changed[places] = random.integers(0, 256, len(places))
        bodies.append(changed[: random.integers(1, len(good) + 1)].tobytes())
    kind = {"content-type": "image/png"}

    def send(some: list[bytes]) -> set[int]:
        with httpx.Client(base_url=url, timeout=60) as client:
            return {
                client.post("/predict", content=body, headers=kind).status_code for body in some
            }

    with ThreadPoolExecutor(4) as pool:
        codes = set().union(*pool.map(send, np.array_split(np.array(bodies, object)[:2000], 4)))
        before = sum(process.memory_info().rss for process in processes)
        codes |= set().union(*pool.map(send, np.array_split(np.array(bodies, object)[2000:], 4)))
    assert codes <= {200, 422}, codes
    assert sum(process.memory_info().rss for process in processes) - before < 30e6


def test_another_name_for_this_machine_is_refused(client):
    """Protects from pages elsewhere whose name is made to mean this machine (DNS rebinding)."""
    answer = client.get("/models", headers={"host": "evil.example"})
    assert (answer.status_code, answer.text) == (400, "Invalid host header")


def test_a_key_is_asked_for_where_one_is_set(seven):
    server, url = start_service("--api-key", "secret")
    assert httpx.get(f"{url}/docs").status_code == 200
    assert "X-API-Key" in httpx.get(f"{url}/openapi.json").text
    sent = {"content": seven, "headers": {"content-type": "image/png"}}
    assert httpx.post(f"{url}/predict", **sent).status_code == 401
    sent["headers"]["x-api-key"] = "secret"
    assert httpx.post(f"{url}/predict", **sent).json()["predicted_label"] == 7
    stop_service(server)


def test_readings_that_last_too_long_are_ended_and_others_sent_away(seven):
    """Protects memory and cores: nobody keeps them busy, and the next picture is read."""
    squares = np.random.default_rng(0).integers(0, 2, (320, 320)).astype(np.uint8) * 255
    large = io.BytesIO()
    Image.fromarray(np.kron(squares, np.ones((25, 25), np.uint8))).save(large, "PNG")
    limits = Limits(seconds=0.4, at_once=2, waiting=3)
    transport = httpx.ASGITransport(create_app(limits=limits, hosts=["test"]))
    before = readers()

    async def ask_many() -> list[int]:
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:

            async def ask(picture: bytes) -> int:
                return (await client.post("/predict", files={"item": picture})).status_code

            codes = await asyncio.gather(*(ask(large.getvalue()) for _ in range(12)))
            assert readers() != before
            assert len(readers()) == len(before)
            for _ in range(20):  # a busy machine may take that long for a small one
                if (code := await ask(seven)) == 200:
                    break
            return [*codes, code]

    *codes, last = asyncio.run(ask_many())
    assert set(codes) == {503, 504}
    assert codes.count(504) == 5
    assert last == 200


def readers(server: int | None = None) -> set[int]:
    """Of the processes that a server started, or this process, those that read."""
    found = set()
    for process in psutil.Process(server).children():
        with contextlib.suppress(psutil.Error):  # one that has just ended
            if "spawn_main" in " ".join(process.cmdline()):
                found.add(process.pid)
    return found


def test_while_no_process_can_be_started_it_says_so_and_then_reads_on(seven):
    """Protects from a service that answers 500 for ever because files ran out once."""
    before = readers()
    app = create_app(limits=Limits(at_once=1), hosts=["test"])
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)

    async def ask() -> list[tuple[int, int]]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:

            async def codes() -> tuple[int, int]:
                read = await client.post("/predict", files={"item": seven})
                return read.status_code, (await client.get("/healthz")).status_code

            answered = [await codes()]
            (only,) = readers() - before
            os.kill(only, signal.SIGKILL)
            resource.setrlimit(resource.RLIMIT_NOFILE, (10, allowed[1]))
            try:
                answered += [await codes(), await codes()]
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, allowed)
            await client.get("/healthz")
            return [*answered, await codes()]

    assert asyncio.run(ask()) == [(200, 200), (500, 503), (500, 503), (200, 200)]


def test_a_reader_that_dies_costs_one_answer(seven):
    """Protects the service from a picture that brings a decoder down, or all memory."""
    server, url = start_service("--max-at-once", "1")
    sent = {"content": seven, "headers": {"content-type": "image/png"}}
    assert httpx.post(f"{url}/predict", **sent).status_code == 200
    for reader in psutil.Process(server.pid).children():
        reader.kill()
    answer = httpx.post(f"{url}/predict", **sent)
    assert (answer.status_code, list(answer.json())) == (500, ["error"])
    assert httpx.post(f"{url}/predict", **sent).json()["predicted_label"] == 7
    for reader in psutil.Process(server.pid).children():
        reader.kill()
    files = [("item", seven), ("item", seven)]
    first, second = httpx.post(f"{url}/predict/batch", files=files).json()["results"]
    assert "died" in first["error"]
    assert second["text"] == "7"
    left = psutil.Process(server.pid).children()
    server.kill()  # it cannot say good-bye to those it started
    server.communicate()
    gone, alive = psutil.wait_procs(left, 20)
    assert gone
    assert not alive


@pytest.mark.campaign
def test_readers_that_are_killed_under_load(seven):
    """Protects everybody else: a death costs the picture that was being read, and no more."""
    server, url = start_service("--max-at-once", "2")
    codes: list[int] = []

    def ask(_number: int) -> None:
        codes.append(httpx.post(f"{url}/predict", files={"item": seven}, timeout=60).status_code)

    kills = 0
    with ThreadPoolExecutor(8) as pool:
        asked = pool.map(ask, range(200))
        while len(codes) < 150:
            time.sleep(0.3)
            for reader in [*readers(server.pid)][:1]:
                os.kill(reader, signal.SIGKILL)
                kills += 1
        list(asked)
    assert len(codes) == 200
    assert set(codes) <= {200, 500}
    assert 0 < codes.count(500) <= kills
    assert httpx.get(f"{url}/healthz").json()["status"] == "ok"
    assert stop_service(server) in (0, -signal.SIGTERM)


def test_the_limit_of_pixels_holds_for_the_first_heic_file_too(tmp_path):
    """Protects the service's memory: Pillow knows that kind only once one was opened."""
    register_heif_opener()
    Image.new("L", (200, 200), 255).save(tmp_path / "large.heic", "HEIF")
    script = (
        "import sys; from digitlib import Recognizer\n"
        "from digitlib.apps.service.readers import read_limited\n"
        "content = open(sys.argv[1], 'rb').read()\n"
        "read_limited(Recognizer(), Recognizer.read_digit, content, 1000)\n"
    )
    command = [sys.executable, "-c", script, tmp_path / "large.heic"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "a picture may have 0.001 million pixels" in done.stderr


def test_a_body_that_never_ends_and_a_client_that_leaves_do_no_harm(seven):
    server, url = start_service("--max-seconds", "1", "--max-pixels", "1000")
    port = int(url.rsplit(":", 1)[1])
    head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
    with socket.create_connection((LOOPBACK, port)) as slow:
        slow.sendall(head + b"Content-Length: 1000\r\n\r\nhalf")
        slow.settimeout(20)
        assert b"408" in slow.recv(100)
    with socket.create_connection((LOOPBACK, port)) as gone:
        gone.sendall(head + b"Content-Length: 1000\r\n\r\nhalf")
    answer = httpx.post(f"{url}/predict", files={"item": seven})
    assert answer.status_code == 422
    assert "million pixels" in answer.json()["error"]
    server.send_signal(signal.SIGTERM)
    said = server.communicate(timeout=30)[1].decode()
    assert "Traceback" not in said


def test_stopping_under_load_loses_no_accepted_request(seven):
    """SIGTERM while many ask: every request is answered, or its connection was never taken."""
    server, url = start_service()
    lost, answered = [], []

    def ask(_):
        try:
            answer = httpx.post(f"{url}/predict", files={"item": seven}, timeout=30)
            answered.append(answer.json()["predicted_label"])
        except (httpx.ConnectError, httpx.ReadError, httpx.WriteError):
            pass  # refused, or reset in the kernel's queue; one that was taken would be closed
        except httpx.TransportError as fault:
            lost.append(repr(fault))

    with ThreadPoolExecutor(8) as pool:
        asked = pool.map(ask, range(200))
        while len(answered) < 20:
            time.sleep(0.01)
        assert stop_service(server) in (0, -signal.SIGTERM)
        list(asked)
    assert not lost
    assert set(answered) == {7}


def test_a_connection_that_was_made_before_it_stops_is_answered(seven):
    """Protects the request of a client that the machine has not yet let send it."""
    server, url = start_service()
    kind = "Host: localhost\r\nContent-Type: image/png"
    head = f"POST /predict HTTP/1.1\r\n{kind}\r\nContent-Length: {len(seven)}\r\n\r\n"
    with socket.create_connection((LOOPBACK, int(url.rsplit(":", 1)[1])), 30) as accepted:
        time.sleep(0.3)
        server.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        accepted.sendall(head.encode() + seven)
        assert accepted.recv(1000).startswith(b"HTTP/1.1 200")
    stop_service(server)


@pytest.mark.campaign
def test_how_fast_it_answers(running, capsys):
    """Prints what a drawing of 128×128 costs; a bounded load from the same machine.

    The clients are processes that send ready-made bytes: what is timed is the service.
    """
    picture = Image.fromarray(DigitCanvas(strokes=write("7")).picture).resize((128, 128))
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    body = httpx.Request("POST", "http://x", files={"item": stream.getvalue()})
    asked = (running[1], body.headers["content-type"], body.read())
    with ProcessPoolExecutor(4, get_context("spawn")) as pool:
        list(pool.map(load, [asked] * 4, [0.1] * 4, [0.0] * 4))  # they have started
        full = sum(len(taken) for taken in pool.map(load, [asked] * 4, [3.0] * 4, [0.0] * 4)) / 3.0
        half = np.concatenate(list(pool.map(load, [asked] * 4, [3.0] * 4, [4 / (full / 2)] * 4)))
    p50, p99 = 1000 * np.percentile(half, [50, 99])
    with capsys.disabled():
        print(
            f"\nHTTP: {full:.0f} pictures a second; at half of that p50 {p50:.1f} ms, "
            f"p99 {p99:.1f} ms ({os.cpu_count()} cores, shared with the clients)"
        )


def load(asked: tuple[str, str, bytes], seconds: float, pause: float) -> list[float]:
    """Ask again and again for so many seconds, at most once a ``pause``; how long each took."""
    url, kind, body = asked
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    taken, end = [], time.perf_counter() + seconds
    while (before := time.perf_counter()) < end:
        connection.request("POST", "/predict", body, {"Content-Type": kind})
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["predicted_label"]) == (200, 7)
        taken.append(time.perf_counter() - before)
        time.sleep(max(0.0, pause - taken[-1]))
    connection.close()
    return taken


def test_the_command_offers_every_limit(capsys):
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    offered = re.sub(r"\s+", " ", capsys.readouterr().out)
    for limit in fields(Limits):
        option = f"--max-{limit.name.replace('_', '-')} "
        described = offered.rpartition(option)[2].partition("--")[0]
        assert limit.metadata["meaning"] in described
        assert described.strip().endswith(f"(default: {limit.default})")


def test_its_description_holds_for_whatever_is_sent():
    """Schemathesis asks every endpoint what its OpenAPI description allows, and what it forbids."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(hosts=["*"]))
    for operation in schema.get_all_operations():
        for mode in schemathesis.GenerationMode:
            try:
                strategy = operation.ok().as_strategy(generation_mode=mode)
            except Unsatisfiable:
                continue

            @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
            @given(case=strategy)
            def ask(case):
                answer = case.call()
                assert answer.status_code < 500
                case.validate_response(answer, checks=[response_schema_conformance])

            with contextlib.suppress(Unsatisfiable):  # nothing is forbidden there
                ask()
