"""Fetch files by HTTP into the cache, whole and verified or not at all."""

import hashlib
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Protocol

from fleetbpf.errors import HostError, Problem
from fleetbpf.files.private_files import write_whole
from fleetbpf.limits import MIB

TIMEOUT = 30.0  # seconds without a byte
MOST = 1024 * 1024 * 1024  # bytes of a file; Debian's kernels have 70 MB
LONGEST = 3600.0  # seconds in all
HINT = "check the network and the mirror in apt's sources; what was fetched before is used offline"


class Body(Protocol):
    """What is read of a server's answer."""

    def read1(self, size: int, /) -> bytes:
        """What has come by now, at most `size` bytes; none at the end."""
        ...


class NotFetchedError(HostError):
    """A file could not be had from any mirror, or is not the file it should be."""


def fetch(
    mirrors: Sequence[str], path: str, *, sha256: str | None = None, most: int = MOST
) -> bytes:
    """The content of `path` from the first mirror that has it, at most `most` bytes.

    Raises NotFetchedError, which names every URL that was tried, when none has it, or none has it
    with the checksum `sha256`.
    """
    problems: list[Problem] = []
    for mirror in mirrors:
        url = f"{mirror.rstrip('/')}/{path}"
        try:
            return checked(url, download(url, most), sha256)
        except NotFetchedError as error:
            problems += error.problems
    raise NotFetchedError(*problems)


def fetch_file(mirrors: Sequence[str], path: str, *, sha256: str, into: Path) -> None:
    """Fetch `path` into the file `into`, which appears only when it is right."""
    write_whole(into, fetch(mirrors, path, sha256=sha256))


def download(url: str, most: int) -> bytes:
    """What `url` answers; NotFetchedError says why it does not, or that it is too much."""
    try:
        # The URL comes from apt's own sources; http is safe because checksums are verified.
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:  # noqa: S310
            return whole(answer, most)
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        what = f"the download failed: {reason}"
        raise NotFetchedError(Problem(where=url, what=what, hint=HINT)) from error


def whole(body: Body, most: int, *, longest: float = LONGEST) -> bytes:
    """All of an answer; ValueError when it has more bytes, or takes more seconds, than it may."""
    found, deadline = bytearray(), time.monotonic() + longest
    while piece := body.read1(MIB):
        found += piece
        if len(found) > most:
            raise ValueError(f"it is larger than {most} bytes")
        if time.monotonic() > deadline:
            raise ValueError(f"it takes more than {longest:g} s")
    return bytes(found)


def checked(url: str, content: bytes, sha256: str | None) -> bytes:
    """`content`, when it has the checksum it should have."""
    found = hashlib.sha256(content).hexdigest()
    if sha256 is None or found == sha256:
        return content
    what = f"wrong checksum: sha256 {found}, not {sha256}"
    hint = "the mirror is being updated or is broken: try again in some minutes"
    raise NotFetchedError(Problem(where=url, what=what, hint=hint))
