"""How a command travels: as text on the standard input of a plain sh, its answer between two marks.

Whatever login shell a user has, and whatever its start-up files print, before the answer or after
it: the exec request is one short line that every shell reads alike, and nothing else is said to it.
"""

import re
import secrets
import shlex
from collections.abc import Callable, Sequence

from fleetbpf.execution.command import SHELL, Command
from fleetbpf.frozen import frozen
from fleetbpf.limits import KIB, MIB, ExcessError
from fleetbpf.quantities import told_size

STATUS = re.compile(rb"([0-9]{1,3})\n")  # after the mark at an answer's end
SIGN = b"\x1e"  # what a mark begins with: text and most of what is packed are without
KEPT = 4 * KIB  # bytes of what is said before an answer begins, for people
NOISE = 64 * MIB  # bytes that may be said before; start-up files may be chatty
# What a text begins with, for whoever executes it. The signs are escapes, so that who sends a text
# back has not said the mark.
BEGIN = "printf '\\036%%s\\n' %s\n"
# Standard output's mark comes last at the begin and first at the end: where a start-up file has
# sent standard error there as well (exec 2>&1), the other one's marks are around the answer.
PRELUDE = """\
answer_mark=%s
printf '\\036%%se\\n' "$answer_mark" >&2
printf '\\036%%s\\n' "$answer_mark"
trap 'set -- $?
printf "\\036%%s %%d\\n" "$answer_mark" "$1"
printf "\\036%%se %%d\\n" "$answer_mark" "$1" >&2' EXIT
"""
# What is sent before a text: lines for start-up files that read some, and the one that ends them.
# A user's variable of the name that reads them would have to be this line.
LEAD = b"\n\n\n\n\nfleetbpf\n"
SKIP_LEAD = (
    'until [ "$line" = fleetbpf ]; do read -r line || '
    "{ echo Start-up files have read standard input >&2; exit 1; }; done"
)


@frozen
class Envelope:
    """A command as text for a POSIX shell, and the mark of its answer."""

    mark: str
    text: bytes

    @property
    def sent(self) -> bytes:
        """What is sent."""
        return LEAD + self.text

    @property
    def words(self) -> tuple[str, ...]:
        """The command to execute: it reads the text, and no byte beyond, then obeys it."""
        return (SHELL, "-c", self.reading)

    @property
    def reading(self) -> str:
        """The same as a command of sh."""
        return f"{SKIP_LEAD}; {reading(len(self.text))}"


def after_start_up(words: Sequence[str]) -> tuple[str, ...]:
    """Words that a shell becomes when it has passed over what start-up files may have read."""
    return (SHELL, "-c", f'{SKIP_LEAD}; exec "$@"', "fleetbpf", *words)


def error_mark(mark: str) -> str:
    """The mark of standard error, by that of standard output."""
    return f"{mark}e"


def seal(command: Command) -> Envelope:
    """A command in an envelope with a mark of its own."""
    mark = secrets.token_hex(16)
    script = command.script
    body = shlex.join(command.words)
    if script is not None:
        body = f"set -- {shlex.join(command.arguments)}\n{script}"
    return Envelope(mark=mark, text=encoded(f"{PRELUDE % mark}{body}\n"))


def seal_words(words: Sequence[str]) -> Envelope:
    """Words that a shell becomes when it has said the mark."""
    mark = secrets.token_hex(16)
    return Envelope(mark=mark, text=encoded(f"{BEGIN % mark}exec {shlex.join(words)}\n"))


def reading(size: int) -> str:
    """The sh command that executes as many bytes of standard input, and leaves the rest to it.

    By dd, because head may read more than it passes on (busybox), and a shell's own `read` takes a
    system call a byte. A dd without iflag is asked for one byte after the other.

    Login shells must read it alike in single quotes: no quote of these, backslash, `!` or newline.
    """
    whole = f"text=$(dd bs={size} count=1 iflag=fullblock 2>/dev/null)"
    return f'{whole} || text=$(dd bs=1 count={size}); eval "$text"'


def encoded(text: str) -> bytes:
    """Text as a host takes it: names of files may hold any byte."""
    return text.encode("utf-8", "surrogateescape")


class Noise:
    """Counts what is said before an answer."""

    def __init__(self) -> None:
        self._bytes = 0

    def count(self, piece: bytes) -> None:
        """Count a piece; ExcessError when it is too much."""
        self._bytes += len(piece)
        if self._bytes > NOISE:
            most = told_size(NOISE)
            raise ExcessError(f"has more than {most} said before it begins, the most that is taken")


class Marked:
    """Passes on what a stream says between the two marks, each byte as soon as it may."""

    def __init__(self, mark: str, sink: Callable[[bytes], None], *, begun: bool = False) -> None:
        """`begun`: the first mark has been said before."""
        self.begun = begun
        self.status: int | None = None  # that of the command, once the second mark has come
        self.last = b""  # of what was passed on
        self.kept = b""  # the last of what came before the first mark
        self._begin = SIGN + mark.encode() + b"\n"
        self._end = SIGN + mark.encode() + b" "
        self._held = b""  # it may be the beginning of a mark
        self._noise = Noise()
        self._sink = sink

    def hear(self, piece: bytes) -> None:
        """Take the next piece; ExcessError where too much is said before the first mark."""
        if self.status is not None:
            return
        whole, self._held = self._held + piece, b""
        if not self.begun:
            before, found, whole = whole.partition(self._begin)
            self._pass_over(before, final=bool(found))
            if not found:
                return
            self.begun = True
        self._pass_on(whole)

    def _pass_over(self, before: bytes, *, final: bool) -> None:
        """Note what does not belong to the answer."""
        if not final:
            before = self._hold(before, self._begin)
        self._noise.count(before)
        self.kept = (self.kept + before[-KEPT:])[-KEPT:]

    def _pass_on(self, whole: bytes) -> None:
        """Pass on what belongs to the answer."""
        end, self.status = self._find_end(whole)
        if self.status is not None:
            whole = whole[:end]
        else:
            whole = self._hold(whole, self._end, more=len("255\n"))
        if whole:
            self.last = (self.last + whole[-8:])[-8:]
            self._sink(whole)

    def _find_end(self, whole: bytes) -> tuple[int, int | None]:
        """Where the second mark is, and the status in it; None when it has not come as a whole."""
        at = whole.find(self._end)
        while at >= 0 and not (status := STATUS.match(whole, at + len(self._end))):
            at = whole.find(self._end, at + 1)
        return (at, int(status[1])) if at >= 0 and status else (at, None)

    def _hold(self, whole: bytes, mark: bytes, *, more: int = 0) -> bytes:
        """Keep an end back that may go on as a mark; what is left."""
        at = whole.rfind(SIGN, max(0, len(whole) - len(mark) - more))
        if at < 0 or not (mark.startswith(whole[at:]) or whole.startswith(mark, at)):
            return whole
        self._held = whole[at:]
        return whole[:at]
