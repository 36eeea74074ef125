"""A command is data; `render` is the only place where it becomes text for a shell."""

import functools
import re
import shlex
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import PurePath


@dataclass(frozen=True, slots=True, init=False)
class Command:
    """Words to execute, unquoted, and whether root must execute them.

    A word is passed on exactly as it is: it may hold spaces, quotes, `$()` and newlines, but no
    NUL byte (execve(2) cannot carry one: ValueError).
    """

    words: tuple[str, ...]
    become: bool
    name: str = field(compare=False)  # of the script that it is, "facts.sh"; else ""

    def __init__(self, *words: str | PurePath, become: bool = False, name: str = "") -> None:
        texts = tuple(str(word) for word in words)
        if any("\0" in text for text in texts):
            raise ValueError("a command's word cannot hold a NUL byte")
        object.__setattr__(self, "words", texts)
        object.__setattr__(self, "become", become)
        object.__setattr__(self, "name", name)

    def argv(self) -> tuple[str, ...]:
        """The words to execute; ValueError where root must do that (connections/becoming.py)."""
        if self.become:
            raise ValueError(f"how to become root to run {self.words[0]} was not decided")
        return self.words


def render(command: Command) -> str:
    """The command as one line for a POSIX shell, every word quoted."""
    return shlex.join(command.argv())


def script(name: str, *arguments: str | PurePath, after: str = "", become: bool = False) -> Command:
    """The POSIX sh script `fleetbpf/host/<name>` with `arguments` as its `$1`, `$2`, …

    The script's text travels inside the command (`sh -c`), so its stdin stays free for a payload
    and nothing has to lie on the host before. The functions of the script `after` stand before it.
    """
    text = script_text(after) + script_text(name) if after else script_text(name)
    return Command("sh", "-c", text, "fleetbpf", *arguments, become=become, name=name)


@functools.cache
def script_text(name: str) -> str:
    """A script as it travels: without the lines that are comments."""
    text = files("fleetbpf").joinpath("host", name).read_text(encoding="utf-8")
    return re.sub(r"^[ \t]*#.*\n", "", text, flags=re.MULTILINE)
