"""The last words of a command over hosts: a line per host as in Ansible, errors, the exit code."""

from collections.abc import Mapping, Sequence
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
from fleetbpf.frozen import frozen

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
        names = ("ok", "changed", "unreachable", "failed", "skipped")
        return {name: getattr(self, name) for name in names}


def tell(output: Output, recaps: Sequence[HostRecap]) -> None:
    """Write problems, warnings and a line per host."""
    tell_remarks(output, recaps)
    width = max((len(recap.host) for recap in recaps), default=0)
    for recap in recaps:
        counts = "  ".join(f"{name}={count}" for name, count in recap.counts().items())
        output.line(f"{recap.host.ljust(width)}  {counts}", colour=colour(recap))


def colour(recap: HostRecap) -> str:
    """Ansible's colours, as SGR codes: red for failures, yellow for changes, green."""
    if recap.failed or recap.unreachable:
        return "31"
    return "33" if recap.changed else "32"


def tell_remarks(output: Output, recaps: Sequence[HostRecap]) -> None:
    """Write problems, once what several hosts share, and warnings."""
    told: set[Problem] = set()
    for recap in recaps:
        for problem in recap.problems:
            if problem not in told:
                output.problem(problem)
            told.add(problem)
        for warning in recap.warnings:
            output.progress(f"{recap.host}: warning: {warning}")


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
