"""What check asks of kernels: trials of programs, and what came of them."""

from collections.abc import Mapping
from enum import Enum

from fleetbpf.errors import Problem
from fleetbpf.frozen import frozen
from fleetbpf.objects.relocations import Missing
from fleetbpf.plan.release import Release


class Verdict(Enum):
    """What a kernel says of a program."""

    OK = "ok"
    REFUSED = "refused"
    UNTRIED = "not tried"


@frozen
class Trial:
    """A release that one host's kernel shall judge, for all hosts where it would be the same."""

    release: Release
    kernel: str  # uname -r
    arch: str
    hosts: tuple[str, ...]  # the first one tries it; others where it fails or refuses

    @property
    def program(self) -> str:
        """The program's name."""
        return self.release.program.name


@frozen
class Judgement:
    """What is known of one trial."""

    trial: Trial  # its hosts are those that it is known of
    verdict: Verdict
    problem: Problem | None = None  # why it was refused
    missing: tuple[Missing, ...] = ()  # what the kernel's types lack, whether it matters or not


@frozen
class Tried:
    """What a host's kernel said of its trials, and what its types lack; by program."""

    problems: Mapping[str, Problem | None]  # None: passed
    missing: Mapping[str, tuple[Missing, ...]]
