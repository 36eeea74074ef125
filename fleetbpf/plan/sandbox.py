"""What a unit's sandbox must leave open, as the hooks of its program need it."""

from collections.abc import Iterable
from enum import Enum

from fleetbpf.frozen import frozen
from fleetbpf.model.hook import Hook
from fleetbpf.model.hook_kinds import Shape

HOMES = ("/home/", "/root/", "/run/user/")
TEMPORARY = ("/tmp/", "/var/tmp/")  # noqa: S108 — where a traced file may lie
PROCESSES = ("/proc/",)
SOCKETS = ("tcp", "udp", "unix", "netlink", "sockmap", "bpf_sk_storage_map")  # iterators' types


class Opening(Enum):
    """One thing that the sandbox closes, and some hooks need."""

    HOMES = "homes"  # to read files that users own, in their folders
    TEMPORARY = "temporary"  # to see the /tmp of the host
    NETWORK = "network"  # the host's interfaces and sockets, and leave to change its network
    PACKETS = "packets"  # a socket that sees what passes an interface
    PROCESSES = "processes"  # to see the files of other processes by /proc/PID/root


@frozen
class View:
    """What a unit sees of the folders that users may write to."""

    homes: str  # ProtectHome=
    temporary: str  # PrivateTmp=
    shown: str = ""  # a folder that is shown though all around it is hidden


def view(textfile: str, open_: frozenset[Opening]) -> View:
    """The view of a unit with that folder of metrics ("": none), which is written where it is."""
    homes = "read-only" if Opening.HOMES in open_ else "yes"
    temporary = "no" if Opening.TEMPORARY in open_ or f"{textfile}/" in TEMPORARY else "yes"
    inside = f"{textfile}/"
    if inside.startswith(HOMES) and homes == "yes":
        return View(homes="tmpfs", temporary=temporary, shown=textfile)
    if inside.startswith(TEMPORARY) and temporary == "yes":
        return View(homes=homes, temporary=temporary, shown=textfile)
    return View(homes=homes, temporary=temporary)


def openings(hooks: Iterable[Hook]) -> frozenset[Opening]:
    """What has to be open for all of `hooks`.

    Only a manifest's hooks can open anything. Those that the source alone names are not known
    where no program is built, so what every hook of the kernel's tracing needs is always open.
    """
    return frozenset(opening for hook in hooks for opening in of(hook))


def of(hook: Hook) -> Iterable[Opening]:
    """What one hook needs open."""
    match hook.kind.shape:
        case Shape.USER_PROBE | Shape.USER_RETURN | Shape.USDT:
            yield from of_file(hook.target)
            if hook.parameter:  # the process is looked for
                yield Opening.PROCESSES
        case Shape.FILE:
            yield from (Opening.NETWORK, *of_file(hook.target))
        case Shape.INTERFACE | Shape.DIRECTION | Shape.NETFILTER | Shape.MAP:
            yield Opening.NETWORK
            if hook.kind.word == "socket":
                yield Opening.PACKETS
        case Shape.ITERATOR if hook.target.startswith(SOCKETS):
            yield Opening.NETWORK
        case Shape.CGROUP | Shape.CGROUP_MODULE:
            yield Opening.NETWORK  # for the leave: the kernel asks it for control groups too
        case _:
            return


def of_file(path: str) -> Iterable[Opening]:
    """What has to be open to read a file."""
    if path.startswith(HOMES):
        yield Opening.HOMES
    if path.startswith(TEMPORARY):
        yield Opening.TEMPORARY
    if path.startswith(PROCESSES):
        yield Opening.PROCESSES
