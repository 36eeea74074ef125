"""Names of hosts and groups in an inventory: ranges, ports, and what a name may hold."""

import ipaddress
import re
import string
from collections.abc import Callable, Sequence

from fleetbpf.connections import ssh_names
from fleetbpf.frozen import frozen
from fleetbpf.wording import MisunderstoodError, quoted

MOST_HOSTS = 100_000  # that one range may stand for
LONGEST_NAME = 255  # bytes: a host's logs lie in a folder of its name
LONGEST_TEXT = 1000  # characters of a text with ranges: each of its names is as long

RANGE = re.compile(r"\[([^\[\]]*)\]")
ADDRESS_IN_BRACKETS = re.compile(r"\[([^\[\]]+)\](?::([0-9]{1,5}))?")
WITH_PORT = re.compile(r"((?:[^:\[\]]|\[[^\[\]]*\])+):([0-9]{1,5})")

PLAIN = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,99}")  # a name like most, looked at in no time
# What host patterns give a meaning to, beside whitespace.
RESERVED = re.compile(r"[\s,*?\[\]]|^[!&~@]")


@frozen
class HostNames:
    """What one key under `hosts:` stands for."""

    names: tuple[str, ...]
    port: int | None


def parse(text: str) -> HostNames:
    """The hosts of `web1`, `web[01:20]`, `web1:2222`, `[::1]:22`; raises MisunderstoodError."""
    if len(text) > LONGEST_TEXT:
        raise MisunderstoodError(f"{quoted(text)} is longer than {LONGEST_TEXT} characters")
    name, port = split_port(text)
    names = (name,) if is_ipv6(name) else expanded(name)
    for each in names:
        check_host(each)
    return HostNames(names=names, port=port)


def split_port(text: str) -> tuple[str, int | None]:
    """A name without its port, and the port."""
    bracketed = ADDRESS_IN_BRACKETS.fullmatch(text)
    if bracketed and is_ipv6(bracketed[1]):
        return bracketed[1], int(bracketed[2]) if bracketed[2] else None
    match = None if is_ipv6(text) else WITH_PORT.fullmatch(text)
    return (match[1], int(match[2])) if match else (text, None)


def is_ipv6(text: str) -> bool:
    """Whether the text is an IPv6 address."""
    try:
        return ":" in text and bool(ipaddress.IPv6Address(text))
    except ValueError:
        return False


def check_name(name: str, *, noun: str) -> None:
    """Refuse a name that could not be a folder or could not stand in a host pattern."""
    what = f"{quoted(name)} cannot be the name of a {noun}: "
    if not name:
        raise MisunderstoodError(f"the name of a {noun} is empty")
    if not name.isprintable():
        raise MisunderstoodError(f"{what}it holds a control character")
    if "/" in name or name.startswith(("-", ".")):
        raise MisunderstoodError(f"{what}no `/` in it, no `-` or `.` in front")
    if RESERVED.search(name) or (":" in name and not is_ipv6(name)):
        raise MisunderstoodError(f"{what}host patterns could not name it")
    if len(name.encode()) > LONGEST_NAME:
        raise MisunderstoodError(f"{what}it is longer than {LONGEST_NAME} bytes")


def check_host(name: str) -> None:
    """Refuse what `check_name` refuses, and what could become part of a shell's command."""
    if not PLAIN.fullmatch(name):
        check_name(name, noun="host")
        ssh_names.check_host(name)


def expanded(text: str) -> tuple[str, ...]:
    """All names that a text with ranges stands for: `db[a:c]`, `web[01:20:2]`."""
    names = [""]
    position = 0
    for match in RANGE.finditer(text):
        values = range_values(match[1])
        names = [name + text[position : match.start()] for name in names]
        if len(names) * len(values) > MOST_HOSTS:
            raise MisunderstoodError(f"{quoted(text)} is more than {MOST_HOSTS} hosts")
        names = [name + value for name in names for value in values]
        position = match.end()
    return tuple(name + text[position:] for name in names)


def range_values(text: str) -> Sequence[str]:
    """The values of one range, without its brackets: first:last or first:last:step."""
    shown = quoted(f"[{text}]")
    first, last, step = bounds(text, shown)
    if len(first) > 1 and first.startswith("0") and len(first) != len(last):
        hint = f"write [{first}:{last.zfill(len(first))}]"
        raise MisunderstoodError(f"the ends of {shown} are not equally long", hint)
    order, value = scale(first, last, shown)
    width = len(first) if first.startswith("0") else 0
    chosen = range(order(first), order(last) + 1, step)
    if not chosen:
        raise MisunderstoodError(f"{shown} runs backwards")
    if len(chosen) > MOST_HOSTS:
        raise MisunderstoodError(f"{shown} is more than {MOST_HOSTS} hosts")
    return [value(number).zfill(width) for number in chosen]


def bounds(text: str, shown: str) -> tuple[str, str, int]:
    """First, last and step of a range."""
    parts = text.split(":")
    first, last, step = (*parts, "1")[:3] if len(parts) in (2, 3) else ("", "", "")
    if not last or not re.fullmatch(r"0*[1-9][0-9]{0,8}", step):
        raise MisunderstoodError(f"{shown} is not a range", "write [1:20], [01:20:2] or [a:f]")
    return first or "0", last, int(step)


def scale(first: str, last: str, shown: str) -> tuple[Callable[[str], int], Callable[[int], str]]:
    """What the range counts in: numbers, or letters (small before capital, as in Ansible)."""
    if re.fullmatch(r"[0-9]{1,18}", first) and re.fullmatch(r"[0-9]{1,18}", last):
        return int, str
    letters = string.ascii_letters
    if len(first) == len(last) == 1 and first in letters and last in letters:
        return letters.index, letters.__getitem__
    raise MisunderstoodError(f"{shown} is not a range", "write [1:20], [01:20:2] or [a:f]")
