"""The kernel's functions for programs (kfuncs) with which they only observe, by name.

What they do is told by the kernel's documentation (Documentation/bpf/kfuncs.rst, cpumasks.rst) and
by the comments at their definitions. A kernel may have any others, and modules add theirs: all of
them have to be allowed.
"""

# The program's own objects, lists, trees, CPU masks, arenas, locks and deferred functions.
_OWN = """
obj_new obj_drop percpu_obj_new percpu_obj_drop refcount_acquire list_push_front
list_push_back list_pop_front list_pop_back list_front list_back rbtree_add rbtree_remove
rbtree_first rbtree_root rbtree_left rbtree_right cpumask_create cpumask_acquire
cpumask_release cpumask_first cpumask_first_zero cpumask_first_and cpumask_set_cpu
cpumask_clear_cpu cpumask_test_cpu cpumask_test_and_set_cpu cpumask_test_and_clear_cpu
cpumask_setall cpumask_clear cpumask_and cpumask_or cpumask_xor cpumask_equal
cpumask_intersects cpumask_subset cpumask_empty cpumask_full cpumask_copy
cpumask_any_distribute cpumask_any_and_distribute cpumask_weight cpumask_populate
arena_alloc_pages arena_free_pages arena_reserve_pages res_spin_lock res_spin_unlock
res_spin_lock_irqsave res_spin_unlock_irqrestore wq_init wq_set_callback wq_start throw
map_sum_elem_count stream_vprintk stream_print_stack
"""

# Sections of code, checked by the verifier to end.
_SHORT = """
rcu_read_lock rcu_read_unlock preempt_disable preempt_enable local_irq_save local_irq_restore
"""

# Memory as it is, and text in it.
_MEMORY = """
cast_to_kern_ctx rdonly_cast dynptr_adjust dynptr_clone dynptr_copy dynptr_memset dynptr_size
dynptr_is_null dynptr_is_rdonly dynptr_slice dynptr_slice_rdwr dynptr_from_skb
dynptr_from_skb_meta dynptr_from_xdp dynptr_from_file dynptr_file_discard copy_from_user_str
copy_from_user_task_str copy_from_user_dynptr copy_from_user_str_dynptr
copy_from_user_task_dynptr copy_from_user_task_str_dynptr probe_read_kernel_dynptr
probe_read_kernel_str_dynptr probe_read_user_dynptr probe_read_user_str_dynptr strcmp
strcasecmp strncasecmp strchr strchrnul strnchr strrchr strlen strnlen strspn strcspn strstr
strcasestr strnstr strncasestr
"""

# Tasks, control groups, files and packets' metadata, found and let go.
_LOOKED_UP = """
task_acquire task_release task_from_pid task_from_vpid task_under_cgroup task_get_cgroup1
cgroup_acquire cgroup_release cgroup_ancestor cgroup_from_id cgroup_read_xattr
get_task_exe_file put_file path_d_path get_file_xattr get_dentry_xattr get_fsverity_digest
get_kmem_cache session_is_return session_cookie xdp_metadata_rx_hash xdp_metadata_rx_timestamp
xdp_metadata_rx_vlan_tag skb_ct_lookup xdp_ct_lookup ct_release xdp_get_xfrm_state
xdp_xfrm_state_release
"""

# What bpf_iter_NAME_new, _next and _destroy go through.
_ITERATORS = ("num", "bits", "css", "css_task", "task", "task_vma", "kmem_cache", "dmabuf")

OBSERVING = frozenset(
    (
        *(f"bpf_{name}" for name in f"{_OWN}{_SHORT}{_MEMORY}{_LOOKED_UP}".split()),
        *(f"bpf_iter_{name}_{step}" for name in _ITERATORS for step in ("new", "next", "destroy")),
    )
)
FLAVOUR = "___"  # libbpf: what follows tells declarations of one function apart
IMPLEMENTATION = "_impl"  # the function behind a macro: bpf_obj_new_impl


def essential(name: str) -> str:
    """The name by which the kernel is asked for a function."""
    head, flavour, _ = name.partition(FLAVOUR)
    return head if head and flavour else name


def observes(name: str) -> bool:
    """Whether a program that calls the function changes nothing but what is its own."""
    return name.removesuffix(IMPLEMENTATION) in OBSERVING
