"""The shapes of what commands print with `--json`; `fleetbpf schema --command` prints them.

A command makes its document from values; tests have every document judged by its schema.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from fleetbpf.audit import Finding
from fleetbpf.cli.envelope import STREAMS
from fleetbpf.errors import ExitCode
from fleetbpf.model.facts import Lock
from fleetbpf.model.trial import Verdict
from fleetbpf.plan import Action, Cause
from fleetbpf.relocations import Missing
from fleetbpf.rollback import Return
from fleetbpf.skew import Skew
from fleetbpf.status import ProgramStatus

D = TypeVar("D")
Facts = Mapping[str, Any]


class Shape(BaseModel):
    """A JSON object with exactly these fields; those with a default may be left out."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ProblemRow(Shape):
    """What is wrong, and how it is cured."""

    where: str = Field(description="a file with line and column, a host, a program, an option")
    what: str
    hint: str = Field(description="the cure; empty where nobody knows one")
    detail: str = Field(description="more lines, such as a verifier's log")
    reason: str = Field(description="`what` without what is of this host alone, to group by")
    host: str | None = Field(description="the host that has it; null where it is of no host")


class Document(Shape):
    """What every document has."""

    fleetbpf: str = Field(description="the version of fleetbpf that wrote it")
    version: Literal[1] = Field(description="the version of this shape")
    command: str = Field(description="with its subcommand: `lab up`")
    exit_code: Literal[tuple(map(int, ExitCode))]  # type: ignore[valid-type]
    hosts: tuple[Any, ...]
    problems: tuple[ProblemRow, ...]


class Failure(Document):
    """A command that an error ended before it had anything to tell: exit code 1, 2, 70 or 130."""

    hosts: tuple[Any, ...] = Field(max_length=0)
    problems: tuple[ProblemRow, ...] = Field(min_length=1)


class Named(Shape):
    """A host."""

    host: str


class Counted(Named):
    """A host, and what became of it in numbers of programs, as Ansible counts."""

    ok: int
    changed: int
    unreachable: int
    failed: int
    skipped: int
    warnings: tuple[str, ...]


class OverHosts(Document):
    """The document of a command that asked hosts."""

    hosts: tuple[Counted, ...]


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


class Installed(Document):
    """`fleetbpf schedule install`."""

    name: str
    when: str
    runs: tuple[str, ...]


class AuditRow(Shape):
    """An audit that happens by itself."""

    name: str
    when: str


class Scheduled(Document):
    """`fleetbpf schedule list`."""

    audits: tuple[AuditRow, ...]


class Removed(Document):
    """`fleetbpf schedule remove`, `fleetbpf lab down`."""

    removed: tuple[str, ...]


class Validate(Document):
    """`fleetbpf validate`."""

    built: bool
    manifest: str
    name: str
    programs: tuple[str, ...]
    plays: int
    hosts: tuple[Named, ...]


class SchemaOf(Document):
    """`fleetbpf schema`."""

    schema_: Mapping[str, Any] = Field(alias="schema")


class SettingRow(Shape):
    """A setting."""

    value: Any
    said_in: str
    variable: str


class SettingsNow(Document):
    """`fleetbpf settings`."""

    settings: Mapping[str, SettingRow]


class Reached(Named):
    """A host of the inventory."""

    reached: str = ""
    groups: tuple[str, ...] = ()


class InventoryList(Document):
    """`fleetbpf inventory list`; with `--names` hosts only."""

    hosts: tuple[Reached, ...]
    inventory: Mapping[str, Any] = Field(
        default={}, description="what `ansible-inventory --list` prints"
    )


class GroupRow(Shape):
    """A group."""

    name: str
    hosts: tuple[str, ...]
    children: tuple[str, ...]
    vars: Mapping[str, Any] = Field(default={}, description="with --vars")


class InventoryGraph(Document):
    """`fleetbpf inventory graph`."""

    groups: tuple[GroupRow, ...]


