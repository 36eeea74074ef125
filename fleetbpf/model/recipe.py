"""What a loader is made from: the values by which builds are asked for and artifacts are found."""

from dataclasses import field
from pathlib import Path

from fleetbpf.frozen import frozen
from fleetbpf.model.architecture import Architecture

SUFFIX = ".bpf.c"
OBJECT_SUFFIXES = (".bpf.o", ".o")


@frozen
class FieldHint:
    """What a field of an event stands for, where its type does not say it."""

    path: str  # "saddr", "inner.port"
    hint: str  # "ipv4": a hints.Hint
    where: str = field(default="", compare=False)  # its line in the manifest


@frozen
class EventCase:
    """One of several structs of a ring."""

    value: str  # of the field that tells them apart: an enum's name or a number
    struct: str
    where: str = field(default="", compare=False)


@frozen
class DesiredEvent:
    """A ring buffer whose records become events."""

    ring: str
    struct: str = ""  # what a record is; "" = what the ring's definition says, or one of the cases
    by: str = ""  # the field that tells which of the cases a record is
    cases: tuple[EventCase, ...] = ()
    fields: tuple[FieldHint, ...] = ()
    where: str = field(default="", compare=False)  # "hello.yml:7:7": its line in the manifest

    @property
    def structs(self) -> tuple[str, ...]:
        """All structs that it names."""
        return tuple(filter(None, (self.struct, *(case.struct for case in self.cases))))


@frozen
class Recipe:
    """One loader to build. Recipes that make the same loader are equal, whoever asks."""

    source: Path  # absolute; a .bpf.c, or an object that some compiler has made
    architecture: Architecture = field(default_factory=Architecture.usual)
    where: str = field(default="", compare=False)  # the manifest's line, for errors
    project: Path | None = field(default=None, compare=False)  # the manifest's folder, to read from
    events: tuple[DesiredEvent, ...] = ()  # the loader is generated with their encoders

    @property
    def program(self) -> str:
        """The program's name in its loader: "hello" of hello.bpf.c, hello.bpf.o and hello."""
        name = self.source.name
        suffixes = (suffix for suffix in (SUFFIX, *OBJECT_SUFFIXES) if name.endswith(suffix))
        return name.removesuffix(next(suffixes, ""))

    @property
    def prebuilt(self) -> bool:
        """Whether there is nothing to compile: the source is an object."""
        return not self.source.name.endswith(SUFFIX)
