"""Destroy: stop a deployment on a host, collect its last records, leave nothing of it there."""

from collections.abc import Iterable
from dataclasses import replace

from fleetbpf.deploy.activation import Activation, Step
from fleetbpf.deploy.apply import Say, plainly, save_records
from fleetbpf.errors import HostError, Problem
from fleetbpf.execution import Connection
from fleetbpf.frozen import frozen
from fleetbpf.host import facts, history, lock
from fleetbpf.host.lock import Claim
from fleetbpf.model.facts import HostFacts
from fleetbpf.model.layout import HostLayout, Workspace
from fleetbpf.model.target import Target
from fleetbpf.plan import orphans
from fleetbpf.plan.ownership import Owner
from fleetbpf.plan.plan import Change, clearance, deletion

EVERYTHING = ""  # in the place of a deployment
HALT = Step(verb="halt", program="", was="")
SWEEP = Step(verb="sweep", program="", was="")
NAMELESS = "what does not tell its program"


@frozen
class Destroy:
    """One run of destroy: the same for every host."""

    deployment: str  # or EVERYTHING
    owner: Owner | None = None  # None: whoever's it is
    workspace: Workspace
    say: Say
    claim: Claim
    layout: HostLayout = HostLayout()

    def look(self, target: Target, connection: Connection) -> tuple[Change, ...]:
        """What there is to remove on one host; HostError where it is another manifest's."""
        seen = self.ask(target, connection)
        if self.owner:
            self.owner.check(seen, host=target.host.name)
        return tuple(self.changes(target.host.name, seen))

    def on(self, target: Target, connection: Connection) -> tuple[str, ...]:
        """Remove the deployment from one host, in whatever state it is; the programs there were.

        Raises HostError when its records could not be collected: then its files stay where they
        are; and when something of it is there still, by a second look.
        """
        host, layout = target.host.name, self.layout.at(target.host.root)
        changes = self.look(target, connection)
        if not changes:
            return ()
        for change in changes:
            self.say(host, f"{change.program}: delete: {change.reason}")
        here = Activation(deployment=self.deployment, layout=layout, claim=self.claim)
        stopped = here.do(target, connection, (HALT,))
        save_records(target, connection, here, (), self.workspace)
        removed = here.do(target, connection, (SWEEP,))
        failures = (*stopped.failures, *removed.failures)
        HostError.raise_if_any(plainly(failure, where=host) for failure in failures)
        HostError.raise_if_any(self.remains(host, self.ask(target, connection)))
        return tuple(sorted(stopped.ended | removed.ended))

    def known(self, target: Target, connection: Connection) -> frozenset[str]:
        """The deployments of which there is something on a host, or was by its history."""
        seen = replace(self, deployment=EVERYTHING).ask(target, connection)
        told = history.ask(
            connection,
            self.layout.at(target.host.root),
            host=target.host.name,
            become=target.become,
        )
        names = [placed.deployment for placed in seen.programs]
        names += [left.deployment for left in seen.orphans]
        names += [entry.deployment for entry in told.entries]
        return frozenset(filter(None, names))

    def ask(self, target: Target, connection: Connection) -> HostFacts:
        """All that there is on a host, wherever it is."""
        return lock.when_free(
            lambda: facts.ask(
                connection,
                self.layout.at(target.host.root),
                host=target.host.name,
                deployment=self.deployment,
                become=target.become,
                wishes=(facts.THOROUGH,),
            ),
            patience=self.claim.patience,
        )

    def changes(self, host: str, seen: HostFacts) -> Iterable[Change]:
        """What is to go, program by program."""
        for placed in seen.programs:
            name = self.name(placed.deployment, placed.program)
            yield replace(deletion(host, placed), program=name, reason="it is destroyed")
        found = orphans.of_deployment(self.deployment, seen)
        table = orphans.by_program(found)
        for (deployment, program), left in table.items():
            yield clearance(host, self.name(deployment, program), left)
        if found and not table and not seen.programs:  # folders, and nothing in them that we know
            yield clearance(host, self.deployment or NAMELESS, found)

    def name(self, deployment: str, program: str) -> str:
        """A program as the operator knows it."""
        names = (program,) if self.deployment else (deployment, program)
        return "/".join(filter(None, names)) or NAMELESS

    def remains(self, host: str, seen: HostFacts) -> Iterable[Problem]:
        """What is there after all, each with where it is."""
        placed = [self.name(each.deployment, each.program) for each in seen.programs]
        left = map(str, orphans.of_deployment(self.deployment, seen))
        hint = "somebody may have started it anew: try again; else look there what holds it"
        for name in (*(f"{name}, which is placed" for name in placed), *left):
            yield Problem(where=host, what=f"was not removed: {name}", hint=hint)
