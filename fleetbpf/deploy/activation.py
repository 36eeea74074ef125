"""Bringing one host to its releases: the payload, the command, and what the host answers."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath, PurePosixPath
from types import MappingProxyType
from typing import Annotated

from pydantic import BeforeValidator, PlainValidator

from fleetbpf.deploy.packing import shared_payload
from fleetbpf.errors import HostError
from fleetbpf.execution import Connection
from fleetbpf.files.archive import OBJECTS, Compression, Content
from fleetbpf.frozen import frozen
from fleetbpf.host import lock
from fleetbpf.host.facts_answer import State
from fleetbpf.host.failures import Explained, Failure, check_asked
from fleetbpf.host.lock import Claim, read_line
from fleetbpf.host.protocol import Row, Said, Script
from fleetbpf.model.bounded import Decimal, Line, Many, Name, NameOrNone, take_one
from fleetbpf.model.facts import Lock
from fleetbpf.model.layout import HostLayout
from fleetbpf.model.rollout import Health
from fleetbpf.model.target import Target
from fleetbpf.plan.plan import Action, Change
from fleetbpf.plan.release import KERNEL_BTF, Release

WHOEVER = "-"
NOTHING: Mapping[str, Content] = MappingProxyType({})


@frozen
class Answer:
    """What `activate.sh` said it did."""

    started: frozenset[str] = frozenset()
    deleted: frozenset[str] = frozenset()
    retired: frozenset[str] = frozenset()  # programs that an old release ran beside
    ended: frozenset[str] = frozenset()  # programs of whole deployments; of several, with theirs
    failures: tuple[Failure, ...] = ()
    moved: Mapping[str, str]  # program → the release that is current now, not the planned one
    locked_by: Lock | None = None
    late: bool = False  # somebody has changed the host since it was seen: nothing was done
    changed: str = ""  # what the host's facts say from now on of who changed it last
    warnings: tuple[str, ...] = ()  # "program: what", of loaders that run all the same

    @property
    def done(self) -> frozenset[str]:
        """The programs that are now as was asked for."""
        failed = {failure.program for failure in self.failures} | self.moved.keys()
        return (self.started | self.deleted | self.retired) - failed


@frozen
class Step:
    """One thing that `activate.sh` is to do; see its usage for the fields."""

    verb: str  # start, restore, stop, delete, prune, retire; halt and sweep, of all programs
    program: str  # "" for all
    was: str  # the release the facts saw as current; the host refuses when it is another one now
    release: str = ""
    object: str = ""  # sha256 of the loader


def steps(changes: Iterable[Change], *, objects: Mapping[str, str]) -> tuple[Step, ...]:
    """What makes `changes` true; objects maps build keys to the sha256 of their loaders."""
    found: list[Step] = []
    for change in changes:
        program, was, release = change.program, change.was, change.release
        if was or not change.starts:  # where nothing else is current, what is left goes last
            found += retirements(change, change.retire)
        found += [Step(verb="prune", program=program, was=was, release=r) for r in change.prune]
        if change.action is Action.DELETE:
            found.append(Step(verb="delete", program=program, was=was))
        elif change.starts and release is not None:
            new = objects[release.build_key]
            found.append(
                Step(verb="start", program=program, was=was, release=release.id, object=new)
            )
    return tuple(found)


def retirements(change: Change, releases: Iterable[str]) -> list[Step]:
    """What ends some releases of a change's program."""
    return [
        Step(verb="retire", program=change.program, was=change.was, release=release)
        for release in releases
    ]


def stops(changes: Iterable[Change]) -> tuple[Step, ...]:
    """What ends all whose spools `changes` remove, so that their last records can be collected."""
    found: list[Step] = []
    for change in changes:
        if change.action is Action.DELETE:
            found.append(Step(verb="stop", program=change.program, was=change.was))
        else:
            found += retirements(change, [r for r in change.retire if r in change.prune])
    return tuple(found)


@frozen
class Activation:
    """The way to have one host do steps for one deployment."""

    deployment: str
    layout: HostLayout
    claim: Claim
    compression: Compression = Compression.GZIP  # of what is sent: one that the host knows
    seen: str = WHOEVER  # who changed the host last, as far as is known; else it does nothing
    manifest: str = ""  # the line of whose the deployment is from then on; "": as it was

    def do(
        self,
        target: Target,
        connection: Connection,
        todo: Sequence[Step],
        files: Mapping[str, Content] = NOTHING,
        loaders: Iterable[bytes] = (),
    ) -> Answer:
        """Have the host do `todo` with `files`, and loaders that are packed already; its answer.

        Raises HostError when the host refuses to begin (sudo, the lock), UnreachableError when
        the link is lost; the host then finishes what it has begun.
        """
        host, health = target.host.name, target.rollout.health
        answer = ACTIVATE.ask(
            connection,
            self.order(todo, health),
            host=host,
            become=target.become,
            stdin=shared_payload(tuple(files.items()), tuple(loaders), self.compression),
            more=health.soak + self.claim.patience,
        )
        if answer.locked_by:
            raise HostError(lock.problem(host, answer.locked_by))
        return answer

    def order(self, todo: Iterable[Step], health: Health) -> "Order":
        """The order to do `todo`; `health` judges what it starts."""
        return Order(activation=self, todo=tuple(todo), health=health)


