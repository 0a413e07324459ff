"""What a notebook's result depends on: its own source, and the digitlib modules it imports.

Found by reading the code, not by running it, so that the pipeline can ask before anything runs.
"""

import ast
import hashlib
import json
from functools import lru_cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def imported_modules(notebook: Path) -> list[Path]:
    """The files of digitlib that a notebook imports, directly or through other modules.

    Imports inside functions count: they run too. A file beside a module with the same stem
    (``canvas.js`` of ``canvas.py``) counts with it. Files are in alphabetical order.
    """
    found: set[Path] = set()
    for cell in code_cells(notebook):
        _follow(_imports(ast.parse(_plain(cell))), found)
    beside = {p for module in found for p in module.parent.glob(f"{module.stem}.*") if p.is_file()}
    return sorted(found | beside)


def source_digest(notebook: Path) -> str:
    """A short checksum of what a person wrote in a notebook: cells and tags, not their outputs."""
    cells = [
        (cell["cell_type"], "".join(cell["source"]), cell["metadata"].get("tags", []))
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    ]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()[:12]


def code_cells(notebook: Path, tag: str = "") -> list[str]:
    """The source of a notebook's code cells; with ``tag`` only of those that carry it."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [
        "".join(cell["source"])
        for cell in cells
        if cell["cell_type"] == "code" and (not tag or tag in cell["metadata"].get("tags", []))
    ]


def _plain(cell: str) -> str:
    # %magic and !command lines are IPython's, not Python's.
    return "\n".join("" if s.lstrip().startswith(("%", "!")) else s for s in cell.splitlines())


def _follow(names: set[str], found: set[Path]) -> None:
    for name in names:
        parts = name.split(".")
        if parts[0] != PACKAGE.name:
            continue
        # Importing a.b.c runs a/__init__.py and a/b/__init__.py first, but only what these
        # import at once, not what they offer on demand.
        for depth in range(1, len(parts) + 1):
            file = _file(parts[:depth])
            if file and file not in found:
                found.add(file)
                _follow(_imports_of(file, lazy=file.name != "__init__.py"), found)
        if not _file(parts) and (file := _file(parts[:-1])) and file.name == "__init__.py":
            _follow(_imports_of(file, lazy=True), found)


def _file(parts: list[str]) -> Path | None:
    path = PACKAGE.joinpath(*parts[1:])
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((p for p in candidates if p.is_file()), None)


@lru_cache
def _imports_of(file: Path, lazy: bool) -> frozenset[str]:
    return frozenset(_imports(ast.parse(file.read_text(encoding="utf-8")), lazy))


def _imports(tree: ast.AST, lazy: bool = True) -> set[str]:
    """Dotted names a piece of code imports; ``from a import b`` gives ``a.b``."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    names: set[str] = set()
    nodes = [tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
        nodes += [n for n in ast.iter_child_nodes(node) if lazy or not isinstance(n, functions)]
    return names
