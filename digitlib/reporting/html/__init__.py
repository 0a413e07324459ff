"""Turn an executed notebook into one self-contained HTML page.

The page asks nothing of any network: style and pictures are inside, mathematics is left as text.
Code is folded, figures can be enlarged, and wide tables scroll, by keyboard too.
"""

import html
import re
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

from digitlib.artifacts import REPORT, resolve, writing
from digitlib.reporting.live import enlivened

HERE = Path(__file__).parent
SCRIPTED = {"application/vnd.jupyter.widget-view+json", "application/javascript"}


def export_html(
    notebook: str | Path,
    page: str | Path,
    show_code: bool = True,
    pages: Sequence[str] = (),
    top: str = ".",
) -> Path:
    """Write the report of an executed notebook.

    Args:
        notebook: an executed ``.ipynb``.
        page: the HTML file to write.
        show_code: False leaves only prose and results.
        pages: the profile's notebooks, to be linked to; the report (10) is its ``index.html``.
        top: the folder these reports are in, as seen from this one.
    """
    import nbformat
    from nbconvert import HTMLExporter

    notebook, page = resolve(notebook), resolve(page)
    content = nbformat.read(notebook, as_version=4)
    heading = _prepare(content) or notebook.stem
    exporter = HTMLExporter(
        template_name="basic",
        embed_images=True,
        exclude_input=not show_code,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    resources = {"metadata": {"path": str(notebook.parent)}}
    body, _ = exporter.from_notebook_node(content, resources)
    body = enlivened(_furnished(body))
    text = Template((HERE / "page.html").read_text(encoding="utf-8")).substitute(
        title=html.escape(heading),
        style=(HERE / "style.css").read_text(encoding="utf-8"),
        script=(HERE / "page.js").read_text(encoding="utf-8"),
        navigation=_navigation(notebook.stem, pages, top),
        body=body,
    )
    with writing(page) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    return page


def tiles(values: dict[str, str]) -> str:
    """HTML for a row of large figures, each over what it is; it wraps on a phone."""
    # Styled in place, so that it looks the same in JupyterLab as in the report.
    tile = (
        '<div style="flex:1 1 9rem;border:1px solid #8884;border-radius:.5rem;padding:.8rem 1rem">'
        '<div style="font:600 1.5rem/1.3 system-ui,sans-serif">{}</div>'
        '<div style="font:.85rem/1.4 system-ui,sans-serif;opacity:.75">{}</div></div>'
    )
    row = "".join(tile.format(html.escape(v), html.escape(name)) for name, v in values.items())
    return f'<div style="display:flex;flex-wrap:wrap;gap:.75rem;margin:1rem 0">{row}</div>'


def without_script(output: Any) -> bool:
    """Take what needs a kernel or a script out of an output; whether any other look is left."""
    data = output.get("data", {})
    taken = [data.pop(kind) for kind in SCRIPTED & set(data)]
    return not taken or bool(set(data) - {"text/plain"})


def _prepare(content: Any) -> str:
    """Leave out what needs a script, describe each picture by its section, and give the title.

    A notebook can say more: ``display(figure, metadata={"image/png": {"alt": "…"}})``.
    """
    content.metadata.pop("widgets", None)
    headings, prose = [""], ""
    for cell in content.cells:
        if cell.cell_type == "markdown":
            found = re.findall(r"^#+ (.+)", cell.source, re.M)
            headings += [_plain(heading) for heading in found]
            prose = _plain(cell.source.strip().rpartition("\n\n")[2])
        elif cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if without_script(output)]
            cell.metadata["alt"] = f"Figure: {headings[-1]}. {prose}".removesuffix(". ")
    return next(filter(None, headings), "")


def _plain(markdown: str) -> str:
    """Markdown as text; "" for a heading, a list or a table."""
    if markdown.startswith(("#", "|", "-", "*")):
        return ""
    without_links = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    return " ".join(re.sub(r"[*`_]", "", without_links).split())


def _furnished(body: str) -> str:
    """A page with code folded, tables that scroll, figures to enlarge, and percents kept whole."""
    from bs4 import BeautifulSoup

    page = BeautifulSoup(body, "html.parser")
    cells = page.select("div.input")
    for cell in cells:
        cell.name = "details"
        title = page.new_tag("summary")
        title.string = "code"
        cell.insert(0, title)
    if cells:
        switch = {"type": "button", "class": "all-code", "aria-pressed": "false"}
        button = page.new_tag("button", attrs=switch)
        button.string = "Show all code"
        page.insert(0, button)
    for table in page.select("table"):
        about = {"class": "scroll", "tabindex": "0", "role": "region", "aria-label": "Table"}
        table.wrap(page.new_tag("div", attrs=about))
    for figure in page.select(".output_area img"):
        about = {"type": "button", "class": "enlarge", "title": "Enlarge"}
        figure.wrap(page.new_tag("button", attrs=about))
    for cell in page.select("td"):  # a long name may break after its slashes
        if cell.string and "/" in cell.string:
            first, *others = re.split(r"(?<=[/_])", cell.string)
            cell.string = first
            for part in others:
                cell.extend([page.new_tag("wbr"), part])
    for text in page.find_all(string=re.compile(r"\d %")):
        if not text.find_parent(["pre", "code"]):  # no line ends between a number and its sign
            text.replace_with(re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", text))
    return str(page)


def _navigation(current: str, pages: Sequence[str], top: str) -> str:
    links = []
    for name in sorted(pages, key=lambda n: n != REPORT):
        front = name == REPORT
        label = "front page" if front else name.replace("_", " ")
        target = f"{top}/{'index' if front else name}.html"
        here = ' aria-current="page"' if name == current else ""
        links.append(f'<a href="{html.escape(target)}"{here}>{html.escape(label)}</a>')
    return "\n".join(links)
