"""What a notebook's result depends on: its own source, and the digitlib modules it imports.

Found by reading the code, not by running it, so that the pipeline can ask before anything runs.
"""

import ast
import hashlib
import json
from functools import cache
from pathlib import Path

import grimp

PACKAGE = Path(__file__).resolve().parents[1]


def imported_modules(notebook: Path) -> list[Path]:
    """The files of digitlib that a notebook imports, directly or through other modules.

    Imports inside functions count: they run too. What lies beside a module and is no Python
    (``canvas.js``) counts with it. Files are in alphabetical order.
    """
    graph, found = _graph(), set()
    for name in (name for cell in code_cells(notebook) for name in _imports(cell)):
        # ``from a import b`` gives a.b, which is a module or something in the module a.
        module = name if name in graph.modules else name.rpartition(".")[0]
        if module in graph.modules:
            found |= {module, *graph.find_upstream_modules(module)}
    files = {_file(module) for module in found | {PACKAGE.name}} if found else set()
    beside = {p for file in files for p in file.parent.glob("[!.]*") if p.is_file()}
    return sorted(files | {p for p in beside if p.suffix != ".py"})


def source_digest(notebook: Path) -> str:
    """A short checksum of what a person wrote in a notebook: cells and tags, not their outputs."""
    return hashlib.sha256(json.dumps(_cells(notebook)).encode()).hexdigest()[:12]


def code_cells(notebook: Path, tag: str = "") -> list[str]:
    """The source of a notebook's code cells; with ``tag`` only of those that carry it."""
    return [
        text for kind, text, tags in _cells(notebook) if kind == "code" and (not tag or tag in tags)
    ]


def _cells(notebook: Path) -> list[tuple[str, str, list[str]]]:
    """Kind, source and tags of each cell."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [(c["cell_type"], "".join(c["source"]), c["metadata"].get("tags", [])) for c in cells]


def _imports(cell: str) -> set[str]:
    """Dotted names a cell imports; ``from a import b`` gives ``a.b``."""
    # %magic and !command lines are IPython's, not Python's.
    lines = ["" if s.lstrip().startswith(("%", "!")) else s for s in cell.splitlines()]
    names = set()
    for node in ast.walk(ast.parse("\n".join(lines))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@cache
def _graph() -> grimp.ImportGraph:
    """Which module of digitlib imports which, and the package that it is in."""
    graph = grimp.build_graph(PACKAGE.name, cache_dir=None)
    for module in graph.modules:
        # Importing a.b.c runs a/b/__init__.py first. The outermost one only offers on demand.
        package = module.rpartition(".")[0]
        if package not in ("", PACKAGE.name):
            graph.add_import(importer=module, imported=package)
    return graph


def _file(module: str) -> Path:
    path = PACKAGE.parent.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
