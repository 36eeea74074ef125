"""What must change on one host, and why: a pure comparison of what is declared with its facts."""

import re
from collections.abc import Iterable, Sequence
from enum import Enum

from fleetbpf.errors import Problem
from fleetbpf.frozen import frozen
from fleetbpf.manifest import hook_checks
from fleetbpf.model.description import Description
from fleetbpf.model.facts import HostFacts, Orphan, ProgramFacts, ReleaseFacts
from fleetbpf.plan import fitness, moves, needs, orphans
from fleetbpf.plan.moves import Move
from fleetbpf.plan.release import Release, sha256
from fleetbpf.wording import listed

OLDEST_KERNEL = (5, 10)
KEPT_RELEASES = 3  # the current one, the one before, and one more


class Action(Enum):
    """What is done with one program on one host."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    NONE = "none"


class Cause(Enum):
    """Why a program is not as declared."""

    NONE = "none"  # it is
    ABSENT = "absent"  # not placed
    LOST = "lost"  # its files are gone
    MOVED = "moved"  # another release than the declared one
    TAMPERED = "tampered"  # its files are not as they were placed
    EXPIRED = "expired"  # the time that its play gave it is over
    STOPPED = "stopped"
    NOT_READY = "not ready"  # its last start failed
    WRONG_LOADER = "wrong loader"  # something else runs in its place
    NOT_ENABLED = "not enabled"  # it will not come back after a reboot
    BESIDE = "beside"  # an old release runs beside it
    UNDECLARED = "undeclared"  # the manifest does not give it to this host
    ORPHANED = "orphaned"  # something of it is there that belongs to no placed release


@frozen
class Why:
    """The cause of a change, in words too."""

    cause: Cause
    text: str
    moves: tuple[Move, ...] = ()


@frozen
class Change:
    """One row of a plan: host × program."""

    host: str
    program: str
    action: Action
    cause: Cause = Cause.NONE
    reason: str  # for people: "constant min_uid 1000 → 2000"
    moves: tuple[Move, ...] = ()  # what is another release's, or was changed on the host
    was: str = ""  # the release that is current on the host; "" = none
    release: Release | None = None  # what shall run; None when the program is deleted
    prune: tuple[str, ...] = ()  # old releases to remove on the way
    retire: tuple[str, ...] = ()  # other releases that run, or have not ended whole
    obstacles: tuple[Problem, ...] = ()  # why it cannot be made there
    diff: str = ""  # of arguments and unit, where it was asked for

    @property
    def wanted(self) -> bool:
        """Whether there is anything to do."""
        return self.action is not Action.NONE

    @property
    def starts(self) -> bool:
        """Whether its release is started, not only others ended."""
        ends = {Cause.BESIDE, Cause.ORPHANED}
        return self.action in {Action.CREATE, Action.UPDATE} and self.cause not in ends

    @property
    def possible(self) -> bool:
        """Whether there is anything to do, and nothing in its way."""
        return self.wanted and not self.obstacles


def plan(
    host: str, deployment: str, releases: Sequence[Release], facts: HostFacts
) -> tuple[Change, ...]:
    """The changes that bring one host to `releases`, in the manifest's order, deletions last."""
    declared = {release.program.name for release in releases}
    wanted = tuple(change(host, release, facts) for release in releases)
    gone = (
        placed
        for placed in facts.programs
        if placed.deployment == deployment and placed.program not in declared
    )
    left = orphans.by_program(orphans.of_deployment(deployment, facts)).items()
    return (
        *wanted,
        *(deletion(host, placed) for placed in gone),
        *(
            clearance(host, name, found)
            for (_, name), found in left
            if name and name not in declared and facts.find(deployment, name) is None
        ),
    )


