"""The shapes of what commands print with `--json`; `fleetbpf schema --command` prints them.

A command makes its document from values; tests have every document judged by its schema.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from fleetbpf.cli.envelope import STREAMS
from fleetbpf.cli.fleet_documents import (
    Apply,
    Audit,
    Check,
    Destroy,
    FactsOfHosts,
    History,
    Owners,
    Plan,
    Rollback,
    Run,
    Status,
    Unlock,
)
from fleetbpf.cli.shapes import Document, Failure, Named, OverHosts, Shape

D = TypeVar("D")


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
