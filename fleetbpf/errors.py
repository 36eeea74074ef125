"""What can go wrong, as values: an error says where, what and the cure, and its exit code."""

from collections.abc import Iterable, Iterator
from enum import IntEnum

from fleetbpf.frozen import frozen
from fleetbpf.terminal_text import printable

BAR = "  | "  # so that no line that a host says looks like one of ours


class ExitCode(IntEnum):
    """What the `fleetbpf` command returns to its caller."""

    DONE = 0
    FAILED = 1  # some host or build failed
    USAGE = 2  # usage, manifest or inventory wrong; nothing was contacted
    DRIFT = 3  # an audit has findings
    UNREACHABLE = 4  # some hosts could not be reached, the rest is done
    BUG = 70  # EX_SOFTWARE of sysexits.h
    INTERRUPTED = 130  # 128 + SIGINT, as shells have it


@frozen
class Problem:
    """One thing that is wrong: `where: what`, and the cure."""

    where: str  # "hello.yml:3:5", "web1", "hello.bpf.c:12:3"
    what: str
    hint: str = ""
    detail: str = ""  # more lines, such as a verifier's log: who shows them spells out controls
    reason: str = (
        ""  # `what` without what is of this host alone, such as its address; "": all of it
    )

    def lines(self, *, bar: str = BAR) -> Iterator[str]:
        """The problem as people read it. bar: what stands before each line of the detail."""
        yield printable(f"{self.where}: {self.what}" if self.where else self.what)
        yield from self.details(bar=bar)
        if self.hint:
            yield printable(f"  hint: {self.hint}")

    def details(self, *, bar: str = BAR) -> Iterator[str]:
        """The lines of the detail."""
        if self.detail:
            yield from (f"{bar}{line}" for line in self.detail.rstrip("\n").split("\n"))

    def __str__(self) -> str:
        return "\n".join(self.lines())


class FleetbpfError(Exception):
    """An error that a person can act on; carries one or more problems."""

    exit_code = ExitCode.FAILED

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)

    @classmethod
    def raise_if_any(cls, problems: Iterable[Problem]) -> None:
        """Raise one error with all of `problems`, if there are any."""
        found = tuple(problems)
        if found:
            raise cls(*found)


class InputError(FleetbpfError):
    """The command line, the manifest or the inventory is wrong; nothing was contacted."""

    exit_code = ExitCode.USAGE


class BuildError(FleetbpfError):
    """A program could not be built, or a tool that a build needs is missing."""


class OutputError(FleetbpfError):
    """The result could not be written to where standard output goes."""


class HostError(FleetbpfError):
    """A host was reached, and something failed there."""


class UnreachableError(FleetbpfError):
    """A host could not be reached: no route, refused, timed out, key or user not accepted."""

    exit_code = ExitCode.UNREACHABLE


class RefusedError(UnreachableError):
    """A host, or fleetbpf, refused the login: so will the next one, until a person changes that."""


class TransientError(UnreachableError):
    """A host could not be reached for a reason that may pass, and nothing was begun there."""

    pause = 0.5  # seconds until another attempt, about; each further pause is twice as long


class TurnedAwayError(TransientError):
    """A host takes no connections from this address for some time: seconds, or minutes."""

    pause = 4.0


class BugError(FleetbpfError):
    """An error that nobody foresaw."""

    exit_code = ExitCode.BUG


class InterruptedHostError(FleetbpfError):
    """The operator interrupted the run before the work on a host was finished."""

    exit_code = ExitCode.INTERRUPTED
