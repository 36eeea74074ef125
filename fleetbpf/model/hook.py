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
    TP_BTF = "tp_btf"
    KPROBE = "kprobe"
    KRETPROBE = "kretprobe"
    FENTRY = "fentry"
    FEXIT = "fexit"
    UPROBE = "uprobe"
    URETPROBE = "uretprobe"


KINDS = {kind.value: kind for kind in HookKind} | {
    "tp": HookKind.TRACEPOINT,
    "raw_tp": HookKind.RAW_TRACEPOINT,
}

FORMS = {
    HookKind.TRACEPOINT: "tracepoint/CATEGORY/NAME",
    HookKind.RAW_TRACEPOINT: "raw_tracepoint/NAME",
    HookKind.TP_BTF: "tp_btf/NAME",
    HookKind.KPROBE: "kprobe/FUNCTION or kprobe/FUNCTION+OFFSET",
    HookKind.KRETPROBE: "kretprobe/FUNCTION",
    HookKind.FENTRY: "fentry/FUNCTION",
    HookKind.FEXIT: "fexit/FUNCTION",
    HookKind.UPROBE: "uprobe//PATH:SYMBOL or uprobe//PATH:SYMBOL+OFFSET",
    HookKind.URETPROBE: "uretprobe//PATH:SYMBOL",
}

NAME = re.compile(r"[A-Za-z0-9_]+")
FUNCTION = re.compile(r"[A-Za-z0-9_.]+")  # a compiler's clones have dots: `foo.isra.0`
SYMBOL = re.compile(r"[^\s+/:]+")  # C++ and Rust names are not C identifiers
OFFSET = re.compile(r"0x[0-9a-fA-F]{1,16}|[0-9]{1,19}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """One place to attach to."""

    kind: HookKind
    name: str  # the tracepoint, the kernel's function, or the symbol
    scope: str = ""  # a tracepoint's category; the path of a uprobe's file
    offset: int = 0  # bytes into the function

    def __str__(self) -> str:
        offset = f"+{self.offset:#x}" if self.offset else ""
        match self.kind:
            case HookKind.TRACEPOINT:
                return f"{self.kind.value}/{self.scope}/{self.name}"
            case HookKind.UPROBE | HookKind.URETPROBE:
                return f"{self.kind.value}/{self.scope}:{self.name}{offset}"
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
        case HookKind.RAW_TRACEPOINT | HookKind.TP_BTF:
            return Hook(kind=kind, name=rest) if NAME.fullmatch(rest) else None
        case HookKind.KRETPROBE | HookKind.FENTRY | HookKind.FEXIT:
            return Hook(kind=kind, name=rest) if FUNCTION.fullmatch(rest) else None
        case HookKind.KPROBE:
            return _with_offset(kind, "", rest, FUNCTION)
        case HookKind.UPROBE | HookKind.URETPROBE:
            return _user_probe(kind, rest)
        case _:
            assert_never(kind)


def _user_probe(kind: HookKind, rest: str) -> Hook | None:
    """A uprobe: the path may hold anything, so the last colon ends it.

    A path is absolute, or the bare name of a library or command that libbpf looks for on the host.
    """
    path, colon, symbol = rest.rpartition(":")
    if not colon or not path or "\0" in path:
        return None
    if "/" in path and not path.startswith("/"):
        raise MisunderstoodError(
            f"the path {quoted(path)} is not absolute",
            f"write two slashes: {kind.value}//{path}:{symbol}",
        )
    hook = _with_offset(kind, path, symbol, SYMBOL)
    return None if hook and hook.offset and kind is HookKind.URETPROBE else hook


def _with_offset(kind: HookKind, scope: str, rest: str, name: re.Pattern[str]) -> Hook | None:
    """FUNCTION or FUNCTION+OFFSET."""
    function, plus, offset = rest.partition("+")
    if not name.fullmatch(function) or (plus and not OFFSET.fullmatch(offset)):
        return None
    base = 16 if offset.startswith("0x") else 10
    return Hook(kind=kind, scope=scope, name=function, offset=int(offset, base) if plus else 0)
