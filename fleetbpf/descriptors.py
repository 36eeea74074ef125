"""How many files this process may have open: a connection is one, and so are pipes and logs."""

import resource
from collections.abc import Callable

from fleetbpf.errors import InputError, Problem

PER_HOST = 4  # its connection, and three pipes where a proxy command leads there
OTHERS = 100  # logs, sources, libraries
LIMIT = resource.RLIMIT_NOFILE


def allow(
    hosts: int,
    *,
    limits: Callable[[int], tuple[int, int]] = resource.getrlimit,
    change: Callable[[int, tuple[int, int]], None] = resource.setrlimit,
) -> None:
    """Have room for `hosts` connections at once.

    The soft limit is raised as far as it must; InputError when the hard one is too low.
    """
    needed = hosts * PER_HOST + OTHERS
    soft, hard = limits(LIMIT)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        most = max((hard - OTHERS) // PER_HOST, 1)
        what = f"{hosts} hosts at once need {needed} open files, and {hard} are allowed"
        hint = f"--forks {most}, or a higher limit: ulimit -Hn, limits.conf(5)"
        raise InputError(Problem(where="--forks", what=what, hint=hint))
    change(LIMIT, (needed, hard))
