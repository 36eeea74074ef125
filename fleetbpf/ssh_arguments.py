"""Arguments for OpenSSH's `ssh` in an inventory: what fleetbpf does of them, and what not."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from fleetbpf.wording import MisunderstoodError, quoted

# Letters of ssh(1) that change nothing about who is reached, and as whom.
WITHOUT_EFFECT = frozenset("CqTtxakv")
WITH_VALUE = frozenset("BbcDEeFIiJLlmOoPpQRSWw")

# Options of ssh_config(5) that fleetbpf has its own way for, whatever their value.
OWN_WAY = {
    *("batchmode", "checkhostip", "compression", "connectionattempts", "connecttimeout"),
    *("controlmaster", "controlpath", "controlpersist", "escapechar", "hashknownhosts"),
    *("identitiesonly", "kbdinteractiveauthentication", "loglevel", "passwordauthentication"),
    *("preferredauthentications", "requesttty", "serveralivecountmax", "serveraliveinterval"),
    *("tcpkeepalive", "updatehostkeys", "visualhostkey"),
}
# Options whose only value that fleetbpf can do is this one.
FIXED = {
    "forwardagent": "no",
    "forwardx11": "no",
    "gssapiauthentication": "no",
    "pubkeyauthentication": "yes",
}
BETTER = {
    **dict.fromkeys(("-j", "proxyjump", "proxycommand"), "give an address that needs no jump"),
    "-p": "set ansible_port",
    "-l": "set ansible_user",
    "port": "set ansible_port",
    "user": "set ansible_user",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """What of the arguments fleetbpf does."""

    identity_file: str | None = None
    known_hosts_file: str | None = None


def parse(text: str) -> Arguments:
    """The arguments in a text; MisunderstoodError for the first that fleetbpf cannot do."""
    found: dict[str, str] = {}
    for option, value in options(words(text)):
        match option.lower():
            case "identityfile":
                found.setdefault("identity_file", value)
            case "userknownhostsfile":
                found.setdefault("known_hosts_file", value)
            case _:
                check(option, value)
    return Arguments(**found)


def words(text: str) -> list[str]:
    """The words that a shell would make of the text."""
    try:
        return shlex.split(text)
    except ValueError as error:
        what = f"{quoted(text)}: {str(error)[:1].lower()}{str(error)[1:]}"
        raise MisunderstoodError(what) from error


def options(arguments: list[str]) -> Iterator[tuple[str, str]]:
    """Each argument as an option of ssh_config(5), with its value."""
    pending = list(arguments)
    while pending:
        word = pending.pop(0)
        letter, rest = word[1:2], word[2:]
        if not word.startswith("-") or letter not in WITH_VALUE:
            if not word.startswith("-") or not letter or set(word[1:]) - WITHOUT_EFFECT:
                raise refused(word)
            continue
        value = rest or (pending.pop(0) if pending else "")
        match letter:
            case "o":
                name, _, value = value.replace("=", " ", 1).strip().partition(" ")
                yield name, value.strip()
            case "i":
                yield "identityfile", value
            case _:
                raise refused(f"-{letter} {value}")


def check(option: str, value: str) -> None:
    """Refuse an option that would change who is reached, as whom, or how safely."""
    if option.lower() in OWN_WAY or FIXED.get(option.lower()) == value.lower():
        return
    if option.lower() == "stricthostkeychecking":
        if value.lower() in ("yes", "ask"):
            return
        what = f"fleetbpf refuses unknown host keys, whatever `StrictHostKeyChecking={value}` says"
        raise MisunderstoodError(what, "put the keys into known_hosts, and leave the option out")
    raise refused(f"{option}={value}")


def refused(argument: str) -> MisunderstoodError:
    """The error for an argument that fleetbpf has nothing for."""
    what = f"fleetbpf cannot do {quoted(argument)} of ssh"
    return MisunderstoodError(
        what, BETTER.get(re.split("[ =]", argument.lower())[0], "leave it out")
    )
