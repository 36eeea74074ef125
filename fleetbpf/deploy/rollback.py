"""Rollback: programs of a host go back to the release before, from what lies on the host alone."""

from collections.abc import Iterator, Sequence

from fleetbpf.deploy.activation import Activation, Answer, Step
from fleetbpf.deploy.apply import Applied, Say, save_records
from fleetbpf.errors import Problem
from fleetbpf.execution import Connection
from fleetbpf.frozen import frozen
from fleetbpf.host import facts, history
from fleetbpf.host.history import Entry, Outcome
from fleetbpf.host.lock import Claim
from fleetbpf.model.facts import ProgramFacts
from fleetbpf.model.layout import HostLayout, Workspace
from fleetbpf.model.target import Target
from fleetbpf.plan.ownership import Owner
from fleetbpf.plan.plan import Action
from fleetbpf.wording import listed, quoted


@frozen
class Return:
    """A program's way back."""

    program: str
    now: str  # the release that is current
    to: str  # the one that shall be; "" = none: the program was not there before

    def __str__(self) -> str:
        return f"{self.program}: {self.now} → {self.to or 'not there'}"


@frozen
class Returned:
    """What came of it on one host."""

    done: tuple[Return, ...] = ()
    left: int = 0  # how many programs are there already
    problems: tuple[Problem, ...] = ()  # why other programs were not put back


def undoing(applied: Applied) -> Iterator[Return]:
    """What puts a host back to where it was before it was changed so.

    Programs that were deleted have no files there any more, and those that had only stopped are as
    they were declared: neither is among them.
    """
    for change in applied.changes:
        if change.program not in applied.done or change.release is None or change.retire:
            continue
        if change.action in {Action.CREATE, Action.UPDATE} and change.was != change.release.id:
            yield Return(program=change.program, now=change.release.id, to=change.was)


def gone(applied: Applied) -> Iterator[str]:
    """The programs that a change has deleted: they do not come back."""
    for change in applied.changes:
        if change.action is Action.DELETE and change.program in applied.done:
            yield change.program


@frozen
class Rollback:
    """One run of it: the same for every host."""

    deployment: str
    owner: Owner | None = None  # None: whoever's it is
    workspace: Workspace
    say: Say
    claim: Claim
    to: str | None = None  # a release; None = the one before the current
    program: str | None = None  # None = all of them
    layout: HostLayout = HostLayout()

    def on(self, target: Target, connection: Connection) -> Returned:
        """Find out where each program of a host goes back to, and put it there."""
        host, become = target.host.name, target.become
        layout = self.layout.at(target.host.root)
        seen = facts.ask(connection, layout, host=host, deployment=self.deployment, become=become)
        if self.owner:
            self.owner.check(seen, host=host)
        if not seen.programs and self.to is None:
            return Returned(problems=(nothing(host, self.deployment),))
        placed = [found for found in seen.programs if self.program in {None, found.program}]
        if self.to is not None:
            ways: Sequence[Return | Problem | None] = named(host, placed, self.to)
        else:
            told = history.ask(connection, layout, host=host, become=become)
            ways = [before(host, found, told.entries) for found in placed]
        returns = tuple(way for way in ways if isinstance(way, Return))
        problems = tuple(way for way in ways if isinstance(way, Problem))
        left = sum(way is None for way in ways)
        if not returns:
            return Returned(left=left, problems=problems)
        found = self.back(target, connection, returns)
        return Returned(done=found.done, left=left, problems=(*problems, *found.problems))

    def back(self, target: Target, connection: Connection, returns: Sequence[Return]) -> Returned:
        """Put programs of a host back; what was created goes, with its records collected first."""
        host = target.host.name
        for way in returns:
            self.say(host, f"{way.program}: roll back: {way.now} → {way.to or 'not there'}")
        here = Activation(
            deployment=self.deployment, layout=self.layout.at(target.host.root), claim=self.claim
        )
        ending = [Step(verb="stop", program=w.program, was=w.now) for w in returns if not w.to]
        if ending:
            save_records(target, connection, here, ending, self.workspace)
        answer = here.do(target, connection, list(map(step, returns)))
        return Returned(
            done=tuple(way for way in returns if way.program in answer.done),
            problems=tuple(
                failed(host, way, answer) for way in returns if way.program not in answer.done
            ),
        )


