"""The three streams of a local process, served at once so that neither side waits for the other."""

import os
import selectors
import subprocess
import time

from fleetbpf.connections import Sink

PIECE = 65536  # a pipe's capacity on Linux


def exchange(
    process: subprocess.Popen[bytes], *, stdin: bytes, stdout: Sink | None, deadline: float
) -> tuple[bytes, bytes]:
    """Feed `stdin` while draining both output streams until they end; return what they gave.

    Standard output goes to `stdout` instead where one is given. Raises TimeoutError
    at `deadline` (of time.monotonic).
    """
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise ValueError("all three streams of the process must be pipes")
    out, err = bytearray(), bytearray()
    sinks = {process.stdout: stdout or out.extend, process.stderr: err.extend}
    rest = memoryview(stdin)
    with selectors.DefaultSelector() as ready:
        for stream in sinks:
            ready.register(stream, selectors.EVENT_READ)
        if rest:
            os.set_blocking(process.stdin.fileno(), False)
            ready.register(process.stdin, selectors.EVENT_WRITE)
        else:
            process.stdin.close()
        while ready.get_map():
            for key, _ in wait(ready, deadline):
                if key.fileobj is process.stdin:
                    rest = feed(key.fd, rest)
                    if not rest:
                        ready.unregister(process.stdin)
                        process.stdin.close()
                elif piece := os.read(key.fd, PIECE):
                    sinks[key.fileobj](piece)  # type: ignore[index]
                else:
                    ready.unregister(key.fileobj)
    return bytes(out), bytes(err)


def wait(ready: selectors.BaseSelector, deadline: float) -> list[tuple[selectors.SelectorKey, int]]:
    """The streams that can move on; TimeoutError when none can before `deadline`."""
    events = ready.select(max(deadline - time.monotonic(), 0))
    if not events or time.monotonic() > deadline:
        raise TimeoutError
    return events


def feed(descriptor: int, rest: memoryview) -> memoryview:
    """Write what fits of `rest`; return what is left, nothing when nobody reads any more."""
    try:
        return rest[os.write(descriptor, rest) :]
    except BrokenPipeError:
        return rest[:0]
