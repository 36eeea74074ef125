"""`lab status`: what each host of the lab is, and whether it runs and answers."""

from collections.abc import Container
from concurrent.futures import ThreadPoolExecutor

from fleetbpf.errors import InputError, Problem
from fleetbpf.frozen import frozen
from fleetbpf.lab import processes
from fleetbpf.lab.folder import LabFolder, Placed
from fleetbpf.lab.login import greets_soon


@frozen
class HostStatus:
    """One host at this moment."""

    name: str
    kind: str
    series: str
    kernel: str
    architecture: str
    port: int
    pid: int | None
    answers: bool  # its sshd sends a banner
    memory_mib: int  # that its QEMU takes of this machine

    @property
    def state(self) -> str:
        """In a word, for people."""
        if self.pid is None:
            return "stopped"
        return "up" if self.answers else "booting"


def status(lab: LabFolder, *, entered: Container[str] = ()) -> tuple[HostStatus, ...]:
    """Every host of the lab; those that were `entered` just now are not asked again."""
    with ThreadPoolExecutor() as pool:
        return tuple(pool.map(lambda placed: look(lab, placed, entered), lab.placed()))


def look(lab: LabFolder, placed: Placed, entered: Container[str]) -> HostStatus:
    """One host of the lab."""
    pid = processes.running(lab.pid_file(placed.host.name))
    return HostStatus(
        name=placed.host.name,
        kind=placed.host.kind.value,
        series=placed.host.series,
        kernel=placed.release,
        architecture=placed.host.architecture,
        port=placed.port,
        pid=pid,
        answers=pid is not None and (placed.host.name in entered or greets_soon(placed.port)),
        memory_mib=processes.resident(pid) if pid is not None else 0,
    )


def find(lab: LabFolder, name: str) -> Placed:
    """The host `name`; InputError names those that there are."""
    hosts = {placed.host.name: placed for placed in lab.placed()}
    if name not in hosts:
        there = f"there is {', '.join(hosts)}" if hosts else "there is none: fleetbpf lab up"
        raise InputError(Problem(where=name, what="is no host of this lab", hint=there))
    return hosts[name]
