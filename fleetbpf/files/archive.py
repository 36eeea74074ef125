"""Compressed tar archives for hosts, in parts: what many hosts need is compressed once."""

import gzip
import tarfile
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import PurePosixPath

END = b"\0" * 1024
OBJECTS = "objects/"  # what lies there is executed

Content = bytes | PurePosixPath  # a path: of a symbolic link


class Compression(StrEnum):
    """How an archive is compressed, by the name of the program that a host unpacks it with."""

    GZIP = "gzip"  # which no host lacks
    ZSTD = "zstd"  # which takes a host a third of the time


def archive(
    files: Mapping[str, Content],
    packed: Iterable[bytes] = (),
    compression: Compression = Compression.GZIP,
) -> bytes:
    """A compressed tar archive of `files`, by their paths, after what was packed so before."""
    return b"".join((*packed, pack(files, compression), compressed(END, compression)))


def pack(files: Mapping[str, Content], compression: Compression = Compression.GZIP) -> bytes:
    """A part of an archive: members without the archive's end, compressed by themselves.

    Members of gzip (RFC 1952, 2.2) and frames of zstd (RFC 8878, 3) may follow one another, so a
    loader is compressed once for all hosts.
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
    return compressed(b"".join(parts), compression)


def compressed(content: bytes, compression: Compression) -> bytes:
    """The same bytes each time; with a checksum, so that a damaged archive is refused."""
    if compression is Compression.GZIP:
        return gzip.compress(content, compresslevel=6, mtime=0)
    import zstandard  # when it is needed: it takes 4 ms

    # 12: a loader in 50 ms. 19 would make it a tenth smaller, in half a second.
    return zstandard.ZstdCompressor(level=12, write_checksum=True).compress(content)
