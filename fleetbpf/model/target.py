"""What one host shall run, with every value rendered for that host."""

from dataclasses import field, replace
from pathlib import Path

from fleetbpf.frozen import frozen
from fleetbpf.model.architecture import Architecture
from fleetbpf.model.inventory import Host
from fleetbpf.model.recipe import DesiredEvent, Recipe
from fleetbpf.model.rollout import Rollout

DEFAULT_TRACE_BUFFER = 4 * 1024 * 1024
DEFAULT_SPOOL_LIMIT = 256 * 1024 * 1024

Scalar = bool | int | str  # one value of a constant, as a manifest writes it
Part = str | int  # of the way into a constant: a field's name, an element's index


@frozen
class DesiredConstant:
    """One value of a constant: the whole of it, or of a struct or an array one place."""

    path: tuple[Part, ...]  # ("limits", "ports", 2): the constant's name, then the way inside
    value: Scalar
    where: str = field(default="", compare=False)  # "hello.yml:7:7": its line in the manifest

    @property
    def name(self) -> str:
        """The path as the loader takes it: `limits.ports[2]`."""
        first, *rest = self.path
        return str(first) + "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in rest)


@frozen
class DesiredMetric:
    """What a map is in Prometheus' eyes."""

    name: str
    type: str  # counter, gauge, histogram
    help: str = ""
    value: str = "value"  # place in an entry
    scale: float = 1.0  # what values and bounds are multiplied with
    labels: tuple[tuple[str, str], ...] = ()  # (label, place in an entry)

    @property
    def words(self) -> str:
        """All of it as the loader takes it, the help last: it may hold anything."""
        labels = (f"label:{label}:{place}" for label, place in self.labels)
        scale = () if self.scale == 1 else (f"scale:{self.scale!r}",)
        value = () if self.value == "value" else (f"value:{self.value}",)
        words = (self.name, self.type, *value, *scale, *labels, f"help:{self.help}")
        return ",".join(words)


@frozen
class DesiredReadout:
    """A map that is read out again and again, and how."""

    map: str
    every: float  # seconds between two readouts
    sum: bool = False  # the values of all processors added up, not listed
    clear: bool = False  # take out what has been read
    histogram: str = ""  # "log2", "linear:10": what slots stand for; "" = no histogram
    stacks: tuple[tuple[str, str], ...] = ()  # (place in an entry, the map with the stacks)
    metrics: tuple[DesiredMetric, ...] = ()
    where: str = field(default="", compare=False)  # "hello.yml:7:7": its line in the manifest

    @property
    def words(self) -> str:
        """All of it as the loader takes it: `10,sum,stack:key.stack:stacks`."""
        flags = ("sum",) * self.sum + ("clear",) * self.clear + (self.histogram,)
        stacks = (f"stack:{place}:{name}" for place, name in self.stacks)
        return ",".join((f"{self.every:g}", *filter(None, flags), *stacks))


@frozen
class DesiredHook:
    """A function and where it goes."""

    function: str
    first_of: tuple[str, ...] = ()  # the first of these hooks that works; () = its own section
    load: bool = False  # loaded and not attached: tail calls go there
    optional: bool = False  # where none works: go on without
    unless: str | None = None  # only where that function could not be attached
    where: str = field(default="", compare=False)  # "hello.yml:7:7": its line in the manifest


@frozen
class DesiredProgram:
    """A program as declared for one host."""

    name: str
    source: Path  # absolute; or the object
    architecture: Architecture = field(default_factory=Architecture.usual)  # of the host
    hooks: tuple[DesiredHook, ...] = ()  # of functions without one, the ELF's own sections
    constants: tuple[DesiredConstant, ...] = ()
    readouts: tuple[DesiredReadout, ...] = ()
    textfile: str = ""  # the folder for the readouts' metrics; "" where there are none
    events: tuple[DesiredEvent, ...] = ()
    allow: tuple[str, ...] = ()  # what it may do beside observing: model/powers.py
    trace_buffer: int = DEFAULT_TRACE_BUFFER  # bytes per CPU
    spool_limit: int = DEFAULT_SPOOL_LIMIT  # bytes
    rate_limit: int | None = None  # lines and events a second
    record_limit: int | None = None  # bytes
    memory_limit: int | None = None  # bytes
    cpu_limit: int | None = None  # percent of one CPU
    expires: int | None = None  # seconds after its activation; None: it runs until it is told
    requires_kernel: str = ""  # ">=5.10"; "" = any that fleetbpf supports
    requires_btf: bool = False
    where: str = ""  # "hello.yml:4:5": the program's line in the manifest
    project: Path | None = field(default=None, compare=False)  # the manifest's folder, to read from

    @property
    def recipe(self) -> Recipe:
        """What its loader is made from."""
        return Recipe(
            source=self.source,
            architecture=self.architecture,
            where=self.where,
            project=self.project,
            events=self.events,
        )


@frozen
class Target:
    """One host with everything declared for it."""

    host: Host
    become: bool
    programs: tuple[DesiredProgram, ...]  # in the manifest's order, each program once
    rollout: Rollout = field(default_factory=Rollout)  # of the first play that names the host

    def on(self, architecture: Architecture) -> "Target":
        """The same, with programs for the architecture that the host turned out to have."""
        programs = (replace(program, architecture=architecture) for program in self.programs)
        return replace(self, programs=tuple(programs))
