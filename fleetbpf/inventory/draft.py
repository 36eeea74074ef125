"""An inventory while its sources are read: what each of them adds to hosts and groups."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fleetbpf.documents.mistakes import Mistakes
from fleetbpf.documents.source import START
from fleetbpf.frozen import frozen
from fleetbpf.model.inventory import Origin

ALL = "all"
UNGROUPED = "ungrouped"
NOWHERE = Origin(file="", place=START)  # of links that every inventory has


@frozen
class Variable:
    """A variable's value and where it was written."""

    value: object
    origin: Origin


Variables = Mapping[str, Variable]


@dataclass(slots=True, kw_only=True)
class DraftGroup:
    """A group while its inventory is read; the same name may come up in several places."""

    name: str
    hosts: dict[str, None] = field(default_factory=dict)  # an ordered set
    children: dict[str, Origin] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)
    priority: int = 1


@dataclass(slots=True, kw_only=True)
class DraftHost:
    """A host while its inventory is read."""

    files: dict[str, None] = field(default_factory=dict)  # that named it, in order
    variables: dict[str, Variable] = field(default_factory=dict)


class Draft:
    """Groups, hosts and mistakes, as far as they are read."""

    def __init__(self) -> None:
        # Ansible's order: what is in no other group comes first.
        self.groups = {ALL: DraftGroup(name=ALL), UNGROUPED: DraftGroup(name=UNGROUPED)}
        self.groups[ALL].children[UNGROUPED] = NOWHERE
        self.hosts: dict[str, DraftHost] = {}
        self.named = 0  # hosts, each as often as a source names it
        self.is_full = False  # no more are taken
        self.mistakes = Mistakes()
