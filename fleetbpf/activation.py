"""Bringing one host to its releases: the payload, the command, and what the host answers."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from types import MappingProxyType

from fleetbpf import lock
from fleetbpf.archive import OBJECTS, Compression, Content
from fleetbpf.command import Command, packed_script
from fleetbpf.connections import Connection
from fleetbpf.errors import HostError
from fleetbpf.facts import Row, check_greeting, object_in, tabbed
from fleetbpf.frozen import frozen
from fleetbpf.layout import HostLayout
from fleetbpf.lock import Claim
from fleetbpf.model.facts import Lock
from fleetbpf.model.rollout import Health
from fleetbpf.model.target import Target
from fleetbpf.packing import shared_payload
from fleetbpf.plan import Action, Change
from fleetbpf.release import KERNEL_BTF, Release

GREETING = ("fleetbpf", "activate")
TIMEOUT = 900.0  # seconds; a slow host may take minutes to start many programs
NOTHING: Mapping[str, Content] = MappingProxyType({})


@frozen
class Failure:
    """Why a release did not start on a host."""

    program: str
    stage: str  # payload, place, start, health, switch; or what the loader says: load, attach, …
    message: str
    hint: str = ""
    verifier_log: str = ""
    detail: str = ""  # more that was said, where the loader itself did not tell


@frozen
class Answer:
    """What `activate.sh` said it did."""

    started: frozenset[str] = frozenset()
    deleted: frozenset[str] = frozenset()
    retired: frozenset[str] = frozenset()  # programs that an old release ran beside
    failures: tuple[Failure, ...] = ()
    moved: Mapping[str, str]  # program → the release that is current now, not the planned one
    locked_by: Lock | None = None
    warnings: tuple[str, ...] = ()  # "program: what", of loaders that run all the same

    @property
    def done(self) -> frozenset[str]:
        """The programs that are now as was asked for."""
        failed = {failure.program for failure in self.failures} | self.moved.keys()
        return (self.started | self.deleted | self.retired) - failed


@frozen
class Step:
    """One thing that `activate.sh` is to do; see its usage for the fields."""

    verb: str  # start, restore, stop, delete, prune, retire
    program: str
    was: str  # the release the facts saw as current; the host refuses when it is another one now
    release: str = ""
    object: str = ""  # sha256 of the loader


def steps(changes: Iterable[Change], *, objects: Mapping[str, str]) -> tuple[Step, ...]:
    """What makes `changes` true; objects maps build keys to the sha256 of their loaders."""
    found: list[Step] = []
    for change in changes:
        program, was, release = change.program, change.was, change.release
        found += [Step(verb="retire", program=program, was=was, release=r) for r in change.retire]
        found += [Step(verb="prune", program=program, was=was, release=r) for r in change.prune]
        if change.action is Action.DELETE:
            found.append(Step(verb="delete", program=program, was=was))
        elif change.starts and release is not None:
            new = objects[release.build_key]
            found.append(
                Step(verb="start", program=program, was=was, release=release.id, object=new)
            )
    return tuple(found)


def stops(changes: Iterable[Change]) -> tuple[Step, ...]:
    """What ends the programs that `changes` delete, so that their last records can be collected."""
    return tuple(
        Step(verb="stop", program=change.program, was=change.was)
        for change in changes
        if change.action is Action.DELETE
    )


@frozen
class Activation:
    """The way to have one host do steps for one deployment."""

    deployment: str
    layout: HostLayout
    claim: Claim
    compression: Compression = Compression.GZIP  # of what is sent: one that the host knows

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
        host = target.host.name
        health = target.rollout.health
        command = self.command(todo, health, become=target.become)
        payload = shared_payload(tuple(files.items()), tuple(loaders), self.compression)
        completed = connection.run(
            command, stdin=payload, timeout=TIMEOUT + health.soak + self.claim.patience
        )
        rows = tabbed(completed.stdout)
        check_greeting(rows, completed, host=host, greeting=GREETING, become=target.become)
        answer = parse(rows)
        if answer.locked_by:
            raise HostError(lock.problem(host, answer.locked_by))
        return answer

    def command(self, todo: Iterable[Step], health: Health, *, become: bool) -> Command:
        """The command that does `todo`; `health` judges what it starts."""
        words = [(s.verb, s.program, s.was, s.release, s.object) for s in todo]
        places = (self.layout.root, self.layout.run, self.layout.units)
        rows = (word for row in words for word in row)
        about = (self.deployment, *self.claim.words, rules(health))
        arguments = (*map(str, places), *about, *rows)
        pause = health.soak + self.claim.patience
        tool = self.compression
        return packed_script("activate.sh", tool, *arguments, become=become, pause=pause)


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


def parse(rows: Iterable[Row]) -> Answer:
    """The answer of `activate.sh`."""
    by_kind: dict[str, list[Row]] = {}
    for kind, *fields in rows:
        by_kind.setdefault(kind, []).append(tuple(fields))
    return Answer(
        started=frozenset(row[0] for row in by_kind.get("started", ())),
        deleted=frozenset(row[0] for row in by_kind.get("deleted", ())),
        retired=frozenset(row[0] for row in by_kind.get("retired", ())),
        failures=tuple(failure(row, by_kind) for row in by_kind.get("failed", ())),
        moved={row[0]: row[1] for row in by_kind.get("moved", ())},
        locked_by=next(map(lock.parse, by_kind.get("locked", ())), None),
        warnings=tuple(said for row in by_kind.get("started", ()) for said in warnings(row)),
    )


def failure(row: Row, by_kind: Mapping[str, list[Row]]) -> Failure:
    """One `failed` line with the lines that explain it."""
    program, stage = row

    def text(kind: str) -> str:
        return "\n".join("\t".join(r[1:]) for r in by_kind.get(kind, ()) if r[0] == program)

    said, *more = text("stderr").strip().split("\n")
    if stage == "payload":
        return Failure(
            program=program,
            stage=stage,
            message=f"cannot unpack what was sent: {said}",
            hint="tar and gzip have to work there, and zstd if it is there",
            detail="\n".join(more),
        )
    told = {key: str(value) for key, value in object_in(text("failure")).items() if value}
    return Failure(
        program=program,
        stage=told.get("stage") or stage,
        message=told.get("message") or said or f"failed at: {stage}",
        hint=told.get("hint", ""),
        verifier_log=text("verifier"),
        detail="" if told else "\n".join(more),
    )


def warnings(row: Row) -> tuple[str, ...]:
    """What a loader that has started warns of: the program, its release, its `state` file."""
    program, _, state = row
    return tuple(f"{program}: {said}" for said in object_in(state).get("warnings", ()))
