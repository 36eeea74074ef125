"""What is placed on a host for one program: the loader's arguments, its unit, its release id."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

from fleetbpf.build.kernel_btf import KernelBtf
from fleetbpf.documents.templates import rendered
from fleetbpf.model.hook import Hook
from fleetbpf.model.layout import HostLayout
from fleetbpf.model.target import DesiredHook, DesiredProgram, Scalar
from fleetbpf.plan.sandbox import Opening, openings, view
from fleetbpf.quantities import in_a_word, told_size

KERNEL_BTF = "kernel.btf"  # beside the args
DEADLINE = "deadline"  # there too, written by the host


@dataclass(frozen=True, kw_only=True)
class Release:
    """An artifact with its arguments, as it shall lie on one host.

    The id names exactly this content: the same inputs give the same id on every machine.
    """

    deployment: str
    program: DesiredProgram
    build_key: str
    inputs: Mapping[str, str] = field(default_factory=dict, compare=False)  # of the key, in brief
    layout: HostLayout = HostLayout()
    btf: KernelBtf | None = None  # what is shipped to a kernel that has none

    @cached_property
    def id(self) -> str:
        """The first 12 hex digits of the sha256 over all that makes the release."""
        limits = (str(self.program.memory_limit), str(self.program.cpu_limit))
        content = "\0".join((self.build_key, *self.settings(), *limits, *self.types()))
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    def settings(self) -> tuple[str, ...]:
        """The loader's arguments that the manifest decides."""
        program = self.program
        words: list[str] = []
        for hook in program.hooks:
            words += attachment(hook)
        for constant in program.constants:
            words += ["--set", f"{constant.name}={spelled(constant.value)}"]
        for readout in program.readouts:
            words += ["--map", f"{readout.map}={readout.words}"]
            for metric in readout.metrics:
                words += ["--metric", f"{readout.map}={metric.words}"]
        if program.textfile:
            words += ["--textfile", program.textfile]
        words += ["--trace-buffer", str(program.trace_buffer)]
        words += ["--spool-limit", str(program.spool_limit)]
        if program.rate_limit is not None:
            words += ["--rate-limit", str(program.rate_limit)]
        if program.record_limit is not None:
            words += ["--record-limit", str(program.record_limit)]
        if program.expires is not None:
            words += ["--expires", str(program.expires)]
        return tuple(words)

    def types(self) -> tuple[str, ...]:
        """What is shipped of the kernel's types, so that other types are another release."""
        return (self.btf.kernel, self.btf.sha256) if self.btf else ()

    def limits(self) -> dict[str, str]:
        """What the unit, not the loader, enforces, as people read it."""
        memory, cpu = self.program.memory_limit, self.program.cpu_limit
        size = in_a_word(told_size(memory)) if memory else None
        limits = {"memory": size, "cpu": cpu and f"{cpu}%"}
        return {name: limit for name, limit in limits.items() if limit}

    def arguments(self) -> tuple[str, ...]:
        """All of the loader's arguments on a host."""
        place = (self.deployment, self.program.name, self.id)
        names = ("--deployment", place[0], "--program", place[1], "--release", place[2])
        folders: tuple[str, ...] = (
            *("--spool", str(self.layout.spool(*place))),
            *("--run", str(self.layout.state(*place))),
        )
        if self.program.expires is not None:
            folders = (*folders, "--deadline", str(self.layout.release(*place) / DEADLINE))
        return (
            *names,
            *folders,
            *self.btf_arguments(self.layout.release(*place)),
            *self.settings(),
        )

    def btf_arguments(self, folder: PurePosixPath) -> tuple[str, ...]:
        """The kernel's types, which are of use for that kernel only: another may be booted."""
        if self.btf is None:
            return ()
        return ("--btf", f"{self.btf.kernel}={folder / KERNEL_BTF}")

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The lines of the `args` file: an argument each, with newline and backslash escaped."""
        return tuple(map(escaped, self.arguments()))

    @property
    def args(self) -> bytes:
        """The `args` file."""
        return "".join(f"{line}\n" for line in self.lines).encode()

    @cached_property
    def unit(self) -> bytes:
        """The template unit of this program, for hosts with systemd."""
        opened = openings(Hook.parse(text) for hook in self.program.hooks for text in hook.first_of)
        text = rendered(
            "unit.service.j2",
            deployment=self.deployment,
            program=self.program.name,
            root=self.layout.root,
            run=self.layout.run.relative_to(PurePosixPath("/run")),
            memory_limit=self.program.memory_limit,
            cpu_limit=self.program.cpu_limit,
            textfile=self.program.textfile,
            opening=Opening,
            open=opened,
            view=view(self.program.textfile, opened),
        )
        return text.encode()

    def about(self, *, loader_sha256: str, who: str, when: str) -> bytes:
        """The `release.json` file: a line of what was placed, by whom and when; one of what from.

        Hosts read byte by byte, and of releases that are not current facts.sh tells the first.
        """
        placed = {
            "deployment": self.deployment,
            "program": self.program.name,
            "release": self.id,
            "build_key": self.build_key,
            "loader_sha256": loader_sha256,
            "applied_by": who,
            "applied_at": when,
        }
        made_from = {"inputs": self.inputs, "limits": self.limits(), "types": self.types()}
        return f"{json.dumps(placed)[:-1]},\n {json.dumps(made_from)[1:]}\n".encode()


def attachment(hook: DesiredHook) -> tuple[str, ...]:
    """A function with its hooks as the loader takes them."""
    if hook.load:
        return ("--load", hook.function)
    first, *others = hook.first_of or ("",)
    words = ["--attach", f"{hook.function}={first}" if first else hook.function]
    for other in others:
        words += ["--or", other]
    if hook.optional:
        words += ["--optional"]
    if hook.unless is not None:
        words += ["--unless", hook.unless]
    return tuple(words)


def spelled(value: Scalar) -> str:
    """A constant as the loader's command line spells it."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | str():
            return str(value)


def escaped(word: str) -> str:
    """A word as one line of the `args` file."""
    return word.replace("\\", "\\\\").replace("\n", "\\n")


def sha256(content: bytes) -> str:
    """The checksum in the form that sha256sum prints."""
    return hashlib.sha256(content).hexdigest()
