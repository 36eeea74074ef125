"""`fleetbpf logs`: mirror the spools of hosts and print what they hold."""

import argparse
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from fleetbpf.cli import recap
from fleetbpf.cli.host_words import add_hosts
from fleetbpf.cli.options import add_forks, add_inventory, add_passwords, matching
from fleetbpf.cli.output import Output
from fleetbpf.errors import ExitCode, HostError
from fleetbpf.model.record import Kind

if TYPE_CHECKING:
    from fleetbpf.cli.session import Session
    from fleetbpf.execution import Connection
    from fleetbpf.fleet.fleet import Outcome
    from fleetbpf.host.skew import Skew
    from fleetbpf.model.target import Target
    from fleetbpf.records.records import Reader, Record

SUMMARY = "fetch what is new in the spools of hosts, then print their records"
FOLLOW_INTERVAL = 1.0  # seconds between two looks at the spool


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_hosts(parser)
    parser.add_argument("-f", "--follow", action="store_true", help="go on as records come")
    parser.add_argument("--deployment", default="", help="only of this deployment")
    parser.add_argument("--program", default="", help="only of this program")
    parser.add_argument(
        "--overlap",
        action="store_true",
        help="print what two releases told during an upgrade twice, too (--json always does)",
    )
    parser.add_argument(
        "--offline", action="store_true", help="print what is here; contact no host"
    )
    add_inventory(parser)
    add_forks(parser)
    add_passwords(parser)


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Mirror, then print, unless interrupted; with --follow print as it comes, until then."""
    from fleetbpf.cli.session import Session

    targets = matching(options)
    session = Session.of(options)
    readers = {target.host.name: reader(options, session, target.host.name) for target in targets}
    if options.offline:
        return show(options, output, readers, [recap.HostRecap(host=name) for name in readers])
    if options.follow:
        return follow(options, output, session, targets, readers)
    outcomes = session.on_each(targets, fetching(options, session))
    if any(outcome.interrupted for outcome in outcomes):
        readers = {}
    return show(options, output, readers, [of(outcome) for outcome in outcomes])


def reader(options: argparse.Namespace, session: "Session", host: str) -> "Reader":
    """The reader of one host's mirror, for what the command line selects."""
    from fleetbpf.records.records import Reader

    return Reader(
        logs=session.workspace.logs,
        host=host,
        deployment=options.deployment,
        program=options.program,
    )


def fetching(
    options: argparse.Namespace,
    session: "Session",
    *,
    interval: float = 0.0,
    on_news: Callable[[str], None] = lambda _: None,
    on_start: Callable[[str], None] = lambda _: None,
) -> Callable[["Target", "Connection"], int]:
    """The work on one host: bring its mirror up to date; the last two are called with its name."""
    from fleetbpf.model.layout import HostLayout
    from fleetbpf.records import collect

    def fetch(target: "Target", connection: "Connection") -> int:
        name = target.host.name
        return collect.fetch(
            connection,
            HostLayout().at(target.host.root),
            session.workspace.mirror(name),
            host=name,
            deployment=options.deployment,
            interval=interval,
            become=target.become,
            limit=session.workspace.mirror_limit,
            on_news=lambda: on_news(name),
            on_start=lambda: on_start(name),
            on_clock=lambda skew: warn_of_clock(session, name, skew),
        )

    return fetch


def warn_of_clock(session: "Session", host: str, skew: "Skew") -> None:
    """Say that a host's clock is off: so are the times of its records, and their order."""
    from fleetbpf.host.skew import remark

    for text in remark(skew):
        session.watching.output.warning(f"{host}: {text}; so are the times of its records")


def show(
    options: argparse.Namespace,
    output: Output,
    readers: Mapping[str, "Reader"],
    recaps: Sequence[recap.HostRecap],
) -> ExitCode:
    """Print what all mirrors hold, in the order of time, and what went wrong."""
    from fleetbpf.wording import counted

    found = [record for reader in readers.values() for record in reader.news()]
    found.sort(key=lambda record: record.time_ns)
    for record in found:
        if output.json or options.overlap or not record.overlap:
            print_now(output, record)
    for host, count in Counter(record.host for record in found if record.kind == Kind.TORN).items():
        output.progress(f"{host}: warning: {counted(count, 'torn record')}")
    if not found and not any(each.problems for each in recaps):
        refuse_unknown(options, readers)
    recap.tell_problems(output, recaps)
    output.document(recap.document(recaps, {}))
    return recap.exit_code(recaps)


def refuse_unknown(options: argparse.Namespace, readers: Mapping[str, "Reader"]) -> None:
    """Raise HostError where no host has told anything of the program or deployment asked for."""
    from fleetbpf.records.records import unknown

    if readers:
        problem = unknown(tuple(readers.values()), options.deployment, options.program)
        HostError.raise_if_any([problem] if problem else [])


def follow(
    options: argparse.Namespace,
    output: Output,
    session: "Session",
    targets: Sequence["Target"],
    readers: Mapping[str, "Reader"],
) -> ExitCode:
    """Print records as they come, a JSON object a line with --json, until interrupted.

    A host that is lost, or cannot be reached, is told at once and tried again; the others go on.
    """
    from fleetbpf.cli.newscast import keep_on

    printing = threading.Lock()

    def news(host: str) -> None:
        with printing:
            for record in readers[host].news():
                if output.json or options.overlap or not record.overlap:
                    print_now(output, record)

    for target in targets:
        news(target.host.name)
    warn_of_unknown(options, output, readers)
    outcomes = keep_on(
        session,
        targets,
        lambda begin: fetching(
            options, session, interval=FOLLOW_INTERVAL, on_news=news, on_start=begin
        ),
        output,
    )
    told = recap.ended_by_hand([of(outcome) for outcome in outcomes])
    output.document(recap.document(told, {}))
    return recap.exit_code(told)


def warn_of_unknown(
    options: argparse.Namespace, output: Output, readers: Mapping[str, "Reader"]
) -> None:
    """Say what has told nothing so far: it may be misspelt, or come later."""
    from fleetbpf.records.records import unknown

    if problem := unknown(tuple(readers.values()), options.deployment, options.program):
        hint = f"; {problem.hint}" if problem.hint else ""
        output.warning(f"{problem.what} so far{hint}")


def print_now(output: Output, record: "Record") -> None:
    """One record at once, as text or as a line of JSON."""
    from fleetbpf.records.records import as_json, lines

    if output.json:
        output.item(as_json(record))
        return
    for line in lines(record):
        output.line(line)


def of(outcome: "Outcome[int]") -> recap.HostRecap:
    """The recap of one host."""
    if outcome.value is None:
        return recap.of_error(outcome.host.name, outcome.error)
    return recap.HostRecap(host=outcome.host.name)
