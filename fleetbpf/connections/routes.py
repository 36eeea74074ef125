"""The ways to all hosts of a run: their settings, resolved once, and what they share."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import assert_never

from fleetbpf.connections.becoming import BecomingConnection, PlainConnection
from fleetbpf.connections.keyring import Keyring
from fleetbpf.connections.settings import ConnectionSettings, Operator, settings_of
from fleetbpf.model.inventory import ConnectionKind, Host
from fleetbpf.passwords import Passwords
from fleetbpf.secret import SecretKind


class Routes:
    """Opens connections; safe for many threads."""

    def __init__(self, operator: Operator, passwords: Passwords | None = None) -> None:
        """Nothing is read before it is needed."""
        self._operator = operator
        self._passwords = passwords or Passwords()
        self._keyring = Keyring(self._passwords.ask)

    def check(self, hosts: Iterable[Host]) -> None:
        """Raise one InputError with all that is wrong with the ways to `hosts`."""
        self._keyring.check(self.settings(host) for host in hosts if reached_by_ssh(host))

    def settings(self, host: Host) -> ConnectionSettings:
        """How `host` is reached."""
        secret = partial(self._passwords.of, host)
        return replace(settings_of(host, self._operator), secret=secret)

    def open(self, host: Host, *, timeout: float = 20.0) -> BecomingConnection:
        """Open a connection to `host` within `timeout` seconds, log-in included.

        Raises UnreachableError that says which step failed.
        """
        plain = self.log_in(host, timeout=timeout)
        password = partial(self._passwords.of, host, SecretKind.BECOME)
        return BecomingConnection(plain, host, password=password)

    def log_in(self, host: Host, *, timeout: float = 20.0) -> PlainConnection:
        """A connection that runs commands as the user who logs in, and no others."""
        match host.connection:
            case ConnectionKind.SSH:
                from fleetbpf.connections.ssh import connect

                return connect(self.settings(host), keyring=self._keyring, timeout=timeout)
            case ConnectionKind.LOCAL:
                from fleetbpf.connections.local import LocalConnection

                return LocalConnection(host.name)
            case unreachable:
                assert_never(unreachable)


def reached_by_ssh(host: Host) -> bool:
    """Whether SSH matters for `host` at all."""
    return host.connection is ConnectionKind.SSH
