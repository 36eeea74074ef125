"""Which of paramiko's algorithms are offered, and in which order: the cheapest come first."""

import functools
from collections.abc import Sequence
from fnmatch import fnmatchcase

from paramiko.ssh_exception import SSHException

from fleetbpf.connections.settings import Algorithms

# Milliseconds of CPU per login: curve25519 3, with ML-KEM (post-quantum) 0.2 more, finite fields
# 29 (group14) to 93 (group16). The slow ones stay on offer for hosts that have nothing else.
KEY_EXCHANGES = (
    "mlkem768x25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group16-sha512",
)
CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
# The name in a standard of what paramiko knows by its older one.
ALIASES = {"curve25519-sha256": "curve25519-sha256@libssh.org"}
OURS = Algorithms()
CERTIFICATE = "-cert-v01@openssh.com"
# An RSA key signs with several algorithms; all are "ssh-rsa" in known_hosts files.
RSA_ALGORITHMS = ("rsa-sha2-512", "rsa-sha2-256")


def algorithms(key_types: Sequence[str]) -> tuple[str, ...]:
    """The signature algorithms of the key types of known_hosts files."""
    return tuple(
        algorithm
        for key_type in key_types
        for algorithm in (RSA_ALGORITHMS if key_type == "ssh-rsa" else (key_type,))
    )


@functools.lru_cache  # most hosts of a fleet are offered the same
def reorder(first: tuple[str, ...], offered: tuple[str, ...]) -> tuple[str, ...]:
    """All that is offered, with those of `first` in front."""
    front = tuple(name for name in first if name in offered)
    return (*front, *(name for name in offered if name not in front))


@functools.lru_cache
def chosen(option: str, spec: str, ours: tuple[str, ...]) -> tuple[str, ...]:
    """Which of our algorithms an option of ssh_config(5) leaves, and in which order.

    As there: `+` adds to the usual ones, `-` takes away from them, `^` puts in front. Raises
    SSHException when none is left.
    """
    sign, names = (spec[0], spec[1:]) if spec[:1] in tuple("+-^") else ("", spec)
    patterns = [ALIASES.get(name, name) for name in names.split(",") if name]
    named = [each for name in patterns for each in ours if fnmatchcase(each, name)]
    match sign:
        case "-":
            left = [each for each in ours if each not in named]
        case "^" | "+":
            left = list(reorder(tuple(named), ours)) if sign == "^" else list(ours)
        case _:
            left = named if spec else list(ours)
    if not left:
        raise SSHException(f"fleetbpf has none of what ssh_config allows: {option} {spec}")
    return tuple(dict.fromkeys(left))
