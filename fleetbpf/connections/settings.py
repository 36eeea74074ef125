"""How a host is reached over SSH, as one value: all of it decided before anything is dialled."""

import getpass
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from fleetbpf.model.inventory import Host
from fleetbpf.secret import SecretKind

FindSecret = Callable[[SecretKind], str | None]

DEFAULT_PORT = 22
DEFAULT_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Who runs fleetbpf, and on which machine: what settings are made of where nobody says more."""

    home: Path  # has `.ssh`
    user: str = field(default_factory=getpass.getuser)
    environment: Mapping[str, str] = field(default_factory=dict)
    system: Path = Path("/etc/ssh")

    @classmethod
    def here(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """The user of this process."""
        return cls(home=Path.home(), environment=environment)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSettings:
    """The way to one host, and what it takes to be let in there."""

    name: str  # the host's in the inventory: where errors say that they are
    address: str
    port: int = DEFAULT_PORT
    user: str
    known_hosts_files: tuple[Path, ...]  # new keys belong into the first
    identity_file: Path | None = None  # must be usable, or else it is an error
    identity_files: tuple[Path, ...] = ()  # tried as far as they are there
    agent: str = ""  # the path of an ssh-agent's socket
    secret: FindSecret = field(default=lambda _: None, compare=False, repr=False)


def settings_of(host: Host, operator: Operator) -> ConnectionSettings:
    """How `operator` reaches `host`."""
    default_keys = tuple(operator.home / ".ssh" / name for name in DEFAULT_KEYS)
    default_known = (operator.home / ".ssh" / "known_hosts", operator.system / "ssh_known_hosts")
    return ConnectionSettings(
        name=host.name,
        address=host.address,
        port=host.port,
        user=host.user or operator.user,
        known_hosts_files=(host.known_hosts_file,) if host.known_hosts_file else default_known,
        identity_file=host.identity_file,
        identity_files=default_keys if host.identity_file is None else (),
        agent=operator.environment.get("SSH_AUTH_SOCK", ""),
    )
