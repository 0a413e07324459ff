"""Run one notebook: execute it, show what it prints, keep its executed copy.

The pipeline calls this module for every step; ``make notebooks`` calls it to refresh the
committed copies. By hand::

    python -m digitlib.pipeline.notebooks run notebooks/01_data_exploration.ipynb out.ipynb \
        -f params/quick/01_data_exploration.yaml -p output_dir outputs/mine
"""

import argparse
import os
import shutil
import sys
import tempfile
import textwrap
from collections.abc import Mapping
from pathlib import Path

import yaml

from digitlib.artifacts import flush, project_root, resolve, writing
from digitlib.children import end_with_parent
from digitlib.pipeline import products
from digitlib.pipeline.environment import prepare
from digitlib.pipeline.parameters import (
    ParameterError,
    check_parameters,
    declared_parameters,
    read_parameters,
)

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


class NotebookError(RuntimeError):
    """A notebook that failed; the message shows the cell, the error and the executed copy."""


def execute(notebook: str | Path, output: str | Path, parameters: Mapping | None = None) -> Path:
    """Run a notebook with papermill, its printed lines shown as they come.

    The executed copy appears as ``output`` when the notebook has ended, well or not.

    Raises:
        NotebookError: when a cell failed, the kernel died, or the copy could not be written.
    """
    import papermill

    notebook, output = resolve(notebook), resolve(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    unfinished = output.with_name(f".{output.stem}.part.ipynb")
    unfinished.unlink(missing_ok=True)  # of a run that was killed
    try:
        papermill.execute_notebook(
            notebook,
            unfinished,
            parameters=dict(parameters or {}),
            cwd=project_root(),
            kernel_name="python3",
            progress_bar=False,
            # Its kernels warn of unencrypted loopback traffic at every start.
            extra_arguments=["--IPKernelApp.log_level=50"],
            stdout_file=_Prefixed(notebook.stem),
        )
    except papermill.exceptions.PapermillExecutionError as fault:
        cell = textwrap.indent(fault.source.strip(), "    ")
        raise NotebookError(
            f"{notebook.stem} failed in cell [{fault.exec_count}]:\n{cell}\n"
            f"{fault.ename}: {fault.evalue}\nExecuted copy: {output}"
        ) from fault
    except OSError as fault:  # as of a full disk, which cuts the copy off
        unfinished.unlink(missing_ok=True)
        raise NotebookError(f"{notebook.stem} failed: {fault.strerror}: {output}") from fault
    except Exception as fault:  # the kernel died or did not start
        raise NotebookError(
            f"{notebook.stem} failed: {type(fault).__name__}: {fault}\nExecuted copy: {output}"
        ) from fault
    finally:
        if unfinished.exists():
            flush(unfinished)
            os.replace(unfinished, output)
    return output


def refresh(names: list[str]) -> None:
    """Execute the committed notebooks in order with their defaults and store clean copies.

    They run in a temporary root, so nothing under ``outputs/`` is read or touched. Their metrics
    become those that the tests compare with, in ``tests/reference``.
    """
    checkout = project_root()
    root = tempfile.mkdtemp()
    shutil.copytree(checkout / "notebooks", Path(root, "notebooks"))
    os.environ["DIGITLIB_ROOT"] = root
    for notebook in sorted(Path(root, "notebooks").glob("[0-9]*.ipynb")):
        if names and notebook.stem not in names:
            continue
        print(f"{notebook.stem} …", flush=True)
        executed = execute(notebook, f"executed/{notebook.name}")
        made = {
            f"notebooks/{notebook.name}": clean(executed.read_text(encoding="utf-8")),
            f"tests/reference/{notebook.stem}.json": Path(
                root, "outputs/quick/metrics", f"{notebook.stem}.json"
            ).read_text(encoding="utf-8"),
        }
        for name, text in made.items():
            with writing(checkout / name) as unfinished:
                unfinished.write_text(text, encoding="utf-8")
    shutil.rmtree(root)  # kept when a notebook fails, for its executed copy


def clean(notebook: str) -> str:
    """A notebook's JSON without what differs from run to run or belongs to one machine."""
    import nbformat
    from nbconvert.preprocessors import coalescestreams

    from digitlib.reporting.html import without_script

    content = nbformat.reads(notebook, as_version=4)
    content.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for cell in content.cells:
        tags = cell.metadata.get("tags")
        cell.metadata = {"tags": tags} if tags else {}
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if without_script(output)]
    # Where printed pieces are cut is chance.
    content, _ = coalescestreams.CoalesceStreamsPreprocessor().preprocess(content, {})
    return nbformat.writes(content) + "\n"


class _Prefixed:
    """A stream that puts a name before every line, since several notebooks may run at once."""

    def __init__(self, name: str):
        self.name, self.line = name, ""

    def write(self, text: str) -> None:
        *lines, self.line = (self.line + text).split("\n")
        for line in lines:
            print(f"{self.name} │ {line}", flush=True)

    def flush(self) -> None:
        sys.stdout.flush()


def main(arguments: list[str] | None = None) -> None:
    """``run``, ``export``, ``refresh`` or ``clean``; see ``--help``."""
    parser = argparse.ArgumentParser(prog="python -m digitlib.pipeline.notebooks")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="execute a notebook")
    run.add_argument("notebook")
    run.add_argument("output", help="the executed copy")
    run.add_argument("-f", "--parameter-file", help="YAML")
    run.add_argument("-p", "--parameter", nargs=2, action="append", default=[])
    run.add_argument("--with-parent", action="store_true", help="end when its parent process ends")
    run.add_argument("--done", help="write this file when the notebook has ended well")
    export = commands.add_parser("export", help="make the HTML report of an executed notebook")
    export.add_argument("notebook")
    export.add_argument("html")
    export.add_argument("--hide-code", action="store_true")
    export.add_argument("--pages", nargs="*", default=[], help="reports to link to, by notebook")
    export.add_argument("--top", default=".", help="the folder they are in, seen from this report")
    again = commands.add_parser("refresh", help="execute the committed notebooks again")
    again.add_argument("names", nargs="*", help="only these")
    tidy = commands.add_parser("clean", help="take out what belongs to one run or machine")
    tidy.add_argument("names", nargs="+", metavar="FILE")
    chosen = parser.parse_args(arguments)
    # jsonschema, under papermill and nbconvert, compiles a grammar of web addresses when it is
    # imported: two seconds for a check that no notebook needs. This says it is not installed.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    prepare()
    try:
        if chosen.command == "run":
            if chosen.with_parent:
                end_with_parent()
            given = read_parameters(chosen.parameter_file) if chosen.parameter_file else {}
            texts = {n for n, p in declared_parameters(chosen.notebook).items() if p.type == "str"}
            given |= {n: v if n in texts else yaml.safe_load(v) for n, v in chosen.parameter}
            execute(chosen.notebook, chosen.output, check_parameters(chosen.notebook, given))
            if chosen.done:
                products.note(resolve(chosen.done), resolve(chosen.output))
        elif chosen.command == "export":
            from digitlib.reporting.html import export_html

            export_html(
                chosen.notebook, chosen.html, not chosen.hide_code, chosen.pages, chosen.top
            )
        elif chosen.command == "clean":
            for file in map(Path, chosen.names):
                if (tidied := clean(text := file.read_text(encoding="utf-8"))) != text:
                    file.write_text(tidied, encoding="utf-8")
        else:
            refresh(chosen.names)
    except (ParameterError, NotebookError) as fault:
        name = Path(getattr(chosen, "notebook", "notebooks")).stem
        print(textwrap.indent(str(fault), f"{name} │ "), file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
