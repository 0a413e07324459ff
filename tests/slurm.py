"""A real Slurm cluster of one controller and one node, on loopback, for as long as a test takes."""

import getpass
import os
import secrets
import shutil
import socket
import subprocess
import time
from pathlib import Path

DAEMONS = "munged", "slurmctld", "slurmd"
COMMANDS = "sacct", "sbatch", "scancel", "scontrol", "sinfo", "squeue", "srun"

CONFIGURATION = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={root}/munge.socket
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd.pid
SlurmctldLogFile={root}/slurmctld.log
SlurmdLogFile={root}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
MpiDefault=none
KillWait=5
OverTimeLimit=0
SlurmdTimeout=10
SchedulerParameters=sched_interval=2,batch_sched_delay=0
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory=20000
PartitionName=short Nodes=ALL Default=YES MaxTime=INFINITE
"""

# What a site's file says: this cluster keeps no accounts, and jobs start at once.
SITE = """\
slurm-status-command: squeue
slurm-no-account: true
slurm-init-seconds-before-status-checks: 2
latency-wait: 10
default-resources:
  slurm_partition: short
set-resources:
  notebook:
    mem_mb: 3000
  training:
    mem_mb: 3000
  evaluation:
    mem_mb: 3000
"""


def missing() -> list[str]:
    """What this machine lacks."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    return [name for name in DAEMONS + COMMANDS if not shutil.which(name, path=path)]


class Cluster:
    """A cluster in a folder; ``environment`` is what its commands, and who uses them, need."""

    def __init__(self, root: Path):
        self.root, self.host = root, socket.gethostname().split(".")[0]
        for name in ("state", "spool", "bin"):
            (root / name).mkdir()
        root.chmod(0o755)
        (root / "key").write_bytes(secrets.token_bytes(1024))
        (root / "key").chmod(0o400)
        self.configuration = root / "slurm.conf"
        self.configuration.write_text(
            CONFIGURATION.format(
                root=root,
                host=self.host,
                user=getpass.getuser(),
                ports=[_free_port(), _free_port()],
                cores=os.cpu_count(),
            )
        )
        self.site = root / "site.yaml"
        self.site.write_text(SITE)
        # Snakemake takes Slurm's variables from a job, and with them where the configuration is.
        for name in COMMANDS:
            program = root / "bin" / name
            program.write_text(
                f'#!/bin/sh\nSLURM_CONF={self.configuration} exec {shutil.which(name)} "$@"\n'
            )
            program.chmod(0o755)
        self.environment = {"PATH": f"{root / 'bin'}:{os.environ['PATH']}"}

    def __enter__(self) -> "Cluster":
        self._start(
            "munged",
            *("--force", f"--key-file={self.root}/key", f"--socket={self.root}/munge.socket"),
            *(f"--pid-file={self.root}/munged.pid", f"--log-file={self.root}/munged.log"),
            f"--seed-file={self.root}/seed",
        )
        self._start("slurmctld", "-c")
        self.start_node()
        until = time.monotonic() + 60
        while "idle" not in self.ask("sinfo", "--noheader", "--format=%T"):
            assert time.monotonic() < until, (self.root / "slurmctld.log").read_text()
            time.sleep(0.2)
        return self

    def __exit__(self, *_: object) -> None:
        for name in reversed(DAEMONS):
            self._stop(name)

    def ask(self, *command: str) -> str:
        """What one of Slurm's commands says."""
        path = self.root / "bin" / command[0]
        done = subprocess.run([path, *command[1:]], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def jobs(self, state: str = "R") -> list[tuple[str, str]]:
        """Number and name of each job in a state."""
        told = self.ask("squeue", "--noheader", f"--states={state}", "--format=%i %k")
        return [tuple(line.split(maxsplit=1)) for line in told.splitlines()]

    def state(self, number: str) -> str:
        """How a job is, or how it ended."""
        told = self.ask("squeue", "--noheader", "--states=all", f"--jobs={number}", "--format=%T")
        return told.strip()

    def start_node(self) -> None:
        """Start the machine that works."""
        self._start("slurmd")

    def lose_node(self) -> None:
        """Let the machine that works vanish, with all that runs on it."""
        pid = int((self.root / "slurmd.pid").read_text())
        self._stop("slurmd", signal="KILL")
        subprocess.run(["pkill", "-KILL", "slurmstepd"], check=False)
        assert not Path(f"/proc/{pid}").exists()
        self.ask("scontrol", "update", f"nodename={self.host}", "state=down", "reason=lost")

    def _start(self, daemon: str, *options: str) -> None:
        program = shutil.which(daemon, path=f"{os.environ['PATH']}:/usr/sbin")
        environment = os.environ | {"SLURM_CONF": str(self.configuration)}
        done = subprocess.run(
            [program, *options], env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr

    def _stop(self, daemon: str, signal: str = "TERM") -> None:
        pid_file = self.root / f"{daemon}.pid"
        if not pid_file.exists():
            return
        pid = pid_file.read_text().strip()
        subprocess.run(["kill", f"-{signal}", pid], check=False)
        until = time.monotonic() + 30
        while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
            time.sleep(0.1)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]
