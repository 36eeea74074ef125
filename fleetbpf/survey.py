"""All that a host can say of itself: one exec that asks, pure functions that read the answer."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from fleetbpf import hook_evidence, lock
from fleetbpf.command import Command, script
from fleetbpf.connections import Connection
from fleetbpf.facts import Row, check_greeting, tabbed
from fleetbpf.layout import HostLayout
from fleetbpf.model.target import Target

Facts = Mapping[str, Any]  # by name: text, numbers, yes or no, and lists and tables of these
GREETING = ("fleetbpf", "survey")
TIMEOUT = 300.0  # seconds; an emulated host needs many to list its kernel's symbols

CONFIGURATION = (
    *("BPF", "BPF_SYSCALL", "BPF_JIT", "BPF_JIT_ALWAYS_ON", "BPF_UNPRIV_DEFAULT_OFF", "BPF_LSM"),
    *("BPF_EVENTS", "CGROUP_BPF", "DEBUG_INFO_BTF", "DEBUG_INFO_BTF_MODULES", "FTRACE_SYSCALLS"),
    *("FUNCTION_TRACER", "DYNAMIC_FTRACE_WITH_DIRECT_CALLS", "FUNCTION_ERROR_INJECTION"),
    *("FPROBE", "KPROBES", "KPROBE_EVENTS", "UPROBES", "UPROBE_EVENTS", "PERF_EVENTS"),
    *("NET_CLS_BPF", "NET_SCH_INGRESS", "NETFILTER_BPF_LINK", "XDP_SOCKETS", "BPF_STREAM_PARSER"),
)


def of(target: Target, connection: Connection, layout: HostLayout) -> Facts:
    """Ask a host; raises HostError when it will not answer, UnreachableError too."""
    host, become = target.host.name, target.become
    completed = connection.run(question(layout, become=become), timeout=TIMEOUT)
    rows = tabbed(completed.stdout)
    check_greeting(rows, completed, host=host, greeting=GREETING, become=become)
    return parse(rows[1:])


def question(layout: HostLayout, *, become: bool) -> Command:
    """The one command that asks a host for all that it can say."""
    words = (layout.root, " ".join(CONFIGURATION), " ".join(hook_evidence.FUNCTIONS))
    return script("survey.sh", *words, after="lock.sh", become=become)


def parse(rows: Iterable[Row]) -> Facts:
    """The facts in the answer of `survey.sh`, by name; what was not told is None."""
    told: dict[str, list[str]] = {}
    held = None
    for name, *values in rows:
        told.setdefault(name, []).append(values[0] if values else "")
        held = lock.parse(values) if name == "lock" else held
    read = {name: parser(told.get(source, [])) for name, (source, parser) in FACTS.items()}
    functions = told.get("function", []) if "kallsyms" in told else None
    hooks = hook_evidence.hooks(functions, btf=read["btf"], lsms=read["lsms"])
    return {
        **read,
        **disk(told.get("disk", [])),
        "cgroup": cgroup(told),
        "hooks": hooks,
        "lock": held,
    }


def first(texts: Sequence[str]) -> str | None:
    """The one value of most facts."""
    return texts[0] if texts else None


def number(texts: Sequence[str]) -> int | None:
    """A whole number."""
    text = first(texts) or ""
    return int(text) if text.removeprefix("-").isdecimal() else None


def kibibytes(texts: Sequence[str]) -> int | None:
    """Bytes, of a number of KiB."""
    count = number(texts)
    return None if count is None else count * 1024


def cpus(texts: Sequence[str]) -> int | None:
    """How many CPUs a list of ranges has: 5 in `0-3,6`."""
    if not texts:
        return None
    ends = [part.partition("-") for part in texts[0].split(",")]
    return sum(int(last or begin) - int(begin) + 1 for begin, _, last in ends)


def known(texts: Sequence[str]) -> bool:
    """Whether anything was told."""
    return bool(texts)


def names(texts: Sequence[str]) -> tuple[str, ...]:
    """All that was told under this name."""
    return tuple(texts)


def listed(texts: Sequence[str]) -> tuple[str, ...] | None:
    """The words of a list with commas."""
    return tuple(texts[0].split(",")) if texts else None


def chosen(texts: Sequence[str]) -> str | None:
    """What is in brackets: integrity, of `none [integrity] confidentiality`."""
    return texts[0].partition("[")[2].partition("]")[0] if texts else None


def settings(texts: Sequence[str]) -> Mapping[str, str]:
    """A table, of lines NAME=VALUE."""
    return dict(text.split("=", 1) for text in texts)


def noexec(texts: Sequence[str]) -> bool | None:
    """Whether nothing can be executed from that file system, so that no loader could."""
    return "noexec" in texts[0].split(",") if texts else None


Parser = Callable[[Sequence[str]], Any]
FACTS: Mapping[str, tuple[str, Parser]] = {  # in the order in which they are shown
    "hostname": ("hostname", first),
    "kernel": ("kernel", first),
    "kernel_build": ("kernel_build", first),
    "arch": ("arch", first),
    "distribution": ("distribution", first),
    "distribution_id": ("distribution_id", first),
    "distribution_version": ("distribution_version", first),
    "init": ("init", first),
    "systemd": ("systemd", number),
    "virtualization": ("virtualization", first),
    "product": ("product", first),
    "uid": ("uid", number),
    "boot_id": ("boot_id", first),
    "uptime": ("uptime", number),
    "cpus_online": ("cpus_online", cpus),
    "cpus_possible": ("cpus_possible", cpus),
    "memory_total": ("memory_total", kibibytes),
    "memory_available": ("memory_available", kibibytes),
    "disk_noexec": ("disk_options", noexec),
    "btf": ("btf", known),
    "btf_modules": ("btf_modules", number),
    "tracefs": ("tracefs", first),
    "bpffs": ("bpffs", first),
    "lockdown": ("lockdown", chosen),
    "lsms": ("lsms", listed),
    "unprivileged_bpf_disabled": ("unprivileged_bpf_disabled", number),
    "bpf_jit_enable": ("bpf_jit_enable", number),
    "bpf_jit_harden": ("bpf_jit_harden", number),
    "bpf_jit_kallsyms": ("bpf_jit_kallsyms", number),
    "bpf_jit_limit": ("bpf_jit_limit", number),
    "bpf_stats_enabled": ("bpf_stats_enabled", number),
    "ftrace_enabled": ("ftrace_enabled", number),
    "kptr_restrict": ("kptr_restrict", number),
    "perf_event_paranoid": ("perf_event_paranoid", number),
    "interfaces": ("interface", names),
    "default_interface": ("default_interface", first),
    "missing": ("missing", names),
    "config_file": ("config_file", first),
    "config": ("config", settings),
}


def cgroup(told: Mapping[str, Sequence[str]]) -> str | None:
    """Which version of control groups is mounted: v1, v2 or hybrid."""
    match "cgroup" in told, "cgroup2" in told:
        case True, True:
            return "hybrid"
        case True, False:
            return "v1"
        case False, True:
            return "v2"
    return None


def disk(texts: Sequence[str]) -> Facts:
    """The file system that releases lie on: its size and what is free, in bytes."""
    block, total, free = map(int, texts[0].split()) if texts else (0, 0, 0)
    return {
        "disk_total": block * total if texts else None,
        "disk_free": block * free if texts else None,
    }


def filtered(facts: Facts, patterns: Sequence[str]) -> Facts:
    """The facts whose names match one of the patterns; all of them without any."""
    return {
        name: value
        for name, value in facts.items()
        if not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)
    }
