"""Apply: have each host make the changes that it needs, and tell what came of them."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import field, replace
from datetime import UTC, datetime
from pathlib import Path

from fleetbpf.deploy import activation
from fleetbpf.deploy.activation import Activation, Answer, Step
from fleetbpf.deploy.prepare import NO_SYSTEMD, Prepare, Prepared
from fleetbpf.deploy.verifier import decisive
from fleetbpf.errors import HostError, Problem
from fleetbpf.execution import Connection
from fleetbpf.files.archive import Compression, Content
from fleetbpf.files.private_files import write_whole
from fleetbpf.frozen import frozen
from fleetbpf.host.failures import Failure
from fleetbpf.host.lock import Claim
from fleetbpf.model.facts import HostFacts
from fleetbpf.model.layout import Workspace
from fleetbpf.model.target import Target
from fleetbpf.plan.plan import Action, Change
from fleetbpf.records import collect
from fleetbpf.secret import Mask, unmasked

ATTEMPTS = 20  # on a host that others change meanwhile
Say = Callable[[str, str], None]  # host, what it is at


@frozen
class Applied:
    """What apply did on one host."""

    changes: tuple[Change, ...]  # all rows of the plan, NONE ones too
    done: frozenset[str] = frozenset()  # programs that were started or deleted
    problems: tuple[Problem, ...] = ()  # why others were not
    warnings: tuple[str, ...] = ()
    held: tuple[Change, ...] = ()  # deletions that nobody agreed to: nothing was done

    @property
    def failed(self) -> int:
        """How many programs are not as declared."""
        wanted = {change.program for change in self.changes if change.wanted}
        return len(wanted - self.done)

    @property
    def ok(self) -> int:
        """How many programs are as declared."""
        return len(self.changes) - self.failed


@frozen
class Apply:
    """One run of apply: the same for every host."""

    prepare: Prepare
    workspace: Workspace
    say: Say
    claim: Claim
    when: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    agree: Callable[[Prepared], None] = lambda _: None  # raises where a plan says otherwise
    may_delete: Callable[[Change], bool] = lambda _: True

    def to(self, target: Target, connection: Connection) -> Applied:
        """Bring one host to what is declared for it; raises what `Prepare.host` does.

        Where somebody else has changed the host since it was asked, it is asked again: what is
        there may be what is wanted. What differs from the first plan is left as it is.
        """
        first: Prepared | None = None
        for _ in range(ATTEMPTS):
            prepared = self.prepare.host(target, connection)
            self.agree(prepared)
            first = first or prepared
            if moved := tuple(differing(first, prepared)):
                return Applied(changes=prepared.changes, problems=(*prepared.problems, *moved))
            if held := tuple(
                change for change in deletions(prepared) if not self.may_delete(change)
            ):
                return Applied(changes=prepared.changes, problems=prepared.problems, held=held)
            self.announce(prepared, again=prepared is not first)
            if prepared.is_done:
                return Applied(changes=prepared.changes, problems=prepared.problems)
            answer = self.activate(prepared, connection)
            if not answer.late:
                return self.conclude(prepared, answer)
        what = "others change this host all the time: nothing was done there"
        raise HostError(Problem(where=target.host.name, what=what, hint="run the command again"))

    def announce(self, prepared: Prepared, *, again: bool) -> None:
        """Say what is about to happen on a host."""
        host, lock = prepared.target.host.name, prepared.seen.lock
        if again:
            rest = "the rest follows" if prepared.todo else "nothing is left to do"
            self.say(host, f"somebody else was at work here meanwhile: {rest}")
            return
        if lock and lock.stale:  # also when the killed one had done all but tidy up
            self.say(host, "tidying up after one that was killed")
        for change in prepared.todo:
            self.say(host, f"{change.program}: {change.action.value}: {change.reason}")

    def conclude(self, prepared: Prepared, answer: Answer) -> Applied:
        """What came of the changes that a host was to make."""
        problems = self.problems(prepared.target.host.name, prepared.todo, answer)
        return Applied(
            changes=prepared.changes,
            done=answer.done,
            problems=(*prepared.problems, *problems),
            warnings=(*answer.warnings, *warnings(answer.started, prepared.seen)),
        )

    def activate(self, prepared: Prepared, connection: Connection) -> Answer:
        """Send what the host lacks and have it make the changes."""
        target, changes = prepared.target, prepared.todo
        deployment = self.prepare.deployment
        layout = self.prepare.layout.at(target.host.root)
        compression = Compression.ZSTD if prepared.seen.zstd else Compression.GZIP
        host = Activation(
            deployment=deployment,
            layout=layout,
            claim=self.claim,
            compression=compression,
            seen=prepared.seen.changed,
            manifest=self.prepare.owner.origin.line if self.prepare.owner else "",
        )
        if any(change.prune or change.action is Action.DELETE for change in changes):
            stops = activation.stops(changes)
            ended = save_records(target, connection, host, stops, self.workspace)
            if ended.late:
                return ended
            host = replace(host, seen=ended.changed or host.seen)
        artifact = self.prepare.builders.artifact
        artifacts = (artifact(program.recipe) for program in target.programs)
        objects = {found.key: found.loader_sha256 for found in artifacts}
        todo = activation.steps(changes, objects=objects)
        sent = self.content(changes, prepared.seen, compression)
        return host.do(target, connection, todo, *sent)

    def content(
        self, changes: Sequence[Change], seen: HostFacts, compression: Compression
    ) -> tuple[dict[str, Content], Iterable[bytes]]:
        """The files of the new releases, and the loaders that the host does not have, packed."""
        files: dict[str, Content] = {}
        loaders: dict[str, bytes] = {}
        builders, btf = self.prepare.builders, self.prepare.btf.of(seen)
        for release in (change.release for change in changes if change.release):
            artifact = builders.artifact(release.program.recipe)
            sha256 = artifact.loader_sha256
            about = release.about(loader_sha256=sha256, who=self.claim.who, when=self.when)
            cut = builders.cut_btf(release.program.recipe, btf) if btf else None
            files |= activation.release_files(
                release, loader_sha256=sha256, about=about, btf=cut, systemd=seen.systemd
            )
            if sha256 not in seen.sound_objects:
                loaders[artifact.key] = artifact.packed(compression)
        return files, loaders.values()

    def problems(self, host: str, changes: Sequence[Change], answer: Answer) -> list[Problem]:
        """What went wrong in an activation, program by program."""
        found = [self.problem(host, failure) for failure in answer.failures]
        found += [
            Problem(
                where=f"{host}: {program}",
                what=f"changed since the plan: release {now or 'none'} is current there now",
                hint="somebody else applied meanwhile; run the command again",
            )
            for program, now in answer.moved.items()
        ]
        told = {*answer.done, *answer.moved, *(failure.program for failure in answer.failures)}
        silent = [change.program for change in changes if change.program not in told]
        if silent and "" not in told:
            what = f"the host stopped before {', '.join(silent)}"
            found.append(Problem(where=host, what=what, hint="run the command again"))
        return found

    def problem(self, host: str, failure: Failure) -> Problem:
        """A program that did not start, in words."""
        if not failure.program:  # the host's: it could not be locked
            return plainly(failure, where=host)
        where = f"{host}: {failure.program}"
        log = self.workspace.verifier_log(host, self.prepare.deployment, failure.program)
        return explained(failure, where=where, log=log, mask=self.workspace.mask)


def explained(failure: Failure, *, where: str, log: Path, mask: Mask = unmasked) -> Problem:
    """A failure in words; what the verifier said is kept in the file `log`."""
    if not failure.verifier_log:
        return plainly(failure, where=where)
    hint = f"the verifier's whole log is in {log}"
    try:
        write_whole(log, mask(failure.verifier_log).encode(), below=log.parents[4])
    except OSError as error:  # the refusal is what matters; a full disk here must not hide it
        hint = f"the verifier's whole log could not be kept: {log}: {error.strerror}"
    return Problem(
        where=where, what=failure.message, detail=decisive(failure.verifier_log), hint=hint
    )


def plainly(failure: Failure, *, where: str) -> Problem:
    """A failure in the words in which it came."""
    return Problem(where=where, what=failure.message, hint=failure.hint, detail=failure.detail)


def deletions(prepared: Prepared) -> Iterable[Change]:
    """What is to be deleted on a host."""
    return (change for change in prepared.todo if change.action is Action.DELETE)


def differing(first: Prepared, again: Prepared) -> Iterable[Problem]:
    """What a host needs now, and did not need when it was first asked."""
    planned = set(map(brief, first.todo))
    for change in again.todo:
        if brief(change) not in planned:
            yield Problem(
                where=f"{change.host}: {change.program}",
                what=f"changed since the plan: release {change.was or 'none'} is current there now",
                hint="somebody else applied meanwhile; run the command again",
            )


def brief(change: Change) -> tuple[object, ...]:
    """What a change does, without why."""
    release = change.release.id if change.release else ""
    return (change.program, change.action, change.was, release, change.prune, change.retire)


def save_records(
    target: Target,
    connection: Connection,
    host: Activation,
    ending: Sequence[Step],
    workspace: Workspace,
) -> Answer:
    """Collect what a host's spool holds before parts of it are removed; what `ending` came to.

    Programs that are to be deleted are stopped first, by `ending`: their last records count too.
    """
    answer = host.do(target, connection, ending) if ending else Answer(moved={})
    if answer.late:
        return answer
    collect.fetch(
        connection,
        host.layout,
        workspace.mirror(target.host.name),
        host=target.host.name,
        deployment=host.deployment,
        become=target.become,
        limit=workspace.mirror_limit,
    )
    return answer


def warnings(started: Collection[str], seen: HostFacts) -> tuple[str, ...]:
    """What a person should know though nothing failed."""
    if started and not seen.systemd:
        return (NO_SYSTEMD,)
    return ()
