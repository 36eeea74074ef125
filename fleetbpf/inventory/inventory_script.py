"""Inventories that an executable script prints: JSON, for `--list` and for `--host NAME`."""

from collections.abc import Mapping
from pathlib import Path

from fleetbpf.documents import json_source
from fleetbpf.documents.composing import Location, Node, Tag
from fleetbpf.documents.source import Document
from fleetbpf.errors import InputError, Problem, UnreachableError
from fleetbpf.execution.command import Command
from fleetbpf.execution.local import LocalConnection
from fleetbpf.inventory import host_names
from fleetbpf.inventory.draft import Draft, DraftGroup
from fleetbpf.inventory.drafting import Drafting, named
from fleetbpf.wording import MisunderstoodError, kind

META = ("_meta", "hostvars")
SECTIONS = ("hosts", "vars", "children")
TIMEOUT = 300.0  # seconds; a script may ask a slow cloud


def read(script: Path, draft: Draft, tags: Mapping[str, Tag]) -> None:
    """Run the script, and add what it prints to the draft; raises InputError."""
    document = printed(script, "--list", tags=tags)
    draft.mistakes.add_document(document)
    Reading(document, draft, str(script)).read()
    if document.find(*META) is None:
        ask_each(script, draft, tags)


def ask_each(script: Path, draft: Draft, tags: Mapping[str, Tag]) -> None:
    """Ask the script for the variables of each host that it named."""
    file = str(script)
    for name, host in draft.hosts.items():
        if file in host.files:
            document = printed(script, "--host", name, tags=tags)
            draft.mistakes.add_document(document)
            drafting = Drafting(draft, str(document.path))
            host.variables.update(drafting.variables_of(document, ()))


def printed(script: Path, *arguments: str, tags: Mapping[str, Tag]) -> Document:
    """The JSON that the script prints; its places are those in what it printed."""
    words = " ".join((str(script), *arguments))
    with LocalConnection() as here:
        try:
            done = here.run(Command(script.absolute(), *arguments), timeout=TIMEOUT)
        except UnreachableError as error:
            raise InputError(*error.problems) from error
    if done.status != 0:
        what = f"the inventory script ended with status {done.status}"
        detail = done.stderr.decode(errors="replace")
        raise InputError(Problem(where=words, what=what, detail=detail))
    text = done.stdout.decode(errors="replace")
    if not text.strip() and arguments[0] == "--host":
        text = "{}"  # as Ansible has it: no output, no variables
    return json_source.parse(text, Path(words), tags)


class Reading:
    """Goes through what `--list` printed."""

    def __init__(self, document: Document, draft: Draft, script: str) -> None:
        self._document = document
        self._draft = draft
        self._script = script
        self._drafting = Drafting(draft, str(document.path), source=script)

    def read(self) -> None:
        """Go through all groups, then the variables of hosts."""
        if not self._drafting.is_mapping(self._document, (), "a mapping of groups"):
            return
        for name in self._document.keys_of():
            if name != META[0]:
                group = self._drafting.group(name, self._document.key_place(name))
                if group is not None:
                    self._members(group)
        if self._drafting.is_mapping(self._document, META, "a mapping of hosts"):
            for name in self._document.keys_of(*META):
                # Ansible ignores hosts that are in no group, too.
                host = self._draft.hosts.get(name)
                if host is not None and self._script in host.files:
                    host.variables.update(
                        self._drafting.variables_of(self._document, (*META, name))
                    )

    def _members(self, group: DraftGroup) -> None:
        """What a group holds: a mapping of sections, or a mere list of hosts."""
        node = self._document.find(group.name)
        if node is None or node.value is None or isinstance(node.value, list):
            self._hosts(group, (group.name,))
        elif self._drafting.is_mapping(self._document, (group.name,), "a group or a list of hosts"):
            if not set(SECTIONS) & set(node.children):
                self._lone_host(group, node)
                return
            self._hosts(group, (group.name, "hosts"))
            variables = self._drafting.variables_of(self._document, (group.name, "vars"))
            self._drafting.add_variables(group, variables)
            for child in self._names((group.name, "children")):
                self._child(group, child)

    def _lone_host(self, group: DraftGroup, node: Node) -> None:
        """Variables without a section: of a group whose only host has its name."""
        found = self._name(Node(place=node.place, value=group.name))
        if found is not None:
            self._drafting.add_hosts(group, named([found]), node.place, {})
            self._drafting.add_variables(group, self._drafting.variables(node))

    def _hosts(self, group: DraftGroup, location: Location) -> None:
        """A list of hosts; a script's names are neither ranges nor have they ports."""
        for node in self._names(location):
            name = self._name(node)
            if name is not None:
                self._drafting.add_hosts(group, named([name]), node.place, {})

    def _name(self, node: Node) -> str | None:
        """A host's name, if it can be one."""
        if not isinstance(node.value, str):
            what = f"expected the name of a host, found {kind(node.value)}"
            self._drafting.refuse(node.place, what)
            return None
        try:
            host_names.check_host(node.value)
        except MisunderstoodError as error:
            self._drafting.refuse(node.place, error.what, error.hint)
            return None
        return node.value

    def _child(self, group: DraftGroup, node: Node) -> None:
        child = self._drafting.group(str(node.value), node.place)
        if child is not None:
            group.children.setdefault(child.name, self._drafting.origin(node.place))

    def _names(self, location: Location) -> list[Node]:
        """The strings in a list."""
        node = self._document.find(*location)
        if node is None or node.value is None:
            return []
        if not isinstance(node.value, list):
            self._drafting.refuse(node.place, f"expected a list of names, found {kind(node.value)}")
            return []
        return list(node.children.values())
