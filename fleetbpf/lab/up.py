"""`lab up`: bring up the hosts that are missing, and write the inventory."""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path, PurePosixPath

from fleetbpf.debian.archive import Archive, Say, mirrors_of_apt
from fleetbpf.errors import InputError, Problem
from fleetbpf.execution.local import LocalConnection
from fleetbpf.frozen import frozen
from fleetbpf.lab import debian, processes, resources, roster, tools
from fleetbpf.lab.boot import Boot, NotUpError, ensure_up
from fleetbpf.lab.folder import LabFolder, Placed
from fleetbpf.lab.hosts import HostKind, LabHost
from fleetbpf.lab.identity import HOST_KEY
from fleetbpf.lab.prepare import MEMORY, boot_of, gather, place, ready

CROWD = 6  # hosts that boot at once; more only slow each other down
Choose = Callable[[Sequence[LabHost]], Sequence[LabHost]]


@frozen
class Up:
    """What hosts are brought up with."""

    lab: LabFolder
    cache: Path
    say: Say
    memory: int | None = None  # MiB per host, instead of what its kind has by itself

    def to(self, choose: Choose) -> tuple[Placed, ...]:
        """Bring up the hosts that `choose` makes of those that exist; all hosts of the lab.

        Raises NotUpError with every host that did not come up; the others are up then.
        """
        with self.lab.locked():
            refuse_foreign(self.lab.inventory)
            hosts = choose([each.host for each in self.lab.placed()])
            self._require(hosts)
            boots = self._prepare(hosts)
            write_roster(self.lab)
            self._boot(boots)
            return self.lab.placed()

    def _require(self, hosts: Sequence[LabHost]) -> None:
        """Raise HostError when this machine cannot make these hosts, before anything is fetched."""
        tools.require(hosts)
        if any(host.kind is HostKind.DEBIAN for host in hosts):
            with LocalConnection() as local:
                debian.require(self.cache, local)

    def _prepare(self, hosts: Sequence[LabHost]) -> list[Boot]:
        """Make ready what is not running."""
        former = {each.host.name: each for each in self.lab.placed()}
        missing = [host for host in hosts if not self._runs(host)]
        memory = sum(self.memory or MEMORY[host.kind] for host in missing)
        resources.check(memory, len(missing), cache=self.cache, state=self.lab.state)
        taken = {each.port for each in former.values()}
        boots = []
        with LocalConnection() as local:
            mirrors = mirrors_of_apt(local)
            archive = Archive(mirrors=mirrors, cache=self.cache, local=local, say=self.say)
            ingredients = gather(hosts, archive)
            for host in hosts:
                before = former.get(host.name)
                if host not in missing and before is not None:
                    boots.append(boot_of(before, self.lab, ingredients))
                    continue
                release = ingredients.kernel(host).release
                placed = place(host, before, memory=self.memory, release=release, taken=taken)
                boots.append(ready(placed, self.lab, ingredients, local))
        return boots

    def _runs(self, host: LabHost) -> bool:
        return processes.running(self.lab.pid_file(host.name)) is not None

    def _boot(self, boots: Sequence[Boot]) -> None:
        """Boot side by side; after Ctrl-C what is not up yet is ended."""
        cancelled = threading.Event()
        problems: list[Problem] = []
        with ThreadPoolExecutor(CROWD) as pool:
            try:
                waiting = {pool.submit(self._boot_one, boot, cancelled): boot for boot in boots}
                for done in as_completed(waiting):
                    error = done.exception()
                    if isinstance(error, NotUpError):
                        problems += error.problems
                    elif error is not None:
                        raise error
            finally:
                cancelled.set()
                pool.shutdown(wait=False, cancel_futures=True)
        NotUpError.raise_if_any(problems)

    def _boot_one(self, boot: Boot, cancelled: threading.Event) -> None:
        host = boot.placed.host
        running = self._runs(host)
        if not running:
            self.say(f"{host.name}: booting {host.kind.value} on {boot.placed.release}")
        seconds = ensure_up(boot, cancelled)
        after = "was up" if running else f"up after {seconds:.1f} s"
        self.say(f"{host.name}: {after}, port {boot.placed.port}")


def refuse_foreign(inventory: Path) -> None:
    """Raise InputError when there is an inventory in the lab's place that somebody else wrote."""
    if inventory.exists() and not is_ours(inventory):
        what = "this inventory was not written by the lab, which would overwrite it"
        raise InputError(Problem(where=str(inventory), what=what, hint="give it another name"))


def is_ours(inventory: Path) -> bool:
    """Whether the lab wrote this inventory."""
    return inventory.read_text(encoding="utf-8", errors="replace").startswith(roster.MARK)


def write_roster(lab: LabFolder) -> None:
    """Write the inventory and the known_hosts file of all hosts of the lab."""
    placed = lab.placed()
    keys = ((each.port, host_key(lab, each.host.name)) for each in placed)
    lab.write(lab.known_hosts, roster.known_hosts(keys))
    state = PurePosixPath(os.path.relpath(lab.state, lab.inventory.parent))
    lab.write(lab.inventory, roster.inventory(placed, state=state))


def host_key(lab: LabFolder, name: str) -> str:
    """The public key by which the host is known."""
    text = (lab.folder(name) / f"{HOST_KEY}.pub").read_text(encoding="utf-8")
    return " ".join(text.split()[:2])
