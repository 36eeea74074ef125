"""What makes one host different from the next: its name, its key, who may log in."""

from pathlib import Path

from fleetbpf.execution.local import LocalConnection
from fleetbpf.frozen import frozen
from fleetbpf.lab import cpio
from fleetbpf.lab.folder import LabFolder
from fleetbpf.lab.keys import public_key

HOST_KEY = "ssh_host_ed25519_key"


@frozen
class Identity:
    """The identity of one host."""

    name: str
    host_key: bytes  # private, in OpenSSH's format
    host_key_public: str
    authorized_key: str

    def entries(self) -> list[cpio.Entry]:
        """The files that say so on the host, wherever it runs."""
        return [
            cpio.file("etc/hostname", f"{self.name}\n"),
            cpio.file("etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {self.name}\n"),
            cpio.file("etc/resolv.conf", "nameserver 10.0.2.3\n"),
            cpio.file(f"etc/ssh/{HOST_KEY}", self.host_key, mode=0o600),
            cpio.file(f"etc/ssh/{HOST_KEY}.pub", f"{self.host_key_public}\n"),
        ]


def identify(name: str, lab: LabFolder, local: LocalConnection) -> Identity:
    """The identity of the host `name`, made when it is seen for the first time."""
    private: Path = lab.folder(name) / HOST_KEY
    lab.make(private.parent)
    public = public_key(private, f"root@{name}", local)
    login = public_key(lab.identity, "fleetbpf lab", local)
    return Identity(
        name=name,
        host_key=private.read_bytes(),
        host_key_public=public,
        authorized_key=f"{login}\n",
    )
