"""What a profile runs: its notebooks, their parameters, its seeds, and what each step needs.

A profile is a folder ``params/<profile>`` with one parameter file for every notebook it runs. The
training (03) and its evaluation (05) run once per seed, the others once. The Snakefile asks this
module; nothing here runs anything.
"""

import re
import shlex
from pathlib import Path
from typing import Any

from digitlib.artifacts import EVALUATION, MODEL_FILES, REPORT, TRAINING, from_root, resolve
from digitlib.pipeline.dependencies import PACKAGE, imported_modules
from digitlib.pipeline.parameters import (
    ParameterError,
    check_parameters,
    declared_parameters,
    read_parameters,
)

RUN = r"seed-\d+(?:-fold-\d+)?"


def profiles() -> list[str]:
    """The profiles there are, by name."""
    return sorted(p.name for p in resolve("params").glob("*") if any(p.glob("*.yaml")))


def notebooks(profile: str) -> list[str]:
    """The notebooks a profile runs, in order."""
    return sorted(p.stem for p in resolve(f"params/{profile}").glob("*.yaml"))


def check(profile: str) -> None:
    """Check a whole profile, and those it builds on, before anything runs.

    Raises:
        ParameterError: naming the file and the fault.
    """
    if profile not in profiles():
        raise ParameterError(f"there is no profile {profile!r}; use {', '.join(profiles())}")
    names = notebooks(profile)
    for name in names:
        if not source(name).exists():
            raise ParameterError(f"params/{profile}/{name}.yaml: there is no notebook {name}")
        given = given_parameters(profile, name)
        check_parameters(source(name), given, f"params/{profile}/{name}.yaml")
        if given.get("output_dir", f"outputs/{profile}") != f"outputs/{profile}":
            raise ParameterError(
                f"params/{profile}/{name}.yaml: output_dir must be outputs/{profile}, or left out"
            )
    if EVALUATION in names and TRAINING not in names:
        raise ParameterError(
            f"params/{profile}: {EVALUATION} scores the runs of {TRAINING}, which has no file there"
        )
    for other in built_on(profile):
        check(other)


def source(notebook: str) -> Path:
    """The file of a notebook."""
    return resolve(f"notebooks/{notebook}.ipynb")


def given_parameters(profile: str, notebook: str) -> dict:
    """What a profile's parameter file says; see ``parameter`` for a single value."""
    return read_parameters(f"params/{profile}/{notebook}.yaml")


def parameter(profile: str, notebook: str, name: str) -> Any:
    """The value of one parameter in a profile, or the notebook's default; None if it has none."""
    return parameters(profile, notebook).get(name)


def parameters(profile: str, notebook: str) -> dict:
    """The values of all parameters of a notebook in a profile."""
    declared = declared_parameters(source(notebook))
    defaults = {name: one.default for name, one in declared.items()}
    return defaults | given_parameters(profile, notebook)


def own_seed(profile: str) -> int | None:
    """The seed whose model stands for the profile; None for a profile that trains nothing."""
    if TRAINING not in notebooks(profile):
        return None
    return parameter(profile, TRAINING, "seed") or 0


def own_run(profile: str) -> str:
    """The name of the run of the profile's own seed."""
    return f"seed-{own_seed(profile)}"


def runs(profile: str, seeds: int = 1) -> list[str]:
    """The runs a report gathers: ``seeds`` of them from the profile's own seed on, and any on disk.

    Earlier runs are kept up to date with the others, so that a report never mixes two recipes.
    """
    first = own_seed(profile)
    if first is None:
        return []
    wanted = [f"seed-{first + i}" for i in range(seeds)]
    there = resolve(f"outputs/{profile}/runs").glob("*/metrics/*.json")
    earlier = {p.parts[-3] for p in there if re.fullmatch(r"seed-\d+", p.parts[-3])}
    return wanted + sorted(earlier - set(wanted))


