"""The host keys that known_hosts files vouch for, and what a key that a host shows means."""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import field
from enum import Enum
from fnmatch import fnmatchcase
from pathlib import Path

from fleetbpf.frozen import frozen

DEFAULT_PORT = 22
REVOKED = "@revoked"
AUTHORITY = "@cert-authority"

Names = tuple[str, ...]


@frozen
class Entry:
    """One line of a known_hosts file: a key, and the hosts it belongs to."""

    place: str  # "file:line"
    patterns: str  # the first field as it stands: names, globs, `!` or one hashed name
    kind: str  # the key's type: "ssh-ed25519"
    encoded: str  # base64; decoded only when looked at, because a file may hold thousands
    marker: str = ""  # "@revoked", "@cert-authority"

    @property
    def revoked(self) -> bool:
        """Whether the key must never be accepted."""
        return self.marker == REVOKED

    @property
    def key(self) -> bytes:
        """The public key as it travels on the wire; empty when the line is damaged."""
        try:
            return base64.b64decode(self.encoded)
        except ValueError:  # binascii.Error is one; what is not ASCII raises a bare one
            return b""


class Standing(Enum):
    """What the known_hosts files say about the key that a host shows."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    REVOKED = "revoked"


@frozen
class Verdict:
    """The standing of a key, and the lines that decided it."""

    standing: Standing
    entries: tuple[Entry, ...] = ()


@frozen
class HashedName:
    """A host's name as HMAC-SHA1 with a salt: `|1|salt|hash` (sshd(8), HashKnownHosts)."""

    salt: bytes
    digest: bytes
    entry: Entry

    def means(self, name: bytes) -> bool:
        """Whether this is `name`."""
        return hmac.digest(self.salt, name, "sha1") == self.digest  # nothing secret is compared


@frozen
class KnownHosts:
    """The entries of some known_hosts files: plain names in a table, the others in lists."""

    paths: tuple[Path, ...]  # as OpenSSH has it, new keys belong into the first
    by_name: Mapping[str, tuple[Entry, ...]]
    by_hash: tuple[HashedName, ...]
    by_pattern: tuple[Entry, ...]  # globs and lines with `!`
    # By name what was found: a login looks several times, and a thousand hashes take 1 ms.
    _found: dict[str, tuple[Entry, ...]] = field(default_factory=dict, compare=False, repr=False)

    def entries(self, name: str) -> tuple[Entry, ...]:
        """The lines about the host that files call `name`."""
        if name not in self._found:
            encoded = name.encode()
            hashed = (each.entry for each in self.by_hash if each.means(encoded))
            matching = (entry for entry in self.by_pattern if matches(entry.patterns, name))
            self._found[name] = (*self.by_name.get(name, ()), *hashed, *matching)
        return self._found[name]

    def kinds(self, names: Names) -> tuple[str, ...]:
        """The types of the keys that are known of a host, each once, in the files' order.

        A host has keys of several types; only when it is asked for one of a known type does
        another key mean that its key has changed.
        """
        return tuple(dict.fromkeys(e.kind for e in self.entries(names[0]) if not e.marker))

    def authorities(self, names: Names) -> tuple[Entry, ...]:
        """The lines with keys that may sign certificates for a host."""
        entries = (entry for name in names for entry in self.entries(name))
        return tuple(dict.fromkeys(entry for entry in entries if entry.marker == AUTHORITY))

    def judge(self, names: Names, key: bytes) -> Verdict:
        """What the files say about `key`, shown by the host with these names."""
        entries = self.entries(names[0])
        anywhere = (*entries, *(entry for name in names[1:] for entry in self.entries(name)))
        same = tuple(entry for entry in anywhere if entry.key == key)
        if revoked := tuple(entry for entry in same if entry.revoked):
            return Verdict(standing=Standing.REVOKED, entries=revoked)
        if known := tuple(entry for entry in same if not entry.marker):
            return Verdict(standing=Standing.KNOWN, entries=known)
        if others := tuple(entry for entry in entries if not entry.marker):
            return Verdict(standing=Standing.CHANGED, entries=others)
        return Verdict(standing=Standing.UNKNOWN)


def read(paths: Iterable[Path]) -> KnownHosts:
    """Read known_hosts files; one that does not exist is an empty one."""
    files = tuple(paths)
    entries = [
        entry
        for path in files
        if path.exists()
        for entry in parse(path.read_text(encoding="utf-8", errors="replace"), place=str(path))
    ]
    by_name: dict[str, list[Entry]] = {}
    for entry in entries:
        if is_plain(entry.patterns):
            for name in entry.patterns.lower().split(","):
                by_name.setdefault(name, []).append(entry)
    return KnownHosts(
        paths=files,
        by_name={name: tuple(found) for name, found in by_name.items()},
        by_hash=tuple(filter(None, map(hashed_name, entries))),
        by_pattern=tuple(entry for entry in entries if is_pattern(entry.patterns)),
    )


def parse(text: str, *, place: str) -> Iterable[Entry]:
    """The entries of one file's text; lines of other kinds are passed over, as OpenSSH does."""
    for number, line in enumerate(text.split("\n"), start=1):
        fields = line.split()
        marker = fields[0] if fields[:1] in ([REVOKED], [AUTHORITY]) else ""
        fields = fields[1:] if marker else fields
        if len(fields) >= 3 and not fields[0].startswith(("#", "@")):
            yield Entry(
                place=f"{place}:{number}",
                patterns=fields[0],
                kind=fields[1],
                encoded=fields[2],
                marker=marker,
            )


def names_of(address: str, port: int, *, alias: str = "") -> Names:
    """What a host is called in known_hosts files, the name for new lines first.

    As with OpenSSH: `[address]:port` unless the port is 22, and a key known for the plain address
    is good on any port of it. An alias is the only name.
    """
    if alias:
        return (alias.lower(),)
    plain = address.lower()
    return (plain,) if port == DEFAULT_PORT else (f"[{plain}]:{port}", plain)


def is_plain(patterns: str) -> bool:
    """Whether the names stand there as they are: no hash, no glob, no negation."""
    return not any(sign in patterns for sign in "|*?!")


def is_pattern(patterns: str) -> bool:
    """Whether the names are to be compared one after the other."""
    return not patterns.startswith("|") and not is_plain(patterns)


def matches(patterns: str, name: str) -> bool:
    """Whether a line's first field means the host `name`; a matching `!pattern` forbids it."""
    found = [pattern for pattern in patterns.lower().split(",") if matches_glob(pattern, name)]
    return bool(found) and not any(pattern.startswith("!") for pattern in found)


def matches_glob(pattern: str, name: str) -> bool:
    """Whether `*` and `?` of a pattern fit `name`; brackets are those of `[address]:port`."""
    return fnmatchcase(name, pattern.removeprefix("!").replace("[", "[[]"))


def hashed_name(entry: Entry) -> HashedName | None:
    """The hash in a line's first field; nothing when there is none, or a damaged one."""
    parts = entry.patterns.split("|")
    if len(parts) != 4 or parts[:2] != ["", "1"]:
        return None
    try:
        salt, digest = (base64.b64decode(part) for part in parts[2:])
    except ValueError:  # binascii.Error is one; what is not ASCII raises a bare one
        return None
    return HashedName(salt=salt, digest=digest, entry=entry)


def fingerprint(key: bytes) -> str:
    """A key's fingerprint as OpenSSH prints it: `SHA256:…`."""
    digest = base64.b64encode(hashlib.sha256(key).digest()).decode()
    return f"SHA256:{digest.rstrip('=')}"