def nothing(host: str, deployment: str) -> Problem:
    """The deployment is not there."""
    what = f"there is nothing to roll back: nothing of {quoted(deployment)} is there"
    return Problem(where=host, what=what, hint="`fleetbpf apply` puts it there")


def step(way: Return) -> Step:
    """What has a host go that way."""
    if not way.to:
        return Step(verb="delete", program=way.program, was=way.now)
    return Step(verb="restore", program=way.program, was=way.now, release=way.to)


def named(host: str, placed: Sequence[ProgramFacts], release: str) -> list[Return | Problem | None]:
    """The way to a release of that name, for the program that has it."""
    having = [found for found in placed if found.find(release) is not None]
    if not having:
        there = sorted(each.release for found in placed for each in found.releases)
        hint = f"there are {listed(there)}" if there else "none of its programs is there"
        return [Problem(where=host, what=f"it has no release {release}", hint=hint)]
    return [checked(host, found, release) if found.current != release else None for found in having]


def before(host: str, placed: ProgramFacts, entries: Sequence[Entry]) -> Return | Problem | None:
    """The way to the release that was current before; None when that was gone already.

    A second rollback changes nothing: it neither takes the first one back nor goes on from there.
    """
    where, current = f"{host}: {placed.program}", placed.current
    last = next(changes(placed, entries), None)
    others = [found.release for found in placed.releases if found.release != current]
    hint = f"name one with --to: {listed(others)}" if others else "it has no other one"
    if not current:
        what = "there is nothing to roll back: no release of it was ever ready"
        return Problem(where=where, what=what, hint="`fleetbpf apply` tries again")
    if last is None:
        what = f"its history does not tell which release was there before {current}"
        return Problem(where=where, what=what, hint=hint)
    if last.outcome is Outcome.ROLLED_BACK:
        return None
    if not last.was:
        what = f"release {current} is the first one there"
        return Problem(where=where, what=what, hint="`fleetbpf destroy` takes it away")
    return checked(host, placed, last.was)


def changes(placed: ProgramFacts, entries: Sequence[Entry]) -> Iterator[Entry]:
    """How its current release became that, newest first; a mere restart is no change."""
    for entry in reversed(entries):
        same = (entry.deployment, entry.program) == (placed.deployment, placed.program)
        became = entry.outcome in {Outcome.READY, Outcome.ROLLED_BACK}
        if same and became and entry.release == placed.current != entry.was:
            yield entry


def checked(host: str, placed: ProgramFacts, release: str) -> Return | Problem:
    """The way to a release, if it lies on the host as it was placed."""
    where, found = f"{host}: {placed.program}", placed.find(release)
    hint = "apply the manifest as it was then"
    if found is None:
        what = f"release {release}, which was there before, has been removed since"
        return Problem(where=where, what=what, hint=hint)
    if found.loader_sha256 != found.object or not found.object:
        what = f"the loader of release {release} was changed on the host"
        return Problem(where=where, what=what, hint=hint)
    return Return(program=placed.program, now=placed.current, to=release)


def failed(host: str, way: Return, answer: Answer) -> Problem:
    """A program that was not put back, in words."""
    where = f"{host}: {way.program}"
    if way.program in answer.moved:
        now = answer.moved[way.program] or "none"
        what = f"not rolled back: release {now} is current there now, not {way.now}"
        return Problem(where=where, what=what, hint="somebody else has applied meanwhile")
    said = next((each for each in answer.failures if each.program == way.program), None)
    why = f": {said.message}" if said else ""
    return Problem(
        where=where,
        what=f"NOT ROLLED BACK, {way.now} goes on{why}",
        detail=said.detail if said else "",
        hint="`fleetbpf status` shows what runs there; `fleetbpf rollback` tries again",
    )
