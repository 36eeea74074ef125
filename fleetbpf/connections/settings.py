"""How a host is reached over SSH, as one value: all of it decided before anything is dialled."""

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Self

from fleetbpf.connections.keys.known_hosts import DEFAULT_PORT, names_of
from fleetbpf.files import homes
from fleetbpf.frozen import frozen
from fleetbpf.secret import SecretKind

FindSecret = Callable[[SecretKind], str | None]

KEYS, PASSWORD, INTERACTIVE = "publickey", "password", "keyboard-interactive"  # RFC 4252, RFC 4256
DEFAULT_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")


@frozen
class Operator:
    """Who runs fleetbpf, and on which machine: what settings are made of where nobody says more."""

    home: Path  # has `.ssh`
    user: str = field(default_factory=homes.user)
    machine: str = field(default_factory=socket.gethostname)
    environment: Mapping[str, str] = field(default_factory=dict)
    system: Path = Path("/etc/ssh")

    @classmethod
    def here(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """The user of this process."""
        return cls(home=homes.home(), environment=environment)


@frozen
class Algorithms:
    """Which algorithms may be used, each in the words of ssh_config(5); "" = ours."""

    host_keys: str = ""
    key_exchanges: str = ""
    ciphers: str = ""
    macs: str = ""


@frozen
class ConnectionSettings:
    """The way to one host, and what it takes to be let in there."""

    name: str  # the host's in the inventory: where errors say that they are
    address: str
    port: int = DEFAULT_PORT
    user: str
    family: int = socket.AF_UNSPEC
    jump: "ConnectionSettings | None" = None  # the host through which it is reached
    proxy_command: str = ""  # in their place, a command whose stdin and stdout lead there

    known_hosts_files: tuple[Path, ...]  # new keys belong into the first
    host_key_alias: str = ""  # its name in them; "" = its address and port
    hash_known_hosts: bool = False
    revoked_host_keys: Path | None = None
    algorithms: Algorithms = Algorithms()

    methods: tuple[str, ...] = (KEYS, PASSWORD, INTERACTIVE)  # to log in by, in this order
    identity_file: Path | None = None  # must be usable, or else it is an error
    identity_files: tuple[Path, ...] = ()  # tried as far as they are there
    identities_only: bool = False  # of an agent, only the keys that are named here
    certificate_files: tuple[Path, ...] = ()
    agent: str = ""  # the path of an ssh-agent's socket
    secret: FindSecret = field(default=lambda _: None, compare=False, repr=False)

    connect_timeout: float | None = None  # seconds; None = as the run has it
    alive_interval: float | None = None  # seconds without a sign of life until one is asked for
    alive_count: int = 3  # as many unanswered in a row: the link is lost

    @property
    def hops(self) -> "tuple[ConnectionSettings, ...]":
        """The jump hosts on the way, the first one first, and the host itself."""
        return (*(() if self.jump is None else self.jump.hops), self)

    @property
    def shows_keys(self) -> bool:
        """Whether keys may be used to log in."""
        return KEYS in self.methods

    @property
    def says_passwords(self) -> tuple[str, ...]:
        """The ways to say a password, in this order."""
        return tuple(method for method in self.methods if method != KEYS)

    @property
    def known_names(self) -> tuple[str, ...]:
        """What it is called in known_hosts files, the name for new lines first."""
        return names_of(self.address, self.port, alias=self.host_key_alias)
