"""What a host must have for a hook, as far as it can be asked for cheaply: files and symbols."""

from collections.abc import Iterable, Iterator

from fleetbpf.manifest import hook_checks
from fleetbpf.model.description import Description
from fleetbpf.model.hook import Hook
from fleetbpf.model.hook_kinds import Shape
from fleetbpf.model.target import DesiredProgram
from fleetbpf.wording import MisunderstoodError

Need = str  # as facts.sh takes it: "path:/sys/…", "event:CATEGORY/NAME", "function:NAME"
INTERFACES = "path:/sys/class/net"
# What is behind a tracepoint in the kernel's symbols (kernel ≥ 5.10: static calls).
TRACEPOINT = "function:__traceiter_"
TRACEPOINTS = ("raw_tracepoint", "raw_tracepoint.w", "tp_btf")
NAMES = {"path": "no", "event": "no tracepoint", "function": "no function"}


def of_programs(pairs: Iterable[tuple[DesiredProgram, Description]]) -> tuple[Need, ...]:
    """All that a host is to be asked about for its programs, each once."""
    hooks = (hook for pair in pairs for _, texts in hook_checks.required(*pair) for hook in texts)
    return tuple(dict.fromkeys(need for text in hooks if (need := of(text))))


def lacking(
    program: DesiredProgram, description: Description, absent: frozenset[Need]
) -> Iterator[tuple[str, str]]:
    """Each function that cannot be attached on a host, with why: none of its hooks is there."""
    for function, hooks in hook_checks.required(program, description):
        needs = [of(text) for text in hooks]
        if all(need in absent for need in needs):
            yield f"{function} on {hooks[0]}", ", ".join(dict.fromkeys(map(told, needs)))


def told(need: Need) -> str:
    """What is not there, in words."""
    kind, _, name = need.partition(":")
    if need.startswith(TRACEPOINT):
        return f"no tracepoint {need.removeprefix(TRACEPOINT)}"
    if need.startswith(INTERFACES):
        return f"no interface {name.rpartition('/')[2]}"
    return f"{NAMES[kind]} {name}"


def of(text: str) -> Need:
    """What one hook needs; "" = nothing that can be asked for."""
    try:
        hook = Hook.parse(text)
    except MisunderstoodError:  # a section without a target: the loader will say
        return ""
    match hook.kind.shape:
        case Shape.TRACEPOINT:
            return f"event:{hook.target}"
        case Shape.NAME if hook.kind.word in TRACEPOINTS:
            return f"{TRACEPOINT}{hook.target}"
        case Shape.PROBE | Shape.FUNCTION:
            prefix = "bpf_lsm_" if hook.kind.word.startswith("lsm") else ""
            return f"function:{prefix}{hook.target.partition('+')[0]}"
        case Shape.INTERFACE | Shape.DIRECTION:
            return f"{INTERFACES}/{hook.target.partition('/')[0]}"
        case Shape.USER_PROBE | Shape.USER_RETURN | Shape.USDT if hook.target.startswith("/"):
            parts = 2 if hook.kind.shape is Shape.USDT else 1
            return f"path:{hook.target.rsplit(':', parts)[0]}"
        case Shape.FILE | Shape.CGROUP:
            return f"path:{hook.target}" if hook.target.startswith("/") else ""
        case _:
            return ""
