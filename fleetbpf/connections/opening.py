"""Which way leads to a host: the one place that chooses between SSH and this machine."""

from typing import TYPE_CHECKING, assert_never

from fleetbpf.connections import Connection
from fleetbpf.model.inventory import ConnectionKind, Host

if TYPE_CHECKING:
    from fleetbpf.connections.keyring import Keyring


def open_connection(host: Host, keyring: "Keyring", *, timeout: float = 20.0) -> Connection:
    """Open a connection to `host` within `timeout` seconds, log-in included.

    Raises UnreachableError that says which step failed.
    """
    match host.connection:
        case ConnectionKind.SSH:
            from fleetbpf.connections.ssh import connect

            return connect(host, keyring=keyring, timeout=timeout)
        case ConnectionKind.LOCAL:
            from fleetbpf.connections.local import LocalConnection

            return LocalConnection(host.name)
        case unreachable:
            assert_never(unreachable)
