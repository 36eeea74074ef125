"""What is parsed once per run and shared by all connections: known hosts and our own keys."""

import getpass
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

from fleetbpf.connections import known_hosts
from fleetbpf.connections.known_hosts import KnownHosts
from fleetbpf.errors import InputError, Problem
from fleetbpf.model.inventory import ConnectionKind, Host

if TYPE_CHECKING:
    from fleetbpf.connections.identities import Identity

DEFAULT_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")
SYSTEM_KNOWN_HOSTS = Path("/etc/ssh/ssh_known_hosts")


class Keyring:
    """Known host keys and private keys, each file read when first needed and then kept.

    Safe for many threads: the first one reads, the others wait for it.
    """

    def __init__(self, *, home: Path, agent: str = "") -> None:
        """`home` is the folder that has `.ssh`; `agent` the path of an ssh-agent's socket."""
        self._home = home
        self._agent_address = agent
        self._lock = threading.Lock()
        self._known_hosts: dict[tuple[Path, ...], KnownHosts] = {}
        self._files: dict[Path, Identity | InputError] = {}
        self._agent: tuple[Identity, ...] | None = None

    @classmethod
    def load(cls, *, home: Path | None = None, environment: Mapping[str, str] = os.environ) -> Self:
        """The keyring of the user who runs this; nothing is read before it is needed."""
        return cls(home=home or Path.home(), agent=environment.get("SSH_AUTH_SOCK", ""))

    def check(self, hosts: Iterable[Host]) -> None:
        """Raise one InputError with every identity file of `hosts` that cannot be used.

        Each file is named once, with the first host that wants it.
        """
        first: dict[Path, Host] = {}
        for host in filter(reached_by_ssh, hosts):
            if host.identity_file is not None:
                first.setdefault(host.identity_file, host)
        InputError.raise_if_any(
            problem for path, host in first.items() for problem in self._problems(path, host)
        )

    def known_hosts(self, host: Host) -> KnownHosts:
        """The known host keys that count for `host`."""
        paths = (
            (self._home / ".ssh" / "known_hosts", SYSTEM_KNOWN_HOSTS)
            if host.known_hosts_file is None
            else (host.known_hosts_file,)
        )
        with self._lock:
            if paths not in self._known_hosts:
                self._known_hosts[paths] = known_hosts.read(paths)
            return self._known_hosts[paths]

    def identities(self, host: Host) -> "Iterator[Identity | InputError]":
        """The keys to try on `host`, in order; an InputError stands for one that is unusable.

        Its own identity file comes first, then the agent's keys, and where it has no identity
        file the default keys of `~/.ssh`. An identity file that is encrypted is used through
        the agent; when that does not hold it, or the file is unusable, InputError is raised.
        """
        if host.identity_file is None:
            yield from self.agent_keys()
            yield from map(self._file, filter(Path.exists, self.default_keys()))
            return
        chosen = self._chosen(host.identity_file)
        yield chosen
        yield from (identity for identity in self.agent_keys() if identity is not chosen)

    def agent_keys(self) -> "tuple[Identity, ...]":
        """The keys that the agent holds."""
        from fleetbpf.connections.identities import Agent

        with self._lock:
            if self._agent is None:
                address = self._agent_address
                self._agent = tuple(Agent(address).identities()) if address else ()
            return self._agent

    def default_keys(self) -> tuple[Path, ...]:
        """Where the keys lie that are tried on a host without an identity file."""
        return tuple(self._home / ".ssh" / name for name in DEFAULT_KEYS)

    def _chosen(self, path: Path) -> "Identity":
        from fleetbpf.connections.identities import EncryptedKeyError, holds

        found = self._file(path)
        if isinstance(found, EncryptedKeyError):
            public = found.public
            found = next((key for key in self.agent_keys() if holds(key, public)), found)
        if isinstance(found, InputError):
            raise found
        return found

    def _file(self, path: Path) -> "Identity | InputError":
        from fleetbpf.connections.identities import read_identity

        with self._lock:
            if path not in self._files:
                try:
                    self._files[path] = read_identity(path)
                except InputError as error:
                    self._files[path] = error
            return self._files[path]

    def _problems(self, path: Path, host: Host) -> Iterator[Problem]:
        try:
            self._chosen(path)
        except InputError as error:
            for problem in error.problems:
                yield Problem(
                    where=host.name, what=f"{problem.where}: {problem.what}", hint=problem.hint
                )


def reached_by_ssh(host: Host) -> bool:
    """Whether keys matter for `host` at all."""
    return host.connection is ConnectionKind.SSH


def user_of(host: Host) -> str:
    """The user to log in as: the host's, else the local one."""
    return host.user or getpass.getuser()
