"""Destroy: stop a deployment on a host, collect its last records, leave nothing of it there."""

from dataclasses import replace

from fleetbpf import activation, facts
from fleetbpf.activation import Activation
from fleetbpf.apply import Say, save_records
from fleetbpf.connections import Connection
from fleetbpf.errors import HostError, Problem
from fleetbpf.frozen import frozen
from fleetbpf.layout import HostLayout, Workspace
from fleetbpf.lock import Claim
from fleetbpf.model.target import Target
from fleetbpf.ownership import Owner
from fleetbpf.plan import Change, deletion


@frozen
class Destroy:
    """One run of destroy: the same for every host."""

    deployment: str
    owner: Owner | None = None  # None: whoever's it is
    workspace: Workspace
    say: Say
    claim: Claim
    layout: HostLayout = HostLayout()

    def look(self, target: Target, connection: Connection) -> tuple[Change, ...]:
        """What there is to remove on one host; HostError where it is another manifest's."""
        host, layout = target.host.name, self.layout.at(target.host.root)
        seen = facts.ask(
            connection, layout, host=host, deployment=self.deployment, become=target.become
        )
        if self.owner:
            self.owner.check(seen, host=host)
        return tuple(
            replace(deletion(host, placed), reason="it is destroyed") for placed in seen.programs
        )

    def on(self, target: Target, connection: Connection) -> tuple[str, ...]:
        """Remove the deployment from one host; the names of the programs that were there.

        Raises HostError when a program could not be removed, or its records not be collected:
        then its files stay where they are.
        """
        host, layout = target.host.name, self.layout.at(target.host.root)
        changes = self.look(target, connection)
        if not changes:
            return ()
        for change in changes:
            self.say(host, f"{change.program}: delete")
        here = Activation(deployment=self.deployment, layout=layout, claim=self.claim)
        save_records(target, connection, here, activation.stops(changes), self.workspace)
        todo = activation.steps(changes, objects={})
        answer = here.do(target, connection, todo)
        HostError.raise_if_any(
            Problem(where=f"{host}: {change.program}", what="was not removed", hint="try again")
            for change in changes
            if change.program not in answer.deleted
        )
        return tuple(sorted(answer.deleted))