def change(host: str, release: Release, facts: HostFacts) -> Change:
    """What one declared program needs."""
    name = release.program.name
    placed = facts.find(release.deployment, name)
    found = facts.orphans_of(release.deployment, name)
    was = placed.current if placed else orphans.current(found)
    action, why = decide(release, placed, facts)
    lost = orphans.without_files(found, keep={release.id, was} if placed else {release.id})
    left = left_behind(placed, release.id) if placed else ()
    if action is Action.NONE and (more := beside(left, lost)):
        action, why = Action.UPDATE, more
    return Change(
        host=host,
        program=release.program.name,
        action=action,
        cause=why.cause,
        reason=why.text,
        moves=why.moves,
        was=was,
        release=release,
        retire=tuple(dict.fromkeys((*left, *orphans.releases(lost)))),
        prune=(*outdated_of(placed, action, keep={was, release.id}), *orphans.spools(lost)),
    )


def beside(left: Sequence[str], lost: Sequence[Orphan]) -> Why | None:
    """What else there is of a program whose right release does its work; None: nothing."""
    if left:
        text = f"release {left[0]} is beside it still: an apply was cut short"
        return Why(cause=Cause.BESIDE, text=text)
    if lost:
        releases = listed(orphans.releases(lost))
        text = f"release {releases} is beside it, without its files: {orphans.told(lost)}"
        return Why(cause=Cause.ORPHANED, text=text)
    return None


def decide(release: Release, placed: ProgramFacts | None, facts: HostFacts) -> tuple[Action, Why]:
    """The action for one declared program, and why."""
    if placed is None or not placed.current:
        left = orphans.told(facts.orphans_of(release.deployment, release.program.name))
        text = f"its files are gone, and left is {left}" if left else "not there yet"
        return Action.CREATE, Why(cause=Cause.ABSENT, text=text)
    current = placed.find(placed.current)
    if current is None:
        text = f"the files of release {placed.current} are gone"
        return Action.UPDATE, Why(cause=Cause.LOST, text=text)
    if placed.current != release.id:
        return Action.UPDATE, moved(release, current)
    broken = tampering(release, placed, current, facts) or outage(placed, current, facts)
    return (Action.UPDATE, broken) if broken else (Action.NONE, Why(cause=Cause.NONE, text=""))


def moved(release: Release, current: ReleaseFacts) -> Why:
    """Which parts of a release are no longer what the manifest says."""
    found = moves.between(current, release)
    return Why(cause=Cause.MOVED, text=moves.listed(found) or "it is not known why", moves=found)


def tampering(
    release: Release, placed: ProgramFacts, current: ReleaseFacts, facts: HostFacts
) -> Why | None:
    """Which file of the right release is not as it was placed; None when all are."""
    if current.loader_sha256 != current.object or not current.object:
        return Why(cause=Cause.TAMPERED, text="the loader's file was changed on the host")
    # Joined, because a tab inside an argument divides it in the answer.
    if "\t".join(current.args) != "\t".join(release.lines):
        found = tuple(moves.of_arguments(current, release))
        text = "its arguments were changed on the host"
        # Told from what was placed to what somebody made of it; a move goes to what is declared.
        text += f": {moves.listed([move.back for move in found])}" if found else ""
        return Why(cause=Cause.TAMPERED, text=text, moves=found)
    if facts.systemd and placed.unit_sha256 != sha256(release.unit):
        return Why(cause=Cause.TAMPERED, text="its unit was changed on the host")
    if added := orphans.additions(placed, facts):
        text = f"its unit was added to on the host: {orphans.told(added)}"
        return Why(cause=Cause.TAMPERED, text=text)
    return None


def outage(placed: ProgramFacts, current: ReleaseFacts, facts: HostFacts) -> Why | None:
    """Why the right release does not do its work; None when it does."""
    untold = orphans.loaders(placed, facts)
    if untold and current.running_object:
        text = f"another loader of it runs beside it: {orphans.told(untold)}"
        return Why(cause=Cause.WRONG_LOADER, text=text)
    if untold and not current.failure:
        text = f"{orphans.told(untold)} runs, and is not ready or has lost its state"
        return Why(cause=Cause.STOPPED, text=text)
    if current.expired:
        return Why(cause=Cause.EXPIRED, text="it has expired")
    if not current.running_object and current.failure:
        return Why(cause=Cause.NOT_READY, text=f"it does not start: {current.failure}")
    if not current.running_object:
        return Why(cause=Cause.STOPPED, text="it does not run")
    if current.paused:
        return Why(cause=Cause.STOPPED, text="it is stopped by a signal, as by kill -STOP")
    if current.running_object != current.object:
        return Why(cause=Cause.WRONG_LOADER, text="another loader runs in its place")
    if facts.systemd and not current.enabled:
        return Why(cause=Cause.NOT_ENABLED, text="it is not enabled at boot")
    return None


