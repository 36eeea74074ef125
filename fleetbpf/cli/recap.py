"""The last words of a command over hosts: a line per host as in Ansible, errors, the exit code."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from fleetbpf.cli import envelope
from fleetbpf.cli.output import Output
from fleetbpf.errors import (
    ExitCode,
    FleetbpfError,
    InterruptedHostError,
    Problem,
    UnreachableError,
)
from fleetbpf.fleet import in_common
from fleetbpf.frozen import frozen
from fleetbpf.wording import counted

COUNTS = ("ok", "changed", "unreachable", "failed", "skipped")
MOST_UNREACHED = 10  # hosts; more of them share a line

NOTHING: Mapping[str, Any] = MappingProxyType({})


@frozen
class HostRecap:
    """What became of one host, in Ansible's counts (of programs)."""

    host: str
    ok: int = 0
    changed: int = 0
    failed: int = 0
    unreachable: int = 0
    skipped: int = 0
    interrupted: bool = False
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()

    def counts(self) -> dict[str, int]:
        """The counts by their names."""
        return {name: getattr(self, name) for name in COUNTS}

    @property
    def never_reached(self) -> bool:
        """Whether nothing else is known of it than that it cannot be reached."""
        return self.unreachable == sum(self.counts().values()) == 1 and not self.warnings


def ended_by_hand(recaps: Sequence[HostRecap]) -> list[HostRecap]:
    """The recaps of what goes on until Ctrl-C: an interrupt is its end, and nothing is left."""
    return [replace(each, problems=()) if each.interrupted else each for each in recaps]


def tell(output: Output, recaps: Sequence[HostRecap]) -> None:
    """Write problems, warnings and a line per host; many hosts that were never reached have one."""
    tell_remarks(output, recaps)
    never = [recap for recap in recaps if recap.never_reached]
    folded = never if len(never) > MOST_UNREACHED else []
    names = {recap.host for recap in folded}
    told = [recap for recap in recaps if recap.host not in names]
    width = max((len(recap.host) for recap in told), default=0)
    for recap in told:
        tell_counts(output, recap, width)
    if folded:
        short = in_common.in_short([recap.host for recap in folded])
        tell_counts(output, HostRecap(host=short, unreachable=len(folded)), width)
    if len(recaps) > MOST_UNREACHED:
        sums = {name: sum(recap.counts()[name] for recap in recaps) for name in COUNTS}
        output.line(f"{counted(len(recaps), 'host')}: {in_a_row(sums)}")


def tell_counts(output: Output, recap: HostRecap, width: int) -> None:
    """One line: a name, and counts."""
    output.line(f"{recap.host.ljust(width)}  {in_a_row(recap.counts())}", colour=colour(recap))


def in_a_row(counts: Mapping[str, int]) -> str:
    """ok=2  changed=0 …"""
    return "  ".join(f"{name}={count}" for name, count in counts.items())


def colour(recap: HostRecap) -> str:
    """Ansible's colours, as SGR codes: red for failures, yellow for changes, green."""
    if recap.failed or recap.unreachable:
        return "31"
    return "33" if recap.changed else "32"


def tell_remarks(output: Output, recaps: Sequence[HostRecap]) -> None:
    """Write problems and warnings, once what several hosts share, and how many hosts that were."""
    tell_problems(output, recaps)
    remarks = ((recap.host, warning) for recap in recaps for warning in recap.warnings)
    for line in in_common.remarks(remarks):
        output.progress(line)


def tell_problems(output: Output, recaps: Sequence[HostRecap]) -> None:
    """Write problems, once what several hosts share, and how many hosts that were."""
    problems = [problem for recap in recaps for problem in recap.problems]
    told = shared(output, problems)
    for problem in told:
        output.problem(problem)
    many = len(recaps) >= in_common.SHORTEST_RANGE and len(told) < len(problems)
    if many and (said := ends(recaps)):
        output.error(f"{said} of {counted(len(recaps), 'host')}")


def shared(output: Output, problems: Sequence[Problem]) -> Sequence[Problem]:
    """The problems of all hosts, once what several of them share; with -v each by itself."""
    if output.verbosity > 0:
        return tuple(dict.fromkeys(problems))
    return tuple(in_common.share(problems))


def ends(recaps: Sequence[HostRecap]) -> str:
    """How many hosts ended badly, by how: 480 unreachable, 2 failed."""
    words = ("unreachable", "failed", "interrupted")
    counts = {word: sum(bool(getattr(recap, word)) for recap in recaps) for word in words}
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count)


def of_error(host: str, error: FleetbpfError | None) -> HostRecap:
    """The recap of a host that an error ended."""
    lost = isinstance(error, UnreachableError)
    interrupted = isinstance(error, InterruptedHostError)
    return HostRecap(
        host=host,
        unreachable=int(lost),
        failed=int(not lost and not interrupted),
        interrupted=interrupted,
        problems=error.problems if error else (),
    )


def document(recaps: Sequence[HostRecap], rows: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON document of such a command; rows adds fields by host name."""
    return {**hosts(recaps, rows), "exit_code": int(exit_code(recaps))}


def hosts(recaps: Sequence[HostRecap], rows: Mapping[str, Any] = NOTHING) -> dict[str, Any]:
    """A row for each host, and what is wrong there; rows adds fields by host name."""
    return {
        "hosts": [
            {
                "host": recap.host,
                **recap.counts(),
                **rows.get(recap.host, {}),
                "warnings": recap.warnings,
            }
            for recap in recaps
        ],
        "problems": [envelope.row(found, each.host) for each in recaps for found in each.problems],
    }


def exit_code(recaps: Sequence[HostRecap]) -> ExitCode:
    """130 after Ctrl-C, else 1 when something failed, else 4 when a host was unreachable."""
    if any(recap.interrupted for recap in recaps):
        return ExitCode.INTERRUPTED
    if any(recap.failed for recap in recaps):
        return ExitCode.FAILED
    if any(recap.unreachable for recap in recaps):
        return ExitCode.UNREACHABLE
    return ExitCode.DONE