@frozen
class Order:
    """What one host is to do."""

    activation: Activation
    todo: tuple[Step, ...]
    health: Health

    def words(self) -> Iterable[str | PurePath]:
        """The arguments of `activate.sh`, and before them what unpacks it."""
        sender = self.activation
        places = (sender.layout.root, sender.layout.run, sender.layout.units)
        about = (sender.deployment, *sender.claim.words, rules(self.health))
        state = (sender.seen, sender.manifest)
        steps = ((s.verb, s.program, s.was, s.release, s.object) for s in self.todo)
        return (
            sender.compression,
            *places,
            *about,
            *state,
            *(word for row in steps for word in row),
        )

    def programs(self, *verbs: str) -> frozenset[str]:
        """The programs of steps with these verbs; of all steps without any."""
        return frozenset(step.program for step in self.todo if not verbs or step.verb in verbs)

    def releases(self, *verbs: str) -> frozenset[tuple[str, str]]:
        """The programs and releases of steps with these verbs."""
        return frozenset((step.program, step.release) for step in self.todo if step.verb in verbs)


def rules(health: Health) -> str:
    """What a new release must keep to, as `activate.sh` takes it."""
    found = (health.soak, health.max_lost, health.min_records, health.max_restarts, health.max_cpu)
    return ":".join("" if rule is None else str(rule) for rule in found)


def release_files(
    release: Release, *, loader_sha256: str, about: bytes, btf: bytes | None, systemd: bool
) -> dict[str, Content]:
    """A release's own files, as they lie in the payload; btf is the kernel's where it has none."""
    folder = f"{release.program.name}/{release.id}"
    files: dict[str, Content] = {
        f"{folder}/args": release.args,
        f"{folder}/release.json": about,
        f"{folder}/loader": link_to(loader_sha256),
    }
    if systemd:
        files[f"{folder}/unit"] = release.unit
    if btf is not None:
        files[f"{folder}/{KERNEL_BTF}"] = btf
    return files


def link_to(loader_sha256: str) -> PurePosixPath:
    """Where a release's `loader` leads, from the folder of the release."""
    return PurePosixPath("../../../..", OBJECTS, loader_sha256)


class OfRelease(Row):
    """A release of a program."""

    program: Name
    release: Name

    @property
    def place(self) -> tuple[str, str]:
        """Which it is."""
        return self.program, self.release


class Started(OfRelease):
    """One that has started."""

    state: Annotated[State, BeforeValidator(State.within)]


class OfDeployment(Row):
    """A program of a deployment."""

    deployment: Name
    program: Name


class Moved(Row):
    """A program of which another release is current than was planned."""

    program: Name
    current: NameOrNone


class Told(Explained):
    """All rows of an answer."""

    waiting: Many[Decimal] = ()
    locked: Annotated[Lock | None, PlainValidator(read_line), BeforeValidator(take_one)] = None
    late: Many[Line] = ()
    arrived: Many[Line] = ()
    started: Many[Started] = ()
    moved: Many[Moved] = ()
    retired: Many[OfRelease] = ()
    pruned: Many[OfRelease] = ()
    stopped: Many[Name] = ()
    deleted: Many[Name] = ()
    halted: Many[OfDeployment] = ()
    swept: Many[OfDeployment] = ()


def read(order: Order, said: Said) -> Answer:
    """The answer of `activate.sh`; OddAnswerError where it tells of other programs or releases."""
    told = Told.read(said.lines)
    check_steps(order, told)
    return Answer(
        started=frozenset(row.program for row in told.started),
        deleted=frozenset(told.deleted),
        retired=frozenset(row.program for row in told.retired),
        ended=frozenset(ended(order, told)),
        failures=told.read_failures(order.programs()),
        moved={row.program: row.current for row in told.moved},
        locked_by=told.locked,
        late=bool(told.late),
        changed="".join(told.arrived[-1:]),
        warnings=tuple(
            f"{row.program}: {text}" for row in told.started for text in row.state.warnings
        ),
    )


def ended(order: Order, told: Told) -> Iterable[str]:
    """The programs that ended with all of their deployments; whose they are where these differ."""
    for row in (*told.halted, *told.swept):
        one = order.activation.deployment
        yield row.program if one else f"{row.deployment}/{row.program}"


def check_steps(order: Order, told: Told) -> None:
    """Raise OddAnswerError when something was done that was no step of the order."""
    check_asked((row.place for row in told.started), order.releases("start", "restore"))
    check_asked((row.place for row in told.retired), order.releases("retire"))
    check_asked((row.place for row in told.pruned), order.releases("prune"))
    check_asked(told.stopped, order.programs("stop", "delete"))
    check_asked(told.deleted, order.programs("delete"))
    check_asked((row.program for row in told.moved), order.programs())
    for verb, rows in (("halt", told.halted), ("sweep", told.swept)):
        asked = order.activation.deployment
        check_asked((row.program for row in rows if not order.programs(verb)), ())
        check_asked((row.deployment for row in rows), {asked or row.deployment for row in rows})


# The soak and the wait for the lock come on top: a slow host may take minutes to start many.
ACTIVATE = Script(name="activate.sh", words=Order.words, read=read, packed=True, timeout=900.0)
