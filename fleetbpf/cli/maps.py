"""`fleetbpf maps`: what the maps of a running program hold at this moment."""

import argparse
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from fleetbpf.cli import recap
from fleetbpf.cli.options import add_forks, add_inventory, add_passwords, matching, misspelt
from fleetbpf.cli.output import Output
from fleetbpf.documents import digits
from fleetbpf.errors import ExitCode
from fleetbpf.model.record import Kind

if TYPE_CHECKING:
    from fleetbpf.execution import Connection
    from fleetbpf.fleet.fleet import Outcome
    from fleetbpf.model.target import Target
    from fleetbpf.records.maps import Question
    from fleetbpf.records.records import Record

SUMMARY = "read out the maps of a running program"
CLEAR_SCREEN = "\x1b[H\x1b[2J"
WATCHES = range(1, 86401)  # seconds


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("hosts", metavar="HOST", help="a host, or a host pattern")
    parser.add_argument("program", metavar="PROGRAM", help="a program that runs there")
    parser.add_argument("map", metavar="MAP", nargs="?", default="all", help="only this map")
    parser.add_argument("--deployment", default="", help="only of this deployment")
    parser.add_argument(
        "-w",
        "--watch",
        metavar="SECONDS",
        nargs="?",
        type=seconds,
        const=2,
        default=None,
        help="again and again, every SECONDS (2), until Ctrl-C",
    )
    add_inventory(parser)
    add_forks(parser)
    add_passwords(parser)


def seconds(text: str) -> int:
    """A time between two readouts; raises what argparse turns into a usage error."""
    found = digits.whole(text)
    if found is None or found not in WATCHES:
        raise misspelt(text, "time; write seconds, 1 or more")
    return found


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Ask all hosts once, or again and again until interrupted."""
    from fleetbpf.cli.session import Session
    from fleetbpf.records.maps import Question

    targets = matching(options)
    question = Question(program=options.program, map=options.map, deployment=options.deployment)
    session = Session.of(options)
    if options.watch is not None:
        from fleetbpf.cli.newscast import keep_on

        work = partial(watching, question, options.watch, output)
        recaps = [of(each) for each in keep_on(session, targets, work, output)]
        output.document(recap.document(recap.ended_by_hand(recaps), {}))
        return recap.exit_code(recaps)
    outcomes = session.on_each(targets, asking(question))
    return show(output, outcomes)


def asking(question: "Question") -> "Callable[..., tuple[Record, ...]]":
    """The work on one host: one readout, perhaps after some seconds."""
    from fleetbpf.records import maps

    def ask(target: "Target", connection: "Connection", delay: int = 0) -> "tuple[Record, ...]":
        layout = question.layout.at(target.host.root)
        later = replace(question, delay=delay, layout=layout)
        name, become = target.host.name, target.become
        return maps.ask(connection, later, host=name, become=become)

    return ask


def watching(
    question: "Question", every: int, output: Output, begin: "Callable[[str], None]"
) -> "Callable[[Target, Connection], tuple[Record, ...]]":
    """The work on one host: a readout every so often, printed as it comes, until interrupted.

    begin is called with the host's name at its first readout.
    """
    ask = asking(question)
    printing = threading.Lock()

    def watch(target: "Target", connection: "Connection") -> "tuple[Record, ...]":
        delay = 0
        while True:
            found = ask(target, connection, delay)
            if not delay:
                begin(target.host.name)
            with printing:
                print_now(output, found)
            delay = every

    return watch


def print_now(output: Output, found: "Sequence[Record]") -> None:
    """One readout at once, in the place of the one before."""
    if sys.stdout.isatty() and not output.json:
        sys.stdout.write(CLEAR_SCREEN)
    tell_all(output, found)


def tell_all(output: Output, found: "Sequence[Record]") -> None:
    """Records for people, or a JSON object a line."""
    from fleetbpf.records.records import as_json

    for record in found:
        if output.json:
            output.item(as_json(record))
        else:
            tell(output, record)


def show(output: Output, outcomes: "Sequence[Outcome[tuple[Record, ...]]]") -> ExitCode:
    """Print the readouts of all hosts, and what went wrong."""
    found = [record for outcome in outcomes for record in outcome.value or ()]
    tell_all(output, found)
    recaps = [of(outcome) for outcome in outcomes]
    recap.tell_remarks(output, recaps)
    output.document(recap.document(recaps, {}))
    return recap.exit_code(recaps)


def tell(output: Output, record: "Record") -> None:
    """One map: histograms as they are drawn, other entries as a table."""
    from fleetbpf.records import map_text
    from fleetbpf.records.records import lines, timestamp

    if record.kind != Kind.MAP:
        for line in lines(record):
            output.line(line)
        return
    name = f"{record.deployment}/{record.program} {record.fields.get('map')}"
    output.line(f"{record.host} {name} at {timestamp(record.time_ns, digits=0).rstrip('.')}")
    if "histogram" in record.fields or any("stacks" in e for e in record.fields["entries"]):
        for line in map_text.lines(record.fields):
            output.line(f"  {line}")
    else:
        output.table(*map_text.table(record.fields))
        for line in map_text.lines({**record.fields, "entries": ()}):
            output.line(line)
    output.line()


def of(outcome: "Outcome[tuple[Record, ...]]") -> recap.HostRecap:
    """The recap of one host."""
    if outcome.value is None:
        return recap.of_error(outcome.host.name, outcome.error)
    return recap.HostRecap(host=outcome.host.name)
