"""Voilà for a few pages, and for none that another site opens.

Each page that is opened starts a kernel of 170 MB, so nobody else's page may open it, not too many
are open at a time, and a kernel that nobody is connected to ends after some minutes.
"""

import asyncio
import html
from typing import Any, ClassVar

from tornado.httputil import HTTPServerRequest
from tornado.routing import Matcher, Rule
from tornado.web import RequestHandler
from voila.app import Voila
from voila.tornado.handler import TornadoVoilaHandler

MOST_PAGES = 12  # open at a time, each with its kernel; one more kernel waits for the next page
ABANDONED = 300  # seconds without a connection or activity, after which a kernel ends

_HTML = """<!doctype html><html lang="en"><meta charset="utf-8"><title>digitlib</title><style>
body { font: 18px/1.5 system-ui, sans-serif; max-width: 34em; margin: 15vh auto; padding: 1em; }
</style><p>{}</p></html>"""
_FULL = (
    f"{MOST_PAGES} pages are open, and each takes memory of this machine. Close one, then load "
    "this again. A page that has lost its browser ends by itself."
)


class PageServer(Voila):
    """Voilà with these limits."""

    def init_handlers(self) -> list:
        """Voilà's own, behind what refuses other sites."""
        handlers = [
            (path, LimitedPage, *rest) if handler is TornadoVoilaHandler else (path, handler, *rest)
            for path, handler, *rest in super().init_handlers()
        ]
        return [Rule(FromAnotherSite(), Refusal), *handlers]


class FromAnotherSite(Matcher):
    """Requests that a page of another site makes, as browsers tell."""

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """What the handler is given of such a request; None for any other."""
        return {} if request.headers.get("Sec-Fetch-Site") == "cross-site" else None


class Refusal(RequestHandler):
    """Says why nothing is opened, and how a person opens it."""

    def prepare(self) -> None:
        """Answer, whatever the method."""
        self.set_status(403)
        self.set_header(
            "Content-Security-Policy",
            "default-src 'none'; frame-ancestors 'none'; style-src 'unsafe-inline'",
        )
        link = f'<a href="{html.escape("?" + self.request.query)}">Open it</a>'
        told = f"Another site has asked for this page. {link} if you want to."
        self.finish(_HTML.replace("{}", told))


class LimitedPage(TornadoVoilaHandler):
    """The page, unless too many are open."""

    opening: ClassVar = asyncio.Lock()  # one after the other, so that the kernel of each is counted

    async def get(self, path: str | None = None) -> None:
        """Start a kernel and render the notebook."""
        async with self.opening:
            if len(self.kernel_manager) > MOST_PAGES:  # the one that waits is in this number
                self.set_status(503)
                self.finish(_HTML.replace("{}", _FULL))
                return
            await super().get(path)
