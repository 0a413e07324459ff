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
    names, folder = notebooks(profile), f"outputs/{profile}"
    for name in names:
        file, given = f"params/{profile}/{name}.yaml", given_parameters(profile, name)
        if not source(name).exists():
            raise ParameterError(f"{file}: there is no notebook {name}")
        check_parameters(source(name), given, file)
        if given.get("output_dir", folder) != folder:
            raise ParameterError(f"{file}: output_dir must be {folder}, or left out")
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


def parameters(profile: str, notebook: str) -> dict:
    """The values of all parameters of a notebook in a profile."""
    declared = declared_parameters(source(notebook))
    defaults = {name: one.default for name, one in declared.items()}
    return defaults | given_parameters(profile, notebook)


def parameter(profile: str, notebook: str, name: str) -> Any:
    """The value of one parameter in a profile, or the notebook's default; None if it has none."""
    return parameters(profile, notebook).get(name)


def own_seed(profile: str) -> int | None:
    """The seed whose model stands for the profile; None for a profile that trains nothing."""
    return parameter(profile, TRAINING, "seed") if TRAINING in notebooks(profile) else None


def own_run(profile: str) -> str:
    """The name of the run of the profile's own seed."""
    return f"seed-{own_seed(profile)}"


def runs(profile: str, seeds: int) -> list[str]:
    """The runs a report gathers: ``seeds`` of them from the profile's own seed on, and any on disk.

    Earlier runs are kept up to date with the others, so that a report never mixes two recipes.
    """
    first = own_seed(profile)
    if first is None:
        return []
    wanted = [f"seed-{first + i}" for i in range(seeds)]
    there = resolve(f"outputs/{profile}/runs").glob("seed-*/metrics/*.json")
    earlier = {path.parts[-3] for path in there if "fold" not in path.parts[-3]}
    return wanted + sorted(earlier - set(wanted))


def folds(profile: str) -> list[str]:
    """The runs of a profile's cross-validation, one for each part that is held out."""
    count = parameter(profile, TRAINING, "folds") if TRAINING in notebooks(profile) else 0
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
    """How many trainings of ``profile`` a run of the profile ``asked`` starts."""
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
    folder = f"outputs/{profile}/runs/{run}" if run else f"outputs/{profile}"
    model = f"{folder}/model" if run else _model_dir(profile, notebook)
    values: dict[str, object] = {"output_dir": folder, "model_dir": model}
    values |= re.findall(r"(seed|fold)-(\d+)", run)
    if not run and "seed" not in given_parameters(profile, notebook):
        values["seed"] = own_seed(profile)
    declared = declared_parameters(source(notebook))
    return " ".join(
        f"-p {name} {shlex.quote(str(value))}"
        for name, value in values.items()
        if name in declared and value is not None
    )


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
    found = gathered(profile, seeds)
    for folder, name in executed(profile, seeds):
        page = f"notebooks/{name}" if "/runs/" in folder else "index" if name == REPORT else name
        found.append(f"{folder}/{page}.html")
        found += [f"{folder}/model/{file}" for file in MODEL_FILES if name == TRAINING]
    return found


def report_files() -> list[str]:
    """What the look of a report depends on."""
    folders = PACKAGE / "reporting/html", PACKAGE / "reporting/live"
    files = [file for folder in folders for file in folder.iterdir() if file.is_file()]
    return sorted(map(from_root, files))


def _model_dir(profile: str, notebook: str) -> str:
    """The folder of the finished model a notebook reads; "" for none, and for the shipped one."""
    # 05 reads the model of the run that it belongs to.
    if notebook == EVALUATION or "model_dir" not in declared_parameters(source(notebook)):
        return ""
    given = given_parameters(profile, notebook)
    if TRAINING in notebooks(profile):
        return given.get("model_dir", f"outputs/{profile}/model")
    return parameter(profile, notebook, "model_dir")
