"""Turn an executed notebook into one self-contained HTML page.

The page asks nothing of any network: style and pictures are inside, mathematics is left as text.
"""

import html
import re
from pathlib import Path
from string import Template
from typing import Any

from digitlib.artifacts import resolve, writing

HERE = Path(__file__).parent
SCRIPTED = {"application/vnd.jupyter.widget-view+json", "application/javascript"}


def export_html(
    notebook: str | Path,
    page: str | Path,
    show_code: bool = True,
    pages: list[str] | None = None,
    top: str = ".",
) -> Path:
    """Write the report of an executed notebook.

    Args:
        notebook: an executed ``.ipynb``.
        page: the HTML file to write.
        show_code: False leaves only prose and results.
        pages: the profile's notebooks, to be linked to; the one called 09 is its ``index.html``.
        top: the folder these reports are in, as seen from this one.
    """
    import nbformat
    from nbconvert import HTMLExporter

    notebook, page = resolve(notebook), resolve(page)
    content = nbformat.read(notebook, as_version=4)
    heading = _title(content, notebook)
    _prepare(content, heading)
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
    text = Template((HERE / "page.html").read_text(encoding="utf-8")).substitute(
        title=html.escape(heading),
        style=(HERE / "style.css").read_text(encoding="utf-8"),
        navigation=_navigation(notebook.stem, pages or [], top),
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


def _title(content: Any, notebook: Path) -> str:
    for cell in content.cells:
        if cell.cell_type == "markdown" and (found := re.search(r"^#+ (.+)", cell.source, re.M)):
            return _plain(found[1])
    return notebook.stem


def _plain(heading: str) -> str:
    return re.sub(r"[*`_]", "", heading).strip()


def _prepare(content: Any, heading: str) -> None:
    """Leave out what needs a kernel or a script, and describe each picture by its section.

    A notebook can say more: ``display(figure, metadata={"image/png": {"alt": "…"}})``.
    """
    content.metadata.pop("widgets", None)
    for cell in content.cells:
        if cell.cell_type == "markdown" and (found := re.findall(r"^#+ (.+)", cell.source, re.M)):
            heading = _plain(found[-1])
        elif cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if _without_script(output)]
            cell.metadata["alt"] = f"Figure: {heading}"


def _without_script(output: Any) -> bool:
    """Take what needs a script out of an output, and tell whether anything to look at is left."""
    data = output.get("data", {})
    if not SCRIPTED & set(data):
        return True
    for kind in SCRIPTED:
        data.pop(kind, None)
    return "text/html" in data


def _navigation(current: str, pages: list[str], top: str) -> str:
    links = []
    for name in sorted(pages, key=lambda n: not n.startswith("09")):
        front = name.startswith("09")
        label = "front page" if front else name.replace("_", " ")
        target = f"{top}/{'index' if front else name}.html"
        here = ' aria-current="page"' if name == current else ""
        links.append(f'<a href="{html.escape(target)}"{here}>{html.escape(label)}</a>')
    return "\n".join(links)
