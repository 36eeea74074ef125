"""Write cpio archives in the `newc` format, which the kernel unpacks as its first file system."""

import stat
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from fleetbpf.frozen import frozen

ALIGNMENT = 4  # Documentation/driver-api/early-userspace/buffer-format.rst
TRAILER = "TRAILER!!!"


@frozen
class Entry:
    """One file, folder, symlink or device of an archive."""

    path: str  # relative: "etc/passwd"
    mode: int  # with its type: stat.S_IFREG | 0o644
    content: bytes = b""  # a symlink's is its target
    owner: int = 0  # user and group
    device: tuple[int, int] = (0, 0)


def file(path: str, content: bytes | str, *, mode: int = 0o644, owner: int = 0) -> Entry:
    """A regular file."""
    body = content.encode() if isinstance(content, str) else content
    return Entry(path=path, mode=stat.S_IFREG | mode, content=body, owner=owner)


def folder(path: str, *, mode: int = 0o755, owner: int = 0) -> Entry:
    """A folder."""
    return Entry(path=path, mode=stat.S_IFDIR | mode, owner=owner)


def symlink(path: str, target: str) -> Entry:
    """A symbolic link."""
    return Entry(path=path, mode=stat.S_IFLNK | 0o777, content=target.encode())


def device(path: str, major: int, minor: int) -> Entry:
    """A character device."""
    return Entry(path=path, mode=stat.S_IFCHR | 0o600, device=(major, minor))


def archive(entries: Iterable[Entry]) -> bytes:
    """The archive of `entries`; folders that they lie in and that are not given are added."""
    parts = [record(entry, number) for number, entry in enumerate(with_folders(entries), start=1)]
    return b"".join([*parts, record(Entry(path=TRAILER, mode=0), 0)])


def with_folders(entries: Iterable[Entry]) -> Iterator[Entry]:
    """`entries`, each after the folders it lies in."""
    seen: set[str] = set()
    for entry in entries:
        for parent in reversed(PurePosixPath(entry.path).parents[:-1]):
            if str(parent) not in seen:
                seen.add(str(parent))
                yield folder(str(parent))
        seen.add(entry.path)
        yield entry


def record(entry: Entry, number: int) -> bytes:
    """One entry as its bytes: header, name, content, each padded."""
    name = entry.path.encode() + b"\0"
    major, minor = entry.device
    owner = entry.owner
    fields = (number, entry.mode, owner, owner, 1, 0, len(entry.content))
    header = b"070701" + b"".join(
        b"%08x" % field for field in (*fields, 0, 0, major, minor, len(name), 0)
    )
    return padded(header + name) + padded(entry.content)


def padded(content: bytes) -> bytes:
    """`content` with NUL bytes up to a multiple of four."""
    return content + bytes(-len(content) % ALIGNMENT)
