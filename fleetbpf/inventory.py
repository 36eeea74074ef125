"""Reads inventories in Ansible's YAML layout: groups, children, hosts, variables and ranges.

A variable of a host wins over its groups', a child group's over its parents', and everything over
`all`. A host that comes up twice is one host, its variables merged.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from fleetbpf import groups, host_names, source
from fleetbpf.composing import Location, Mistake, Node
from fleetbpf.errors import InputError, Problem
from fleetbpf.groups import Group
from fleetbpf.host_settings import Settings
from fleetbpf.model.inventory import Host, Inventory
from fleetbpf.source import Document
from fleetbpf.templating import Renderer
from fleetbpf.wording import MisunderstoodError, did_you_mean, kind, quoted

INI_SECTION = re.compile(r"(?:\s*[#;].*\n|\s*\n)*\[[^\]\n]*\][ \t]*(?:\n|$)")
SECTIONS = ("hosts", "children", "vars")
PRIORITY = "ansible_group_priority"


def read(path: Path) -> Inventory:
    """The inventory at `path`; InputError with all that is wrong, in the file's order."""
    return read_text(source.read_text(path), path)


def read_text(text: str, path: Path) -> Inventory:
    """The inventory in `text`; `path` is where it stands, or would stand."""
    if INI_SECTION.match(text):
        raise InputError(
            Problem(
                where=f"{path}:1:1",
                what="this inventory is in the INI format",
                hint="write it in YAML: `ansible-inventory -i FILE --list --yaml` does it for you",
            )
        )
    return from_document(source.parse(text, path))


def from_document(document: Document) -> Inventory:
    """The inventory that the document holds; InputError with all that is wrong."""
    reading = Reading(document)
    reading.read()
    groups.link(reading.groups, reading.hosts)
    circles = groups.cut_circles(reading.groups)
    hosts, mistakes = connected(reading, document.path.parent)
    document.refuse_if_any([*reading.mistakes, *circles, *mistakes])
    return Inventory(
        path=document.path,
        hosts=hosts,
        groups={name: groups.members(name, reading.groups) for name in reading.groups},
    )


def connected(reading: "Reading", folder: Path) -> tuple[dict[str, Host], list[Mistake]]:
    """Every host with its merged variables and settings, and what is wrong with those."""
    renderer = Renderer()
    inherited = memberships(reading.groups)
    hosts: dict[str, Host] = {}
    mistakes: list[Mistake] = []
    for name in reading.hosts:
        variables = merged([*inherited.get(name, ()), reading.hosts[name]])
        settings = Settings(name, variables, folder, renderer)
        hosts[name] = settings.host()
        mistakes += settings.mistakes
    return hosts, mistakes


def memberships(known: groups.Groups) -> dict[str, list[Mapping[str, Node]]]:
    """For each host the variables of all its groups, the winning ones last."""
    found: dict[str, list[Mapping[str, Node]]] = {}
    for group in groups.order(known):
        for host in groups.members(group, known) if known[group].variables else ():
            found.setdefault(host, []).append(known[group].variables)
    return found


def merged(layers: list[Mapping[str, Node]]) -> dict[str, Node]:
    """All layers in one; later ones win."""
    return {name: node for layer in layers for name, node in layer.items()}


class Reading:
    """Collects groups, hosts and mistakes while going through the document."""

    def __init__(self, document: Document) -> None:
        self.groups: dict[str, Group] = {groups.ALL: Group(name=groups.ALL)}
        self.hosts: dict[str, dict[str, Node]] = {}
        self.mistakes: list[Mistake] = []
        self._document = document

    def read(self) -> None:
        """Go through the whole document."""
        if not self._is_mapping((), "a mapping of groups"):
            return
        for name in self._document.keys_of():
            if name in SECTIONS:
                what = f"{quoted(name)} belongs inside a group"
                self._refuse_key((name,), what, "put it under `all:`")
            else:
                self._group((name,))

    def _group(self, location: Location) -> str | None:
        """The group at `location`; its name, unless that cannot be one."""
        name = str(location[-1])
        try:
            host_names.check_name(name, noun="group")
        except MisunderstoodError as error:
            self._refuse_key(location, error.what, error.hint)
            return None
        self.groups.setdefault(name, Group(name=name))
        if self._is_mapping(location, "a group: a mapping of hosts, children and vars"):
            for section in self._document.keys_of(*location):
                self._section(name, (*location, section))
        return name

    def _section(self, group: str, location: Location) -> None:
        """The hosts, the children or the variables of a group."""
        match location[-1]:
            case "hosts":
                for key in self._names(location, "a mapping of host names"):
                    self._host(group, (*location, key))
            case "children":
                for key in self._names(location, "a mapping of groups"):
                    child = self._group((*location, key))
                    if child is not None:
                        place = self._document.key_place(*location, key)
                        self.groups[group].children.setdefault(child, place)
            case "vars":
                if self._is_mapping(location, "a mapping of variables"):
                    self._variables(self.groups[group], location)
            case section:
                hint = did_you_mean(str(section), SECTIONS, noun="known keys")
                self._refuse_key(location, f"unknown key {quoted(str(section))} in a group", hint)

    def _names(self, location: Location, expected: str) -> tuple[str, ...]:
        """The keys of a section; a single name may stand there as a string."""
        node = self._document.find(*location)
        if node and isinstance(node.value, str):
            return (node.value,)
        return self._document.keys_of(*location) if self._is_mapping(location, expected) else ()

    def _host(self, group: str, location: Location) -> None:
        """The host or hosts that one key stands for."""
        try:
            found = host_names.parse(str(location[-1]))
        except MisunderstoodError as error:
            self._refuse_key(location, error.what, error.hint)
            return
        if not self._is_mapping(location, "a mapping of variables"):
            return
        variables = dict(self._nodes(location))
        if found.port is not None:
            place = self._document.key_place(*location)
            variables.setdefault("ansible_port", Node(place=place, value=found.port))
        for name in found.names:
            self.groups[group].hosts[name] = None
            self.hosts.setdefault(name, {}).update(variables)

    def _variables(self, group: Group, location: Location) -> None:
        """A group's variables, and its priority among groups at the same depth."""
        variables = dict(self._nodes(location))
        priority = variables.pop(PRIORITY, None)
        if priority is not None and isinstance(priority.value, int):
            group.priority = priority.value
        elif priority is not None:
            what = f"{quoted(PRIORITY)}: expected a number, found {kind(priority.value)}"
            self.mistakes.append(Mistake(place=priority.place, what=what))
        group.variables.update(variables)

    def _nodes(self, location: Location) -> Iterator[tuple[str, Node]]:
        node = self._document.find(*location)
        for name, child in node.children.items() if node else ():
            yield str(name), child

    def _is_mapping(self, location: Location, expected: str) -> bool:
        """Whether a mapping stands there; nothing at all is an empty one."""
        node = self._document.find(*location)
        if node is None or node.value is None or isinstance(node.value, dict):
            return True
        is_list = isinstance(node.value, list)
        hint = "write `name:` instead of `- name`" if is_list else ""
        what = f"expected {expected}, found {kind(node.value)}"
        self.mistakes.append(Mistake(place=node.place, what=what, hint=hint))
        return False

    def _refuse_key(self, location: Location, what: str, hint: str) -> None:
        place = self._document.key_place(*location)
        self.mistakes.append(Mistake(place=place, what=what, hint=hint))
