"""The fleet: hosts, how each is reached, and the groups they belong to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path


class ConnectionKind(Enum):
    """How commands get to a host."""

    SSH = "ssh"
    LOCAL = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A host as the inventory describes it; nothing here was asked of the host itself."""

    name: str  # its name in the inventory; safe as a folder's name: no '/', no leading '-' or '.'
    address: str  # what is connected to: a name or an IP address
    port: int = 22
    user: str = ""  # "" = the local user
    identity_file: Path | None = None
    known_hosts_file: Path | None = None  # None = ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts
    become: bool | None = None  # None = as the play says
    connection: ConnectionKind = ConnectionKind.SSH
    variables: Mapping[str, object] = field(default_factory=dict)  # groups merged in, its own last


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """All hosts by name, and all groups with their members, both in the file's order.

    The groups include `all` and `ungrouped`; a group's members include those of its children.
    """

    path: Path
    hosts: Mapping[str, Host]
    groups: Mapping[str, tuple[str, ...]]
