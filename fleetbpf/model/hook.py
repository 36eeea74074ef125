"""Where a BPF function attaches: the hook types of a manifest and the parser of their texts."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from fleetbpf.wording import MisunderstoodError, did_you_mean, quoted


class HookKind(Enum):
    """The type of a hook; its value is libbpf's name of the section."""

    TRACEPOINT = "tracepoint"
    RAW_TRACEPOINT = "raw_tracepoint"
    RAW_TRACEPOINT_WRITABLE = "raw_tracepoint.w"
    TP_BTF = "tp_btf"
    KPROBE = "kprobe"
    KRETPROBE = "kretprobe"
    KPROBE_MULTI = "kprobe.multi"
    KRETPROBE_MULTI = "kretprobe.multi"
    KSYSCALL = "ksyscall"
    KRETSYSCALL = "kretsyscall"
    FENTRY = "fentry"
    FEXIT = "fexit"
    UPROBE = "uprobe"
    URETPROBE = "uretprobe"
    USDT = "usdt"
    PERF_EVENT = "perf_event"


KINDS = {kind.value: kind for kind in HookKind} | {
    "tp": HookKind.TRACEPOINT,
    "raw_tp": HookKind.RAW_TRACEPOINT,
    "raw_tp.w": HookKind.RAW_TRACEPOINT_WRITABLE,
}

FORMS = {
    HookKind.TRACEPOINT: "tracepoint/CATEGORY/NAME",
    HookKind.RAW_TRACEPOINT: "raw_tracepoint/NAME",
    HookKind.RAW_TRACEPOINT_WRITABLE: "raw_tracepoint.w/NAME",
    HookKind.TP_BTF: "tp_btf/NAME",
    HookKind.KPROBE: "kprobe/FUNCTION or kprobe/FUNCTION+OFFSET",
    HookKind.KRETPROBE: "kretprobe/FUNCTION",
    HookKind.KPROBE_MULTI: "kprobe.multi/GLOB, with * and ?",
    HookKind.KRETPROBE_MULTI: "kretprobe.multi/GLOB, with * and ?",
    HookKind.KSYSCALL: "ksyscall/NAME, as in ksyscall/openat",
    HookKind.KRETSYSCALL: "kretsyscall/NAME, as in kretsyscall/openat",
    HookKind.FENTRY: "fentry/FUNCTION",
    HookKind.FEXIT: "fexit/FUNCTION",
    HookKind.UPROBE: "uprobe//PATH:SYMBOL or uprobe//PATH:SYMBOL+OFFSET",
    HookKind.URETPROBE: "uretprobe//PATH:SYMBOL",
    HookKind.USDT: "usdt//PATH:PROVIDER:NAME",
    HookKind.PERF_EVENT: "perf_event/EVENT@HZ, as in perf_event/cpu-clock@49",
}

NAME = re.compile(r"[A-Za-z0-9_]+")
FUNCTION = re.compile(r"[A-Za-z0-9_.]+")  # a compiler's clones have dots: `foo.isra.0`
GLOB = re.compile(r"[A-Za-z0-9_.*?]+")
SYMBOL = re.compile(r"[^\s+/:]+")  # C++ and Rust names are not C identifiers
OFFSET = re.compile(r"0x[0-9a-fA-F]{1,16}|[0-9]{1,19}")
FREQUENCY = re.compile(r"[1-9][0-9]{0,5}")
FREQUENCY_MAX = 100_000  # Hz; FB_FREQUENCY_MAX in the loader, the kernel's own default limit

