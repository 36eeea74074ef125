"""A command is data; `render` is the only place where it becomes text for a shell."""

import functools
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import PurePath

from fleetbpf.limits import SCRIPTS, TOOL, Limits

SHELL = "/bin/sh"  # on hosts, by its path: a login shell may have an alias for sh
FOLDERS = "folders.sh"  # the script behind which all others stand
REFUSED = 77  # its exit status, EX_NOPERM of sysexits.h, with the reason on stderr
END = b"\nend\n"  # the last that a command says before its shell waits for an order


@dataclass(frozen=True, slots=True, init=False)
class Command:
    """Words to execute, unquoted, and whether root must execute them.

    A word is passed on exactly as it is: it may hold spaces, quotes, `$()` and newlines, but no
    NUL byte (execve(2) cannot carry one: ValueError).
    """

    words: tuple[str, ...]
    become: bool
    name: str = field(compare=False)  # of the script that it is, "facts.sh"; else ""
    stays: bool = field(compare=False)  # says END when it has told all; then its shell waits
    order: str = field(compare=False)  # the line by which a shell that waits does this; "" = none
    limits: Limits = field(compare=False)  # what it may take of this machine

    def __init__(
        self,
        *words: str | PurePath,
        become: bool = False,
        name: str = "",
        stays: bool = False,
        order: str = "",
        limits: Limits = TOOL,
    ) -> None:
        texts = tuple(str(word) for word in words)
        if any("\0" in text for text in texts):
            raise ValueError("a command's word cannot hold a NUL byte")
        object.__setattr__(self, "words", texts)
        object.__setattr__(self, "become", become)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "stays", stays)
        object.__setattr__(self, "order", order)
        object.__setattr__(self, "limits", limits)

    @property
    def title(self) -> str:
        """What it is called where something is wrong with it."""
        return self.name or self.words[0]

    @property
    def script(self) -> str | None:
        """The text of the script that it is; None where it is another program."""
        return self.words[2] if self.name else None

    @property
    def arguments(self) -> tuple[str, ...]:
        """What its script, or its program, is given."""
        return self.words[4:] if self.name else self.words[1:]

    def carried_by(self, *words: str) -> "Command":
        """Others' words that carry it to a host, under its own title."""
        return Command(*words, name=self.title, limits=self.limits)

    def within(self, limits: Limits) -> "Command":
        """The same with other limits."""
        return Command(
            *self.words,
            become=self.become,
            name=self.name,
            stays=self.stays,
            order=self.order,
            limits=limits,
        )

    def as_it_is(self) -> "Command":
        """The same for who is root already."""
        return Command(
            *self.words,
            name=self.name,
            stays=self.stays,
            order=self.order,
            limits=self.limits,
        )

    def speaking(self, *, within: float) -> "Command":
        """The same, when it has to say something every `within` seconds."""
        return Command(
            *self.words,
            become=self.become,
            name=self.name,
            stays=self.stays,
            order=self.order,
            limits=replace(self.limits, silence=within),
        )

    def argv(self) -> tuple[str, ...]:
        """The words to execute; ValueError where root must do that (connections/becoming.py)."""
        if self.become:
            raise ValueError(f"how to become root to run {self.words[0]} was not decided")
        return self.words


def render(command: Command) -> str:
    """The command as one line for a POSIX shell, every word quoted."""
    return shlex.join(command.argv())


def script(
    name: str,
    *arguments: str | PurePath,
    after: Sequence[str] = (),
    before: str = "",
    become: bool = False,
    stays: bool = False,
    pause: float = 0.0,
) -> Command:
    """The POSIX sh script `fleetbpf/host/<name>` with `arguments` as its `$1`, `$2`, …

    The script's text travels inside the command (`sh -c`), so its stdin stays free for a payload
    and nothing has to lie on the host before. It stands behind folders.sh, by which it refuses
    folders that are not root's, and behind the scripts `after`, for their functions; and before the
    one that takes over from it.

    pause: seconds for which it says nothing on purpose.
    """
    text = "".join(script_text(each) for each in (FOLDERS, *after, name, before) if each)
    return Command(
        *("sh", "-c", text, "fleetbpf", *arguments),
        become=become,
        name=name,
        stays=stays,
        limits=SCRIPTS[name].patient(pause),
    )


def packed_script(
    name: str, tool: str, *arguments: str, become: bool = False, pause: float = 0.0
) -> Command:
    """A script that comes in its payload, as the member `script` of an archive (unpack.sh).

    `tool` is the program that undoes the archive's compression.

    A shell that waits since the last command (`Command.stays`) does it as well as a new one.
    pause: as `script`.
    """
    text = script_text(FOLDERS) + script_text("unpack.sh")
    words = ("sh", "-c", text, "fleetbpf", tool, *arguments)
    order = shlex.join((tool, *arguments))
    if "\n" in order:
        raise ValueError("an argument of a packed script cannot hold a newline")
    limits = SCRIPTS[name].patient(pause)
    return Command(*words, become=become, name=name, order=order, limits=limits)


@functools.cache
def script_text(name: str) -> str:
    """A script as it travels: without the lines that are comments."""
    text = files("fleetbpf").joinpath("host", name).read_text(encoding="utf-8")
    return re.sub(r"^[ \t]*#.*\n", "", text, flags=re.MULTILINE)
