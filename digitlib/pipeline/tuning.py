"""Search with several processes: KerasTuner's chief chooses settings, its workers fit them.

    python -m digitlib.pipeline.tuning --profile search --workers 2

``make tune`` runs chief and workers on this machine; with ``EXECUTOR=slurm``, each worker is a job
of a cluster. On several machines without one, each part is started by hand, with the address at
which the others reach the chief. What they say to each other is neither encrypted nor signed:
without ``--address`` or a cluster nobody outside this machine can reach it.

    python -m digitlib.pipeline.tuning --profile search --role chief --address 10.0.0.1:8500
    python -m digitlib.pipeline.tuning --profile search --role worker-a --address 10.0.0.1:8500
"""

import argparse
import os
import socket
import subprocess
import sys
import time

from digitlib.artifacts import TUNING, resolve
from digitlib.children import end_with_parent
from digitlib.pipeline import profiles, slurm
from digitlib.pipeline.environment import prepare
from digitlib.pipeline.parameters import ParameterError
from digitlib.pipeline.processes import MARK, only_run
from digitlib.pipeline.workflow import Place

CHIEF = "chief"
RESTARTS = 5  # of one worker; what fails so often fails for a reason


def main() -> int:
    """Search until every trial is made; 130 when interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m digitlib.pipeline.tuning",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--profile", default="quick", help="whose 04 says what to search")
    parser.add_argument("--workers", type=int, default=2, help="processes that fit")
    parser.add_argument("--role", help=f"take one part: {CHIEF}, or a worker's own name")
    parser.add_argument("--address", help="HOST:PORT of the chief; by itself a free port here")
    Place.add_options(parser)
    options = parser.parse_args()
    place = Place.from_options(parser, options)
    prepare()
    folder = resolve(f"outputs/{options.profile}")
    try:
        profiles.check(options.profile)
        if TUNING not in profiles.notebooks(options.profile):
            raise ParameterError(f"profile {options.profile!r} has no params file for {TUNING}")
        if options.workers < 1:
            raise ParameterError("a search takes 1 worker or more")
        if not options.role:
            with (
                only_run([folder]),
                slurm.jobs_of(options.profile, place.executor, place.site, [folder]),
            ):
                host = "127.0.0.1" if place.executor == "local" else socket.gethostname()
                address = options.address or f"{host}:{_free_port()}"
                return _lead(options.profile, options.workers, address, place)
        if MARK in os.environ:  # by whoever leads, and holds the folder
            end_with_parent()
        elif options.role == CHIEF:  # who alone notes what is known of the trials
            with only_run([folder]):
                return _take_part(options.profile, options.role, options.address)
        return _take_part(options.profile, options.role, options.address)
    except ParameterError as fault:
        print(fault, file=sys.stderr)
        return 2
    except (OSError, slurm.ClusterError) as fault:
        print(fault, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the same command goes on where it was", file=sys.stderr)
        return 130


def _take_part(profile: str, role: str, address: str | None) -> int:
    """Be the chief or a worker until the search is done."""
    if not address or ":" not in address:
        raise ParameterError("--role needs the chief's --address HOST:PORT")
    host, port = address.rsplit(":", 1)
    os.environ |= {
        "KERASTUNER_TUNER_ID": role,
        "KERASTUNER_ORACLE_IP": host,
        "KERASTUNER_ORACLE_PORT": port,
    }
    import grpc

    from digitlib.learning import search

    given = profiles.parameters(profile, TUNING) | {"output_dir": f"outputs/{profile}"}
    try:
        searching, (few, judges, _) = search.prepare(given, report=search.print_trial)
        searching.search(few, judges)
    except grpc.RpcError:
        print(f"{role}: the chief at {address} does not answer (any more)", file=sys.stderr)
        return 1
    except (search.TuningError, ValueError) as fault:
        print(fault, file=sys.stderr)
        return 1
    return 0


def _lead(profile: str, workers: int, address: str, place: Place) -> int:
    """Start the chief here, and workers; one that dies is started again under its name.

    KerasTuner's chief would wait for a lost worker for ever; under its old name it gets the trial
    that it left, and goes on in the middle of it.
    """
    command = [sys.executable, "-m", "digitlib.pipeline.tuning", "--profile", profile]
    on_cluster = place.executor == "slurm"
    threads = place.cores if on_cluster else max(1, place.cores // workers)
    queue = slurm.launcher(profile, place.cores, place.site) if on_cluster else []

    def start(role: str) -> subprocess.Popen:
        return subprocess.Popen(
            [*(queue if role != CHIEF else []), *command, "--role", role, "--address", address],
            env=os.environ | {"TF_NUM_INTRAOP_THREADS": str(threads)},
            start_new_session=True,  # Ctrl-C comes to this process alone, which ends the others
        )

    names = [f"worker-{i}" for i in range(workers)]
    running = {name: start(name) for name in (CHIEF, *names)}
    restarts = dict.fromkeys(names, 0)
    while running[CHIEF].poll() is None:
        time.sleep(0.5)
        for name in names:
            if running[name].poll():  # neither running nor done
                restarts[name] += 1
                if restarts[name] > RESTARTS:
                    print(f"{name} ended {RESTARTS} times: giving up", file=sys.stderr)
                    return 1
                print(f"{name} ended; it is started again, with its trial", flush=True)
                running[name] = start(name)
    # It ends when every worker that it knows has been told so. One that came late is not needed.
    code = running[CHIEF].returncode
    if not code:
        print(f"Every trial is made; `make run PROFILE={profile}` shows them.", flush=True)
    return code


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


if __name__ == "__main__":
    sys.exit(main())
