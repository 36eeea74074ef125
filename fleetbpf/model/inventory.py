"""The fleet: hosts, how each is reached, and the groups they belong to."""

from collections.abc import Mapping
from dataclasses import field, replace
from enum import Enum
from pathlib import Path, PurePosixPath

from fleetbpf.documents.composing import Place
from fleetbpf.errors import Problem
from fleetbpf.frozen import frozen
from fleetbpf.model.architecture import Architecture
from fleetbpf.model.become import BecomeWay
from fleetbpf.secret import Secret, SecretKind


@frozen
class Origin:
    """A place in a file of the inventory."""

    file: str
    place: Place

    def __str__(self) -> str:
        return f"{self.file}:{self.place}"


@frozen
class SshOption:
    """One line of ssh_config(5), or `-o` of ssh(1): a keyword and its arguments."""

    keyword: str  # in lower case
    text: str  # all that follows the keyword, as it stands
    words: tuple[str, ...]  # the same, taken apart
    place: str  # "file:line"


class ConnectionKind(Enum):
    """How commands get to a host."""

    SSH = "ssh"
    LOCAL = "local"


@frozen
class Host:
    """A host as the inventory describes it; nothing here was asked of the host itself."""

    name: str  # its name in the inventory; safe as a folder's name: no '/', no leading '-' or '.'
    address: str  # a name or an IP address; ssh_config may say where it is
    port: int | None = None  # here and below: None or "" = as ssh_config says
    user: str = ""
    identity_file: Path | None = None
    known_hosts_file: Path | None = None  # the only one that counts
    ssh_options: tuple[SshOption, ...] = ()  # the first one of a keyword counts
    ssh_config_file: Path | None = None  # in the place of the operator's and the system's
    become: bool | None = None  # None = as the play says
    become_way: BecomeWay = field(default_factory=BecomeWay)
    secrets: Mapping[SecretKind, Secret] = field(default_factory=dict, compare=False, repr=False)
    connection: ConnectionKind = ConnectionKind.SSH
    architecture: Architecture | None = None  # None = what the host says when it is asked
    root: PurePosixPath | None = None  # fleetbpf's folder there; None = as the settings say
    variables: Mapping[str, object] = field(default_factory=dict)  # groups merged in, its own last
    # What Ansible lets templates know beside: inventory_hostname, group_names, groups, …
    magic: Mapping[str, object] = field(default_factory=dict, compare=False, repr=False)
    origins: Mapping[str, Origin] = field(default_factory=dict, compare=False, repr=False)
    obstacles: tuple[Problem, ...] = ()  # settings that fleetbpf cannot do: told when it is chosen


@frozen
class Group:
    """A group of hosts; the names in each tuple are in the order of the inventory."""

    name: str
    hosts: tuple[str, ...] = ()  # its own
    children: tuple[str, ...] = ()
    members: tuple[str, ...] = ()  # its own hosts, then those of its children, theirs, and so on
    variables: Mapping[str, object] = field(default_factory=dict)  # group_vars/ merged in
    priority: int = 1  # of two groups at the same depth, the higher one's variables win


@frozen
class Inventory:
    """All hosts and all groups by name, both in the order of the sources.

    The groups include `all` and `ungrouped`.
    """

    sources: tuple[str, ...]
    extra: frozenset[str] = frozenset()  # variables that the command line says, by their names
    hosts: Mapping[str, Host]
    groups: Mapping[str, Group]

    def rooted(self, root: PurePosixPath) -> "Inventory":
        """The same, with a root for each host that has none of its own."""
        hosts = {name: replace(h, root=h.root or root) for name, h in self.hosts.items()}
        return replace(self, hosts=hosts)

    @property
    def name(self) -> str:
        """The inventory as messages name it: "hosts.yml, lab/"."""
        return ", ".join(self.sources)
