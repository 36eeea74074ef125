"""`fleetbpf status`: what runs where."""

import argparse
from typing import TYPE_CHECKING, Any

from fleetbpf.cli import recap
from fleetbpf.cli.options import add_chosen, load_declared
from fleetbpf.cli.output import Output
from fleetbpf.errors import ExitCode
from fleetbpf.quantities import told_size
from fleetbpf.wording import counted

if TYPE_CHECKING:
    from fleetbpf.audit.status import HostStatus, ProgramStatus
    from fleetbpf.fleet.fleet import Outcome
    from fleetbpf.records.tally import Tally

SUMMARY = "show which release of each program runs on each host, and all that is left of others"
HEADERS = (
    *("HOST", "PROGRAM", "RELEASE", "STATE", "SINCE", "RESTARTS", "SPOOL"),
    *("FIRED", "LOST", "WRITTEN", "COLLECTED", "ATTACHED"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_chosen(parser)


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Ask all hosts, `forks` at a time: of a manifest's programs, or of whatever there is."""
    from fleetbpf.audit.status import Status
    from fleetbpf.cli.session import Session

    deployment, targets = load_declared(options)
    session = Session.of(options)
    work = Status(deployment=deployment, logs=session.workspace.logs)
    outcomes = session.on_each(targets, work.of)
    told = [row for found in outcomes if found.value for row in found.value.programs]
    named = not deployment
    headers = HEADERS if not named else (HEADERS[0], "DEPLOYMENT", *HEADERS[1:])
    output.table(headers, [cells(row, named=named) for row in told])
    recaps = [of(outcome) for outcome in outcomes]
    recap.tell_remarks(output, recaps)
    if named and not told and not any(each.problems for each in recaps):
        output.line(f"nothing of fleetbpf's is on {counted(len(targets), 'host')}")
    rows = {found.host.name: document_of(found) for found in outcomes}
    output.document({"deployment": deployment, **recap.document(recaps, rows)})
    return recap.exit_code(recaps)


def document_of(outcome: "Outcome[HostStatus]") -> dict[str, Any]:
    """A host's programs and its lock, for the JSON document."""
    found = outcome.value
    if found is None:
        return {"programs": ()}
    return {"programs": found.programs, "lock": found.lock, "clock": found.clock}


def of(outcome: "Outcome[HostStatus]") -> recap.HostRecap:
    """The recap of one host."""
    from fleetbpf.host import lock, skew

    if outcome.value is None:
        return recap.of_error(outcome.host.name, outcome.error)
    return recap.HostRecap(
        host=outcome.host.name,
        ok=len(outcome.value.programs),
        warnings=(
            *lock.remark(outcome.value.lock),
            *skew.remark(outcome.value.clock),
            *(
                f"{row.program}: it does not start: {row.failure}"
                for row in outcome.value.programs
                if row.failure
            ),
            *(f"{row.program}: {said}" for row in outcome.value.programs for said in row.warnings),
        ),
    )


def cells(row: "ProgramStatus", *, named: bool = False) -> tuple[str, ...]:
    """One row of the table; named: with its deployment."""
    attached = ", ".join((*row.attached, *row.left))
    names = (row.host, row.deployment, row.program) if named else (row.host, row.program)
    life = (state(row), row.since, str(row.restarts))
    place = (*names, row.release, *life, told_size(row.spool_bytes))
    if row.tally is None:
        return (*place, "", "", "", "", attached)
    counts = (row.tally.fired, row.tally.written, row.tally.collected)
    fired, written, collected = map(str, counts)
    return (*place, fired, lost(row.tally), written, collected, attached)


def state(row: "ProgramStatus") -> str:
    """The state, with the time that is left, or how long it has been over: expired 12 min ago."""
    from fleetbpf.host.lock import told_age

    said = f"{row.state}, not declared" if row.declared is False else row.state
    if row.expires_in_s is None or row.state not in {"running", "paused", "expired"}:
        return said
    time = told_age(abs(round(row.expires_in_s)))
    return f"expired {time} ago" if row.state == "expired" else f"{said}, expires in {time}"


def lost(tally: "Tally") -> str:
    """What was lost, with its places: 12 kernel, 3 spool."""
    found = [f"{count} {place}" for place, count in tally.lost.items() if count]
    return ", ".join(found) or "0"
