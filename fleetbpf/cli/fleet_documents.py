"""The shapes of the documents of commands that ask hosts."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from fleetbpf.audit.audit import Finding
from fleetbpf.audit.status import ProgramStatus
from fleetbpf.cli.shapes import Counted, Document, Named, OverHosts, ProblemRow, Shape
from fleetbpf.deploy.rollback import Return
from fleetbpf.deploy.trial import Verdict
from fleetbpf.host.skew import Skew
from fleetbpf.model.facts import Lock
from fleetbpf.objects.relocations import Missing
from fleetbpf.plan.plan import Action, Cause

Facts = Mapping[str, Any]


class MoveRow(Shape):
    """An input of a release that is not as it was."""

    what: str
    was: str | None = Field(description="null: it was not there; empty: its value says nothing")
    now: str | None


class Obstacle(Shape):
    """Why a change cannot work."""

    what: str
    hint: str


class ChangeRow(Shape):
    """What is to be done with one program."""

    program: str
    action: Action
    cause: Cause
    reason: str
    moves: tuple[MoveRow, ...]
    was: str
    release: str
    obstacles: tuple[Obstacle, ...]
    diff: str = ""


class PlanHost(Counted):
    """A host with its changes."""

    changes: tuple[ChangeRow, ...]


class Summary(Shape):
    """How many programs, over all hosts."""

    create: int
    update: int
    delete: int
    none: int
    impossible: int


class Plan(Document):
    """`fleetbpf plan`."""

    deployment: str
    summary: Summary
    hosts: tuple[PlanHost, ...]


class ApplyHost(Counted):
    """A host with what was done there."""

    changes: tuple[ChangeRow, ...] = ()
    rolled_back: tuple[Return, ...] = ()


class Apply(Document):
    """`fleetbpf apply`, `fleetbpf lab test`."""

    deployment: str
    hosts: tuple[ApplyHost, ...]
    stopped: ProblemRow | None = Field(description="why the rollout ended before its last batch")


class CheckRow(Shape):
    """What one kernel says of one program."""

    program: str
    kernel: str
    arch: str
    hosts: tuple[str, ...]
    release: str
    verdict: Verdict
    missing: tuple[Missing, ...]
    error: ProblemRow | None


class Check(OverHosts):
    """`fleetbpf check`."""

    deployment: str
    checks: tuple[CheckRow, ...]


class Told(Shape):
    """How much a program told during a run."""

    records: int
    lost: int


class RunHost(Counted):
    """A host with what its programs told."""

    programs: Mapping[str, Told]


class Run(Document):
    """`fleetbpf run`."""

    deployment: str
    hosts: tuple[RunHost, ...]


class StatusHost(Counted):
    """A host with its programs."""

    programs: tuple[ProgramStatus, ...]
    lock: Lock | None = None
    clock: Skew | None = Field(None, description="how far the host's clock is from this machine's")


class Status(Document):
    """`fleetbpf status`."""

    deployment: str
    hosts: tuple[StatusHost, ...]


class RollbackHost(Counted):
    """A host with what was put back."""

    rolled_back: tuple[Return, ...]


class Rollback(Document):
    """`fleetbpf rollback`."""

    deployment: str
    hosts: tuple[RollbackHost, ...]


class HistoryRow(Shape):
    """What was done with one program."""

    time: str
    who: str
    deployment: str
    program: str
    outcome: str
    was: str = Field(alias="from")
    to: str
    build_key: str
    why: str


class HistoryHost(Counted):
    """A host with its history."""

    history: tuple[HistoryRow, ...]


class History(Document):
    """`fleetbpf history`."""

    hosts: tuple[HistoryHost, ...]


class DestroyHost(Counted):
    """A host with what was removed."""

    destroyed: tuple[str, ...]


class Destroy(Document):
    """`fleetbpf destroy`."""

    deployment: str
    hosts: tuple[DestroyHost, ...]


class UnlockHost(Counted):
    """A host with its lock."""

    lock: Lock | None = None
    removed: bool = False


class Unlock(Document):
    """`fleetbpf unlock`."""

    hosts: tuple[UnlockHost, ...]


class FactsHost(Counted):
    """A host with its facts; without, where it did not answer."""

    facts: Facts = Field(default={}, description="by name; null: the host did not tell it")


class FactsOfHosts(Document):
    """`fleetbpf facts`."""

    hosts: tuple[FactsHost, ...]


class KnownRow(Shape):
    """Programs in hosts' kernels that are somebody's who is known."""

    owner: str
    programs: int


class OwnerRow(Shape):
    """BPF of others that is known by default, and what the kernel must say of it."""

    owner: str
    what: str
    names: tuple[str, ...]
    types: tuple[str, ...]
    executables: tuple[str, ...]
    pid: int | None
    tags: tuple[str, ...]


class Owners(Document):
    """`fleetbpf audit --show-known`."""

    owners: tuple[OwnerRow, ...]


class Audit(Document):
    """`fleetbpf audit`, and each of its reports."""

    deployment: str
    time: str
    hosts: tuple[Named, ...]
    findings: tuple[Finding, ...]
    known: tuple[KnownRow, ...]
