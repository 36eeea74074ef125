"""Options of ssh_config(5) as values: numbers, times, files; what is wrong is told at its place."""

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from fleetbpf.connections import ssh_names
from fleetbpf.connections.keys.known_hosts import DEFAULT_PORT
from fleetbpf.connections.settings import Operator
from fleetbpf.connections.ssh_config import tokens
from fleetbpf.connections.ssh_config.ssh_lookup import Found
from fleetbpf.defaults import LONGEST_WAIT
from fleetbpf.errors import InputError, Problem
from fleetbpf.model.inventory import SshOption
from fleetbpf.wording import MisunderstoodError, quoted

T = TypeVar("T")
FLAGS = {"yes": True, "true": True, "no": False, "false": False}
NUMBER = re.compile(r"[0-9]{1,10}")
TIME = re.compile(r"(?:[0-9]{1,10}[smhdw])*(?:[0-9]{1,10}[smhdw]?)", re.IGNORECASE)
PART = re.compile(r"([0-9]+)([smhdw]?)", re.IGNORECASE)
SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class Values:
    """The options of one host, typed."""

    def __init__(self, found: Found, operator: Operator) -> None:
        self._found = found
        self._operator = operator
        self.tokens = tokens_of(found, operator)

    @property
    def address(self) -> str:
        """What is connected to; OpenSSH looks names up in lower case."""
        return self._found.hostname.lower()

    @property
    def user(self) -> str:
        """Who logs in."""
        return self.tokens["r"]

    def first(self, keyword: str) -> SshOption | None:
        """The option's first line."""
        lines = self._found.options.get(keyword)
        return lines[0] if lines else None

    def word(self, keyword: str, default: str = "") -> str:
        """The option's first argument; `none` is as good as no option."""
        found = self._found.word(keyword, default)
        return default if found.lower() == "none" else found

    def number(self, keyword: str, default: int) -> int:
        """A whole number."""
        return self._read(keyword, number, default)

    def port(self) -> int:
        """A TCP port."""
        return self._read("port", port, DEFAULT_PORT)

    def flag(self, keyword: str, *, default: bool = False, more: tuple[str, ...] = ()) -> bool:
        """Yes or no; `more` are words that mean yes as well."""
        if self.word(keyword).lower() in more:
            return True
        return self._read(keyword, flag, default)

    def seconds(self, keyword: str) -> float | None:
        """A time; none when it is not set or 0."""
        return self._read(keyword, lambda text: seconds(text) or None, None)

    def text(self, keyword: str) -> str:
        """All of the option's line, its tokens expanded."""
        option = self.first(keyword)
        if option is None or option.text.strip().lower() == "none":
            return ""
        with at(option):
            return tokens.expand(option.text.lstrip(" \t="), self.tokens)

    def file(self, keyword: str) -> Path | None:
        """The file that the option's first argument names."""
        return next(iter(self.files(keyword)), None)

    def files(self, keyword: str) -> tuple[Path, ...]:
        """The files of the option: those of all its lines, and all on each."""
        return tuple(
            self._path(option, word)
            for option in self._found.options.get(keyword, ())
            for word in option.words
            if word.lower() != "none"
        )

    def _path(self, option: SshOption, word: str) -> Path:
        with at(option):
            return tokens.path(word, self.tokens, self._operator.environment)

    def _read(self, keyword: str, parse: Callable[[str], T], default: T) -> T:
        option = self.first(keyword)
        if option is None or option.words[0].lower() == "none":
            return default
        with at(option):
            return parse(option.words[0])


@contextmanager
def at(option: SshOption) -> Iterator[None]:
    """What is misunderstood within, as an InputError at the option's place."""
    try:
        yield
    except MisunderstoodError as error:
        what = f"{quoted(option.keyword)}: {error.what}"
        raise InputError(Problem(where=option.place, what=what, hint=error.hint)) from error


def tokens_of(found: Found, operator: Operator) -> Mapping[str, str]:
    """What `%x` stands for, about one host: nothing of it is more than a name to a shell.

    Raises MisunderstoodError for what ssh would refuse, wherever it was written.
    """
    user = found.word("user", operator.user)
    port_text = found.word("port", str(DEFAULT_PORT))
    host = found.hostname.lower()
    jump = found.word("proxyjump")
    alias = found.word("hostkeyalias", found.original)
    for name in (found.original, host):
        ssh_names.check_host(name)
    ssh_names.check_host(alias, noun="alias of a host's key")
    ssh_names.check_host(port_text, noun="port of a host")
    for name in (user, *jump.split()):
        ssh_names.check_user(name)
    hashed = f"{operator.machine}{host}{port_text}{user}"
    return {
        "C": hashlib.sha1(hashed.encode(), usedforsecurity=False).hexdigest(),
        "d": str(operator.home),
        "h": host,
        "i": str(os.getuid()),
        "j": "" if jump.lower() == "none" else jump,
        "k": alias,
        "L": operator.machine.partition(".")[0],
        "l": operator.machine,
        "n": found.original,
        "p": port_text,
        "r": user,
        "u": operator.user,
    }


def number(text: str) -> int:
    """A whole number that is not negative."""
    if not NUMBER.fullmatch(text):
        raise MisunderstoodError(f"expected a number, found {quoted(text)}")
    return int(text)


def port(text: str) -> int:
    """A TCP port."""
    if not NUMBER.fullmatch(text) or not 1 <= int(text) <= 65535:
        raise MisunderstoodError(f"expected a port from 1 to 65535, found {quoted(text)}")
    return int(text)


def flag(text: str) -> bool:
    """Yes or no, in ssh's words."""
    if text.lower() not in FLAGS:
        raise MisunderstoodError(f"expected yes or no, found {quoted(text)}")
    return FLAGS[text.lower()]


def seconds(text: str) -> float:
    """A time as sshd_config(5) has it: `90`, `1m30s`; no longer than can be waited at once."""
    if not TIME.fullmatch(text):
        raise MisunderstoodError(f"expected a time such as 30 or 1m30s, found {quoted(text)}")
    found = sum(int(count) * SECONDS[unit.lower()] for count, unit in PART.findall(text))
    return float(min(found, LONGEST_WAIT))
