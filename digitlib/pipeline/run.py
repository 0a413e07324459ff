"""Run a profile's notebooks through Snakemake; this is what ``make run`` starts.

    python -m digitlib.pipeline.run --profile quick --cores 2 --seeds 3

It can be killed at any moment and started again. A lock on the profile's folder, which the system
gives back when its holder dies, admits one run at a time; whatever an earlier run left behind
(Snakemake, a notebook, its kernel) is ended before anything is written.
"""

import argparse
import sys

from digitlib.artifacts import project_root, resolve
from digitlib.pipeline import products, profiles, tracking
from digitlib.pipeline.dependencies import PACKAGE
from digitlib.pipeline.environment import prepare
from digitlib.pipeline.parameters import ParameterError
from digitlib.pipeline.slurm import ClusterError
from digitlib.pipeline.workflow import Place, workflow
from digitlib.safekeeping import BeingWritten


def run(profile: str, seeds: int, place: Place, dry_run: bool = False) -> int:
    """Bring a profile's outputs up to date, or only say how; return Snakemake's exit code.

    Raises:
        ParameterError: before anything runs, when a parameter file does not fit its notebook.
        BeingWritten: when another run of the profile (or of one it builds on) is alive.
        ClusterError: when there is no cluster, or it does not answer.
        OSError: when the project cannot be written.
    """
    profiles.check(profile)
    names = sorted(_with_all_below(profile))
    folders = [resolve(f"outputs/{name}") for name in names]
    options = [*(["--dry-run"] if dry_run else []), "--config"]
    options += [f"profile={profile}", f"seeds={seeds}"]
    with workflow(profile, folders, place) as run_snakefile:
        for folder in folders:
            products.set_changed_aside(folder)
        read = [PACKAGE, *folders, *(resolve(f"params/{name}") for name in names)]
        products.date_back(file for folder in read for file in folder.rglob("*") if file.is_file())
        code = run_snakefile(PACKAGE.parent / "Snakefile", options)
        for folder in folders:
            products.remove_empty_copies(folder)
        for name in names if not dry_run else []:
            tracking.remember(name, finished=name == profile and code == 0)
        return code


def _with_all_below(profile: str) -> set[str]:
    return {profile}.union(*map(_with_all_below, profiles.built_on(profile)))


def main(arguments: list[str] | None = None) -> None:
    """Run from the command line; the exit code is not zero unless everything succeeded."""
    parser = argparse.ArgumentParser(prog="python -m digitlib.pipeline.run")
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--seeds", type=int, default=1, help="how many to train")
    parser.add_argument("--dry-run", action="store_true", help="only say what would run, and why")
    Place.add_options(parser)
    chosen = parser.parse_args(arguments)
    place = Place.from_options(parser, chosen)
    if chosen.seeds < 1:
        parser.error(f"SEEDS is {chosen.seeds}; use a number from 1 up")
    prepare()
    try:
        code = run(chosen.profile, chosen.seeds, place, chosen.dry_run)
    except (ParameterError, BeingWritten, ClusterError) as fault:
        sys.exit(str(fault))
    except OSError as fault:
        sys.exit(
            f"{fault.filename}: {fault.strerror}. A run writes to outputs/ and .snakemake/ in "
            f"{project_root()}; see that it can."
        )
    except KeyboardInterrupt:
        sys.exit("\nStopped. The same command goes on from here.")
    if code:
        sys.exit("Not everything succeeded (see above). The same command resumes there.")
    if not chosen.dry_run:
        folder = resolve(f"outputs/{chosen.profile}")
        page = folder / "index.html"
        print(f"{chosen.profile} is up to date: {page if page.exists() else folder}")


if __name__ == "__main__":
    main()
