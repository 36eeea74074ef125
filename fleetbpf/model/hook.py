"""Where a BPF function attaches: the text of a hook, taken apart and put into one form."""

import re
from collections.abc import Callable, Mapping

from fleetbpf import quantities
from fleetbpf.frozen import frozen
from fleetbpf.model import hook_kinds
from fleetbpf.model.hook_kinds import KINDS, HookKind, Parameter, Shape
from fleetbpf.wording import MisunderstoodError, did_you_mean, quoted

NAME = r"[A-Za-z0-9_]+"
INTERFACE = r"[^\s/:@]{1,15}"
FUNCTION = re.compile(r"[A-Za-z0-9_.]+")  # a compiler's clones have dots: `foo.isra.0`
SYMBOL = re.compile(r"[^\s+/:]+")  # C++ and Rust names are not C identifiers
OFFSET = re.compile(r"0x[0-9a-fA-F]{1,16}|[0-9]{1,19}")
WHOLE = re.compile(r"[1-9][0-9]{0,9}")
PRIORITY = re.compile(r"-?[0-9]{1,9}")
FREQUENCY_MAX = 100_000  # Hz; FB_FREQUENCY_MAX in the loader, the kernel's own default limit
EVERY_MIN = 0.1  # seconds
MODES = ("skb", "native")

# What perf(1) calls the counters of a whole CPU that the loader opens: runtime/attach/perf_event.c.
EVENTS = (
    *("cpu-clock", "page-faults", "minor-faults", "major-faults", "context-switches"),
    *("cpu-migrations", "cycles", "ref-cycles", "bus-cycles", "instructions", "branches"),
    *("branch-misses", "cache-references", "cache-misses"),
    *("stalled-cycles-frontend", "stalled-cycles-backend"),
)


@frozen
class Hook:
    """One place to attach to."""

    kind: HookKind
    target: str  # what stands behind the kind's word, in one form
    parameter: str = ""  # what stands behind the last @, if anything

    def __str__(self) -> str:
        parameter = f"@{self.parameter}" if self.parameter else ""
        return f"{self.kind.word}/{self.target}{parameter}"

    @classmethod
    def parse(cls, text: str) -> "Hook":
        """The hook that `text` names; raises MisunderstoodError."""
        kind, target = hook_kinds.split(text)
        if kind is None:
            word = text.partition("/")[0]
            hint = did_you_mean(word, (each.word for each in KINDS), noun="known types")
            raise MisunderstoodError(f"{quoted(word)} is not a type of hook", hint)
        if target is None or "\0" in target:
            raise misshapen(text, kind)
        place, parameter = taken_apart(target, kind.parameter)
        found = canonical(kind, place)
        if found is None or (kind.parameter is Parameter.FREQUENCY and not parameter):
            raise misshapen(text, kind)
        return cls(kind=kind, target=found, parameter=parameter)


def misshapen(text: str, kind: HookKind) -> MisunderstoodError:
    """A hook whose text is not built as those of its kind."""
    return MisunderstoodError(f"{quoted(text)} is not a hook", f"write {kind.form}")


def taken_apart(target: str, parameter: Parameter | None) -> tuple[str, str]:
    """A target without its parameter, and that in one form; "" when there is none."""
    place, at, text = target.rpartition("@")
    if parameter is None or not at:
        return target, ""
    found = CANONICAL_PARAMETERS[parameter](text)
    return (place, found) if found else (target, "")


def _pid(text: str) -> str:
    return text if WHOLE.fullmatch(text) else ""  # else a symbol's version: f@GLIBC_2.2.5


def _frequency(text: str) -> str:
    return text if WHOLE.fullmatch(text) and int(text) <= FREQUENCY_MAX else ""


def _every(text: str) -> str:
    seconds = quantities.duration(text)
    if seconds < EVERY_MIN:
        raise MisunderstoodError("too little: it must be at least 100ms")
    return f"{seconds:g}s"


def _mode(text: str) -> str:
    if text not in MODES:
        raise MisunderstoodError(f"{quoted(text)} is not a mode of XDP", "write skb or native")
    return text


def _priority(text: str) -> str:
    return str(int(text)) if PRIORITY.fullmatch(text) else ""


