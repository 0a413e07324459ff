"""A canvas in a page that reads by itself: no server, no kernel, nothing is fetched.

The front end is the widget's (``canvas.js``). What answers in place of Python are the modules of
this folder: ``page.js`` begins, ``reader.js`` reads, ``network.js`` runs the exported models.
"""

import base64
import html
import json
import re
from collections.abc import Sequence
from pathlib import Path

from digitlib.artifacts import load_card
from digitlib.reading.models import (
    PRETRAINED,
    PRETRAINED_LINES,
    SHIPPED,
    name_of,
    serving_file,
)

HERE = Path(__file__).parent
MOST_BYTES = 3_000_000  # of a model that goes into a page
MODEL = re.compile(r'data-live-model="([^"]*)"')
IMPORT = re.compile(r'from "\./([\w.]+)"')

_LOADER = """\
const urls = {};
for (const script of document.querySelectorAll("script[data-module]")) {
  const source = script.textContent.replace(
    /from "\\.\\/([\\w.]+)"/g, (_, name) => `from "${urls[name]}"`);
  urls[script.dataset.module] = URL.createObjectURL(
    new Blob([source], { type: "text/javascript" }));
}
const { start } = await import(urls["page.js"]);
globalThis.digitlib = await start(
  JSON.parse(document.getElementById("live-parts").textContent));
"""


def canvas(
    model_dir: str | Path = PRETRAINED,
    strokes: Sequence[dict] = (),
    width: int = 560,
    height: int = 320,
    still: str = "",
) -> str:
    """HTML of a canvas, which comes to life in a page that went through `enlivened`.

    Args:
        model_dir: the model of single digits that reads.
        strokes: what is drawn on it.
        width, height: of the canvas, in pixels.
        still: HTML that is shown where it does not come to life.
    """
    size = serving_file(model_dir).stat().st_size
    if size > MOST_BYTES:
        told = f"This model has {size / 1e6:.0f} MB, too many for a page that reads by itself."
        return f"<p>{told}</p>{still}"
    state = json.dumps({"strokes": list(strokes), "width": width, "height": height})
    attributes = {"canvas": state, "model": name_of(model_dir)}
    told = " ".join(f'data-live-{name}="{html.escape(text)}"' for name, text in attributes.items())
    return f"<div {told}>{still}</div>"


def enlivened(page: str) -> str:
    """HTML in which the canvases of a page read, by the model that the first one names."""
    found = MODEL.search(page)
    if not found:
        return page
    name = html.unescape(found[1])
    return page + scripts(PRETRAINED if name == SHIPPED else name)


def scripts(model_dir: str | Path = PRETRAINED) -> str:
    """HTML of all that the canvases of a page need, once a page.

    Args:
        model_dir: the model of single digits; lines are read by the one that ships.
    """
    digits, lines = serving_file(model_dir), serving_file(PRETRAINED_LINES)
    own, of_lines = load_card(model_dir), load_card(PRETRAINED_LINES)
    card = {
        "digits": {"temperature": own["temperature"], "threshold": own["threshold"]},
        "lines": {"calibration": of_lines["calibration"], "threshold": of_lines["threshold"]},
    }
    files = {"digits": digits, "lines": lines, "kernels": HERE / "kernels.wasm"}
    parts = {name: base64.b64encode(file.read_bytes()).decode() for name, file in files.items()}
    modules = "\n".join(
        f'<script type="text/plain" data-module="{name}">\n{source}</script>'
        for name, source in _in_order("page.js").items()
    )
    style = (HERE / "canvas.css").read_text(encoding="utf-8")
    return (
        f"<style>{style}</style>\n{modules}\n"
        f'<script type="application/json" id="live-parts">{json.dumps(parts | {"card": card})}'
        f'</script>\n<script type="module">\n{_LOADER}</script>'
    )


def bundled(name: str) -> str:
    """A module and all that it imports as a single one, as a widget takes it."""
    sources = "\n".join(_in_order(name).values())
    return re.sub(r"^import .*\n|^export (?!default)", "", sources, flags=re.MULTILINE)


def _in_order(name: str, known: dict[str, str] | None = None) -> dict[str, str]:
    """The source of a module by its name, after those of all modules that it imports."""
    known = {} if known is None else known
    if name not in known:
        source = (HERE / name).read_text(encoding="utf-8")
        for imported in IMPORT.findall(source):
            _in_order(imported, known)
        known[name] = source
    return known
