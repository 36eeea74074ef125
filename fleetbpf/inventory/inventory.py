"""Reads inventories as Ansible does: from sources to groups and hosts with merged variables.

Several sources make one inventory; what a later one says of a host or a group is added to what
the earlier ones said. All that is wrong in any of them is told at once, and nothing is contacted.
"""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from types import MappingProxyType

from fleetbpf.connections.secret_commands import SecretCommands
from fleetbpf.documents.composing import Mistake
from fleetbpf.documents.source import START
from fleetbpf.documents.templating import Renderer
from fleetbpf.errors import InputError, Problem
from fleetbpf.inventory import (
    groups,
    inventory_ini,
    inventory_script,
    inventory_text,
    inventory_yaml,
)
from fleetbpf.inventory import inventory_sources as sources
from fleetbpf.inventory.draft import UNGROUPED, Draft, Variables
from fleetbpf.inventory.drafting import Drafting
from fleetbpf.inventory.host_secrets import conceal
from fleetbpf.inventory.host_settings import Settings
from fleetbpf.inventory.inventory_sources import Format, Location
from fleetbpf.inventory.variables import Members, Precedence
from fleetbpf.inventory.vault import Vault
from fleetbpf.model.inventory import Group, Host, Inventory
from fleetbpf.wording import MisunderstoodError

NONE: Variables = MappingProxyType({})


def read(*names: str | PurePath, beside: Path | None = None, extra: Variables = NONE) -> Inventory:
    """The inventory in files, folders and `host,` lists, the later ones winning.

    `beside` is the folder of a manifest, whose group_vars/ and host_vars/ count as well; `extra`
    are the variables of the command line. InputError with all that is wrong, file by file.
    """
    draft, vault = Draft(), Vault()
    folders = []
    for name in map(str, names):
        try:
            location = sources.located(name)
        except InputError as error:
            draft.mistakes.add_error(name, error)
            continue
        read_source(location, draft, vault)
        folders += [location.folder] if location.folder else []
    return settled(draft, tuple(map(str, names)), folders, beside=beside, vault=vault, extra=extra)


def read_text(text: str, path: Path) -> Inventory:
    """The inventory in `text`; `path` is where it stands, or would stand."""
    draft, vault = Draft(), Vault()
    try:
        add_text(text, path, draft, vault)
    except InputError as error:
        draft.mistakes.add_error(str(path), error)
    return settled(draft, (str(path),), [path.parent], beside=None, vault=vault)


def read_source(location: Location, draft: Draft, vault: Vault) -> None:
    """Add all files of a source to the draft, or the hosts that it lists itself."""
    if not location.files:
        read_list(location.name, draft)
    for path in location.files:
        draft.mistakes.begin(str(path))
        try:
            add_file(path, draft, vault, alone=path == Path(location.name))
        except InputError as error:
            draft.mistakes.add_error(str(path), error)


def read_list(text: str, draft: Draft) -> None:
    """Hosts between commas: `web1,web[2:4]:2222,`."""
    drafting = Drafting(draft, text)
    for name in filter(None, map(str.strip, text.split(","))):
        found = drafting.host_names(name, START)
        if found is not None:
            drafting.add_hosts(draft.groups[UNGROUPED], found, START, {})


def add_file(path: Path, draft: Draft, vault: Vault, *, alone: bool) -> None:
    """Add one file; only one that is `alone` may not be empty. Raises InputError."""
    if sources.is_script(path):
        inventory_script.read(path, draft, vault.tags(str(path)))
        return
    text = inventory_text.read(path, vault)
    sources.check_readable(path, text)
    if inventory_text.holds_anything(text):
        add_text(text, path, draft, vault)
    elif alone:
        raise InputError(Problem(where=f"{path}:1:1", what="the file is empty"))


def add_text(text: str, path: Path, draft: Draft, vault: Vault) -> None:
    """Add an inventory that is text. Raises InputError."""
    match sources.text_format(path, text):
        case Format.YAML:
            inventory_yaml.read(inventory_text.parsed(text, path, vault), draft)
        case Format.INI:
            inventory_ini.read(text, str(path), draft)


def settled(
    draft: Draft,
    names: tuple[str, ...],
    folders: Sequence[Path],
    *,
    beside: Path | None,
    vault: Vault,
    extra: Variables = NONE,
) -> Inventory:
    """The inventory that a draft becomes; InputError with all that is wrong."""
    if draft.is_full:  # and not whole: nothing more can be said of its hosts
        raise InputError(*draft.mistakes.problems())
    groups.link(draft.groups, draft.hosts)
    for origin, what in groups.cut_circles(draft.groups):
        draft.mistakes.add(origin.file, Mistake(place=origin.place, what=what))
    try:
        members = groups.all_members(draft.groups)
    except MisunderstoodError as error:
        where = ", ".join(names)
        raise InputError(Problem(where=where, what=error.what, hint=error.hint)) from error
    everywhere = [*folders, beside] if beside is not None else folders
    precedence = Precedence(draft, members, everywhere, vault, extra=extra)
    hosts = connected(draft, members, precedence, beside)
    found = {name: group(name, draft, members, precedence) for name in draft.groups}
    InputError.raise_if_any(draft.mistakes.problems())
    return Inventory(sources=names, hosts=hosts, groups=found, extra=frozenset(extra))


def group(name: str, draft: Draft, members: Members, precedence: Precedence) -> Group:
    """A group as it came out."""
    drafted = draft.groups[name]
    variables = precedence.of_group(name)
    return Group(
        name=name,
        hosts=tuple(drafted.hosts),
        children=tuple(drafted.children),
        members=members[name],
        variables={each: conceal(each, variable.value) for each, variable in variables.items()},
        priority=drafted.priority,
    )


def connected(
    draft: Draft, members: Members, precedence: Precedence, beside: Path | None
) -> dict[str, Host]:
    """Every host with its merged variables and settings; what is wrong goes to the draft."""
    renderer, commands = Renderer(), SecretCommands()
    common: dict[str, object] = {
        "groups": {name: list(found) for name, found in members.items()},
        **({"playbook_dir": str(beside.absolute())} if beside is not None else {}),
    }
    hosts = {}
    absolute = functools.cache(lambda file: Path(file).absolute())
    for name, drafted in draft.hosts.items():
        # The file that named the host first; a list of hosts stands for one in this folder.
        file = absolute(next(iter(drafted.files)))
        settings = Settings(
            name,
            precedence.of_host(name),
            magic={**common, **magic(name, file, precedence.groups_of(name))},
            folder=file.parent,
            renderer=renderer,
            commands=commands,
            mistakes=draft.mistakes,
        )
        hosts[name] = settings.host()
    return hosts


def magic(name: str, file: Path, groups_of_host: Sequence[str]) -> Mapping[str, object]:
    """What Ansible lets a template know of its host beside its variables."""
    return {
        "inventory_hostname": name,
        "inventory_hostname_short": name.partition(".")[0],
        "inventory_file": str(file),
        "inventory_dir": str(file.parent),
        "group_names": sorted(groups_of_host),
    }
