"""The graph of an inventory's groups: members, ancestors, depth, and the refusal of cycles."""

from collections.abc import Iterable, Iterator, Mapping

from fleetbpf.inventory.draft import ALL, NOWHERE, UNGROUPED, DraftGroup
from fleetbpf.model.inventory import Origin
from fleetbpf.wording import MisunderstoodError, quoted

MOST_MEMBERS = 5_000_000  # of all groups together, those inside them counted as well

Groups = Mapping[str, DraftGroup]


def cut_circles(groups: Groups) -> list[tuple[Origin, str]]:
    """Take away every link that puts a group inside itself; for each, where it is and what."""
    done: set[str] = set()
    return [mistake for name in groups for mistake in _cut_below(name, groups, done)]


def _cut_below(name: str, groups: Groups, done: set[str]) -> Iterator[tuple[Origin, str]]:
    """Go down from one group, without recursion: a chain may be longer than Python's stack."""
    path = [] if name in done else [name]
    pending = [list(groups[name].children)]
    while path:
        if not pending[-1]:
            done.add(path.pop())
            pending.pop()
            continue
        child = pending[-1].pop(0)
        if child in path:
            origin = groups[path[-1]].children.pop(child)
            chain = " → ".join((*path[path.index(child) :], child))
            yield origin, f"the group {quoted(child)} is inside itself: {chain}"
        elif child not in done:
            path.append(child)
            pending.append(list(groups[child].children))


def link(groups: Groups, hosts: Iterable[str]) -> None:
    """Put every group under `all`, and every host without a group into `ungrouped`."""
    with_parent = {child for group in groups.values() for child in group.children}
    for name in groups:
        if name != ALL and name not in with_parent:
            groups[ALL].children[name] = NOWHERE
    grouped = {
        host
        for name, group in groups.items()
        if name not in (ALL, UNGROUPED)
        for host in group.hosts
    }
    loose = (host for host in (*groups[UNGROUPED].hosts, *hosts) if host not in grouped)
    groups[UNGROUPED].hosts = dict.fromkeys(loose)


def all_members(groups: Groups) -> dict[str, tuple[str, ...]]:
    """The hosts of every group; MisunderstoodError when groups hold each other too many times."""
    found: dict[str, tuple[str, ...]] = {}
    total = 0
    for name in groups:
        inside = below(name, groups)
        total += len(inside) + sum(len(groups[each].hosts) for each in inside)
        if total > MOST_MEMBERS:
            what = f"the groups have more than {MOST_MEMBERS} members in all"
            raise MisunderstoodError(what, "put fewer groups inside each other")
        found[name] = members(inside, groups)
    return found


def members(inside: Iterable[str], groups: Groups) -> tuple[str, ...]:
    """The hosts of a group, then those of its children, theirs, and so on, as Ansible orders."""
    return tuple(dict.fromkeys(host for each in inside for host in groups[each].hosts))


def below(name: str, groups: Groups) -> tuple[str, ...]:
    """The group and all groups inside it, the outer ones first."""
    found = {name: None}
    level = [name]
    while level:
        level = [child for each in level for child in groups[each].children if child not in found]
        found.update(dict.fromkeys(level))
    return tuple(found)


def depths(groups: Groups) -> dict[str, int]:
    """How deep each group lies below `all`: the longest way down to it."""
    depth = dict.fromkeys(groups, 0)
    pending = [ALL]
    while pending:
        parent = pending.pop()
        for child in groups[parent].children:
            if depth[child] <= depth[parent]:
                depth[child] = depth[parent] + 1
                pending.append(child)
    return depth


def order(groups: Groups) -> tuple[str, ...]:
    """All groups in the order in which their variables are merged; later ones win."""
    depth = depths(groups)
    return tuple(sorted(groups, key=lambda name: (depth[name], groups[name].priority, name)))
