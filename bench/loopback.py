"""Hosts of their own on one machine: each an sshd with its own address, processes and folders.

Every host is a process namespace and a mount namespace (root is needed): what one writes below
`OWN` no other sees, and when it ends nothing of it stays. So the same job is done N times.
"""

import contextlib
import json
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PORT = 22022
OWN = ("/var/lib/fleetbpf", "/run", "/srv", "/etc/systemd/system")  # empty on every new host
PATIENCE = 120.0  # seconds
NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
BOOT = """
mkdir -p /var/lib/fleetbpf /etc/systemd/system
for folder in $1; do mount -t tmpfs -o mode=0755 tmpfs "$folder" || exit; done
# What this machine's root has his shell do for him is not what a host does for each command.
[ ! -e ~/.bashrc ] || mount --bind /dev/null ~/.bashrc || exit
mkdir /run/sshd && mount -t bpf bpf /sys/fs/bpf || exit
mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing || exit
exec "$2" -D -e -f "$3" -o ListenAddress="$4"
"""
CONFIGURATION = """
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/identity.pub
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
UseDNS no
PidFile none
LogLevel ERROR
MaxStartups 1000
MaxSessions 10
PrintMotd no
PrintLastLog no
Subsystem sftp internal-sftp
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Hosts on the loopback and the files that lead to them."""

    folder: Path
    size: int
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def addresses(self) -> list[str]:
        return [address(number) for number in range(self.size)]

    @property
    def identity(self) -> Path:
        return self.folder / "identity"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def inventory(self) -> Path:
        return self.folder / "inventory.json"

    def trust(self, addresses: Sequence[str]) -> None:
        """Write the known_hosts file: the hosts share a key."""
        key = " ".join((self.folder / "host.pub").read_text().split()[:2])
        lines = [f"[{each}]:{PORT} {key}\n" for each in addresses]
        self.known_hosts.write_text("".join(lines))

    def boot(self) -> None:
        """Start every host anew, with nothing on it."""
        self.down()
        sshd = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin") or "/usr/sbin/sshd"
        with (self.folder / "sshd.log").open("ab") as log:
            for each in self.addresses:
                arguments = (" ".join(OWN), sshd, str(self.folder / "sshd_config"), each)
                self.running.append(
                    subprocess.Popen(
                        [*NAMESPACES, "sh", "-c", BOOT, "boot", *arguments],
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                    )
                )
        for each in self.addresses:
            wait_for(each)
        if any(process.poll() is not None for process in self.running):
            said = (self.folder / "sshd.log").read_text(errors="replace")
            raise SystemExit(
                f"a host ended; are there others on {self.addresses[0]}? {said[-200:]}"
            )

    def down(self) -> None:
        """End every host and all that runs there."""
        for process in self.running:
            process.send_signal(signal.SIGKILL)
        for process in self.running:
            process.wait()
        if self.running:
            for each in self.addresses:
                wait_until_free(each)
        self.running.clear()


@contextlib.contextmanager
def fleet(folder: Path, size: int) -> Iterator[Fleet]:
    """Hosts that run, their files in `folder`."""
    found = Fleet(folder=folder, size=size)
    for name in ("host", "identity"):
        key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(key, check=True)
    (folder / "sshd_config").write_text(CONFIGURATION.format(port=PORT, folder=folder))
    found.trust([*found.addresses, *map(relayed, found.addresses)])
    write_inventory(found, found.inventory, found.addresses)
    try:
        found.boot()
        yield found
    finally:
        found.down()


def write_inventory(found: Fleet, path: Path, addresses: Sequence[str]) -> None:
    """An inventory that Ansible and fleetbpf read alike."""
    variables = {
        "ansible_user": "root",
        "ansible_port": PORT,
        "ansible_ssh_private_key_file": str(found.identity),
        "fleetbpf_known_hosts_file": str(found.known_hosts),
    }
    hosts = {f"h{n + 1:04}": {"ansible_host": each} for n, each in enumerate(addresses)}
    path.write_text(json.dumps({"all": {"vars": variables, "hosts": hosts}}))


def address(number: int) -> str:
    """An address of the loopback for a host, the first for 0."""
    return f"127.77.{number // 250}.{number % 250 + 1}"


def relayed(host: str) -> str:
    """Another address for the same host, for a relay that leads there."""
    return host.replace("127.77.", "127.78.")


def wait_for(host: str) -> None:
    """Return when a host's sshd answers."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with socket.create_connection((host, PORT), timeout=5) as probe:
                if probe.recv(4) == b"SSH-":
                    return
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def wait_until_free(host: str) -> None:
    """Return when another sshd could listen there: a killed host's goes a moment after it."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, PORT))
            except OSError:
                if time.monotonic() > deadline:
                    raise
            else:
                return
        time.sleep(0.05)