def folds(profile: str) -> list[str]:
    """The runs of a profile's cross-validation, one for each part that is held out."""
    if own_seed(profile) is None:
        return []
    count = parameter(profile, TRAINING, "folds") or 0
    return [f"{own_run(profile)}-fold-{number}" for number in range(count)]


def built_on(profile: str) -> list[str]:
    """Other profiles whose models this one uses, through ``model_dir``."""
    found = (
        re.fullmatch(rf"outputs/([^/]+)/(runs/{RUN}/)?model", _model_dir(profile, name))
        for name in notebooks(profile)
    )
    used = {match[1] for match in found if match}
    return sorted(name for name in used if name != profile and TRAINING in notebooks(name))


def fits(profile: str, asked: str, seeds: int) -> int:
    """How many trainings of a profile ``asked`` wants: of itself, or of one that it builds on."""
    return seeds + len(folds(profile)) if profile == asked else 1


def needed(profile: str, notebook: str) -> list[str]:
    """Files, from the root, that every run of a notebook depends on (its own text apart)."""
    model = _model_dir(profile, notebook)
    return [
        f"params/{profile}/{notebook}.yaml",
        *map(from_root, imported_modules(source(notebook))),
        *(f"{model}/{name}" for name in MODEL_FILES if model),
    ]


def settings(profile: str, notebook: str, run: str = "") -> str:
    """Command-line options that add to the parameter file what only the pipeline knows."""
    values: dict[str, object] = {"output_dir": f"outputs/{profile}"}
    if run:
        folder = f"outputs/{profile}/runs/{run}"
        values = {"output_dir": folder, "model_dir": f"{folder}/model"}
        values |= re.findall(r"(seed|fold)-(\d+)", run)
    else:
        values["model_dir"] = _model_dir(profile, notebook)
        if "seed" not in given_parameters(profile, notebook) and own_seed(profile) is not None:
            values["seed"] = own_seed(profile)
    declared = declared_parameters(source(notebook))
    options = [("-p", name, str(value)) for name, value in values.items() if name in declared]
    return shlex.join(word for option in options for word in option)


def executed(profile: str, seeds: int) -> list[tuple[str, str]]:
    """Every notebook that a finished profile has executed, after the folder of its results."""
    names, folder = notebooks(profile), f"outputs/{profile}"
    of_each_seed = [name for name in (TRAINING, EVALUATION) if name in names]
    return [
        *((folder, name) for name in names),
        *((f"{folder}/runs/{r}", name) for r in runs(profile, seeds) for name in of_each_seed),
        *((f"{folder}/runs/{run}", TRAINING) for run in folds(profile)),
    ]


def gathered(profile: str, seeds: int) -> list[str]:
    """What the report reads: the metrics of every other notebook and of every run."""
    return [
        path
        for folder, name in executed(profile, seeds)
        for path in (f"{folder}/metrics/{name}.json", f"{folder}/.done/{name}")
        if name != REPORT
    ]


def products(profile: str, seeds: int) -> list[str]:
    """Everything a finished profile holds that other steps do not already ask for."""
    pages, models = [], []
    for folder, name in executed(profile, seeds):
        if "/runs/" in folder:
            pages.append(f"{folder}/notebooks/{name}.html")
        else:
            pages.append(f"{folder}/{'index' if name == REPORT else name}.html")
        if name == TRAINING:
            models += [f"{folder}/model/{file}" for file in MODEL_FILES]
    return gathered(profile, seeds) + pages + models


def report_files() -> list[str]:
    """What the look of a report depends on."""
    return sorted(map(from_root, filter(Path.is_file, (PACKAGE / "reporting/html").iterdir())))


def _model_dir(profile: str, notebook: str) -> str:
    """The folder of the finished model a notebook reads; "" for none, and for the shipped one."""
    # 05 reads the model of the run that it belongs to.
    if notebook == EVALUATION or "model_dir" not in declared_parameters(source(notebook)):
        return ""
    given = given_parameters(profile, notebook)
    if TRAINING in notebooks(profile):
        return given.get("model_dir", f"outputs/{profile}/model")
    return parameter(profile, notebook, "model_dir")
