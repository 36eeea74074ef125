"""A host in namespaces of this machine: own sshd, processes, disk and boots; this machine's kernel.

What lies on its disk outlives a reboot; processes, /run and the boot id do not, nor does a disk of
limited size.
"""

import shutil
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration import sshd
from tests.waiting import wait_until

NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
BOOT = """
if [ "$3" = disk ]; then
	mount --bind "$1/disk" /var/lib
else
	mount -t tmpfs -o size="$3" tmpfs /var/lib
fi && mount -t tmpfs tmpfs /run && mkdir /run/sshd || exit
mount --bind "$1/boot_id" /proc/sys/kernel/random/boot_id || exit
mount -t bpf bpf /sys/fs/bpf || exit
mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing || exit
exec "$2" -D -e -f "$1/sshd_config"
"""


@dataclass(kw_only=True)
class Machine:
    """The host, its files in `folder`."""

    folder: Path
    size: str = "disk"  # of its disk: 8m
    port: int = field(default_factory=sshd.free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def root(self) -> Path:
        """Its /var/lib/fleetbpf."""
        return self.inside("var/lib/fleetbpf")

    @property
    def init(self) -> int:
        """Its first process, by the number that it has here."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(children.read_text().split()[0])

    def inside(self, path: str) -> Path:
        """A path of it that is not on its disk."""
        return Path(f"/proc/{self.init}/root", path.lstrip("/"))

    def boot(self) -> None:
        """Start it; returns when its sshd answers."""
        (self.folder / "boot_id").write_text(f"{uuid.uuid4()}\n")
        command = ["sh", "-c", BOOT, "boot", str(self.folder), str(sshd.executable()), self.size]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*NAMESPACES, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        wait_until(lambda: sshd.answers(self.port), what=f"{self.folder} boots")

    def power_off(self) -> None:
        """End all that runs there, at once."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def reboot(self) -> None:
        """Cut its power, and start it again."""
        self.power_off()
        self.boot()

    def run(self, text: str) -> str:
        """What a shell line writes that root runs there."""
        entering = ["nsenter", "--target", str(self.init), "--mount", "--pid", "sh", "-c", text]
        return subprocess.run(entering, capture_output=True, text=True, check=True).stdout

    def loaders(self) -> list[str]:
        """The arguments' files of the loaders that run there; a supervisor is one too."""
        found = []
        for folder in self.inside("proc").glob("[0-9]*"):
            try:
                executable = str((folder / "exe").readlink())
                words = (folder / "cmdline").read_text().split("\0")
            except OSError:
                continue
            if "/fleetbpf/objects/" in executable and "--args" in words:
                found.append(words[words.index("--args") + 1])
        return sorted(found)


@contextmanager
def machine(folder: Path, *, size: str = "disk") -> Iterator[Machine]:
    """A machine that runs; nothing of it stays."""
    made = Machine(folder=folder, size=size)
    (folder / "disk").mkdir(parents=True)
    for name in ("host_ed25519", "identity"):
        sshd.make_key(folder / name)
    shutil.copy(folder / "identity.pub", folder / "authorized_keys")
    key = f"HostKey {folder}/host_ed25519"
    settings = {"address": sshd.ADDRESS, "port": made.port, "host_keys": key, "first": ""}
    (folder / "sshd_config").write_text(sshd.CONFIGURATION.format(folder=folder, **settings))
    try:
        made.boot()
        yield made
    finally:
        made.power_off()


def inventory(machine: Machine, folder: Path, ports: Sequence[int] = ()) -> None:
    """An operator's inventory: `here` is the machine, `by0` … the same through other ports."""
    key = " ".join((machine.folder / "host_ed25519.pub").read_text().split()[:2])
    named = {"here": machine.port, **{f"by{n}": port for n, port in enumerate(ports)}}
    known = "".join(f"[{sshd.ADDRESS}]:{port} {key}\n" for port in named.values())
    (folder / "known_hosts").write_text(known)
    hosts = ", ".join(f"{name}: {{fleetbpf_port: {port}}}" for name, port in named.items())
    (folder / "inventories").mkdir(exist_ok=True)
    (folder / "inventories" / "hosts.yml").write_text(
        f"all:\n  hosts: {{{hosts}}}\n  vars:\n    fleetbpf_host: {sshd.ADDRESS}\n"
        "    fleetbpf_user: root\n"
        f"    fleetbpf_identity_file: {machine.folder}/identity\n"
        f"    fleetbpf_known_hosts_file: {folder}/known_hosts\n"
    )
