"""The parameters of a notebook: what it declares, and whether given values fit.

papermill only warns of a parameter that does not exist, and passes any type.
"""

import ast
import difflib
import tokenize
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import yaml

from digitlib.artifacts import resolve
from digitlib.pipeline.dependencies import code_cells

TYPES = {"int": int, "float": float, "str": str, "bool": bool, "list": list, "dict": dict}


class ParameterError(ValueError):
    """A parameter that a notebook does not have, or a value it cannot take."""


class Parameter(NamedTuple):
    """One line of a notebook's parameters cell: ``name: type = default  # help``."""

    type: str
    default: object
    help: str


def declared_parameters(notebook: str | Path) -> dict[str, Parameter]:
    """The parameters of a notebook, by name, as its ``parameters`` cell declares them.

    Raises:
        ParameterError: for a line that papermill would silently leave out.
    """
    notebook = resolve(notebook)
    declared = {}
    for source in code_cells(notebook, tag="parameters"):
        comments = {
            token.start[0]: token.string.lstrip("# ")
            for token in tokenize.generate_tokens(StringIO(source).readline)
            if token.type == tokenize.COMMENT
        }
        for line in ast.parse(source).body:
            try:
                if not isinstance(line, ast.AnnAssign) or not isinstance(line.target, ast.Name):
                    raise ValueError("not of the form `name: type = value`")
                kind = ast.unparse(line.annotation).partition("[")[0]
                TYPES[kind]
                default = ast.literal_eval(line.value or ast.Name("nothing"))
            except (KeyError, ValueError):
                raise ParameterError(
                    f"{notebook.name}: {ast.unparse(line)!r} is not a parameter; write "
                    f"`name: type = value  # help` with a type of {', '.join(TYPES)}"
                ) from None
            help_text = comments.get(line.end_lineno or 0, "")
            declared[line.target.id] = Parameter(kind, default, help_text)
    return declared


def check_parameters(notebook: str | Path, given: Mapping[str, object], source: str = "") -> dict:
    """The given values, fit to be passed to a notebook (a whole number becomes a float's).

    Args:
        notebook: whose parameters they are.
        given: values by name.
        source: where they come from, for the message.

    Raises:
        ParameterError: listing the notebook's parameters, when one is unknown or of a wrong type.
    """
    declared = declared_parameters(notebook)
    faults, values = [], {}
    for name, value in given.items():
        if name not in declared:
            near = difflib.get_close_matches(name, declared, 1)
            meant = f"; did you mean {near[0]!r}?" if near else ""
            faults.append(f"there is no parameter {name!r}{meant}")
            continue
        kind = declared[name].type
        if kind == "float" and type(value) is int:
            value = float(value)
        if type(value) is not TYPES[kind]:
            as_text = kind == "float" and isinstance(value, str)
            hint = " (YAML reads 1e-3 as text: write 1.0e-3)" if as_text else ""
            faults.append(f"{name} is {value!r}, but must be of type {kind}{hint}")
        values[name] = value
    if faults:
        lines = (f"  {k}: {p.type} = {p.default!r}  # {p.help}" for k, p in declared.items())
        known = "\n".join(lines)
        raise ParameterError(
            f"{Path(notebook).stem} has these parameters:\n{known}\n"
            f"{source or Path(notebook).stem}: {'; '.join(faults)}"
        )
    return values


def read_parameters(file: str | Path) -> dict:
    """The values in a parameter file; an empty file holds none.

    Raises:
        ParameterError: when it is not a YAML mapping.
    """
    try:
        values = yaml.safe_load(resolve(file).read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as fault:
        raise ParameterError(f"{file}: not YAML ({fault})") from None
    if not isinstance(values, dict):
        raise ParameterError(f"{file}: must hold `name: value` lines")
    return values
