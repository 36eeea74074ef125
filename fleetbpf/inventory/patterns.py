"""Host patterns as in Ansible: `web:&prod:!web3`, `web*`, `~web[0-9]+`, `web[0:2]`, `@file`.

Names are joined by commas, or by colons where there is no comma. What is chosen comes first, then
`&` narrows it and `!` takes away from it, wherever they stand. Unlike in Ansible a plain name that
nothing has is an error, after `!` too: it is a typing mistake.
"""

import fnmatch
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from fleetbpf.documents import expressions, source
from fleetbpf.errors import InputError, Problem
from fleetbpf.frozen import frozen
from fleetbpf.inventory import other_inventories
from fleetbpf.inventory.host_names import is_ipv6
from fleetbpf.model.inventory import Host, Inventory
from fleetbpf.wording import MisunderstoodError, counted, did_you_mean, quoted

# Anything but a colon, or a whole bracketed expression (`web[0:2]`).
BETWEEN_COLONS = re.compile(r"(?:[^:\[]|\[[^\]]*\]|\[)+")
SUBSCRIPT = re.compile(r"(.+)\[(?:(-?[0-9]{1,9})|([0-9]{1,9})[:-]([0-9]{0,9}))\]")
GLOB = re.compile(r"[*?\[]")
LONGEST = 10_000  # characters of a pattern; a file of patterns may hold more


@frozen
class Term:
    """One name, glob or regular expression of a pattern, and what it does."""

    action: str  # "" adds, "&" narrows, "!" takes away
    text: str  # without the action


def select(pattern: str, inventory: Inventory, *, where: str = "") -> tuple[Host, ...]:
    """The hosts that the pattern names, in Ansible's order; possibly none.

    `where` is the pattern's place, for errors. Raises InputError: an unknown name, a subscript
    outside its group, a regular expression that is none.
    """
    problems: list[Problem] = []
    chosen: dict[str, None] = {}
    for term in ordered(terms(pattern, where)):
        try:
            names = matches(term.text, inventory)
        except MisunderstoodError as error:
            problems.append(Problem(where=where, what=error.what, hint=error.hint))
            continue
        chosen = combined(chosen, term.action, names)
    InputError.raise_if_any(problems)
    return tuple(inventory.hosts[name] for name in chosen)


def chosen(pattern: str, inventory: Inventory, *, where: str = "") -> tuple[Host, ...]:
    """The hosts that the pattern names, at least one; InputError where it is none, and as above."""
    found = select(pattern, inventory, where=where)
    if not found:
        what = f"the host pattern {quoted(pattern)} matches no host"
        raise InputError(Problem(where=where, what=what, hint=f"inventory: {inventory.name}"))
    return found


def combined(chosen: dict[str, None], action: str, names: tuple[str, ...]) -> dict[str, None]:
    """The chosen hosts after one more term."""
    match action:
        case "&":
            return {name: None for name in chosen if name in set(names)}
        case "!":
            return {name: None for name in chosen if name not in set(names)}
        case _:
            return chosen | dict.fromkeys(names)


def terms(pattern: str, where: str) -> list[Term]:
    """The terms of a pattern, in the order written; InputError when there is none."""
    if len(pattern) > LONGEST:
        what = f"the host pattern {quoted(pattern)} is longer than {LONGEST} characters"
        raise InputError(Problem(where=where, what=what, hint="put the names into a file: @FILE"))
    found = [term(text) for text in pieces(pattern, where)]
    if not found or not all(each.text for each in found):
        what = f"the host pattern {quoted(pattern)} is not complete"
        raise InputError(Problem(where=where, what=what, hint="write `all` for every host"))
    return found


def term(text: str) -> Term:
    """One piece of a pattern."""
    if text.startswith(("&", "!")):
        return Term(action=text[0], text=text[1:].strip())
    return Term(action="", text=text)


def pieces(pattern: str, where: str) -> Iterator[str]:
    """The pattern cut at its commas or colons, each `@file` replaced by the file's lines."""
    for piece in cut(pattern):
        if piece.startswith("@"):
            yield from lines(Path(piece[1:]), where)
        else:
            yield piece


def cut(pattern: str) -> list[str]:
    """The pattern at its commas, else at its colons; IPv6 addresses and brackets stay whole."""
    parts = [part.strip() for part in pattern.split(",")]
    if len(parts) == 1 and not is_ipv6(pattern.strip().lstrip("&!")):
        parts = [part.strip() for part in BETWEEN_COLONS.findall(pattern)]
    return [part for part in parts if part]


def lines(path: Path, where: str) -> Iterator[str]:
    """The patterns in a file, one a line; empty lines and `#` lines do not count."""
    try:
        text = source.read_text(path)
    except InputError as error:
        raise InputError(
            *(Problem(where=where, what=f"{each.where}: {each.what}") for each in error.problems)
        ) from error
    for line in text.splitlines():
        if line.strip() and not line.strip().startswith("#"):
            yield line.strip()


def ordered(found: Iterable[Term]) -> list[Term]:
    """What adds first, then what narrows, then what takes away."""
    by_action = sorted(found, key=lambda each: ("", "&", "!").index(each.action))
    if by_action and by_action[0].action:
        return [Term(action="", text="all"), *by_action]
    return by_action


def matches(text: str, inventory: Inventory) -> tuple[str, ...]:
    """The names of the hosts that one term means; raises MisunderstoodError."""
    if text in inventory.hosts:
        return (text,)
    subscript = None if text.startswith("~") else SUBSCRIPT.fullmatch(text)
    if subscript is None:
        return named(text, inventory)
    hosts = named(subscript[1], inventory)
    if subscript[2] is None:
        last = int(subscript[4]) if subscript[4] else len(hosts) - 1
        return hosts[int(subscript[3]) : last + 1]
    index = int(subscript[2])
    if not -len(hosts) <= index < len(hosts):
        count = counted(len(hosts), "host")
        raise MisunderstoodError(
            f"{quoted(text)} does not exist: {quoted(subscript[1])} is {count}",
            "the first one is [0]",
        )
    return (hosts[index],)


def named(text: str, inventory: Inventory) -> tuple[str, ...]:
    """The hosts of a group, of a host's name, of a glob or of a `~` regular expression."""
    matched = matching(text, (*inventory.groups, *inventory.hosts))
    groups = [name for name in inventory.groups if name in matched]
    hosts = [host for group in groups for host in inventory.groups[group].members]
    is_open = text.startswith("~") or bool(GLOB.search(text))
    if not groups or is_open or "." in text:
        hosts += [name for name in inventory.hosts if name in matched]
    if not groups and not hosts and not is_open:
        known = (*inventory.groups, *inventory.hosts)
        elsewhere = other_inventories.hint(text, inventory.sources)
        hint = elsewhere or did_you_mean(text, known, noun=f"{inventory.name} has")
        raise MisunderstoodError(f"no group or host is called {quoted(text)}", hint)
    return tuple(dict.fromkeys(hosts))


def matching(text: str, names: Sequence[str]) -> frozenset[str]:
    """Those of `names` that a name, a glob or a `~` expression means; raises MisunderstoodError."""
    if text.startswith("~"):
        return expressions.matching(text[1:], names)
    glob = re.compile(fnmatch.translate(text))
    return frozenset(name for name in names if glob.match(name))
