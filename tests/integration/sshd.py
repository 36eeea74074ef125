"""Real SSH servers on the loopback, each with its own host keys and its own users' keys."""

import base64
import functools
import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fleetbpf.model.inventory import Host
from tests.waiting import wait_until

ADDRESS = "127.0.0.1"
CONFIGURATION = """
{first}
ListenAddress {address}
Port {port}
{host_keys}
AuthorizedKeysFile {folder}/authorized_keys
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
UseDNS no
PidFile none
LogLevel VERBOSE
MaxStartups 100
PrintMotd no
PrintLastLog no
# What this machine's people put into their shells' start-up files is none of a test's business.
SetEnv HOME={folder}
"""
# OpenSSH 9.8 and newer turns the address of failed logins away, which here are what is tested.
NO_PENALTIES = "PerSourcePenalties no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running sshd and the files that lead to it."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def identity(self) -> Path:
        """A private key that may log in."""
        return self.folder / "identity"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    def public_key(self, kind: str = "ed25519") -> str:
        """Type and key of one of its host keys, as they stand in known_hosts."""
        return " ".join((self.folder / f"host_{kind}.pub").read_text().split()[:2])

    def key_bytes(self, kind: str = "ed25519") -> bytes:
        return base64.b64decode(self.public_key(kind).split()[1])

    def host(self, **changes: object) -> Host:
        """The server as a host of an inventory, with every file its own."""
        settings: dict[str, object] = {
            "name": "web1",
            "address": ADDRESS,
            "port": self.port,
            "user": getpass.getuser(),
            "identity_file": self.identity,
            "known_hosts_file": self.known_hosts,
        }
        return Host(**{**settings, **changes})  # type: ignore[arg-type]

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")


def start(
    folder: Path,
    *,
    kinds: Sequence[str] = ("ed25519",),
    first: str = "",
    more: str = "",
    known: str = "ed25519",
    wrapper: Sequence[str] = (),
) -> Server:
    """Start an sshd with host keys of `kinds`, of which known_hosts has the one of type `known`.

    `first` and `more` are lines of its configuration: the first line about something counts.
    `wrapper` is a command that executes another one.
    """
    for kind in kinds:
        make_key(folder / f"host_{kind}", kind=kind)
    make_key(folder / "identity")
    shutil.copy(folder / "identity.pub", folder / "authorized_keys")
    port = free_port()
    host_keys = "\n".join(f"HostKey {folder}/host_{kind}" for kind in kinds)
    text = CONFIGURATION.format(
        address=ADDRESS, port=port, host_keys=host_keys, folder=folder, first=first
    )
    penalties = f"{NO_PENALTIES}\n" if understands(NO_PENALTIES) else ""
    whole = f"{text}{penalties}{more}"
    (folder / "sshd_config").write_bytes(whole.encode("utf-8", "surrogateescape"))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where sshd drops its privileges
    command = [*wrapper, str(executable()), "-D", "-e", "-f", str(folder / "sshd_config")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    server = Server(folder=folder, port=port, process=process)
    server.known_hosts.write_text(f"[{ADDRESS}]:{port} {server.public_key(known)}\n")
    wait_until(lambda: answers(port), seconds=60, what=f"sshd answers: {server.log()}")
    return server


def stop(server: Server) -> None:
    """End the sshd; sessions end with their clients."""
    server.process.terminate()
    server.process.wait(60)


def make_key(path: Path, *, kind: str = "ed25519", passphrase: str = "", form: str = "") -> Path:
    """Make a private key at `path`, unless it is there."""
    if not path.exists():
        command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "test", "-f", str(path)]
        subprocess.run([*command, *(["-m", form] if form else [])], check=True)
    return path


@functools.cache
def understands(line: str) -> bool:
    """Whether the sshd of this machine knows a line of configuration."""
    command = [str(executable()), "-t", "-f", "/dev/null", "-o", line]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "Bad configuration option" not in done.stderr


def executable() -> Path:
    """The server's program; it wants to be called by its whole path."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return Path(shutil.which("sshd", path=path) or "/usr/sbin/sshd")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    try:
        with socket.create_connection((ADDRESS, port), timeout=5) as probe:
            return probe.recv(4) == b"SSH-"
    except OSError:
        return False
