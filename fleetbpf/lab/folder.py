"""Where the lab keeps things: the working directory's `.fleetbpf/lab`, its inventory, the cache."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fleetbpf.files import homes
from fleetbpf.files.file_lock import acquired
from fleetbpf.files.private_files import refuse_links, write_whole
from fleetbpf.frozen import frozen
from fleetbpf.lab.hosts import HostKind, LabHost
from fleetbpf.model.architecture import Architecture


@frozen
class Placed:
    """A lab host as it was set up: what it is, and where its sshd is reached."""

    host: LabHost
    port: int  # on 127.0.0.1, forwarded to the host's port 22
    memory: int  # MiB
    release: str  # of its kernel: "6.1.0-50-cloud-amd64"


@frozen
class LabFolder:
    """The folders of one lab; hosts of two labs have nothing in common but the cache."""

    root: Path  # absolute: the words of a running QEMU must be recognised from anywhere

    @classmethod
    def at(cls, root: Path) -> "LabFolder":
        """The lab of the working directory `root`."""
        return cls(root=root.resolve())

    @property
    def state(self) -> Path:
        """Everything of the lab but its inventory."""
        return self.root / ".fleetbpf" / "lab"

    @property
    def inventory(self) -> Path:
        """The inventory that the lab writes."""
        return self.root / "inventories" / "lab.yml"

    @property
    def known_hosts(self) -> Path:
        """The keys by which its hosts are known."""
        return self.state / "known_hosts"

    @property
    def identity(self) -> Path:
        """The private key that logs in everywhere in this lab."""
        return self.state / "id_ed25519"

    def folder(self, name: str) -> Path:
        """Everything of the host `name`."""
        return self.state / "hosts" / name

    def pid_file(self, name: str) -> Path:
        """Where QEMU keeps its process id."""
        return self.folder(name) / "qemu.pid"

    def console(self, name: str) -> Path:
        """What the host's kernel and sshd said, over all its boots."""
        return self.folder(name) / "console.log"

    def initramfs(self, name: str) -> Path:
        """The host's first file system."""
        return self.folder(name) / "initramfs.cpio"

    def overlay(self, name: str) -> Path:
        """The changes of a debian host to the root file system that all of them begin with."""
        return self.folder(name) / "root.qcow2"

    def placed(self) -> tuple[Placed, ...]:
        """The hosts of this lab, running or not, in the order they were set up."""
        files = self.state.glob("hosts/*/host.json")
        return tuple(map(read_placed, sorted(files, key=lambda file: file.stat().st_ctime_ns)))

    def keep(self, placed: Placed) -> None:
        """Remember a host."""
        content = {
            "kind": placed.host.kind.value,
            "series": placed.host.series,
            "architecture": placed.host.architecture,
            "port": placed.port,
            "memory": placed.memory,
            "release": placed.release,
        }
        self.write(
            self.folder(placed.host.name) / "host.json", json.dumps(content, indent=2) + "\n"
        )

    def write(self, path: Path, content: str | bytes) -> None:
        """Write a whole file of the lab, through no link."""
        body = content.encode() if isinstance(content, str) else content
        write_whole(path, body, below=self.root)

    def make(self, folder: Path) -> None:
        """Make a folder of the lab for what tools write there; no file in it may be a link."""
        refuse_links(folder, below=self.root)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One `lab up` or `lab down` at a time; the second waits for the first."""
        with acquired(self.state / "lock", below=self.root):
            yield


def read_placed(file: Path) -> Placed:
    """The host that a `host.json` describes; its name is its folder's, whatever else it says."""
    content = json.loads(file.read_text(encoding="utf-8"))
    host = LabHost(
        name=file.parent.name,
        kind=HostKind(content["kind"]),
        series=str(content["series"]),
        architecture=Architecture(content["architecture"]),
    )
    return Placed(
        host=host,
        port=int(content["port"]),
        memory=int(content["memory"]),
        release=str(content["release"]),
    )


def default_cache() -> Path:
    """What all labs of this user share: kernels, root file systems, indexes of the archive."""
    base = os.environ.get("XDG_CACHE_HOME") or homes.home() / ".cache"
    return Path(base).absolute() / "fleetbpf" / "lab"
