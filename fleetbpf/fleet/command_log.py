"""The log of every command that is sent to a host: a JSON object a line, bounded in size."""

import errno
import fcntl
import functools
import hashlib
import json
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from fleetbpf.connections.watched import Exchange
from fleetbpf.files.private_files import FILE_MODE, make_folder
from fleetbpf.secret import Mask, unmasked
from fleetbpf.wording import counted

LARGEST = 16 * 1024 * 1024  # bytes; then it becomes commands.log.1, and the one before that goes
LONGEST_ARGUMENTS = 4096  # characters
LONGEST_STDERR = 1024  # characters


@dataclass(kw_only=True)
class CommandLog:
    """Appends to one file; for many threads, and many processes at once.

    A log that cannot be written is told once and stops nothing.
    """

    path: Path | None  # None: there is no log
    started: Sequence[str] = ()  # what the operator typed
    whole: bool = False  # scripts with their texts, not by their digests only
    mask: Mask = unmasked
    warn: Callable[[str], None] = lambda _: None
    _descriptor: int = -1
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, exchange: Exchange) -> None:
        """Append what became of a command."""
        if self.path is not None:
            self._append(self.line(exchange))

    def line(self, exchange: Exchange) -> bytes:
        """One command as a line."""
        return encoded(fields(exchange, whole=self.whole, mask=self.mask))

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _append(self, line: bytes) -> None:
        """Write whole lines: each by one write at the file's end (O_APPEND)."""
        with self._lock:
            if self.path is None:
                return
            try:
                if self._descriptor < 0 or os.fstat(self._descriptor).st_size >= LARGEST:
                    self._open(self.path)
                write_whole(self._descriptor, line)
            except OSError as error:
                self.warn(f"{self.path}: {error.strerror}: commands are not logged any more")
                self.path = None

    def _open(self, path: Path) -> None:
        """Open the file anew, after what is full has made room."""
        first = self._descriptor < 0
        self.close()
        make_folder(path.parent)
        self._descriptor = opened(path)
        if first:
            began = datetime.now(UTC).isoformat(timespec="milliseconds")
            words = [self.mask(word) for word in self.started]
            run = {"time": began, "run": os.getpid(), "started": words, "folder": str(Path.cwd())}
            write_whole(self._descriptor, encoded(run))


def write_whole(descriptor: int, line: bytes) -> None:
    """Write a line at once, or raise OSError: what is left of one does not follow later."""
    if os.write(descriptor, line) < len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def opened(path: Path) -> int:
    """A descriptor of the log, which has room; another process may be doing the same."""
    while True:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        descriptor = os.open(path, flags, FILE_MODE)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_size < LARGEST:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            return descriptor
        if path.exists() and os.path.samestat(path.stat(), os.fstat(descriptor)):
            path.replace(path.with_name(f"{path.name}.1"))
        os.close(descriptor)


def fields(exchange: Exchange, *, whole: bool, mask: Mask) -> dict[str, object]:
    """What is told of a command; masked before it is cut, so that no half of a secret is left."""
    command, completed = exchange.command, exchange.completed
    text = command.script
    said: dict[str, object] = {
        "time": datetime.fromtimestamp(exchange.began, UTC).isoformat(timespec="milliseconds"),
        "run": os.getpid(),
        "host": exchange.host,
        "command": command.title,
        "arguments": shortened([mask(word) for word in command.arguments], LONGEST_ARGUMENTS),
        "become": command.become,
        "status": completed.status if completed else None,
        "seconds": round(exchange.seconds, 3),
        "sent": exchange.sent,
        "received": exchange.received,
    }
    if text is not None:
        said |= {"script": text} if whole else {"sha256": digest(text)}
    if completed and completed.stderr:
        said["stderr"] = mask(completed.stderr.decode("utf-8", "replace"))[:LONGEST_STDERR]
    if exchange.error:
        said["error"] = mask(exchange.error)
    return said


def shortened(words: Sequence[str], longest: int) -> list[str]:
    """The first words, and how many characters more there were."""
    kept: list[str] = []
    for word in words:
        room = longest - sum(map(len, kept))
        if len(word) > room:
            left = sum(map(len, words)) - longest
            return [*kept, word[:room], f"… {counted(left, 'character')} more"]
        kept.append(word)
    return kept


@functools.lru_cache(maxsize=64)
def digest(text: str) -> str:
    """The beginning of a script's SHA-256; a run sends the same few scripts again and again."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def encoded(said: dict[str, object]) -> bytes:
    """A line of JSON: ASCII, so no terminal obeys what a host said."""
    return (json.dumps(said) + "\n").encode()
