"""What a lab host shall be (name, kind, kernel, architecture), and which of them make a fleet."""

import re
from collections.abc import Sequence
from dataclasses import field
from enum import Enum

from fleetbpf.errors import InputError, Problem
from fleetbpf.frozen import frozen
from fleetbpf.model.architecture import Architecture

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
SERIES = re.compile(r"[0-9]+\.[0-9]+")
DEFAULT_SERIES = "6.1"
DEFAULT_COUNT = 3
EDGE_SERIES = ("5.10", "6.12", "7.3", "6.1")


class HostKind(Enum):
    """What runs above the kernel."""

    DEBIAN = "debian"  # systemd, sudo, an unprivileged user that must become root
    MICRO = "micro"  # busybox and sshd in memory, root by key, no systemd


@frozen
class LabHost:
    """One host of the lab, as asked for."""

    name: str
    kind: HostKind
    series: str  # of the kernel: "6.1"
    architecture: Architecture = field(default_factory=Architecture.usual)

    def __str__(self) -> str:
        other = "" if self.architecture is Architecture.usual() else f":{self.architecture}"
        return f"{self.name}={self.kind.value}:{self.series}{other}"


def parse(text: str) -> LabHost:
    """The host that `NAME=KIND[:SERIES[:ARCHITECTURE]]` asks for; InputError says what is wrong."""
    name, equals, rest = text.partition("=")
    kind, _, kernel = rest.partition(":")
    if not equals or NAME.fullmatch(name) is None:
        raise wrong(text, "a host is NAME=KIND:SERIES, its name of a-z, 0-9 and inner dashes")
    if kind not in {each.value for each in HostKind}:
        kinds = " or ".join(each.value for each in HostKind)
        raise wrong(text, f"{kind!r} is no kind of host, only {kinds}")
    series, architecture = parse_kernel(kernel or DEFAULT_SERIES)
    if HostKind(kind) is HostKind.DEBIAN and architecture is not Architecture.usual():
        raise wrong(
            text,
            f"a debian host is {Architecture.usual()} like this machine, only micro may differ",
        )
    return LabHost(name=name, kind=HostKind(kind), series=series, architecture=architecture)


def parse_kernel(text: str) -> tuple[str, Architecture]:
    """The series and the architecture in `6.1` or `6.1:arm64`; InputError when it is neither."""
    series, colon, name = text.partition(":")
    architecture = Architecture.of_machine(name) if colon else Architecture.usual()
    if architecture is None:
        raise wrong(text, f"{name!r} is no architecture, only {' or '.join(Architecture)}")
    return parse_series(series), architecture


def parse_series(text: str) -> str:
    """The kernel series that `text` names; InputError when it names none."""
    if SERIES.fullmatch(text) is None:
        raise wrong(text, f"{text!r} is no kernel series like 6.1")
    return text


def wrong(text: str, what: str) -> InputError:
    """The error for a host that cannot be understood."""
    example = "write it as web1=debian:6.1, edge1=micro:5.10 or arm1=micro:6.1:arm64"
    return InputError(Problem(where=text, what=what, hint=example))


def default_fleet(count: int, series: str | None = None) -> tuple[LabHost, ...]:
    """`count` hosts of both kinds: web1 is a debian, edge1, edge2, … are micro, kernels mixed.

    With `series`, all of them run that one.
    """
    web = LabHost(name="web1", kind=HostKind.DEBIAN, series=series or DEFAULT_SERIES)
    edges = (
        LabHost(
            name=f"edge{number + 1}",
            kind=HostKind.MICRO,
            series=series or EDGE_SERIES[number % len(EDGE_SERIES)],
        )
        for number in range(count - 1)
    )
    return (web, *edges) if count > 0 else ()


def one_of_each(kernels: Sequence[str]) -> tuple[LabHost, ...]:
    """A micro host for each kernel, named after it: kernel-5-10 for 5.10, kernel-6-1-arm64."""
    return tuple(
        LabHost(
            name=f"kernel-{re.sub('[.:_]', '-', text)}",
            kind=HostKind.MICRO,
            series=series,
            architecture=architecture,
        )
        for text, (series, architecture) in {each: parse_kernel(each) for each in kernels}.items()
    )


def choose(
    *,
    existing: Sequence[LabHost],
    named: Sequence[LabHost],
    count: int | None,
    series: str | None,
) -> tuple[LabHost, ...]:
    """The fleet that shall be up: what exists, and what is asked for besides.

    Nothing asked for and nothing there means the default fleet. A host that exists as something
    else, or is named twice, is an InputError: a host does not change its kernel in silence.
    """
    asked = list(named)
    if count is not None or not (named or existing):
        taken = {host.name for host in named}
        fleet = default_fleet(count or DEFAULT_COUNT, series)
        asked += [host for host in fleet if host.name not in taken]
    chosen = {host.name: host for host in existing}
    InputError.raise_if_any(conflicts(existing, asked))
    return tuple((chosen | {host.name: host for host in asked}).values())


def conflicts(existing: Sequence[LabHost], asked: Sequence[LabHost]) -> list[Problem]:
    """Every asked host whose name already stands for another one."""
    seen = {host.name: host for host in existing}
    problems: list[Problem] = []
    for host in asked:
        other = seen.setdefault(host.name, host)
        if other != host:
            what = f"is {other} in this lab, not {host}"
            hint = "choose another name, or take the lab down first: fleetbpf lab down"
            problems.append(Problem(where=host.name, what=what, hint=hint))
    return problems