def left_behind(placed: ProgramFacts, wanted: str) -> tuple[str, ...]:
    """Releases that are neither current nor wanted, and run or have not ended whole.

    An apply was cut short. What was left of the wanted one goes when it starts.
    """
    return tuple(
        found.release
        for found in placed.releases
        if (found.running_object or found.remains or found.enabled)
        and found.release not in {placed.current, wanted}
    )


def deletion(host: str, placed: ProgramFacts) -> Change:
    """A program of this deployment that the manifest no longer gives to this host."""
    return Change(
        host=host,
        program=placed.program,
        action=Action.DELETE,
        cause=Cause.UNDECLARED,
        reason="no longer declared for this host",
        was=placed.current,
    )


def clearance(host: str, program: str, found: Sequence[Orphan]) -> Change:
    """A program that is not placed on this host, nor declared for it, and left something there."""
    return Change(
        host=host,
        program=program,
        action=Action.DELETE,
        cause=Cause.ORPHANED,
        reason=f"left behind without its files: {orphans.told(found)}",
        was=orphans.current(found),
    )


def outdated_of(placed: ProgramFacts | None, action: Action, *, keep: set[str]) -> tuple[str, ...]:
    """Releases to remove when something is done with a program."""
    return outdated(placed.releases, keep=keep) if placed and action is not Action.NONE else ()


def outdated(placed: Sequence[ReleaseFacts], *, keep: set[str]) -> tuple[str, ...]:
    """Releases beyond the newest KEPT_RELEASES; the host lists them oldest first."""
    others = [found.release for found in placed if found.release not in keep]
    room = max(KEPT_RELEASES - len(keep), 0)
    return tuple(others[: len(others) - room]) if len(others) > room else ()


def obstacles(
    host: str, release: Release, facts: HostFacts, description: Description
) -> Iterable[Problem]:
    """Why a release cannot work on this host, as far as its facts tell."""
    program = release.program
    where = f"{host}: {program.name}"
    yield from fitness.obstacles(where, release.layout, facts)
    kernel = version(facts.kernel)
    if kernel < OLDEST_KERNEL:
        yield Problem(
            where=where,
            what=f"kernel {facts.kernel} is too old",
            hint="fleetbpf needs kernel 5.10 or newer",
        )
    elif kernel < version(program.requires_kernel.removeprefix(">=")):
        yield Problem(
            where=where,
            what=f"kernel {facts.kernel} is not {program.requires_kernel}",
            hint=f"{program.where} requires it; leave this host out of the play",
        )
    for what, why in needs.lacking(program, description, facts.absent):
        hint = "name another hook; first_of, optional and unless let hosts differ"
        yield Problem(where=where, what=f"cannot attach {what}: {why} there", hint=hint)
    if facts.btf:
        return
    none = f"kernel {facts.kernel} has none (/sys/kernel/btf/vmlinux)"
    if why := attached_by_btf(release, description):
        hint = "use a kernel built with CONFIG_DEBUG_INFO_BTF=y, or a hook that needs no BTF"
        yield Problem(where=where, what=f"{why} the kernel's own BTF, and {none}", hint=hint)
    elif description.needs_btf and not release.btf:
        hint = f"put {facts.kernel}.btf into the folder that the manifest's `btf` names"
        what = f"its CO-RE relocations need BTF, {none}, and the manifest has none for it"
        yield Problem(where=where, what=what, hint=hint)


def attached_by_btf(release: Release, description: Description) -> str:
    """What needs the kernel's own BTF, as the beginning of a sentence; "" = nothing."""
    if release.program.requires_btf:
        return "its `requires` asks for"
    typed = hook_checks.btf_user(release.program, description)
    return f"{typed} needs" if typed else ""


def version(text: str) -> tuple[int, int]:
    """Major and minor of a kernel release: (6, 1) of "6.1.0-32-cloud-amd64"."""
    found = re.match(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)
