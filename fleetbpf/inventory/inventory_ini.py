"""Inventories in Ansible's INI format: `[web]`, `[web:vars]`, `[prod:children]`."""

import ast
import re
import shlex
import warnings
from collections.abc import Iterator
from types import EllipsisType

from fleetbpf.documents import digits
from fleetbpf.documents.composing import Place
from fleetbpf.documents.templating import Unsafe
from fleetbpf.frozen import frozen
from fleetbpf.inventory.draft import UNGROUPED, Draft, DraftGroup, Variable
from fleetbpf.inventory.drafting import Drafting
from fleetbpf.wording import did_you_mean, quoted

SECTION = re.compile(r"\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?")
CHILD = re.compile(r"([^:\]\s]+)\s*(?:#.*)?")
KINDS = ("hosts", "children", "vars")
COMMENTS = ("#", ";")
QUOTING = re.compile(r"[\"'\\#]")  # what makes more of a line than words between spaces


@frozen
class Undeclared:
    """A group that was named before, or without, a section of its own."""

    place: Place
    what: str


def read(text: str, file: str, draft: Draft) -> None:
    """Add what the text says to the draft."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # of values that are like bad Python
        Reading(Drafting(draft, file)).read(text)


class Reading:
    """Goes through the lines; hosts before the first section are in no group."""

    def __init__(self, drafting: Drafting) -> None:
        self._drafting = drafting
        self._group: DraftGroup | None = drafting.draft.groups[UNGROUPED]
        self._kind = "hosts"
        self._undeclared: dict[str, Undeclared] = {}
        self._parents: dict[str, dict[str, Place]] = {}  # of children that have no section yet

    def read(self, text: str) -> None:
        """Go through all lines."""
        for number, line in enumerate(text.splitlines(), start=1):
            stripped = line.strip()
            if stripped and not stripped.startswith(COMMENTS):
                column = len(line) - len(line.lstrip()) + 1
                self._line(stripped, Place(line=number, column=column))
        for missing in self._undeclared.values():
            self._drafting.refuse(missing.place, missing.what, "is the name right?")

    def _line(self, line: str, place: Place) -> None:
        section = SECTION.fullmatch(line)
        if section:
            self._section(section[1], section[2] or "hosts", place)
        elif line.startswith("[") and line.endswith("]"):
            what = f"{quoted(line)} is not a section"
            hint = "write [GROUP], [GROUP:vars] or [GROUP:children], without spaces"
            self._drafting.refuse(place, what, hint)
        elif self._group is not None:
            match self._kind:
                case "vars":
                    self._variable(self._group, line, place)
                case "children":
                    self._child(self._group, line, place)
                case _:
                    self._hosts(self._group, line, place)

    def _section(self, name: str, kind: str, place: Place) -> None:
        """A section begins; `[web:vars]` alone does not make a group."""
        if kind not in KINDS:
            what = f"a section of the kind {quoted(kind)}"
            self._drafting.refuse(place, what, did_you_mean(kind, KINDS, noun="kinds"))
            self._group = None
            return
        is_new = name not in self._drafting.draft.groups
        self._kind = kind
        self._group = self._drafting.group(name, place)
        if kind == "vars":
            if is_new and self._group is not None:
                what = f"variables of the group {quoted(name)}, which no section declares"
                self._undeclared.setdefault(name, Undeclared(place=place, what=what))
            return
        self._undeclared.pop(name, None)
        for parent, link in self._parents.pop(name, {}).items():
            self._link(parent, name, link)

    def _child(self, group: DraftGroup, line: str, place: Place) -> None:
        """A group inside a group; its own section may come later."""
        match = CHILD.fullmatch(line)
        if match is None:
            self._drafting.refuse(place, f"expected the name of a group, found {quoted(line)}")
        elif match[1] in self._drafting.draft.groups:
            self._link(group.name, match[1], place)
        else:
            what = f"no section declares the group {quoted(match[1])}"
            self._undeclared.setdefault(match[1], Undeclared(place=place, what=what))
            self._parents.setdefault(match[1], {}).setdefault(group.name, place)

    def _link(self, parent: str, child: str, place: Place) -> None:
        origin = self._drafting.origin(place)
        self._drafting.draft.groups[parent].children.setdefault(child, origin)

    def _variable(self, group: DraftGroup, line: str, place: Place) -> None:
        """One line of `[group:vars]`: everything behind the first `=`, quotes and all."""
        name, equals, text = line.partition("=")
        if not equals:
            what = f"expected NAME=VALUE, found {quoted(line)}"
            self._drafting.refuse(place, what)
            return
        variable = Variable(value=literal(text.strip()), origin=self._drafting.origin(place))
        self._drafting.add_variables(group, {name.strip(): variable})

    def _hosts(self, group: DraftGroup, line: str, place: Place) -> None:
        """A line with a host or a range, and its variables."""
        try:
            first, *rest = words(line)
        except ValueError as error:
            what = f"{quoted(line)}: {str(error)[:1].lower()}{str(error)[1:]}"
            hint = 'text with a quote in it needs other quotes around it: "it\'s"'
            self._drafting.refuse(place, what, hint)
            return
        if first.endswith(":") or first == "---":
            what = f"{quoted(first)} looks like YAML, but the rest of the file does not"
            self._drafting.refuse(place, what, "a YAML inventory begins with a line like `all:`")
            return
        found = self._drafting.host_names(first, place)
        variables = dict(self._variables(rest, line, place))
        if found is not None:
            self._drafting.add_hosts(group, found, place, variables)

    def _variables(
        self, assignments: list[str], line: str, place: Place
    ) -> Iterator[tuple[str, Variable]]:
        """The NAME=VALUE words of a host's line, with the column of each as far as it shows."""
        for word in assignments:
            name, equals, text = word.partition("=")
            column = place.column + max(line.find(f" {name}{equals}") + 1, 0)
            origin = self._drafting.origin(Place(line=place.line, column=column))
            if equals and name:
                yield name, Variable(value=literal(text), origin=origin)
            else:
                what = f"expected NAME=VALUE, found {quoted(word)}"
                hint = "no spaces around the =; quotes around a value with spaces"
                self._drafting.refuse(origin.place, what, hint)
                return


def words(line: str) -> list[str]:
    """The words of a line as a shell reads them, without a comment; ValueError when quotes miss."""
    return shlex.split(line, comments=True) if QUOTING.search(line) else line.split()


def literal(text: str) -> object:
    """The value that Ansible gives to a text: what Python's literals look like, else text."""
    try:
        return plain(ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text


def plain(value: object) -> object:
    """A literal as the values that YAML has: lists for tuples and sets, text for the rest."""
    match value:
        case list() | tuple() | set():
            return [plain(item) for item in value]
        case dict():
            return {plain_key(key): plain(item) for key, item in value.items()}
        case bytes():
            return Unsafe(value.decode("utf-8", "replace"))
        case complex():
            return str(value)
        case int() if not digits.is_short(value):
            raise ValueError("too long to be written out")
        case EllipsisType():
            return "..."
        case _:
            return value


def plain_key(key: object) -> str:
    """A key of a mapping, always text as in our YAML."""
    return key if isinstance(key, str) else str(key)
