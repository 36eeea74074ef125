"""Which way leads to a host: the one place that chooses between SSH and this machine."""

from typing import TYPE_CHECKING, assert_never

from fleetbpf.connections import Connection
from fleetbpf.model.inventory import ConnectionKind, Host

if TYPE_CHECKING:
    from fleetbpf.connections.keyring import Keyring


def open_connection(host: Host, keyring: "Keyring") -> Connection:
    """Open a connection to `host`; UnreachableError says why it could not be opened."""
    match host.connection:
        case ConnectionKind.SSH:
            from fleetbpf.connections.ssh import connect

            return connect(host, keyring=keyring)
        case ConnectionKind.LOCAL:
            from fleetbpf.connections.local import LocalConnection

            return LocalConnection(host.name)
        case unreachable:
            assert_never(unreachable)
