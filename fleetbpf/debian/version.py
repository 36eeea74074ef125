"""Debian's order of version numbers (deb-version(7)), as a key for `sorted` and `max`."""

import re

PIECE = re.compile(r"(\D*)(\d*)")
Key = tuple[int, tuple[tuple[tuple[int, ...], int], ...], tuple[tuple[tuple[int, ...], int], ...]]


def version_key(version: str) -> Key:
    """A key by which versions sort as dpkg sorts them: epoch, upstream version, revision."""
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return int(epoch), pieces(upstream), pieces(revision)


def pieces(text: str) -> tuple[tuple[tuple[int, ...], int], ...]:
    """`text` as pairs of letters and a number, the letters in Debian's order."""
    pairs = (match.groups() for match in PIECE.finditer(text))
    return tuple(
        ((*map(rank, letters), 0), int(digits or 0)) for letters, digits in (*pairs, ("", ""))
    )


def rank(letter: str) -> int:
    """A tilde sorts before the end (0), the end before letters, letters before the rest."""
    if letter == "~":
        return -1
    return ord(letter) if letter.isalpha() else ord(letter) + 256
