"""A passing deployment: started, watched for some time, and taken away again."""

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import field, replace

from fleetbpf.deploy.apply import Applied, Apply
from fleetbpf.deploy.prepare import Prepared
from fleetbpf.errors import HostError, Problem
from fleetbpf.execution import Connection
from fleetbpf.frozen import frozen
from fleetbpf.model.layout import HostLayout, Workspace
from fleetbpf.model.record import LOSSES, weight
from fleetbpf.model.rollout import Rollout
from fleetbpf.model.target import Target
from fleetbpf.records import collect
from fleetbpf.records.records import Reader, Record

MARGIN = 120  # seconds after which hosts end by themselves what nobody has taken away
LOOK_EVERY = 1.0  # seconds between two looks at a spool


def limited(targets: Iterable[Target], *, seconds: float) -> tuple[Target, ...]:
    """The targets with programs that end by themselves, should nobody end them; all at once."""
    expires = math.ceil(seconds) + MARGIN
    return tuple(
        replace(
            target,
            programs=tuple(replace(program, expires=expires) for program in target.programs),
            rollout=Rollout(),
        )
        for target in targets
    )


@frozen
class Start:
    """The first part: apply, but only where nothing of that name is."""

    apply: Apply
    begun: set[str] = field(default_factory=set)  # hosts that may have something to take away

    def to(self, target: Target, connection: Connection) -> Applied:
        """Start everything on one host; HostError where the deployment is there already."""
        return replace(self.apply, agree=self.begin).to(target, connection)

    def begin(self, prepared: Prepared) -> None:
        """Note that a host may have something to take away; HostError where that is another's."""
        host = prepared.target.host.name
        self.begun.discard(host)
        HostError.raise_if_any(in_the_way(prepared, self.apply.prepare.deployment))
        self.begun.add(host)


def in_the_way(prepared: Prepared, deployment: str) -> Iterable[Problem]:
    """That somebody else has this deployment there; what has expired is left of an earlier run."""
    for placed in prepared.seen.programs:
        current = placed.find(placed.current)
        if placed.deployment == deployment and current and not current.expired:
            what = f"the deployment {deployment} is there already: {placed.program}"
            hint = "`fleetbpf logs` shows what it tells; give the manifest another `name` to run it"
            yield Problem(where=prepared.target.host.name, what=what, hint=hint)


Place = tuple[str, str]  # host, program
Tell = Callable[[Record], None]


class Tale:
    """What the programs of a deployment tell from now on, counted by host and program."""

    def __init__(
        self, hosts: Iterable[str], *, deployment: str, workspace: Workspace, tell: Tell
    ) -> None:
        self._readers = {
            host: Reader(logs=workspace.logs, host=host, deployment=deployment) for host in hosts
        }
        for reader in self._readers.values():
            reader.news()  # of earlier runs
        self._tell = tell
        self._telling = threading.Lock()
        self.records: Counter[Place] = Counter()
        self.lost: Counter[Place] = Counter()

    def news(self, host: str) -> None:
        """Tell and count what has come from a host."""
        with self._telling:
            for record in self._readers[host].news():
                self._tell(record)
                self._count(record)

    def _count(self, record: Record) -> None:
        counts = self.lost if record.kind in LOSSES else self.records
        counts[record.host, record.program] += weight(record.kind, record.fields)


@frozen
class Watch:
    """The second part: collect, again and again, until the time is over."""

    deployment: str
    workspace: Workspace
    tale: Tale
    until: float  # time.monotonic()

    def on(self, target: Target, connection: Connection) -> None:
        """Collect from one host until the time is over."""
        host = target.host.name
        while (left := self.until - time.monotonic()) > 0:
            time.sleep(min(left, LOOK_EVERY))
            collect.fetch(
                connection,
                HostLayout().at(target.host.root),
                self.workspace.mirror(host),
                host=host,
                deployment=self.deployment,
                become=target.become,
                limit=self.workspace.mirror_limit,
            )
            self.tale.news(host)
