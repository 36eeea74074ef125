"""What BPF may do beside observing, by the names that `allow` in a manifest must have."""

from fleetbpf.model.hook_kinds import BY_WORD, KINDS

# enum bpf_func_id: helpers with which even a function that only observes changes what happens.
HELPERS = {
    36: "bpf_probe_write_user",
    58: "bpf_override_return",
    109: "bpf_send_signal",
    117: "bpf_send_signal_thread",
}

# Kinds of hook whose functions decide what the kernel does.
HOOKS = tuple(dict.fromkeys(kind.changes for kind in KINDS if kind.changes))

NAMES = (*HOOKS, *HELPERS.values())


def canonical(name: str) -> str:
    """The name that a word stands for: raw_tp.w is raw_tracepoint.w, cgroup/bind4 is cgroup."""
    kind = BY_WORD.get(name)
    return kind.changes if kind and kind.changes else name
