"""Every kind of hook: how its text is built, what it asks for; as runtime/attach/hook_kinds.c."""

from collections.abc import Iterator, Mapping
from enum import Enum

from fleetbpf.frozen import frozen


class Shape(Enum):
    """How the text behind a kind's word is built; its value is what people are told to write."""

    NAME = "NAME"
    TRACEPOINT = "CATEGORY/NAME"
    FUNCTION = "FUNCTION"
    PROBE = "FUNCTION or …/FUNCTION+OFFSET"
    GLOB = "GLOB, with * and ?"
    SYSCALL = "NAME, as in ksyscall/openat"
    USER_PROBE = "/PATH:SYMBOL or …//PATH:SYMBOL+OFFSET"
    USER_RETURN = "/PATH:SYMBOL"
    USDT = "/PATH:PROVIDER:NAME"
    EVENT = "EVENT@HZ, as in perf_event/cpu-clock@49"
    ITERATOR = "TYPE or …/TYPE:MAP, with @SECONDSs perhaps: iter/task@10s"
    INTERFACE = "INTERFACE"
    DIRECTION = "INTERFACE/ingress or …/INTERFACE/egress"
    NETFILTER = "PROTOCOL/POINT, as in netfilter/ipv4/local_in"
    FILE = "/PATH, as in sk_lookup//proc/1/ns/net"
    CGROUP = "/PATH, as in cgroup/connect4//sys/fs/cgroup"
    CGROUP_MODULE = "HOOK//PATH, as in lsm_cgroup/socket_bind//sys/fs/cgroup"
    MAP = "MAP, a sockmap or sockhash of the program"


class Parameter(Enum):
    """What may stand at a hook's end, behind an @; its value is the manifest's key for it."""

    PID = "pid"  # the one process; left out: all of them
    FREQUENCY = "frequency"  # Hz
    EVERY = "every"  # time between two readings
    MODE = "mode"  # skb (any interface) or native (the driver's); left out: what there is
    PRIORITY = "priority"  # low ones come first


@frozen
class HookKind:
    """One kind of hook."""

    word: str  # libbpf's name of the section
    shape: Shape
    aliases: tuple[str, ...] = ()
    parameter: Parameter | None = None
    btf: bool = False  # the function is typed by the kernel's BTF
    changes: str = ""  # it may change what the system does: the word that `allow` must have

    @property
    def form(self) -> str:
        """What people write."""
        return f"{self.word}/{self.shape.value.replace('…', self.word)}"


def _typed(word: str, changes: str = "") -> Iterator[HookKind]:
    """A kind that is typed by BTF, and its form for functions that may sleep."""
    for name in (word, f"{word}.s"):
        yield HookKind(word=name, shape=Shape.FUNCTION, btf=True, changes=changes)


def _user(word: str, shape: Shape) -> Iterator[HookKind]:
    for name in (word, f"{word}.s"):
        yield HookKind(word=name, shape=shape, parameter=Parameter.PID)


def _cgroup() -> Iterator[HookKind]:
    names = (
        *("sock_create", "sock_release", "post_bind4", "post_bind6", "bind4", "bind6"),
        *("connect4", "connect6", "sendmsg4", "sendmsg6", "recvmsg4", "recvmsg6"),
        *("getpeername4", "getpeername6", "getsockname4", "getsockname6"),
        *("getsockopt", "setsockopt", "sysctl", "dev"),
    )
    for direction in ("ingress", "egress"):
        word = f"cgroup_skb/{direction}"
        yield HookKind(word=word, shape=Shape.CGROUP, changes="cgroup_skb")
    for name in names:
        aliases = ("cgroup/sock",) if name == "sock_create" else ()
        word = f"cgroup/{name}"
        yield HookKind(word=word, shape=Shape.CGROUP, aliases=aliases, changes="cgroup")
    yield HookKind(word="sockops", shape=Shape.CGROUP, changes="sockops")


def _all() -> Iterator[HookKind]:
    yield HookKind(word="tracepoint", shape=Shape.TRACEPOINT, aliases=("tp",))
    yield HookKind(word="raw_tracepoint", shape=Shape.NAME, aliases=("raw_tp",))
    yield HookKind(
        word="raw_tracepoint.w",
        shape=Shape.NAME,
        aliases=("raw_tp.w",),
        changes="raw_tracepoint.w",
    )
    yield HookKind(word="tp_btf", shape=Shape.NAME, btf=True)
    yield from _typed("fentry")
    yield from _typed("fexit")
    yield from _typed("fmod_ret", changes="fmod_ret")
    yield from _typed("lsm", changes="lsm")
    yield HookKind(word="lsm_cgroup", shape=Shape.CGROUP_MODULE, btf=True, changes="lsm_cgroup")
    for name in ("iter", "iter.s"):
        yield HookKind(word=name, shape=Shape.ITERATOR, parameter=Parameter.EVERY, btf=True)
    yield HookKind(word="kprobe", shape=Shape.PROBE)
    yield HookKind(word="kretprobe", shape=Shape.FUNCTION)
    yield HookKind(word="kprobe.multi", shape=Shape.GLOB)
    yield HookKind(word="kretprobe.multi", shape=Shape.GLOB)
    yield HookKind(word="ksyscall", shape=Shape.SYSCALL)
    yield HookKind(word="kretsyscall", shape=Shape.SYSCALL)
    yield from _user("uprobe", Shape.USER_PROBE)
    yield from _user("uretprobe", Shape.USER_RETURN)
    yield HookKind(word="usdt", shape=Shape.USDT, parameter=Parameter.PID)
    yield HookKind(word="perf_event", shape=Shape.EVENT, parameter=Parameter.FREQUENCY)
    for name in ("xdp", "xdp.frags"):
        yield HookKind(word=name, shape=Shape.INTERFACE, parameter=Parameter.MODE, changes="xdp")
    yield HookKind(word="tc", shape=Shape.DIRECTION, aliases=("classifier",), changes="tc")
    yield HookKind(word="tcx", shape=Shape.DIRECTION, changes="tcx")
    yield HookKind(
        word="netfilter",
        shape=Shape.NETFILTER,
        parameter=Parameter.PRIORITY,
        changes="netfilter",
    )
    yield HookKind(word="socket", shape=Shape.INTERFACE)
    yield HookKind(word="sk_lookup", shape=Shape.FILE, changes="sk_lookup")
    yield HookKind(word="flow_dissector", shape=Shape.FILE, changes="flow_dissector")
    for name in ("sk_msg", "sk_skb/stream_parser", "sk_skb/stream_verdict"):
        yield HookKind(word=name, shape=Shape.MAP, changes=name.partition("/")[0])
    yield from _cgroup()


KINDS = tuple(_all())

# Each word and each alias; words with a slash are as long as they look.
BY_WORD: Mapping[str, HookKind] = {
    word: kind for kind in KINDS for word in (kind.word, *kind.aliases)
}


def split(text: str) -> tuple[HookKind | None, str | None]:
    """The kind that a hook or a section begins with, and what stands behind its slash, if any."""
    parts = text.split("/")
    for count in (2, 1):
        kind = BY_WORD.get("/".join(parts[:count]))
        if kind is not None and len(parts) >= count:
            return kind, "/".join(parts[count:]) if len(parts) > count else None
    return None, None
