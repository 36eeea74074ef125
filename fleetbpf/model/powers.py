"""What BPF may do beside observing, by the names that `allow` in a manifest must have.

What only observes is listed (helpers.py, kfuncs.py): all else that a program calls has to be
allowed by its name, what nobody has heard of yet too.
"""

import re

from fleetbpf.model import helpers, kfuncs
from fleetbpf.model.hook_kinds import BY_WORD, KINDS

# Kinds of hook whose functions decide what the kernel does.
HOOKS = tuple(dict.fromkeys(kind.changes for kind in KINDS if kind.changes))

REGISTERS = "user_registers"  # of a process, which a uprobe may change since Linux 6.18

NAMES = (*HOOKS, REGISTERS, *helpers.CHANGING)

# A kernel function, or a kind of function that has no hook here: struct_ops, freplace, syscall.
OTHER = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9_]*)")
KINDS_WITHOUT_HOOK = (
    *("action", "freplace", "lirc_mode2", "lwt_in", "lwt_out", "lwt_seg6local", "lwt_xmit"),
    *("netkit", "sk_reuseport", "struct_ops", "syscall"),
)

# enum bpf_map_type: a socket in one is no longer handled as before, whoever puts it there.
# Iterators and socket filters can with a plain bpf_map_update_elem.
SOCKET_MAPS = {15: "bpf_sock_map_update", 18: "bpf_sock_hash_update"}


def canonical(name: str) -> str:
    """The name that a word stands for: raw_tp.w is raw_tracepoint.w, cgroup/bind4 is cgroup."""
    kind = BY_WORD.get(name)
    return kind.changes if kind and kind.changes else name


def is_known(name: str) -> bool:
    """Whether it is something that may have to be allowed; no list has all kernel functions."""
    if name in NAMES or name in KINDS_WITHOUT_HOOK:
        return True
    observes = name in helpers.OBSERVING or kfuncs.observes(name) or name in BY_WORD
    return not observes and OTHER.fullmatch(name) is not None


def of_section(section: str) -> str:
    """What a function of a kind without a hook must be allowed by: struct_ops.s/init's is its."""
    return section.partition("/")[0].partition(".")[0] or section
