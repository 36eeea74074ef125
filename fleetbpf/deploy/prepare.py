"""Prepare: what one host is and what it needs, before anything is sent."""

import functools
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import PurePosixPath

from fleetbpf.build.builders import Builders
from fleetbpf.build.kernel_btf import BtfFolder
from fleetbpf.errors import BuildError, Problem
from fleetbpf.execution import Connection
from fleetbpf.frozen import frozen
from fleetbpf.host import facts, lock
from fleetbpf.manifest import hook_checks
from fleetbpf.model.facts import HostFacts
from fleetbpf.model.layout import HostLayout
from fleetbpf.model.target import DesiredProgram, Target
from fleetbpf.plan import fitness, needs, plan_diff
from fleetbpf.plan.ownership import Owner
from fleetbpf.plan.plan import Action, Change, obstacles, plan
from fleetbpf.plan.release import Release
from fleetbpf.quantities import told_size

COPIES = 2  # of a loader on a host's disk while it is placed: unpacked, and in its place
NO_SYSTEMD = "no systemd there: programs are restarted when they die, but not after a reboot"


@frozen
class Prepared:
    """One host at one moment, and the rows of its plan."""

    target: Target  # its programs are for the architecture that the host told
    seen: HostFacts
    changes: tuple[Change, ...]  # NONE ones too
    noted: bool = True  # the host remembers whose the deployment is

    @property
    def todo(self) -> tuple[Change, ...]:
        """The changes that can be made."""
        return tuple(change for change in self.changes if change.possible)

    @property
    def is_done(self) -> bool:
        """Whether there is nothing to have the host do, not even to tidy up or to remember."""
        stale = self.seen.lock is not None and self.seen.lock.stale
        return not self.todo and not stale and self.noted

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What stands in the way of the others."""
        return tuple(problem for change in self.changes for problem in change.obstacles)


@frozen
class Prepare:
    """One run's way from a host's answer to its plan: the same for every host."""

    deployment: str
    builders: Builders
    owner: Owner | None = None  # None: whoever's it is
    btf: BtfFolder
    layout: HostLayout = HostLayout()
    patience: float = 0.0  # seconds, while somebody else is at work on a host
    say: Callable[[str, str], None] = lambda *_: None  # host, who is waited for
    hooks: bool = False  # ask for what hooks need, too: a host reads its kernel's symbols for it
    diff: bool = False  # tell what changes in arguments and units, line by line

    def host(self, target: Target, connection: Connection) -> Prepared:
        """Ask a host what it is, build what it needs, and compare; changes nothing there.

        Raises UnreachableError when the host is lost, HostError when nothing can be done there,
        BuildError when there are no loaders for its architecture.
        """
        seen = lock.when_free(
            lambda: self.ask(target, connection),
            patience=self.patience,
            tell=lambda text: self.say(target.host.name, text),
        )
        if self.owner:
            self.owner.check(seen, host=target.host.name)
        target = self.fitting(target, seen)
        # The first host of an architecture waits for its loaders; all others find them.
        self.build(target)
        releases = tuple(
            self.release(program, seen, target.host.root) for program in target.programs
        )
        changes = plan(target.host.name, self.deployment, releases, seen)
        if self.diff:
            changes = tuple(self.compared(change, seen) for change in changes)
        rows = tuple(self.judged(change, seen) for change in changes)
        needed = COPIES * sum(self.loaders(rows, seen).values())
        return Prepared(
            target=target,
            seen=seen,
            changes=fitted(rows, needed, seen.free),
            noted=self.owner is None or self.owner.is_noted(seen),
        )

    def build(self, target: Target) -> None:
        """Build a host's programs, for its architecture; an object of another may do other things.

        Raises BuildError when one is not built, or does what the manifest does not allow.
        """
        made = self.builders.build_all(program.recipe for program in target.programs)
        described = {recipe: artifact.description for recipe, artifact in made.items()}
        BuildError.raise_if_any(hook_checks.problems([target], described))

    def ask(self, target: Target, connection: Connection) -> HostFacts:
        """What a host says of itself."""
        return facts.ask(
            connection,
            self.layout.at(target.host.root),
            host=target.host.name,
            deployment=self.deployment,
            become=target.become,
            wishes=self.wishes(target),
        )

    def wishes(self, target: Target) -> tuple[str, ...]:
        """What a host is asked beside the usual."""
        units = (facts.UNITS,) if self.diff else ()
        if not self.hooks:
            return units
        units = (*units, facts.MOUNTS)
        pairs = ((p, self.builders.artifact(p.recipe).description) for p in target.programs)
        return (*units, *needs.of_programs(pairs))

    def fitting(self, target: Target, seen: HostFacts) -> Target:
        """The target with its programs as built for the host's architecture."""
        return target.on(facts.architecture(seen, host=target.host.name))

    def release(
        self, program: DesiredProgram, seen: HostFacts, root: PurePosixPath | None
    ) -> Release:
        """The release of one program for one host."""
        artifact = self.builders.artifact(program.recipe)
        release = Release(
            deployment=self.deployment,
            program=program,
            build_key=artifact.key,
            inputs=artifact.inputs,
            layout=self.layout.at(root),
            btf=self.btf.of(seen),
        )
        return shared(release)

    def compared(self, change: Change, seen: HostFacts) -> Change:
        """A change with its diff."""
        if not change.wanted:
            return change
        placed = seen.find(self.deployment, change.program)
        return replace(change, diff=plan_diff.of(change, placed, systemd=seen.systemd))

    def loaders(self, changes: Iterable[Change], seen: HostFacts) -> dict[str, int]:
        """The loaders that have to be sent, with their sizes."""
        wanted = (each.release for each in changes if each.possible and each.release)
        artifacts = (self.builders.artifact(release.program.recipe) for release in wanted)
        return {
            made.loader_sha256: made.loader.stat().st_size
            for made in artifacts
            if made.loader_sha256 not in seen.sound_objects
        }

    def judged(self, change: Change, seen: HostFacts) -> Change:
        """A change with what stands in its way on that host."""
        if change.release is None or change.action is Action.NONE:
            return change
        description = self.builders.artifact(change.release.program.recipe).description
        found = tuple(obstacles(change.host, change.release, seen, description))
        return replace(change, obstacles=found)


