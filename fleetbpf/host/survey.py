"""All that a host can say of itself: one exec that asks, pure functions that read the answer."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePath
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    model_validator,
)

from fleetbpf.errors import Problem
from fleetbpf.execution import Connection
from fleetbpf.host import hook_evidence
from fleetbpf.host.lock import read_line
from fleetbpf.host.protocol import Rows, Said, Script
from fleetbpf.model.bounded import Decimal, Integer, Line, Many, Word, take_one
from fleetbpf.model.facts import Lock
from fleetbpf.model.layout import HostLayout
from fleetbpf.model.target import Target
from fleetbpf.wording import did_you_mean, quoted

Facts = Mapping[str, Any]  # by name: text, numbers, yes or no, and lists and tables of these

CONFIGURATION = (
    *("BPF", "BPF_SYSCALL", "BPF_JIT", "BPF_JIT_ALWAYS_ON", "BPF_UNPRIV_DEFAULT_OFF", "BPF_LSM"),
    *("BPF_EVENTS", "CGROUP_BPF", "DEBUG_INFO_BTF", "DEBUG_INFO_BTF_MODULES", "FTRACE_SYSCALLS"),
    *("FUNCTION_TRACER", "DYNAMIC_FTRACE_WITH_DIRECT_CALLS", "FUNCTION_ERROR_INJECTION"),
    *("FPROBE", "KPROBES", "KPROBE_EVENTS", "UPROBES", "UPROBE_EVENTS", "PERF_EVENTS"),
    *("NET_CLS_BPF", "NET_SCH_INGRESS", "NETFILTER_BPF_LINK", "XDP_SOCKETS", "BPF_STREAM_PARSER"),
)
MOST_CPUS = 2**16
RANGES = re.compile(r"[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?){0,4096}")
SETTING = re.compile(r"(\w{1,64})=(.{0,1024})")


def of(target: Target, connection: Connection, layout: HostLayout) -> Facts:
    """Ask a host; raises HostError when it will not answer, UnreachableError too."""
    return SURVEY.ask(connection, layout, host=target.host.name, become=target.become)


def words(layout: HostLayout) -> tuple[str | PurePath, ...]:
    """The arguments of `survey.sh`."""
    return layout.root, " ".join(CONFIGURATION), " ".join(hook_evidence.FUNCTIONS)


def read(_: HostLayout, said: Said) -> Facts:
    """The facts in the answer of `survey.sh`, by name; what was not told is None."""
    told = Answer.read(said.lines)
    facts = {name: parser(getattr(told, source)) for name, (source, parser) in FACTS.items()}
    functions = told.function if told.kallsyms else None
    return {
        **facts,
        **disk(told.disk),
        "cgroup": cgroup(told),
        "hooks": hook_evidence.hooks(functions, btf=facts["btf"], lsms=facts["lsms"]),
        "lock": told.lock,
    }


def cpus(text: str) -> int:
    """How many CPUs a list of ranges has: 5 in `0-3,6`."""
    if not RANGES.fullmatch(text):
        raise ValueError("it is no list of CPUs")
    ends = [part.partition("-") for part in text.split(",")]
    return sum(max(int(last or begin) - int(begin) + 1, 0) for begin, _, last in ends)


def asked_setting(text: str) -> tuple[str, str]:
    """An option of the kernel's configuration that was asked for, and its value."""
    found = SETTING.fullmatch(text)
    if not found or found[1] not in CONFIGURATION:
        raise ValueError("nobody asked for it")
    return found[1], found[2]


def asked_function(text: str) -> str:
    """A function of the kernel that was asked for."""
    if text not in hook_evidence.FUNCTIONS:
        raise ValueError("nobody asked for it")
    return text


Texts = Many[Word]
Numbers = Many[Integer]
Counts = Many[Annotated[int, BeforeValidator(cpus), Field(ge=0, le=MOST_CPUS)]]


