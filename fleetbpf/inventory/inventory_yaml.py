"""Inventories in Ansible's YAML layout, and in JSON of the same layout."""

from fleetbpf.documents.composing import Location
from fleetbpf.documents.source import Document
from fleetbpf.inventory.draft import Draft, DraftGroup
from fleetbpf.inventory.drafting import Drafting
from fleetbpf.wording import did_you_mean, quoted

SECTIONS = ("hosts", "children", "vars")
PLUGIN = "plugin"
PLUGIN_HINT = (
    "let Ansible run it, from an executable script: "
    "#!/bin/sh ⏎ exec ansible-inventory -i {file} --list"
)


def read(document: Document, draft: Draft) -> None:
    """Add what the document says to the draft."""
    draft.mistakes.add_document(document)
    Reading(document, draft).read()


class Reading:
    """Goes through one document."""

    def __init__(self, document: Document, draft: Draft) -> None:
        self._document = document
        self._drafting = Drafting(draft, str(document.path))

    def read(self) -> None:
        """Go through the whole document."""
        if not self._drafting.is_mapping(self._document, (), "a mapping of groups"):
            return
        plugin = self._document.find(PLUGIN)
        if plugin is not None and isinstance(plugin.value, str):
            what = f"the inventory plugin {quoted(plugin.value)}: fleetbpf runs no plugins"
            hint = PLUGIN_HINT.format(file=self._document.path.name)
            self._drafting.refuse(self._document.key_place(PLUGIN), what, hint)
            return
        for name in self._document.keys_of():
            if name in SECTIONS:
                what = f"{quoted(name)} belongs inside a group"
                self._refuse_key((name,), what, "put it under `all:`")
            else:
                self._group((name,))

    def _group(self, location: Location) -> DraftGroup | None:
        """The group at `location`, unless it has a name that cannot be one."""
        place = self._document.key_place(*location)
        group = self._drafting.group(str(location[-1]), place)
        expected = "a group: a mapping of hosts, children and vars"
        if group is not None and self._drafting.is_mapping(self._document, location, expected):
            for section in self._document.keys_of(*location):
                self._section(group, (*location, section))
        return group

    def _section(self, group: DraftGroup, location: Location) -> None:
        """The hosts, the children or the variables of a group."""
        match location[-1]:
            case "hosts":
                for key in self._names(location, "a mapping of host names"):
                    self._hosts(group, (*location, key))
            case "children":
                for key in self._names(location, "a mapping of groups"):
                    child = self._group((*location, key))
                    if child is not None:
                        origin = self._drafting.origin(self._document.key_place(*location, key))
                        group.children.setdefault(child.name, origin)
            case "vars":
                variables = self._drafting.variables_of(self._document, location)
                self._drafting.add_variables(group, variables)
            case section:
                hint = did_you_mean(str(section), SECTIONS, noun="known keys")
                self._refuse_key(location, f"unknown key {quoted(str(section))} in a group", hint)

    def _names(self, location: Location, expected: str) -> tuple[str, ...]:
        """The keys of a section; a single name may stand there as a string."""
        node = self._document.find(*location)
        if node and isinstance(node.value, str):
            return (node.value,)
        is_mapping = self._drafting.is_mapping(self._document, location, expected)
        return self._document.keys_of(*location) if is_mapping else ()

    def _hosts(self, group: DraftGroup, location: Location) -> None:
        """The host or hosts that one key stands for."""
        place = self._document.key_place(*location)
        found = self._drafting.host_names(str(location[-1]), place)
        if found is not None:
            variables = self._drafting.variables_of(self._document, location)
            self._drafting.add_hosts(group, found, place, variables)

    def _refuse_key(self, location: Location, what: str, hint: str) -> None:
        self._drafting.refuse(self._document.key_place(*location), what, hint)
