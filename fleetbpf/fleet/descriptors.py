"""How many files this process may have open: a connection is one, and so are pipes and logs."""

import resource
import sys
from collections.abc import Callable

from fleetbpf.errors import InputError, Problem
from fleetbpf.wording import counted

PER_HOST = 4  # its connection, and three pipes where a proxy command leads there
OTHERS = 100  # logs, sources, libraries
LIMIT = resource.RLIMIT_NOFILE


def allow(
    hosts: int,
    *,
    aside: int = 0,
    limits: Callable[[int], tuple[int, int]] = resource.getrlimit,
    change: Callable[[int, tuple[int, int]], None] = resource.setrlimit,
) -> int:
    """Have room for `hosts` connections at once, and for `aside` more if that can be had.

    How many of these there is room for. The soft limit is raised as far as it must; InputError when
    the hard one is too low for the hosts.
    """
    needed = hosts * PER_HOST + OTHERS
    soft, hard = limits(LIMIT)
    most = sys.maxsize if hard == resource.RLIM_INFINITY else hard
    aside = max(min(aside, (most - needed) // PER_HOST), 0)
    wanted = needed + aside * PER_HOST
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return aside
    if hard != resource.RLIM_INFINITY and hard < needed:
        most = max((hard - OTHERS) // PER_HOST, 1)
        what = f"{counted(hosts, 'host')} at once take {needed} open files, and {hard} are allowed"
        hint = f"--forks {most}, or a higher limit: ulimit -Hn, limits.conf(5)"
        raise InputError(Problem(where="--forks", what=what, hint=hint))
    change(LIMIT, (wanted, hard))
    return aside