CANONICAL_PARAMETERS: Mapping[Parameter, Callable[[str], str]] = {
    Parameter.PID: _pid,
    Parameter.FREQUENCY: _frequency,
    Parameter.EVERY: _every,
    Parameter.MODE: _mode,
    Parameter.PRIORITY: _priority,
}


# Targets that are in one form already when they match; a path may hold anything.
PATTERNS: Mapping[Shape, re.Pattern[str]] = {
    Shape.NAME: re.compile(NAME),
    Shape.SYSCALL: re.compile(NAME),
    Shape.TRACEPOINT: re.compile(f"{NAME}/{NAME}"),
    Shape.MAP: FUNCTION,
    Shape.FUNCTION: FUNCTION,
    Shape.GLOB: re.compile(r"[A-Za-z0-9_.*?]+"),
    Shape.ITERATOR: re.compile(rf"{NAME}(:[A-Za-z0-9_.]+)?"),
    Shape.INTERFACE: re.compile(INTERFACE),
    Shape.DIRECTION: re.compile(f"{INTERFACE}/(ingress|egress)"),
    Shape.NETFILTER: re.compile(
        r"(ipv4|ipv6)/(pre_routing|local_in|forward|local_out|post_routing)"
    ),
    Shape.FILE: re.compile(r"/.+", re.DOTALL),
    Shape.CGROUP: re.compile(r".+", re.DOTALL),
    Shape.CGROUP_MODULE: re.compile(f"{NAME}/.+", re.DOTALL),
}


def canonical(kind: HookKind, target: str) -> str | None:
    """A target in one form, None when it has not the shape of its kind."""
    match kind.shape:
        case Shape.PROBE:
            return with_offset(FUNCTION, target)
        case Shape.USER_PROBE:
            return user_probe(kind, target)
        case Shape.USER_RETURN:
            return None if "+" in target.rpartition(":")[2] else user_probe(kind, target)
        case Shape.USDT:
            return usdt(kind, target)
        case Shape.EVENT:
            return event(target)
        case _:
            return target if PATTERNS[kind.shape].fullmatch(target) else None


def with_offset(name: re.Pattern[str], text: str) -> str | None:
    """NAME or NAME+OFFSET, the offset in hexadecimal; none of 0."""
    function, plus, offset = text.partition("+")
    if not name.fullmatch(function) or (plus and not OFFSET.fullmatch(offset)):
        return None
    number = int(offset, 16 if offset.startswith("0x") else 10) if plus else 0
    return f"{function}+{number:#x}" if number else function


def user_probe(kind: HookKind, target: str) -> str | None:
    """PATH:SYMBOL: the path may hold anything, so the last colon ends it.

    A path is absolute, or the bare name of a library or command that libbpf looks for on the host.
    """
    path, colon, symbol = target.rpartition(":")
    if not colon or not path:
        return None
    check_path(kind, path, symbol)
    found = with_offset(SYMBOL, symbol)
    return f"{path}:{found}" if found else None


def usdt(kind: HookKind, target: str) -> str | None:
    """PATH:PROVIDER:NAME, the path as a uprobe's: the last two colons divide."""
    path, colon, name = target.rpartition(":")
    path, _, provider = path.rpartition(":")
    if not colon or not path or not SYMBOL.fullmatch(provider) or not SYMBOL.fullmatch(name):
        return None
    check_path(kind, path, f"{provider}:{name}")
    return target


def check_path(kind: HookKind, path: str, probe: str) -> None:
    """Raises MisunderstoodError for `usr/bin/x`, of which nobody knows where it begins."""
    if "/" in path and not path.startswith("/"):
        raise MisunderstoodError(
            f"the path {quoted(path)} is not absolute",
            f"write two slashes: {kind.word}//{path}:{probe}",
        )


def event(name: str) -> str | None:
    """An event of EVENTS; with what is no frequency behind it, it is no hook at all."""
    if "@" in name or name in EVENTS:
        return name if name in EVENTS else None
    hint = did_you_mean(name, EVENTS, noun="known events")
    raise MisunderstoodError(f"{quoted(name)} is not an event", hint)
