"""A real SLURM cluster of one node on this machine, for the tests; needs root, SLURM and munge.

with slurm_cluster(Path("folder")) as environment:
    subprocess.run(["sbatch", …], env=environment)
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

CONFIGURATION = Path("/etc/slurm/slurm.conf")
CLUSTER = "ClusterName=test\n"
CONTROLLER = 6817
"""The port of SLURM's controller."""
NEEDED = ("slurmctld", "slurmd", "munged", "sbatch")


def missing() -> str | None:
    """Why there can be no cluster here; None if there can."""
    absent = [name for name in NEEDED if not shutil.which(name, path=_path())]
    if absent:
        return f"no {', '.join(absent)} here: apt-get install slurm-wlm munge"
    # A test that was killed can leave its configuration.
    foreign = CONFIGURATION.exists() and CLUSTER not in CONFIGURATION.read_text()
    if foreign or _listens(CONTROLLER):
        return f"there is a SLURM here already ({CONFIGURATION}, port {CONTROLLER}): end it first"
    return None if os.geteuid() == 0 else "only root can start its node daemon: run this as root"


def _listens(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


def _path() -> str:
    return os.environ["PATH"] + ":/usr/sbin:/sbin"


@contextmanager
def slurm_cluster(folder: Path) -> Iterator[dict[str, str]]:
    """Start the cluster; ends it when the `with` ends.

    Args:
        folder: for its files.

    Yields:
        The environment in which SLURM's commands find it.
    """
    host = socket.gethostname()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20 * 9 // 10
    (folder / "spool").mkdir(parents=True)
    (folder / "state").mkdir()
    # Where it is found without SLURM_CONF: Snakemake's jobs start without SLURM's variables.
    CONFIGURATION.parent.mkdir(exist_ok=True)
    CONFIGURATION.write_text(
        f"""{CLUSTER}SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MinJobAge=3600
ReturnToService=2
SlurmdSpoolDir={folder}/spool
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs={os.cpu_count()} RealMemory={memory} State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
    )
    environment = os.environ | {"PATH": _path()}
    started = []
    if not Path("/run/munge/munge.socket.2").exists():
        Path("/run/munge").mkdir(exist_ok=True)
        shutil.chown("/run/munge", "munge", "munge")
        for place in ("/var/log/munge", "/var/lib/munge"):
            Path(place).mkdir(exist_ok=True)
            shutil.chown(place, "munge", "munge")
        started.append(subprocess.Popen(["munged", "--foreground"], user="munge", env=environment))
        _wait(lambda: Path("/run/munge/munge.socket.2").exists(), started)
    for command in (["slurmctld", "-D"], ["slurmd", "-D", "-N", host]):
        started.append(subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL))
    try:
        _wait(lambda: node_state(environment) == "idle", started)
        yield environment
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait()
        CONFIGURATION.unlink(missing_ok=True)


def node_state(environment: dict[str, str]) -> str:
    """The node's state in sinfo's words."""
    answer = subprocess.run(
        ["sinfo", "--noheader", "--format=%t"], env=environment, capture_output=True, text=True
    )
    return answer.stdout.strip().rstrip("*")


def _wait(ready: Callable[[], bool], daemons: Sequence["subprocess.Popen[bytes]"]) -> None:
    for _ in range(600):
        if ended := [daemon.args for daemon in daemons if daemon.poll() is not None]:
            raise RuntimeError(f"SLURM could not be started, its logs say why: {ended} ended")
        if ready():
            return
        time.sleep(0.1)
    raise TimeoutError("SLURM did not start within a minute")
