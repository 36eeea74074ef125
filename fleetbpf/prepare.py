"""Prepare: what one host is and what it needs, before anything is sent."""

import functools
from dataclasses import dataclass, replace

from fleetbpf import facts
from fleetbpf.builders import Builders
from fleetbpf.connections import Connection
from fleetbpf.errors import Problem
from fleetbpf.kernel_btf import BtfFolder
from fleetbpf.layout import HostLayout
from fleetbpf.model.facts import HostFacts
from fleetbpf.model.target import DesiredProgram, Target
from fleetbpf.plan import Action, Change, obstacles, plan
from fleetbpf.release import Release


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """One host at one moment, and the rows of its plan."""

    target: Target  # its programs are for the architecture that the host told
    seen: HostFacts
    changes: tuple[Change, ...]  # NONE ones too

    @property
    def todo(self) -> tuple[Change, ...]:
        """The changes that can be made."""
        return tuple(change for change in self.changes if change.wanted and not change.obstacles)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What stands in the way of the others."""
        return tuple(problem for change in self.changes for problem in change.obstacles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepare:
    """One run's way from a host's answer to its plan: the same for every host."""

    deployment: str
    builders: Builders
    btf: BtfFolder
    layout: HostLayout = HostLayout()

    def host(self, target: Target, connection: Connection) -> Prepared:
        """Ask a host what it is, build what it needs, and compare; changes nothing there.

        Raises UnreachableError when the host is lost, HostError when nothing can be done there,
        BuildError when there are no loaders for its architecture.
        """
        seen = self.ask(target, connection)
        target = self.fitting(target, seen)
        # The first host of an architecture waits for its loaders; all others find them.
        self.builders.build_all(program.recipe for program in target.programs)
        releases = tuple(self.release(program, seen) for program in target.programs)
        changes = plan(target.host.name, self.deployment, releases, seen)
        rows = tuple(self.judged(change, seen) for change in changes)
        return Prepared(target=target, seen=seen, changes=rows)

    def ask(self, target: Target, connection: Connection) -> HostFacts:
        """What a host says of itself."""
        return facts.ask(
            connection,
            self.layout,
            host=target.host.name,
            deployment=self.deployment,
            become=target.become,
        )

    def fitting(self, target: Target, seen: HostFacts) -> Target:
        """The target with its programs as built for the host's architecture."""
        return target.on(facts.architecture(seen, host=target.host.name))

    def release(self, program: DesiredProgram, seen: HostFacts) -> Release:
        """The release of one program for one host."""
        artifact = self.builders.artifact(program.recipe)
        release = Release(
            deployment=self.deployment,
            program=program,
            build_key=artifact.key,
            inputs=artifact.inputs,
            layout=self.layout,
            btf=self.btf.of(seen),
        )
        return shared(release)

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
