"""The three streams of a local process, served at once so that neither side waits for the other."""

import os
import selectors
import subprocess
import time
from typing import IO

from fleetbpf.execution import Sink
from fleetbpf.execution.feed import Feed
from fleetbpf.limits import Limits, Meter

PIECE = 65536  # a pipe's capacity on Linux


class SilenceError(Exception):
    """A process neither said nor took a byte for longer than it may."""


def exchange(
    process: subprocess.Popen[bytes],
    *,
    stdin: Feed,
    stdout: Sink | None,
    stderr: Sink | None,
    deadline: float,
    limits: Limits,
) -> tuple[bytes, bytes]:
    """Feed `stdin` while draining both output streams until they end; return what they gave.

    What goes to the sinks `stdout` and `stderr` is not returned. Raises TimeoutError
    at `deadline` (of time.monotonic), or at the feed's own; SilenceError and ExcessError where
    the process does not keep to its limits.
    """
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise ValueError("all three streams of the process must be pipes")
    out, err = bytearray(), bytearray()
    sinks = {process.stdout: stdout or out.extend, process.stderr: stderr or err.extend}
    meters = {
        process.stdout: Meter(limits.stdout, lines=limits.lines, stream="standard output"),
        process.stderr: Meter(limits.stderr, stream="standard error"),
    }
    os.set_blocking(process.stdin.fileno(), False)
    with selectors.DefaultSelector() as ready:
        for stream in sinks:
            ready.register(stream, selectors.EVENT_READ)
        attend(ready, process.stdin, stdin)
        while ready.get_map():
            for key, _ in wait(ready, min(deadline, stdin.deadline), silence=limits.silence):
                if key.fileobj is process.stdin:
                    write(key.fd, stdin)
                elif piece := os.read(key.fd, PIECE):
                    meters[key.fileobj].count(piece)  # type: ignore[index]
                    sinks[key.fileobj](piece)  # type: ignore[index]
                else:
                    ready.unregister(key.fileobj)
            attend(ready, process.stdin, stdin)
    return bytes(out), bytes(err)


def attend(ready: selectors.BaseSelector, stream: IO[bytes], feed: Feed) -> None:
    """Wait for `stream` to take more only while there is something for it; close it at the end."""
    if stream.closed:
        return
    attended = stream in {key.fileobj for key in ready.get_map().values()}
    if feed.waiting and not attended:
        ready.register(stream, selectors.EVENT_WRITE)
    if attended and not feed.waiting:
        ready.unregister(stream)
    if feed.done:
        stream.close()


def wait(
    ready: selectors.BaseSelector, deadline: float, *, silence: float
) -> list[tuple[selectors.SelectorKey, int]]:
    """The streams that can move on.

    TimeoutError when none can before `deadline`, SilenceError when none can for so many seconds.
    """
    left = deadline - time.monotonic()
    events = ready.select(max(min(left, silence), 0))
    if not events and silence < left:
        raise SilenceError
    if not events or time.monotonic() > deadline:
        raise TimeoutError
    return events


def write(descriptor: int, feed: Feed) -> None:
    """Write what fits; all of it counts as written when nobody reads any more."""
    piece = feed.piece(PIECE)
    try:
        feed.took(os.write(descriptor, piece))
    except BrokenPipeError:
        feed.abandon()
