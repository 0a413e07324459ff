"""Pictures and connections made to take all memory, all time, or all files of a process."""

import io
import socket
import subprocess
import sys
import time
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from PIL import Image
from serving import LOOPBACK, service

from digitlib import Recognizer
from digitlib.pixels.decoding import MOST_PIXELS, load
from digitlib.pixels.grey import WORKING_SIDE
from digitlib.reading import sheet_reader
from digitlib.reading.processes import MEMORY, ProcessDied, RecognizerProcess

MOST_MEMORY = 600e6  # bytes that reading any picture may take
PEAK = """
import sys
from digitlib import Recognizer
print(Recognizer().read_digit(sys.argv[1]).label)
[line] = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(int(line.split()[1]) * 1024)
"""


def large_seven(width: int, height: int) -> Image.Image:
    """A 7 on white paper that fills the picture."""
    grey = np.full((height, width), 250, np.uint8)
    corners = np.array([(0.3, 0.2), (0.7, 0.2), (0.45, 0.8)]) * (width, height)
    cv2.polylines(grey, [corners.astype(np.int32)], False, 30, height // 12)
    return Image.fromarray(grey)


@pytest.mark.campaign
@pytest.mark.parametrize("mode", ["RGBA", "I;16", "CMYK"])
def test_no_picture_takes_all_memory(tmp_path, mode):
    """Protects memory: of colours, transparency and 16 bits, reduced before they are computed."""
    most = MOST_PIXELS.get(mode, 64_000_000)
    grey = large_seven(8000, most // 8000)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    else:
        image = grey.convert("RGB").convert(mode)
    file = tmp_path / ("large.jpg" if mode == "CMYK" else "large.png")
    image.save(file, **({"progressive": True, "subsampling": 0} if mode == "CMYK" else {}))
    said = subprocess.run([sys.executable, "-c", PEAK, file], capture_output=True, text=True)
    label, peak = said.stdout.split()
    assert label == "7"
    assert int(peak) < MOST_MEMORY


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "I;16", "F"])
def test_a_large_picture_is_reduced_in_strips_to_what_it_is_as_a_whole(mode):
    """Protects large photos, which take another way: 4,999 × 3,301 pixels, no multiple of it."""
    grey = large_seven(4999, 3301)
    values = np.asarray(grey)
    made = {"I;16": values.astype(np.uint16) * 257, "F": values.astype(np.float32) / 300 - 4}
    image = Image.fromarray(made[mode]) if mode in made else grey.convert("RGB").convert(mode)
    loaded = load(image)
    assert (loaded.width, loaded.height) == (4999, 3301)
    assert max(loaded.grey.shape) == WORKING_SIDE
    small = cv2.resize(values, loaded.grey.shape[::-1], interpolation=cv2.INTER_AREA)
    expected = load(small).grey.astype(int)
    stretched = (expected - expected.min()) * (255 / np.ptp(expected))
    found = loaded.grey.astype(int)
    assert abs(found - (stretched if mode in made else expected)).mean() < 0.5


def test_a_file_of_a_greedy_kind_is_refused_by_its_head():
    stream = io.BytesIO()
    Image.new("L", (6000, 5000), 255).save(stream, "WEBP", quality=1, method=0)
    with pytest.raises(ValueError, match=r"6000 x 5000 pixels is too large: .* 25,000,000"):
        load(stream.getvalue())


def take(_recognizer: Recognizer, size: int) -> int:
    """Take memory, as a decoder might."""
    return int(np.ones(size, np.uint8)[::4096].sum())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits memory so")
def test_a_reading_process_takes_only_so_much_memory():
    """Protects from what no limit of pixels foresees; the process reads on."""
    process = RecognizerProcess("digitlib/pretrained")
    try:
        with pytest.raises(ValueError, match="more than 500 MB"):
            process.call(take, 2 * MEMORY)
        assert process.call(take, MEMORY // 2) > 0
    except ProcessDied:
        pytest.fail("the process died")
    finally:
        process.end()


def test_more_writing_than_is_read_is_left_out_and_that_is_said(monkeypatch):
    """Protects time: a page of touching strokes would take a minute. The rest is read."""
    monkeypatch.setattr(sheet_reader, "MOST_WORK", 1500)
    page = np.full((600, 500), 255, np.uint8)
    for row in range(6):
        cv2.putText(page, "1 2 3 4 5", (40, 80 + 90 * row), 0, 1.6, 0, 3)
    sheet = Recognizer().read_sheet(page)
    left_out = [one for one in sheet.left_out if one.reason == sheet_reader.TOO_MUCH]
    assert 0 < len(left_out) < 6
    assert len(sheet.lines) == 6 - len(left_out)
    assert all(height > 20 for *_, height in (one.box for one in left_out))


def connect(url: str) -> socket.socket:
    return socket.create_connection((LOOPBACK, int(url.rsplit(":", 1)[1])), 20)


HALF = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-"


def test_half_sent_requests_are_ended_and_others_go_on():
    """Protects from clients that never finish a head, at first and after an answered request."""
    with service("--max-seconds", "1") as url, connect(url) as never, connect(url) as later:
        never.sendall(HALF)
        later.sendall(b"GET /models HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" in later.recv(1000)
        later.sendall(HALF)
        for half in (never, later):
            answer = b""
            while more := half.recv(10_000):
                answer += more
            assert b"408 Request Timeout" in answer
        assert httpx.get(f"{url}/healthz").json()["status"] == "ok"


@pytest.mark.campaign
def test_more_connections_than_it_may_have(tmp_path):
    """Protects all files a process may open: 1,200 connections, a second later it answers."""
    picture = tmp_path / "seven.png"
    large_seven(80, 100).save(picture)
    with service("--max-seconds", "2") as url:
        held = []
        for _ in range(1200):
            held.append(connect(url))
            held[-1].sendall(HALF)
        busy = [one for one in held[200:] if b"503" in one.recv(100)]
        assert len(busy) == 1000
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                health = httpx.get(f"{url}/healthz")
                if health.status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.2)
        files = {"item": Path(picture).read_bytes()}
        assert httpx.post(f"{url}/predict", files=files).json()["predicted_label"] == 7
        for one in held:
            one.close()
