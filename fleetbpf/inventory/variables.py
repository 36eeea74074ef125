"""Which value of a variable wins: Ansible's order of groups, hosts, folders and sources."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from fleetbpf.frozen import frozen
from fleetbpf.inventory import groups
from fleetbpf.inventory.draft import ALL, Draft, Variables
from fleetbpf.inventory.variable_folders import VariableFolder
from fleetbpf.inventory.vault import Vault

Members = Mapping[str, tuple[str, ...]]  # of each group: its hosts, those of its children included


@frozen
class Place:
    """A folder that may hold `group_vars/` and `host_vars/`."""

    groups: VariableFolder
    hosts: VariableFolder


class Precedence:
    """Merges variables; the rules are those of Ansible's `VARIABLE_PRECEDENCE`."""

    def __init__(
        self,
        draft: Draft,
        members: Members,
        folders: Sequence[Path],
        vault: Vault,
        *,
        extra: Variables,
    ) -> None:
        """`folders` are those of the sources, in their order, and that of the manifest last.

        `extra` are those of the command line, which win over all.
        """
        self._draft = draft
        self._extra = extra
        last = dict.fromkeys(reversed(folders))  # one that comes twice counts where it comes last
        self._places = [self._place(folder, vault) for folder in reversed(last)]
        self._groups = memberships(members, groups.order(draft.groups))

    def of_host(self, name: str) -> Variables:
        """All variables of a host; the winning ones are merged last."""
        return merged(self._layers(name, self.groups_of(name)))

    def groups_of(self, host: str) -> Sequence[str]:
        """The groups of a host without `all`, the outer ones first."""
        return self._groups.get(host, ())

    def of_group(self, name: str) -> Variables:
        """A group's own variables, with those in `group_vars/`."""
        own = self._draft.groups[name].variables
        return merged([own, *(place.groups.of(name) for place in self._places)])

    def _layers(self, host: str, chain: Sequence[str]) -> Iterator[Variables]:
        """What Ansible merges, in its order: in files, `all` and groups come one after the other.

        So `group_vars/all` wins over `[web:vars]`; each place wins over those before it.
        """
        for group in (ALL, *chain):
            yield self._draft.groups[group].variables
        for place in self._places:
            yield place.groups.of(ALL)
        for place in self._places:
            for group in chain:
                yield place.groups.of(group)
        yield self._draft.hosts[host].variables
        for place in self._places:
            yield place.hosts.of(host)
        yield self._extra

    def _place(self, folder: Path, vault: Vault) -> Place:
        return Place(
            groups=VariableFolder(folder / "group_vars", self._draft, vault),
            hosts=VariableFolder(folder / "host_vars", self._draft, vault),
        )


def memberships(members: Members, order: Iterable[str]) -> Mapping[str, list[str]]:
    """For each host its groups without `all`, in the given order."""
    found: dict[str, list[str]] = {}
    for group in order:
        for host in members[group] if group != ALL else ():
            found.setdefault(host, []).append(group)
    return found


def merged(layers: Iterable[Variables]) -> Variables:
    """All layers in one; later ones win."""
    return {name: variable for layer in layers for name, variable in layer.items()}
