"""Compressed tar archives for hosts, in parts: what many hosts need is compressed once."""

import gzip
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

END = b"\0" * 1024
OBJECTS = "objects/"  # what lies there is executed

Content = bytes | PurePosixPath  # a path: of a symbolic link


def archive(files: Mapping[str, Content], packed: Iterable[bytes] = ()) -> bytes:
    """A compressed tar archive of `files`, by their paths, after what was packed before."""
    return b"".join((*packed, pack(files), gzip.compress(END, mtime=0)))


def pack(files: Mapping[str, Content]) -> bytes:
    """A part of an archive: members without the archive's end, compressed by themselves.

    gzip members may follow one another (RFC 1952, 2.2), so a loader is compressed once for all
    hosts.
    """
    parts: list[bytes] = []
    for path, content in files.items():
        member = tarfile.TarInfo(path)
        if isinstance(content, PurePosixPath):
            member.type, member.linkname = tarfile.SYMTYPE, str(content)
            parts.append(member.tobuf(tarfile.USTAR_FORMAT))
            continue
        member.size = len(content)
        member.mode = 0o700 if path.startswith(OBJECTS) else 0o600
        parts += [member.tobuf(tarfile.USTAR_FORMAT), content, b"\0" * (-len(content) % 512)]
    return gzip.compress(b"".join(parts), compresslevel=6, mtime=0)
