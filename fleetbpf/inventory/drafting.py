"""One file's hand on the draft of an inventory: what every format of inventory may say."""

from collections.abc import Iterable, Sequence

from fleetbpf.documents import digits
from fleetbpf.documents.composing import Location, Mistake, Node, Place
from fleetbpf.documents.source import Document
from fleetbpf.inventory import host_names
from fleetbpf.inventory.draft import Draft, DraftGroup, DraftHost, Variable, Variables
from fleetbpf.inventory.host_names import HostNames
from fleetbpf.model.inventory import Origin
from fleetbpf.wording import MisunderstoodError, kind, quoted

PRIORITY = "ansible_group_priority"
PORT = "ansible_port"
MOST_HOSTS = 200_000  # of an inventory
MOST_NAMED = 1_000_000  # the same, each as often as it is named


class Drafting:
    """Adds what one file says to the draft, and its mistakes."""

    def __init__(self, draft: Draft, file: str, *, source: str = "") -> None:
        """`source` is what `file` is from: a script, if that is not the file itself."""
        self.draft = draft
        self.file = file
        self.source = source or file
        draft.mistakes.begin(file)

    def origin(self, place: Place) -> Origin:
        """A place in this file."""
        return Origin(file=self.file, place=place)

    def refuse(self, place: Place, what: str, hint: str = "") -> None:
        """Something at `place` is wrong."""
        self.draft.mistakes.add(self.file, Mistake(place=place, what=what, hint=hint))

    def group(self, name: str, place: Place) -> DraftGroup | None:
        """The group of this name, a new one if need be; None when it cannot be a name."""
        found = self.draft.groups.get(name)
        if found is None:
            try:
                host_names.check_name(name, noun="group")
            except MisunderstoodError as error:
                self.refuse(place, error.what, error.hint)
                return None
            found = self.draft.groups[name] = DraftGroup(name=name)
        return found

    def host_names(self, text: str, place: Place) -> HostNames | None:
        """The hosts that a text with ranges and a port stands for; None when it is wrong."""
        if self.draft.is_full:
            return None
        try:
            return host_names.parse(text)
        except MisunderstoodError as error:
            self.refuse(place, error.what, error.hint)
            return None

    def add_hosts(
        self, group: DraftGroup, found: HostNames, place: Place, variables: Variables
    ) -> None:
        """Put hosts into a group, and add to their variables.

        A port beside a name counts where the host is named for the first time, as in Ansible.
        """
        self._count(found.names, place)
        if self.draft.is_full:
            return
        port = {}
        if found.port is not None:
            port[PORT] = Variable(value=found.port, origin=self.origin(place))
        for name in found.names:
            group.hosts[name] = None
            host = self.draft.hosts.get(name)
            if host is None:
                host = self.draft.hosts[name] = DraftHost(variables=dict(port))
            host.files[self.source] = None
            host.variables.update(variables)

    def _count(self, names: Sequence[str], place: Place) -> None:
        """Note that hosts are named; the first that are too many are a mistake."""
        was_full = self.draft.is_full
        self.draft.named += len(names)
        hosts = len(self.draft.hosts) + sum(name not in self.draft.hosts for name in names)
        if hosts <= MOST_HOSTS and self.draft.named <= MOST_NAMED:
            return
        self.draft.is_full = True
        if not was_full:
            most = f"{MOST_HOSTS} hosts, or names of hosts {MOST_NAMED} times"
            what = f"the inventory has more than {most}"
            self.refuse(place, what, "make several inventories of it, for several runs")

    def add_variables(self, group: DraftGroup, variables: Variables) -> None:
        """Add to a group's variables; `ansible_group_priority` is its priority instead."""
        found = dict(variables)
        priority = found.pop(PRIORITY, None)
        group.variables.update(found)
        if priority is None:
            return
        number = whole_number(priority.value)
        if number is None:
            value = priority.value
            shown = quoted(value) if isinstance(value, str) else kind(value)
            what = f"{quoted(PRIORITY)}: expected a number, found {shown}"
            self.refuse(priority.origin.place, what)
        else:
            group.priority = number

    def variables_of(self, document: Document, location: Location) -> Variables:
        """The variables in the mapping at `location`; checks that it is one."""
        if not self.is_mapping(document, location, "a mapping of variables"):
            return {}
        node = document.find(*location)
        return self.variables(node) if node else {}

    def variables(self, node: Node) -> Variables:
        """The variables in a mapping."""
        return {
            str(name): Variable(value=child.value, origin=self.origin(child.place))
            for name, child in node.children.items()
        }

    def is_mapping(self, document: Document, location: Location, expected: str) -> bool:
        """Whether a mapping stands there; nothing at all is an empty one."""
        node = document.find(*location)
        if node is None or node.value is None or isinstance(node.value, dict):
            return True
        is_list = isinstance(node.value, list)
        hint = "write `name:` instead of `- name`" if is_list else ""
        self.refuse(node.place, f"expected {expected}, found {kind(node.value)}", hint)
        return False


def whole_number(value: object) -> int | None:
    """A number, or one written as text."""
    if isinstance(value, str):
        return digits.whole(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def named(names: Iterable[str]) -> HostNames:
    """Names that are taken as they are: no ranges, no ports."""
    return HostNames(names=tuple(names), port=None)