class Variables(Reached):
    """A host of the inventory with its variables."""

    variables: Mapping[str, Any] = Field(description="what `ansible-inventory --host` prints")


class InventoryHost(Document):
    """`fleetbpf inventory host`."""

    hosts: tuple[Variables, ...]


class Built(Shape):
    """A loader."""

    architecture: str
    name: str
    key: str
    cached: bool
    seconds: float
    loader: Path
    sha256: str
    bytes: int
    object: Path
    warnings: str


class Build(Document):
    """`fleetbpf build`."""

    programs: tuple[Built, ...]


class Tool(Shape):
    """A tool, and whether it is here."""

    tool: str
    path: Path | None
    version: str
    needed_for: str
    optional: bool
    problem: str


class Doctor(Document):
    """`fleetbpf doctor`."""

    tools: tuple[Tool, ...]
    install: str
    install_optional: str


class LabRow(Named):
    """A host of the lab."""

    kind: str
    series: str
    kernel: str
    architecture: str
    port: int
    pid: int | None
    answers: bool
    memory_mib: int
    state: str


class Lab(Document):
    """`fleetbpf lab up`, `fleetbpf lab status`."""

    hosts: tuple[LabRow, ...]


class Completion(Document):
    """`fleetbpf completion`."""

    shell: str
    script: str


class Manual(Document):
    """`fleetbpf manual`."""

    folder: Path
    pages: tuple[str, ...]


class Help(Document):
    """`fleetbpf help`."""

    help: str


class Version(Document):
    """`fleetbpf version`."""

    python: str


class Line(BaseModel):
    """A record, one line of a stream; what a program's records hold besides, it says itself."""

    model_config = ConfigDict(frozen=True, extra="allow")

    time: str = Field(description="RFC 3339 with nanoseconds")
    host: str
    deployment: str
    program: str
    release: str
    kind: str = Field(
        description="start, trace, event, map, iter, lost, clock, handoff, stop, torn"
    )
    overlap: str = Field(default="", description="the release before, which told the same")
    claimed: Mapping[str, Any] = Field(default={}, description="fields that the record said itself")


SEVERAL = frozenset(
    (
        "plan",
        "check",
        "apply",
        "status",
        "rollback",
        "destroy",
        "audit",
        "validate",
        "facts",
        "unlock",
    )
)  # commands that take several manifests


class Several(Document, Generic[D]):
    """Several manifests: the document of each, and the hosts and problems of all."""

    documents: tuple[D, ...]


DOCUMENTS: Mapping[str, Any] = {
    "plan": Plan,
    "check": Check,
    "apply": Apply,
    "run": Run,
    "status": Status,
    "logs": OverHosts,
    "maps": OverHosts,
    "rollback": Rollback,
    "history": History,
    "destroy": Destroy,
    "unlock": Unlock,
    "facts": FactsOfHosts,
    "audit": Audit | Owners,
    "schedule install": Installed,
    "schedule list": Scheduled,
    "schedule remove": Removed,
    "validate": Validate,
    "schema": SchemaOf,
    "settings": SettingsNow,
    "inventory list": InventoryList,
    "inventory graph": InventoryGraph,
    "inventory host": InventoryHost,
    "build": Build,
    "doctor": Doctor,
    "lab up": Lab,
    "lab down": Removed,
    "lab status": Lab,
    "lab test": Apply,
    "completion": Completion,
    "manual": Manual,
    "help": Help,
    "version": Version,
}


def json_schema(command: str) -> dict[str, Any]:
    """The schema of what a command prints: of its document, or of each line of its stream."""
    shapes: Any = DOCUMENTS[command] | Failure
    if command in SEVERAL:
        shapes = shapes | Several[shapes]
    if command in STREAMS:
        shapes = shapes | Line
    return TypeAdapter(shapes).json_schema(mode="serialization")
