"""What the documents of all commands have in common, as pydantic models."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fleetbpf.errors import ExitCode


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