# What perf(1) calls the counters of a whole CPU that the loader opens: runtime/perf_event.c.
EVENTS = (
    *("cpu-clock", "page-faults", "minor-faults", "major-faults", "context-switches"),
    *("cpu-migrations", "cycles", "ref-cycles", "bus-cycles", "instructions", "branches"),
    *("branch-misses", "cache-references", "cache-misses"),
    *("stalled-cycles-frontend", "stalled-cycles-backend"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """One place to attach to."""

    kind: HookKind
    name: str  # the tracepoint, the kernel's function or a glob, the symbol, or the event
    scope: str = ""  # a tracepoint's category; the path of a uprobe's or USDT probe's file
    provider: str = ""  # of a USDT probe
    offset: int = 0  # bytes into the function
    frequency: int = 0  # of a perf_event, in Hz

    def __str__(self) -> str:
        offset = f"+{self.offset:#x}" if self.offset else ""
        match self.kind:
            case HookKind.TRACEPOINT:
                return f"{self.kind.value}/{self.scope}/{self.name}"
            case HookKind.UPROBE | HookKind.URETPROBE:
                return f"{self.kind.value}/{self.scope}:{self.name}{offset}"
            case HookKind.USDT:
                return f"{self.kind.value}/{self.scope}:{self.provider}:{self.name}"
            case HookKind.PERF_EVENT:
                return f"{self.kind.value}/{self.name}@{self.frequency}"
            case _:
                return f"{self.kind.value}/{self.name}{offset}"

    @classmethod
    def parse(cls, text: str) -> "Hook":
        """The hook that `text` names; raises MisunderstoodError."""
        word, slash, rest = text.partition("/")
        kind = KINDS.get(word)
        if kind is None:
            hint = did_you_mean(word, KINDS, noun="known types")
            raise MisunderstoodError(f"{quoted(word)} is not a type of hook", hint)
        hook = _parsed(kind, rest) if slash else None
        if hook is None:
            raise MisunderstoodError(f"{quoted(text)} is not a hook", f"write {FORMS[kind]}")
        return hook


def _parsed(kind: HookKind, rest: str) -> Hook | None:
    """The hook of this kind that `rest`, what follows the first slash, describes."""
    match kind:
        case HookKind.TRACEPOINT:
            scope, _, name = rest.partition("/")
            sound = NAME.fullmatch(scope) and NAME.fullmatch(name)
            return Hook(kind=kind, scope=scope, name=name) if sound else None
        case HookKind.RAW_TRACEPOINT | HookKind.RAW_TRACEPOINT_WRITABLE | HookKind.TP_BTF:
            return _named(kind, rest, NAME)
        case HookKind.KSYSCALL | HookKind.KRETSYSCALL:
            return _named(kind, rest, NAME)
        case HookKind.KPROBE_MULTI | HookKind.KRETPROBE_MULTI:
            return _named(kind, rest, GLOB)
        case HookKind.KRETPROBE | HookKind.FENTRY | HookKind.FEXIT:
            return _named(kind, rest, FUNCTION)
        case HookKind.KPROBE:
            return _with_offset(kind, "", rest, FUNCTION)
        case HookKind.UPROBE | HookKind.URETPROBE:
            return _user_probe(kind, rest)
        case HookKind.USDT:
            return _usdt(rest)
        case HookKind.PERF_EVENT:
            return _perf_event(rest)
        case _:
            assert_never(kind)


def _named(kind: HookKind, rest: str, name: re.Pattern[str]) -> Hook | None:
    return Hook(kind=kind, name=rest) if name.fullmatch(rest) else None


def _user_probe(kind: HookKind, rest: str) -> Hook | None:
    """A uprobe: the path may hold anything, so the last colon ends it.

    A path is absolute, or the bare name of a library or command that libbpf looks for on the host.
    """
    path, colon, symbol = rest.rpartition(":")
    if not colon or not path or "\0" in path:
        return None
    _check_path(kind, path, symbol)
    hook = _with_offset(kind, path, symbol, SYMBOL)
    return None if hook and hook.offset and kind is HookKind.URETPROBE else hook


def _usdt(rest: str) -> Hook | None:
    """PATH:PROVIDER:NAME, the path as a uprobe's: the last two colons divide."""
    path, colon, name = rest.rpartition(":")
    path, _, provider = path.rpartition(":")
    sound = SYMBOL.fullmatch(provider) and SYMBOL.fullmatch(name)
    if not colon or not path or "\0" in path or not sound:
        return None
    _check_path(HookKind.USDT, path, f"{provider}:{name}")
    return Hook(kind=HookKind.USDT, scope=path, provider=provider, name=name)


def _check_path(kind: HookKind, path: str, probe: str) -> None:
    """Raises MisunderstoodError for `usr/bin/x`, of which nobody knows where it begins."""
    if "/" in path and not path.startswith("/"):
        raise MisunderstoodError(
            f"the path {quoted(path)} is not absolute",
            f"write two slashes: {kind.value}//{path}:{probe}",
        )


def _perf_event(rest: str) -> Hook | None:
    """EVENT@HZ."""
    name, _, frequency = rest.partition("@")
    if not FREQUENCY.fullmatch(frequency) or int(frequency) > FREQUENCY_MAX:
        return None
    if name not in EVENTS:
        hint = did_you_mean(name, EVENTS, noun="known events")
        raise MisunderstoodError(f"{quoted(name)} is not an event", hint)
    return Hook(kind=HookKind.PERF_EVENT, name=name, frequency=int(frequency))


def _with_offset(kind: HookKind, scope: str, rest: str, name: re.Pattern[str]) -> Hook | None:
    """FUNCTION or FUNCTION+OFFSET."""
    function, plus, offset = rest.partition("+")
    if not name.fullmatch(function) or (plus and not OFFSET.fullmatch(offset)):
        return None
    base = 16 if offset.startswith("0x") else 10
    return Hook(kind=kind, scope=scope, name=function, offset=int(offset, base) if plus else 0)
