"""What is written in files of ssh_config(5): sections with conditions, read once per run.

paramiko's own reader knows no Include, no `%%`, and not the rules by which `=`, quotes and comments
end a word; tests compare this one with `ssh -G`.
"""

import glob
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fleetbpf.connections.ssh_config.ssh_patterns import Criterion, Patterns, criteria
from fleetbpf.errors import InputError, Problem
from fleetbpf.files import homes
from fleetbpf.frozen import frozen
from fleetbpf.model.inventory import SshOption
from fleetbpf.wording import MisunderstoodError, quoted

MAX_DEPTH = 16  # of files that include each other, as in OpenSSH
ALIASES = dict.fromkeys(  # older names that ssh still takes
    ("challengeresponseauthentication", "skeyauthentication", "tisauthentication"),
    "kbdinteractiveauthentication",
) | {"dsaauthentication": "pubkeyauthentication"}
LINE = re.compile(r"\s*(?P<keyword>[^\s=\"#]+)(?:\s*=\s*|\s+|$)(?P<rest>.*)")


@frozen
class Section:
    """Lines that count for some hosts, with the files that are included among them."""

    condition: "Patterns | tuple[Criterion, ...] | None"  # Host, Match, or neither: for all
    items: "tuple[SshOption | tuple[Section, ...], ...]"


@dataclass(slots=True)
class Draft:
    """A section that is being read."""

    condition: "Patterns | tuple[Criterion, ...] | None" = None
    items: "list[SshOption | tuple[Section, ...]]" = field(default_factory=list)

    def finished(self) -> Section:
        """The section as it is now."""
        return Section(condition=self.condition, items=tuple(self.items))


@frozen
class Reader:
    """How files of one kind are read: the operator's or the system's."""

    folder: Path  # where included files lie
    home: Path | None  # for `~` in their names; the system's files know none
    guarded: bool = False  # others must not be able to write them, for they name commands

    def read(self, path: Path, *, depth: int = 0) -> tuple[Section, ...]:
        """The sections of a file; InputError with all that is wrong in it."""
        try:
            with path.open(encoding="utf-8", errors="surrogateescape") as file:
                if self.guarded:
                    refuse_if_others_write(path, os.fstat(file.fileno()))
                text = file.read()
        except OSError as error:
            what = f"cannot read it: {error.strerror}"
            raise InputError(Problem(where=str(path), what=what)) from error
        return self.parse(text, place=str(path), depth=depth)

    def parse(self, text: str, *, place: str, depth: int = 0) -> tuple[Section, ...]:
        """The sections of a file's text; InputError with all that is wrong in it."""
        drafts = [Draft()]
        problems: list[Problem] = []
        for number, line in enumerate(text.split("\n"), start=1):
            where = f"{place}:{number}"
            try:
                option = parse_line(line, place=where)
                if option is not None:
                    self._add(option, drafts, depth=depth)
            except MisunderstoodError as error:
                problems.append(Problem(where=where, what=error.what, hint=error.hint))
            except InputError as error:
                problems += error.problems
        InputError.raise_if_any(problems)
        return tuple(draft.finished() for draft in drafts)

    def _add(self, option: SshOption, drafts: list[Draft], *, depth: int) -> None:
        match option.keyword:
            case "host":
                drafts.append(Draft(condition=Patterns.of(option.words)))
            case "match":
                drafts.append(Draft(condition=criteria(option.text)))
            case "include":
                if depth == MAX_DEPTH:
                    raise MisunderstoodError(f"more than {MAX_DEPTH} files include each other")
                for path in self._included(option.words):
                    drafts[-1].items.append(self.read(path, depth=depth + 1))
            case _:
                drafts[-1].items.append(option)

    def _included(self, names: Sequence[str]) -> Iterator[Path]:
        """The files that an Include names, `~` and wildcards expanded; it may be none."""
        for name in names:
            if name.startswith("~/") and self.home is not None:
                pattern = self.home / name[2:]
            else:
                pattern = self.folder / homes.expanded(name)
            yield from map(Path, sorted(glob.glob(str(pattern))))  # noqa: PTH207 — it is absolute


def parse_line(line: str, *, place: str) -> SshOption | None:
    """The option in a line; nothing in one that is empty or a comment."""
    found = LINE.match(line.rstrip(" \t\r\n\f"))
    if found is None:
        if line.strip() and not line.lstrip().startswith("#"):
            raise MisunderstoodError(f"{quoted(line.strip())} is no keyword and argument")
        return None
    keyword, text = found["keyword"], found["rest"]
    arguments = words(text)
    if not arguments:
        raise MisunderstoodError(f"no argument after {quoted(keyword)}")
    keyword = keyword.lower()
    return SshOption(keyword=ALIASES.get(keyword, keyword), text=text, words=arguments, place=place)


def words(text: str) -> tuple[str, ...]:
    """The arguments in a line, by OpenSSH's own rules for quotes, escapes and comments."""
    found: list[str] = []
    rest = text.lstrip(" \t")
    while rest and not rest.startswith("#"):
        word, rest = first_word(rest)
        found.append(word)
        rest = rest.lstrip(" \t")
    return tuple(found)


def first_word(text: str) -> tuple[str, str]:
    """The word that begins a text, and what follows it."""
    word, quote, at = "", "", 0
    while at < len(text):
        sign, after = text[at], text[at + 1 : at + 2]
        if sign == "\\" and (after in ("'", '"', "\\") or (after == " " and not quote)):
            word += after
            at += 1
        elif not quote and sign in " \t":
            break
        elif not quote and sign in "\"'":
            quote = sign
        elif sign == quote:
            quote = ""
        else:
            word += sign
        at += 1
    if quote:
        raise MisunderstoodError(f"the quote is not closed: {quoted(text)}")
    return word, text[at:]


def refuse_if_others_write(path: Path, found: os.stat_result) -> None:
    """Raise InputError for a file that others may write: it could name any command to run.

    As OpenSSH in Debian, the group may when it is the operator's own.
    """
    writable = stat.S_IWOTH | (0 if found.st_gid == os.getgid() else stat.S_IWGRP)
    if found.st_uid not in (0, os.geteuid()) or found.st_mode & writable:
        what = "others than you may change this file, so ssh would refuse it, too"
        hint = f"make it yours alone: chown {os.geteuid()} {path}; chmod 600 {path}"
        raise InputError(Problem(where=str(path), what=what, hint=hint))
