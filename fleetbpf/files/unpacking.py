"""Unpacking what was compressed elsewhere: never more than was asked for."""

import lzma
import zlib

from fleetbpf.limits import MIB, ExcessError
from fleetbpf.quantities import told_size

LARGEST = 64 * MIB  # bytes; a kernel's types have 5 to 10 MiB
GZIP = 16 + zlib.MAX_WBITS  # with gzip's header and checksum, not zlib's
DICTIONARY = 256 * MIB  # bytes of memory for xz; -9 takes 65 MiB


def gunzip(packed: bytes, *, limit: int = LARGEST) -> bytes:
    """What gzip packed; ValueError when it is damaged or cut off, ExcessError beyond `limit`."""
    engine = zlib.decompressobj(GZIP)
    try:
        return checked(engine.decompress(packed, limit + 1), limit, ended=engine.eof)
    except zlib.error as error:
        raise ValueError(str(error)) from error


def unxz(packed: bytes, *, limit: int = LARGEST) -> bytes:
    """What xz packed; as `gunzip`."""
    engine = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=DICTIONARY)
    try:
        return checked(engine.decompress(packed, limit + 1), limit, ended=engine.eof)
    except (lzma.LZMAError, EOFError) as error:
        raise ValueError(str(error)) from error


def checked(found: bytes, limit: int, *, ended: bool) -> bytes:
    """What was unpacked, if it is all of it and not too much."""
    if len(found) > limit:
        raise ExcessError(f"unpacks to more than {told_size(limit)}, the most that is taken")
    if not ended:
        raise ValueError("cut off")
    return found
