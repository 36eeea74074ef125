"""What a loader is made from: the values by which builds are asked for and artifacts are found."""

from dataclasses import dataclass, field
from pathlib import Path

SUFFIX = ".bpf.c"
OBJECT_SUFFIXES = (".bpf.o", ".o")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One loader to build. Recipes that make the same loader are equal, whoever asks."""

    source: Path  # absolute; a .bpf.c, or an object that some compiler has made
    where: str = field(default="", compare=False)  # the manifest's line, for errors

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
