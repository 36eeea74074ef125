"""The ways to all hosts of a run: their settings, resolved once, and what they share."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self, assert_never

from fleetbpf.connections.becoming import BecomingConnection, PlainConnection
from fleetbpf.connections.crew import Slot
from fleetbpf.connections.keys.keyring import Keyring
from fleetbpf.connections.passwords import Passwords
from fleetbpf.connections.settings import ConnectionSettings, Operator
from fleetbpf.connections.shell import Shell
from fleetbpf.connections.ssh_config import ssh_files
from fleetbpf.connections.ssh_config.resolution import Resolver
from fleetbpf.errors import InputError, Problem
from fleetbpf.execution.local import LocalConnection
from fleetbpf.model.inventory import ConnectionKind, Host
from fleetbpf.secret import SecretKind
from fleetbpf.wording import listed

if TYPE_CHECKING:
    from fleetbpf.connections.links import Links


class Routes:
    """Opens connections; safe for many threads."""

    def __init__(
        self,
        operator: Operator,
        passwords: Passwords | None = None,
        *,
        tell_new_key: Callable[[str], None] | None = None,
    ) -> None:
        """Nothing is read before it is needed.

        With `tell_new_key`, unknown host keys are noted and it is told of them; else refused.
        """
        self._operator = operator
        self._passwords = passwords or Passwords()
        self._keyring = Keyring(self._passwords.ask, tell_new_key=tell_new_key)
        self._shell = Shell(operator)
        self._lock = threading.Lock()
        self._resolvers: dict[Path | None, Resolver] = {}
        self._settings: dict[str, ConnectionSettings] = {}
        self._links: Links | None = None

    def check(self, hosts: Iterable[Host]) -> None:
        """Raise one InputError with all that is wrong with the ways to `hosts`."""
        found: dict[Problem, list[str]] = {}
        settings: list[ConnectionSettings] = []
        for host in filter(reached_by_ssh, hosts):
            try:
                settings.append(self.settings(host))
            except InputError as error:
                for problem in error.problems:
                    found.setdefault(problem, []).append(host.name)
        InputError.raise_if_any(
            replace(problem, what=f"{problem.what} (for {listed(names)})")
            for problem, names in found.items()
        )
        self._keyring.check(hop for way in settings for hop in way.hops)

    def settings(self, host: Host) -> ConnectionSettings:
        """How `host` is reached; InputError when ssh_config says what cannot be done."""
        with self._lock:
            if host.name not in self._settings:
                resolver = self._resolver(host.ssh_config_file)
                found = resolver.settings(host)
                jump = found.jump and self._with_passphrase(found.jump)
                secret = partial(self._passwords.of, host)
                self._settings[host.name] = replace(found, jump=jump, secret=secret)
            return self._settings[host.name]

    def _with_passphrase(self, hop: ConnectionSettings) -> ConnectionSettings:
        """A jump host is told no password: those are for the hosts behind it."""
        jump = hop.jump and self._with_passphrase(hop.jump)
        return replace(hop, jump=jump, secret=self._passwords.of_jump_hosts)

    def close(self) -> None:
        """End what hosts share: the connections to jump hosts."""
        if self._links is not None:
            self._links.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _logins(self) -> "Links":
        """The transports; made when first needed, because paramiko takes its time to load."""
        from fleetbpf.connections.links import Links

        with self._lock:
            if self._links is None:
                self._links = Links(self._keyring, shell=self._shell.path)
            return self._links

    def _resolver(self, file: Path | None) -> Resolver:
        if file not in self._resolvers:
            files = ssh_files.read(self._operator, file)
            self._resolvers[file] = Resolver(
                operator=self._operator, files=files, succeeds=self._shell.succeeds
            )
        return self._resolvers[file]

    def open(
        self, host: Host, *, timeout: float | None = None, slot: Slot | None = None
    ) -> BecomingConnection:
        """Open a connection to `host` within `timeout` seconds, log-in included.

        None: what is usual. The slot is lent to others while the host does not answer. Raises
        UnreachableError that says which step failed.
        """
        plain = self.log_in(host, timeout=timeout, slot=slot)
        password = partial(self._passwords.of, host, SecretKind.BECOME)
        return BecomingConnection(plain, host, password=password)

    def log_in(
        self, host: Host, *, timeout: float | None = None, slot: Slot | None = None
    ) -> PlainConnection:
        """A connection that runs commands as the user who logs in, and no others."""
        match host.connection:
            case ConnectionKind.SSH:
                from fleetbpf.connections.ssh import SSHConnection

                settings = self.settings(host)
                transport = self._logins().open(settings, timeout=timeout, slot=slot or Slot())
                return SSHConnection(settings, transport)
            case ConnectionKind.LOCAL:
                return LocalConnection(host.name)
            case unreachable:
                assert_never(unreachable)


def reached_by_ssh(host: Host) -> bool:
    """Whether SSH matters for `host` at all."""
    return host.connection is ConnectionKind.SSH