class Room(BaseModel):
    """The file system that releases lie on."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    block: Decimal  # bytes
    blocks: Decimal
    free: Decimal

    @model_validator(mode="before")
    @classmethod
    def of(cls, text: str) -> dict[str, str]:
        """Its three numbers, split by spaces."""
        return dict(zip(("block", "blocks", "free"), text.split(" "), strict=True))


class Answer(Rows):
    """All rows of an answer; most kinds of them may come several times.

    Newer kernels may have settings of names that nobody knows here.
    """

    model_config = ConfigDict(extra="ignore")

    hostname: Texts = ()
    uid: Numbers = ()
    kernel: Texts = ()
    kernel_build: Texts = ()
    arch: Texts = ()
    boot_id: Texts = ()
    uptime: Numbers = ()
    init: Texts = ()
    systemd: Numbers = ()
    virtualization: Texts = ()
    product: Texts = ()
    cpus_online: Counts = ()
    cpus_possible: Counts = ()
    distribution: Texts = ()
    distribution_id: Texts = ()
    distribution_version: Texts = ()
    memory_total: Numbers = ()
    memory_available: Numbers = ()
    disk: Many[Room] = ()
    disk_options: Many[Line] = ()
    tracefs: Many[Line] = ()
    bpffs: Many[Line] = ()
    cgroup: Many[Line] = ()
    cgroup2: Many[Line] = ()
    unprivileged_bpf_disabled: Numbers = ()
    bpf_jit_enable: Numbers = ()
    bpf_jit_harden: Numbers = ()
    bpf_jit_kallsyms: Numbers = ()
    bpf_jit_limit: Numbers = ()
    bpf_stats_enabled: Numbers = ()
    ftrace_enabled: Numbers = ()
    kptr_restrict: Numbers = ()
    perf_event_paranoid: Numbers = ()
    lockdown: Texts = ()
    lsms: Texts = ()
    btf: Texts = ()
    btf_modules: Numbers = ()
    interface: Texts = ()
    default_interface: Texts = ()
    config_file: Texts = ()
    config: Many[Annotated[tuple[str, str], BeforeValidator(asked_setting)]] = ()
    kallsyms: Texts = ()
    function: Many[Annotated[str, AfterValidator(asked_function)]] = ()
    missing: Texts = ()
    lock: Annotated[Lock | None, PlainValidator(read_line), BeforeValidator(take_one)] = None


T = TypeVar("T")


def first(told: Sequence[T]) -> T | None:
    """The one value of most facts."""
    return told[0] if told else None


def kibibytes(told: Sequence[int]) -> int | None:
    """Bytes, of a number of KiB."""
    return told[0] * 1024 if told else None


def known(told: Sequence[str]) -> bool:
    """Whether anything was told."""
    return bool(told)


def names(told: Sequence[str]) -> tuple[str, ...]:
    """All that was told under this name."""
    return tuple(told)


def listed(told: Sequence[str]) -> tuple[str, ...] | None:
    """The words of a list with commas."""
    return tuple(told[0].split(",")) if told else None


def chosen(told: Sequence[str]) -> str | None:
    """What is in brackets: integrity, of `none [integrity] confidentiality`."""
    return told[0].partition("[")[2].partition("]")[0] if told else None


def settings(told: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """A table."""
    return dict(told)


def noexec(told: Sequence[str]) -> bool | None:
    """Whether nothing can be executed from that file system, so that no loader could."""
    return "noexec" in told[0].split(",") if told else None


Parser = Callable[[Any], Any]
FACTS: Mapping[str, tuple[str, Parser]] = {  # in the order in which they are shown
    "hostname": ("hostname", first),
    "kernel": ("kernel", first),
    "kernel_build": ("kernel_build", first),
    "arch": ("arch", first),
    "distribution": ("distribution", first),
    "distribution_id": ("distribution_id", first),
    "distribution_version": ("distribution_version", first),
    "init": ("init", first),
    "systemd": ("systemd", first),
    "virtualization": ("virtualization", first),
    "product": ("product", first),
    "uid": ("uid", first),
    "boot_id": ("boot_id", first),
    "uptime": ("uptime", first),
    "cpus_online": ("cpus_online", first),
    "cpus_possible": ("cpus_possible", first),
    "memory_total": ("memory_total", kibibytes),
    "memory_available": ("memory_available", kibibytes),
    "disk_noexec": ("disk_options", noexec),
    "btf": ("btf", known),
    "btf_modules": ("btf_modules", first),
    "tracefs": ("tracefs", first),
    "bpffs": ("bpffs", first),
    "lockdown": ("lockdown", chosen),
    "lsms": ("lsms", listed),
    "unprivileged_bpf_disabled": ("unprivileged_bpf_disabled", first),
    "bpf_jit_enable": ("bpf_jit_enable", first),
    "bpf_jit_harden": ("bpf_jit_harden", first),
    "bpf_jit_kallsyms": ("bpf_jit_kallsyms", first),
    "bpf_jit_limit": ("bpf_jit_limit", first),
    "bpf_stats_enabled": ("bpf_stats_enabled", first),
    "ftrace_enabled": ("ftrace_enabled", first),
    "kptr_restrict": ("kptr_restrict", first),
    "perf_event_paranoid": ("perf_event_paranoid", first),
    "interfaces": ("interface", names),
    "default_interface": ("default_interface", first),
    "missing": ("missing", names),
    "config_file": ("config_file", first),
    "config": ("config", settings),
}


def cgroup(told: Answer) -> str | None:
    """Which version of control groups is mounted: v1, v2 or hybrid."""
    match bool(told.cgroup), bool(told.cgroup2):
        case True, True:
            return "hybrid"
        case True, False:
            return "v1"
        case False, True:
            return "v2"
    return None


def disk(told: Sequence[Room]) -> Facts:
    """The file system that releases lie on: its size and what is free, in bytes."""
    room = first(told)
    return {
        "disk_total": room.block * room.blocks if room else None,
        "disk_free": room.block * room.free if room else None,
    }


def filtered(facts: Facts, patterns: Sequence[str]) -> Facts:
    """The facts whose names match one of the patterns; all of them without any."""
    return {
        name: value
        for name, value in facts.items()
        if not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)
    }


def unknown(patterns: Sequence[str]) -> Iterator[Problem]:
    """The patterns that are of no fact."""
    known = tuple(read(HostLayout(), Said(lines=())))
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in known):
            what = f"no fact is called {quoted(pattern)}"
            hint = did_you_mean(pattern, known, noun="facts")
            yield Problem(where="--filter", what=what, hint=hint)


# An emulated host needs long to list its kernel's symbols.
SURVEY = Script(name="survey.sh", words=words, read=read, after=("lock.sh",), timeout=300.0)
