"""`fleetbpf run`: apply, print what comes for some time, destroy, sum up."""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fleetbpf.cli import logs, recap, rolled
from fleetbpf.cli.options import add_fleet, add_lock_timeout, add_take_over, duration, load_targets
from fleetbpf.cli.output import Output
from fleetbpf.cli.recap import HostRecap
from fleetbpf.errors import ExitCode

if TYPE_CHECKING:
    from fleetbpf.cli.session import Reach, Session
    from fleetbpf.deploy.apply import Applied
    from fleetbpf.deploy.passing import Start, Tale
    from fleetbpf.fleet.fleet import Outcome
    from fleetbpf.model.target import Target
    from fleetbpf.records.records import Record

SUMMARY = "apply a manifest for some time, print what its programs tell, and take all away again"
PATIENCE = 60.0  # seconds for a host that still activates when we were interrupted


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_fleet(parser, what="the manifest's file", nargs=None)
    parser.add_argument(
        "--for",
        dest="seconds",
        metavar="DURATION",
        type=duration,
        required=True,
        help="how long, from when the last host has started: 60s, 5m",
    )
    add_lock_timeout(parser)
    add_take_over(parser)


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Start on all hosts, collect and print, and take away what was begun, whatever happened."""
    from fleetbpf.cli.session import Session
    from fleetbpf.deploy import passing
    from fleetbpf.deploy.apply import Apply

    manifest, targets = load_targets(options)
    session = Session.of(options)
    targets = passing.limited(targets, seconds=options.seconds)
    tale = passing.Tale(
        [target.host.name for target in targets],
        deployment=manifest.name,
        workspace=session.workspace,
        tell=lambda record: tell(output, record),
    )
    work = Apply(
        prepare=session.prepare(manifest, targets, output),
        workspace=session.workspace,
        say=session.shown.say,
        claim=session.claim,
    )
    with session.reach(targets) as reach:
        start = passing.Start(apply=work)
        passage = Passage(targets=targets, session=session, reach=reach, start=start, tale=tale)
        started, others = passage.play(seconds=options.seconds)
    return sum_up(output, manifest.name, tale, recaps(started, others))


def tell(output: Output, record: "Record") -> None:
    """A record as it comes."""
    if output.json or not record.overlap:
        logs.print_now(output, record)


@dataclass(frozen=True, kw_only=True)
class Passage:
    """One run of the command: its hosts, its ways to them, and its three parts."""

    targets: "Sequence[Target]"
    session: "Session"
    reach: "Reach"
    start: "Start"
    tale: "Tale"

    def play(
        self, *, seconds: float
    ) -> "tuple[Sequence[Outcome[Applied]], Sequence[Outcome[Any]]]":
        """Begin, watch, and end what was begun, whatever happens; what became of each part.

        An interrupt ends a part, and its hosts' outcomes say so; between two parts it is raised.
        """
        started: Sequence[Outcome[Applied]] = ()
        watched: Sequence[Outcome[None]] = ()
        try:
            started = self.begin()
            watched = self.watch(started, seconds=seconds)
        finally:
            ended = self.end()
        return started, (*watched, *ended)

    def begin(self) -> "Sequence[Outcome[Applied]]":
        """Start everything everywhere."""
        return self.reach.on_each(self.targets, self.start.to, word=rolled.word)

    def watch(
        self, started: "Sequence[Outcome[Applied]]", *, seconds: float
    ) -> "Sequence[Outcome[None]]":
        """Collect and tell for so long, from all hosts at once, where something has started."""
        from fleetbpf.deploy.passing import Watch

        if any(outcome.interrupted for outcome in started):
            return ()
        runs = {each.host.name for each in started if each.value and each.value.done}
        targets = [target for target in self.targets if target.host.name in runs]
        work = Watch(
            deployment=self.start.apply.prepare.deployment,
            workspace=self.session.workspace,
            tale=self.tale,
            until=time.monotonic() + seconds,
        )
        quiet = replace(
            self.reach, forks=max(len(targets), 1), watching=self.session.silent().watching
        )
        return quiet.on_each(targets, work.on)

    def end(self) -> "Sequence[Outcome[tuple[str, ...]]]":
        """Take away what was begun, and tell the last of it."""
        from fleetbpf.deploy.destroy import Destroy

        work = Destroy(
            deployment=self.start.apply.prepare.deployment,
            workspace=self.session.workspace,
            say=self.session.shown.say,
            claim=replace(self.session.claim, patience=PATIENCE),
        )
        begun = [target for target in self.targets if target.host.name in self.start.begun]
        outcomes = self.reach.on_each(begun, work.on, word=lambda found: found.word)
        for target in begun:
            self.tale.news(target.host.name)
        return outcomes


def recaps(
    started: "Sequence[Outcome[Applied]]", others: "Sequence[Outcome[Any]]"
) -> list[HostRecap]:
    """A line for each host; what went wrong later is beside what went wrong at its start."""
    found = {outcome.host.name: rolled.of(outcome) for outcome in started}
    for outcome in others:
        if outcome.error is not None:
            late = recap.of_error(outcome.host.name, outcome.error)
            first = found[outcome.host.name]
            found[outcome.host.name] = replace(
                first,
                failed=first.failed + late.failed,
                unreachable=max(first.unreachable, late.unreachable),
                interrupted=first.interrupted or late.interrupted,
                problems=tuple(dict.fromkeys((*first.problems, *late.problems))),
            )
    return list(found.values())


def sum_up(output: Output, deployment: str, tale: "Tale", told: Sequence[HostRecap]) -> ExitCode:
    """What each program told on each host, and what became of the hosts."""
    places = sorted({*tale.records, *tale.lost})
    rows = [(*place, str(tale.records[place]), str(tale.lost[place])) for place in places]
    if rows:
        output.table(("HOST", "PROGRAM", "RECORDS", "LOST"), rows)
    recap.tell(output, told)
    counts: dict[str, dict[str, Any]] = {each.host: {"programs": {}} for each in told}
    for host, program in places:
        told_here = {"records": tale.records[host, program], "lost": tale.lost[host, program]}
        counts[host]["programs"][program] = told_here
    output.document({"deployment": deployment, **recap.document(told, counts)})
    return recap.exit_code(told)
