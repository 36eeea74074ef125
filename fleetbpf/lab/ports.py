"""Ports of 127.0.0.1 for the hosts' sshds."""

import random
import socket
from collections.abc import Container
from contextlib import closing

from fleetbpf.lab.roster import ADDRESS

# Below Linux's range for outgoing connections (32768 on), which take ports at any moment.
RANGE = range(20000, 32000)


def is_free(port: int) -> bool:
    """Whether one could listen on `port` now."""
    with closing(socket.socket()) as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            link.bind((ADDRESS, port))
        except OSError:
            return False
    return True


def choose(taken: Container[int]) -> int:
    """A free port that is not among those `taken` by hosts that are not up yet."""
    while True:
        # By chance, so that two labs that choose at the same moment choose different ones.
        port = random.choice(RANGE)  # noqa: S311
        if port not in taken and is_free(port):
            return port
