"""Which of paramiko's algorithms are offered, and in which order: the cheapest come first.

What is not listed here is weak (CBC and 3DES, MD5, cut MACs, SHA-1 signatures): ssh_config(5) has
to name it for a host, as `Ciphers +aes128-cbc`.
"""

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
CIPHERS = (
    *("aes128-gcm@openssh.com", "aes256-gcm@openssh.com"),
    *("aes128-ctr", "aes192-ctr", "aes256-ctr"),
)
# Only ciphers in CTR mode need one; as OpenSSH, those first that see what was encrypted.
MACS = (
    *("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com"),
    *("hmac-sha2-256", "hmac-sha2-512"),
    "hmac-sha1",  # as OpenSSH: of SHA-1 a MAC takes only what is still good
)
SIGNATURES = (
    *("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    *("rsa-sha2-512", "rsa-sha2-256"),
)
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
def chosen(
    option: str, spec: str, ours: tuple[str, ...], available: tuple[str, ...]
) -> tuple[str, ...]:
    """Which algorithms an option of ssh_config(5) leaves, and in which order.

    As there: `+` adds to the usual ones, `-` takes away from them, `^` puts in front; a pattern
    means usual ones, a whole name any that is available. Raises SSHException when none is left.
    """
    usual = tuple(name for name in ours if name in available)
    sign, names = (spec[0], spec[1:]) if spec[:1] in tuple("+-^") else ("", spec)
    patterns = [ALIASES.get(name, name) for name in names.split(",") if name]
    named = tuple(each for name in patterns for each in meant(name, usual, available))
    match sign:
        case "-":
            left = tuple(each for each in usual if each not in named)
        case "+":
            left = (*usual, *named)
        case "^":
            left = (*named, *usual)
        case _:
            left = named if spec else usual
    if not left:
        raise SSHException(f"fleetbpf has none of what ssh_config allows: {option} {spec}")
    return tuple(dict.fromkeys(left))


def meant(pattern: str, usual: tuple[str, ...], available: tuple[str, ...]) -> tuple[str, ...]:
    """The algorithms of that name or pattern."""
    if pattern in available:
        return (pattern,)
    return tuple(name for name in usual if fnmatchcase(name, pattern))
