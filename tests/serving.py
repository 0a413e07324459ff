"""Real servers in processes of their own, on ports of this machine that are free."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

LOOPBACK = "127.0.0.1"


@contextmanager
def serving(command: list[str], port: int, root: Path, host: str = "localhost") -> Iterator[str]:
    """Run a server in a root of its own; it and all it started are gone afterwards."""
    own = {"DIGITLIB_ROOT": root, "JUPYTER_RUNTIME_DIR": root / "run"}
    own |= {"JUPYTER_CONFIG_DIR": root / "settings"}  # a person's own settings stay as they are
    environment = os.environ | {name: str(folder) for name, folder in own.items()}
    with (
        (root / "server.log").open("w") as log,
        subprocess.Popen(command, cwd=root, env=environment, stdout=log, stderr=log) as server,
    ):
        url = f"http://{host}:{port}"
        try:
            for _ in range(240):
                assert server.poll() is None, (root / "server.log").read_text()
                try:
                    urllib.request.urlopen(url, timeout=5).close()
                    break
                except OSError:
                    time.sleep(0.25)
            yield url
        finally:
            family = psutil.Process(server.pid).children(recursive=True)
            server.terminate()
            _, alive = psutil.wait_procs(family, timeout=10)
            for process in alive:
                process.kill()


def start_service(*options: str) -> tuple[subprocess.Popen, str]:
    """`digitlib serve` in a process of its own, ready to answer; and its address."""
    port = free_port()
    command = [sys.executable, "-m", "digitlib.apps.cli", "serve", "--port", str(port), *options]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    url = f"http://{LOOPBACK}:{port}"
    for _ in range(200):
        assert server.poll() is None, server.stderr.read().decode()
        try:
            httpx.get(f"{url}/healthz")
            return server, url
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the server did not start")


def stop_service(server: subprocess.Popen) -> int:
    """End it as a person does; its exit code."""
    server.send_signal(signal.SIGTERM)
    code = server.wait(30)
    server.stderr.close()
    return code


@contextmanager
def service(*options: str) -> Iterator[str]:
    """The address of `digitlib serve`, which is stopped afterwards."""
    server, url = start_service(*options)
    try:
        yield url
    finally:
        stop_service(server)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]
