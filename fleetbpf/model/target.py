"""What one host shall run, with every value rendered for that host."""

from dataclasses import dataclass, field
from pathlib import Path

from fleetbpf.model.inventory import Host
from fleetbpf.model.recipe import Recipe

DEFAULT_TRACE_BUFFER = 4 * 1024 * 1024
DEFAULT_SPOOL_LIMIT = 256 * 1024 * 1024

Constant = bool | int | str


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredEvent:
    """A ring buffer whose records become events."""

    ring: str
    struct: str = ""  # what a record is; "" = what the ring's definition says
    where: str = field(default="", compare=False)  # "hello.yml:7:7": its line in the manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredProgram:
    """A program as declared for one host."""

    name: str
    source: Path  # absolute
    hooks: tuple[tuple[str, str], ...] = ()  # (function, hook); () = the ELF's own sections
    constants: tuple[tuple[str, Constant], ...] = ()
    map_readouts: tuple[tuple[str, float], ...] = ()  # (map, seconds between two readouts)
    events: tuple[DesiredEvent, ...] = ()
    trace_buffer: int = DEFAULT_TRACE_BUFFER  # bytes per CPU
    spool_limit: int = DEFAULT_SPOOL_LIMIT  # bytes
    memory_limit: int | None = None  # bytes
    cpu_limit: int | None = None  # percent of one CPU
    requires_kernel: str = ""  # ">=5.10"; "" = any that fleetbpf supports
    requires_btf: bool = False
    where: str = ""  # "hello.yml:4:5": the program's line in the manifest

    @property
    def recipe(self) -> Recipe:
        """What its loader is made from."""
        return Recipe(source=self.source, where=self.where)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One host with everything declared for it."""

    host: Host
    become: bool
    programs: tuple[DesiredProgram, ...]  # in the manifest's order, each program once
