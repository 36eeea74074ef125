"""Which types of hooks a kernel has, by the functions in it."""

from collections.abc import Collection, Mapping

TRAMPOLINE = ("bpf_trampoline_link_prog", "register_ftrace_direct")
# Hook type → the functions of a kernel that has it: what attaches, and where that may be a stub,
# what it stands for.
HOOKS: Mapping[str, tuple[str, ...]] = {
    "tracepoint": ("perf_event_attach_bpf_prog",),
    "raw_tracepoint": ("bpf_probe_register",),
    "tp_btf": ("bpf_probe_register",),
    "kprobe": ("register_kprobe", "perf_event_attach_bpf_prog"),
    "kprobe.multi": ("bpf_kprobe_multi_link_attach", "register_fprobe_ips"),
    "fentry": TRAMPOLINE,
    "fmod_ret": TRAMPOLINE,
    "lsm": (*TRAMPOLINE, "bpf_lsm_file_open"),
    "lsm_cgroup": (*TRAMPOLINE, "bpf_lsm_file_open", "bpf_trampoline_link_cgroup_shim"),
    "iter": ("bpf_iter_link_attach",),
    "uprobe": ("uprobe_register", "perf_event_attach_bpf_prog"),
    "perf_event": ("perf_event_create_kernel_counter",),
    "xdp": ("bpf_xdp_link_attach",),
    "tcx": ("tcx_link_attach",),
    "netfilter": ("bpf_nf_link_attach",),
    "socket": ("sk_attach_bpf",),
    "sk_lookup": ("netns_bpf_link_create",),
    "flow_dissector": ("netns_bpf_link_create",),
    "cgroup": ("cgroup_bpf_link_attach",),
    "sk_msg": ("sock_map_update_elem_sys",),
}
TYPED = ("tp_btf", "fentry", "fmod_ret", "lsm", "lsm_cgroup", "iter")  # by the kernel's own BTF
SECURITY = ("lsm", "lsm_cgroup")  # only where `bpf` is among the security modules
FUNCTIONS = tuple(sorted({name for names in HOOKS.values() for name in names}))


def hooks(
    functions: Collection[str] | None, *, btf: bool, lsms: Collection[str] | None
) -> Mapping[str, bool | None]:
    """Which types there are; None where nothing says so.

    `functions` are those of FUNCTIONS that the kernel has, `lsms` its security modules; None where
    the host did not tell.
    """
    if functions is None:
        return dict.fromkeys(HOOKS)
    return {hook: has(hook, set(functions), btf=btf, lsms=lsms) for hook in HOOKS}


def has(hook: str, there: set[str], *, btf: bool, lsms: Collection[str] | None) -> bool | None:
    """Whether a kernel with these functions has a type of hook."""
    if not there.issuperset(HOOKS[hook]) or (hook in TYPED and not btf):
        return False
    if hook not in SECURITY:
        return True
    return None if lsms is None else "bpf" in lsms
