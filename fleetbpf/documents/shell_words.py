"""What a template may put into a shell's command: words without signs, and what was quoted."""

import re
import shlex
from collections.abc import Iterable

from fleetbpf.wording import MisunderstoodError, quoted

SAFE = re.compile(r"[\w@%+=:,./~-]*")
WITHIN_WORD = re.compile(r"[\w@%+=:,./~-]$")  # what stands before the rest of a word
# A beginning of a command that ends outside of all quotes. Within double quotes a shell begins
# anew after `$(`, `${` and a backquote: nothing may be put there.
OUTSIDE = re.compile(
    r"""(?:[^'"\\`$]|\$(?!')|\\.|'[^']*'|"(?:[^"\\`$]|\\.|\$(?![({]))*")*""", re.DOTALL
)
SPACED = re.compile(r"[\w@%+=:,./~ -]*")


class Inserted(str):
    """A template's value, as opposed to its text."""

    __slots__ = ()


class Quoted(str):
    """A text that a shell takes as one word, whatever is in it."""

    __slots__ = ("plain",)

    plain: str

    @classmethod
    def of(cls, text: str) -> "Quoted":
        """The text, quoted."""
        found = cls(shlex.quote(text))
        found.plain = text
        return found


def quote(value: object) -> Quoted:
    """The filter `quote`, as Ansible's: `pass show fleet/{{ name | quote }}`."""
    return Quoted.of(str(value))


def inserted(value: object) -> str:
    """A value that comes out of a template."""
    return value if isinstance(value, Quoted) else Inserted(value)


def joined(pieces: Iterable[str], *, twice: bool = False) -> str:
    """The pieces of a rendered command as one line; MisunderstoodError for an unsafe one.

    twice: a shell takes apart what comes out, and again a part of that: quotes do not last.
    """
    line = ""
    for piece in pieces:
        if isinstance(piece, Quoted) and not SAFE.fullmatch(piece.plain):
            check_quoted(piece, line, twice=twice)
        elif isinstance(piece, Inserted):
            check_inserted(piece, line)
        line += piece
    return line


def check_inserted(piece: str, line: str) -> None:
    """Refuse a value with a sign that a shell gives a meaning to, or that begins an option."""
    if not SAFE.fullmatch(piece):
        signs = " ".join(quoted(sign) for sign in sorted(set(re.sub(SAFE, "", piece))))
        what = f"a variable's value holds {signs}, which a shell would take for more than text"
        raise MisunderstoodError(what, "write {{ … | quote }}, outside of all quotes")
    if piece.startswith("-") and not WITHIN_WORD.search(line):
        what = "a variable's value begins with `-`: the command would take it for an option"
        raise MisunderstoodError(what, "write {{ … | quote }} if that is meant")


def check_quoted(piece: Quoted, line: str, *, twice: bool) -> None:
    """Refuse quotes that would not protect: within other quotes, or taken apart twice."""
    if not piece.plain.isprintable():
        raise MisunderstoodError("a variable's value holds a control character")
    if not OUTSIDE.fullmatch(line) or "<<" in line:
        what = "{{ … | quote }} stands within other quotes, where it protects nothing"
        raise MisunderstoodError(what, "leave out the quotes around it")
    if twice and not SPACED.fullmatch(piece.plain):
        what = "a variable's value holds signs that a shell would take for more than text"
        raise MisunderstoodError(what, "write out in the inventory what it stands for")
