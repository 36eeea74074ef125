"""What a loader is made from: the values by which builds are asked for and artifacts are found."""

from dataclasses import dataclass, field
from pathlib import Path

SUFFIX = ".bpf.c"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One loader to build. Recipes that make the same loader are equal, whoever asks."""

    source: Path  # absolute
    where: str = field(default="", compare=False)  # the manifest's line, for errors

    @property
    def program(self) -> str:
        """The program's name in its loader: "hello" of hello.bpf.c."""
        return self.source.name.removesuffix(SUFFIX)
