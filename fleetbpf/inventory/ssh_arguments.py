"""Arguments for OpenSSH's `ssh` in an inventory: what fleetbpf does of them, and what not."""

import os
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from fleetbpf.connections.ssh_config.ssh_config import parse_line
from fleetbpf.files import homes
from fleetbpf.frozen import frozen
from fleetbpf.model.inventory import SshOption
from fleetbpf.wording import MisunderstoodError, quoted

PROXY_COMMAND = "ansible_paramiko_proxy_command"
# In the order in which Ansible hands them to ssh: the first value of an option counts.
VARIABLES = (
    *("ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args"),
    PROXY_COMMAND,
)
# Letters of ssh(1) that change nothing about who is reached, and as whom.
WITHOUT_EFFECT = frozenset("CqTtxakv")
WITH_VALUE = frozenset("BbcDEeFIiJLlmOoPpQRSWw")
# Letters that are short for an option of ssh_config(5).
SHORT = {
    "c": "ciphers",
    "i": "identityfile",
    "J": "proxyjump",
    "l": "user",
    "m": "macs",
    "p": "port",
}

# Those of them that name files.
FILES = {
    *("certificatefile", "globalknownhostsfile", "identityfile", "revokedhostkeys"),
    "userknownhostsfile",
}

# Options of ssh_config(5) that fleetbpf does as ssh would.
DONE = {
    *("addressfamily", "certificatefile", "ciphers", "connecttimeout", "globalknownhostsfile"),
    *("hashknownhosts", "hostkeyalgorithms", "hostkeyalias", "hostname", "identitiesonly"),
    *("identityagent", "identityfile", "kexalgorithms", "macs", "port", "proxycommand"),
    *("proxyjump", "revokedhostkeys", "serveralivecountmax", "serveraliveinterval", "user"),
    *("userknownhostsfile",),
}
# Those that fleetbpf has its own way for, whatever their value.
OWN_WAY = {
    *("batchmode", "checkhostip", "compression", "connectionattempts"),
    *("controlmaster", "controlpath", "controlpersist", "escapechar"),
    *("kbdinteractiveauthentication", "loglevel", "passwordauthentication"),
    *("preferredauthentications", "requesttty"),
    *("tcpkeepalive", "updatehostkeys", "visualhostkey"),
}
# Those whose only value that fleetbpf can do is this one.
FIXED = {
    "forwardagent": "no",
    "forwardx11": "no",
    "gssapiauthentication": "no",
    "pubkeyauthentication": "yes",
}


@frozen
class Arguments:
    """What of the arguments fleetbpf does."""

    options: tuple[SshOption, ...] = ()
    config_file: Path | None = None  # -F

    @property
    def identity_file(self) -> Path | None:
        """The first key that is named by its whole path; it must be there."""
        files = (each.words[0] for each in self.options if each.keyword == "identityfile")
        return next((Path(file) for file in files if file.startswith("/")), None)

    def __add__(self, later: "Arguments") -> "Arguments":
        """Both, one after the other: the first value counts."""
        return Arguments(
            options=(*self.options, *later.options),
            config_file=self.config_file or later.config_file,
        )


def read(variable: str, text: str, *, place: str, folder: Path) -> Arguments:
    """What a variable says to `ssh`; files are relative to `folder`.

    Raises MisunderstoodError for the first argument that fleetbpf cannot do.
    """
    if variable == PROXY_COMMAND:
        option = SshOption(keyword="proxycommand", text=text, words=(text,), place=place)
        return Arguments(options=(option,))
    found = Arguments()
    for letter, value in letters(words(text)):
        if letter == "F":
            file = homes.expanded(os.devnull if value == "none" else placed(value, folder))
            found += Arguments(config_file=file)
            continue
        option = as_option(letter, value, place=place)
        if option.keyword in DONE:
            found += Arguments(options=(with_files(option, folder),))
        else:
            check(option)
    return found


def with_files(option: SshOption, folder: Path) -> SshOption:
    """The option, with files that it names relative to `folder`."""
    if option.keyword not in FILES:
        return option
    return replace(option, words=tuple(placed(word, folder) for word in option.words))


def placed(word: str, folder: Path) -> str:
    """A file's name, absolute unless it begins with what only its use can expand."""
    if word.startswith(("~", "%", "$")) or word.lower() == "none":
        return word
    return str((folder / word).absolute())


def words(text: str) -> list[str]:
    """The words that a shell would make of the text."""
    try:
        return shlex.split(text)
    except ValueError as error:
        what = f"{quoted(text)}: {str(error)[:1].lower()}{str(error)[1:]}"
        raise MisunderstoodError(what) from error


def letters(arguments: list[str]) -> Iterator[tuple[str, str]]:
    """Each argument that has a value, by its letter."""
    pending = list(arguments)
    while pending:
        word = pending.pop(0)
        letter, rest = word[1:2], word[2:]
        if word.startswith("-") and letter in WITH_VALUE:
            yield letter, rest or (pending.pop(0) if pending else "")
        elif not word.startswith("-") or not letter or set(word[1:]) - WITHOUT_EFFECT:
            raise refused(word)


def as_option(letter: str, value: str, *, place: str) -> SshOption:
    """An argument as the line of ssh_config(5) that says the same."""
    if letter in SHORT:
        return SshOption(keyword=SHORT[letter], text=value, words=(value,), place=place)
    option = parse_line(value, place=place) if letter == "o" else None
    if option is None:
        raise refused(f"-{letter} {value}")
    return option


def check(option: SshOption) -> None:
    """Refuse an option that would change who is reached, as whom, or how safely."""
    keyword, value = option.keyword, option.words[0].lower()
    if keyword in OWN_WAY or FIXED.get(keyword) == value:
        return
    if keyword == "stricthostkeychecking":
        if value in ("yes", "ask", "accept-new"):
            return
        what = f"fleetbpf refuses unknown host keys, whatever `StrictHostKeyChecking={value}` says"
        raise MisunderstoodError(what, "leave it out; --accept-new-host-keys notes new keys once")
    raise refused(f"{option.keyword}={option.text}")


def refused(argument: str) -> MisunderstoodError:
    """The error for an argument that fleetbpf has nothing for."""
    return MisunderstoodError(f"fleetbpf cannot do {quoted(argument)} of ssh", "leave it out")