@functools.lru_cache(maxsize=256)
def shared(release: Release) -> Release:
    """The first of all equal releases, so that their texts are rendered once, not per host."""
    return release


def fitted(changes: tuple[Change, ...], needed: int, free: int | None) -> tuple[Change, ...]:
    """The changes; none that starts something is possible where their loaders do not fit.

    needed and free are bytes; a host that does not tell what is free is tried.
    """
    if free is None or needed <= free:
        return changes
    return tuple(
        replace(change, obstacles=(full(change, needed, free),))
        if change.possible and change.release
        else change
        for change in changes
    )


def full(change: Change, needed: int, free: int) -> Problem:
    """A disk that cannot hold the loaders."""
    return Problem(
        where=f"{change.host}: {change.program}",
        what=f"the disk has {told_size(free)} free, and its loaders need {told_size(needed)}",
        hint="make room in /var/lib/fleetbpf",
    )


def warnings(prepared: Prepared) -> tuple[str, ...]:
    """What a person should know of a host though nothing stands in the way."""
    seen = prepared.seen
    found = list(lock.remark(seen.lock))
    starting = [change.release for change in prepared.todo if change.release]
    if starting and not seen.systemd:
        found.append(NO_SYSTEMD)
    found += fitness.remarks(seen) if starting else []
    spools = sum(release.program.spool_limit for release in starting)
    if seen.free is not None and spools > seen.free:
        free, wanted = told_size(seen.free), told_size(spools)
        found.append(f"the disk has {free} free, and spools may take {wanted}: lines may be lost")
    return tuple(found)
