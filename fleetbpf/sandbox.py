"""What a unit's sandbox must leave open, as the hooks of its program need it."""

from collections.abc import Iterable
from enum import Enum
from typing import assert_never

from fleetbpf.model.hook import Hook, HookKind

HOMES = ("/home/", "/root/", "/run/user/")
TEMPORARY = ("/tmp/", "/var/tmp/")  # noqa: S108 — where a traced file may lie
PROCESSES = ("/proc/",)


class Opening(Enum):
    """One thing that the sandbox closes, and some hooks need."""

    HOMES = "homes"  # to read files that users own, in their folders
    TEMPORARY = "temporary"  # to see the /tmp of the host
    NETWORK = "network"  # the host's interfaces and sockets, and leave to change its network
    PROCESSES = "processes"  # to see the files of other processes by /proc/PID/root


def openings(hooks: Iterable[Hook]) -> frozenset[Opening]:
    """What has to be open for all of `hooks`.

    Only a manifest's hooks can open anything. Those that the source alone names are not known
    where no program is built, so what every hook of the kernel's tracing needs is always open.
    """
    return frozenset(opening for hook in hooks for opening in of(hook))


def of(hook: Hook) -> Iterable[Opening]:
    """What one hook needs open."""
    match hook.kind:
        case HookKind.UPROBE | HookKind.URETPROBE | HookKind.USDT:
            return of_file(hook.scope)
        case (
            HookKind.TRACEPOINT
            | HookKind.RAW_TRACEPOINT
            | HookKind.RAW_TRACEPOINT_WRITABLE
            | HookKind.TP_BTF
            | HookKind.KPROBE
            | HookKind.KRETPROBE
            | HookKind.KPROBE_MULTI
            | HookKind.KRETPROBE_MULTI
            | HookKind.KSYSCALL
            | HookKind.KRETSYSCALL
            | HookKind.FENTRY
            | HookKind.FEXIT
            | HookKind.PERF_EVENT
        ):
            return ()
    assert_never(hook.kind)


def of_file(path: str) -> Iterable[Opening]:
    """What has to be open to read a file."""
    if path.startswith(HOMES):
        yield Opening.HOMES
    if path.startswith(TEMPORARY):
        yield Opening.TEMPORARY
    if path.startswith(PROCESSES):
        yield Opening.PROCESSES
