"""An inventory as `ansible-inventory` prints it: the list as JSON or YAML, the graph as text."""

from collections.abc import Iterable, Iterator, Mapping

from fleetbpf.documents.templating import Unsafe
from fleetbpf.inventory.drafting import PRIORITY
from fleetbpf.inventory.vault import Encrypted
from fleetbpf.model.inventory import Group, Inventory
from fleetbpf.secret import MASK, Secret

ALL = "all"
BRANCH = "  |"


def document(inventory: Inventory, names: Iterable[str]) -> dict[str, object]:
    """The document of `ansible-inventory --list`, of the hosts in `names` only."""
    chosen = frozenset(names)
    found: dict[str, object] = {
        group.name: sections
        for group in reachable(inventory)
        if (sections := described(group, chosen))
    }
    variables = {
        name: printable(inventory.hosts[name].variables)
        for name in inventory.groups[ALL].members
        if name in chosen and inventory.hosts[name].variables
    }
    return {**found, "_meta": {"hostvars": variables}}


def described(group: Group, chosen: frozenset[str]) -> dict[str, object]:
    """A group's own hosts and its children, without what is empty; Ansible leaves out `all`'s."""
    hosts = [name for name in group.hosts if name in chosen and group.name != ALL]
    sections = {"hosts": hosts, "children": list(group.children)}
    return {name: section for name, section in sections.items() if section}


def summary(group: Group, *, variables: bool) -> dict[str, object]:
    """A group as one JSON object."""
    found: dict[str, object] = {
        "name": group.name,
        "hosts": [] if group.name == ALL else list(group.hosts),
        "children": list(group.children),
    }
    return {**found, "vars": printable(of_group(group))} if variables else found


def reachable(inventory: Inventory, root: str = ALL) -> Iterator[Group]:
    """A group and every group below it once, each before its children."""
    pending = [root]
    seen: set[str] = set()
    while pending:
        name = pending.pop(0)
        if name not in seen:
            seen.add(name)
            yield inventory.groups[name]
            pending[:0] = inventory.groups[name].children


def graph(inventory: Inventory, root: str, *, variables: bool) -> Iterator[str]:
    """The lines of `ansible-inventory --graph`, below one group; with `--vars` its variables."""
    pending: list[tuple[int, str, str]] = [(0, "group", root)]
    while pending:
        depth, kind, name = pending.pop(0)
        match kind:
            case "group":
                group = inventory.groups[name]
                yield branch(depth, f"@{name}:")
                below = [(depth + 1, "group", child) for child in group.children]
                if name != ALL:
                    below += [(depth + 1, "host", host) for host in group.hosts]
                if variables:
                    below += [(depth + 1, "line", line) for line in assignments(of_group(group))]
                pending[:0] = below
            case "host":
                yield branch(depth, name)
                if variables:
                    for line in assignments(inventory.hosts[name].variables):
                        yield branch(depth + 1, line)
            case _:
                yield branch(depth, name)


def branch(depth: int, text: str) -> str:
    """One line of the graph."""
    return f"{BRANCH * depth}--{text}" if depth else text


def of_group(group: Group) -> Mapping[str, object]:
    """A group's variables, its priority among them where it has one."""
    return {**group.variables, PRIORITY: group.priority} if group.priority != 1 else group.variables


def assignments(variables: Mapping[str, object]) -> Iterator[str]:
    """Each variable as the graph shows it."""
    for name, value in sorted(variables.items()):
        yield f"{{{name} = {value}}}"


def printable(value: object) -> object:
    """A value as Ansible's JSON has it; what is encrypted stays so."""
    match value:
        case Encrypted():
            return {"__ansible_vault": value.hidden}
        case Secret():
            return MASK
        case Unsafe():
            return {"__ansible_unsafe": str(value)}
        case list() | tuple():
            return [printable(item) for item in value]
        case dict():
            return {str(name): printable(item) for name, item in value.items()}
        case _:
            return value
