"""Serve ``notebooks/app.ipynb`` with Voilà, on this machine alone unless asked; ``make app``.

python -m digitlib.apps.page --port 8866
"""

import argparse
import secrets
import socket
from pathlib import Path

from digitlib.artifacts import project_root
from digitlib.extras import need

LOOPBACK = "127.0.0.1"

MOST_BYTES = 1_000_000_000  # of one message: pictures that are chosen come in one


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m digitlib.apps.page", description=__doc__)
    parser.add_argument("--port", type=int, default=8866)
    parser.add_argument(
        "--host", default=LOOPBACK, help="address to listen on; another one asks for a token"
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open the page")
    chosen = parser.parse_args()
    need("notebooks", "voila")
    from digitlib.pipeline.environment import prepare, put_first

    prepare()
    # Where Voilà finds the template of this page.
    put_first("JUPYTER_PATH", Path(__file__).parent)
    from traitlets.config import Config

    from digitlib.apps.page.server import ABANDONED, PageServer

    config = Config()
    name, token = "localhost", ""
    if chosen.host != LOOPBACK:  # from another device, such as a phone
        name, token = address_here(chosen.host), secrets.token_urlsafe(24)
    config.Voila.ip, config.Voila.port, config.Voila.token = chosen.host, chosen.port, token
    config.Voila.open_browser = not chosen.no_browser and not token
    config.Voila.log_level = "ERROR"
    # Asked for under another name, as by a page elsewhere that is made to mean this machine (DNS
    # rebinding), it does not answer. Voilà itself would. With a token nobody needs that.
    config.Voila.tornado_settings = {
        "websocket_max_message_size": MOST_BYTES,
        "allow_remote_access": bool(token),
        "local_hostnames": ["localhost"],
        # A page that is left ends its kernel by a request without a token; only the page knows the
        # kernel's name.
        "disable_check_xsrf": True,
        "ws_ping_timeout": 30_000,  # ms; as long as its own default is, Tornado complains
    }
    config.Voila.port_retries = 0  # a port that is taken is an error, not another address
    config.VoilaConfiguration.file_allowlist = []
    config.VoilaConfiguration.template = "digitlib"
    # A kernel waits for the next page, so that it opens at once.
    config.VoilaConfiguration.preheat_kernel = True
    config.VoilaConfiguration.default_pool_size = 1
    # Sockets of this user, and not of the machine; their paths must be short.
    config.KernelManager.transport = "ipc"
    config.Voila.connection_dir_root = "/tmp"
    # A page that is closed ends its kernel; one that lost its network, or was opened by a program,
    # does not.
    config.MappingKernelManager.cull_idle_timeout = ABANDONED
    config.MappingKernelManager.cull_interval = max(1, ABANDONED // 5)
    announce(f"http://{name}:{chosen.port}", token)
    PageServer.launch_instance([str(project_root() / "notebooks" / "app.ipynb")], config=config)


def address_here(host: str) -> str:
    """This machine's address as others see it, where it listens on ``host``."""
    if host != "0.0.0.0":
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; asks which way it would go
        except OSError:
            return LOOPBACK
        return probe.getsockname()[0]


def announce(url: str, token: str) -> None:
    """Say where the page is, for other devices with a code that a phone's camera reads."""
    if not token:
        print(f"Draw digits at {url} (Ctrl-C ends it)", flush=True)
        return
    need("notebooks", "segno")
    import segno

    link = f"{url}/?token={token}"
    segno.make(link).terminal(compact=True)
    print(
        f"Draw digits at {link}\n"
        "Whoever has this link and can reach this machine can use the page, and what is drawn "
        "there goes over the network unencrypted. Ctrl-C ends it.",
        flush=True,
    )


if __name__ == "__main__":
    main()
