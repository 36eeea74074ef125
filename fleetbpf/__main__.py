"""The process of one command: `fleetbpf`, which is `python -m fleetbpf` as well."""

import _thread
import atexit
import gc
import os
import signal
import sys
import threading
from contextlib import suppress

# Names of files are bytes; where Python takes them for ASCII or the like (LC_ALL=C with
# PYTHONUTF8=0), what is beyond could be written into no document. It begins once more.
if sys.getfilesystemencoding() != "utf-8" and not sys.flags.utf8_mode:
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606

# Until there is somebody to say `interrupted`, Ctrl-C just ends this process; or it is ignored.
HEEDED = signal.getsignal(signal.SIGINT) is signal.default_int_handler
if HEEDED:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from fleetbpf.cli import main  # noqa: E402 — it takes its time
from fleetbpf.errors import ExitCode  # noqa: E402

# Objects that may hold others, more than there were, until garbage is looked for: a command's
# modules make 50,000 of them, and a host leaves about a hundred.
LOOK_AFTER = 100_000


def command() -> int:
    """Run the command line of this process; return the exit code.

    Most of what a command makes stays until its end. To go through it for garbage again and
    again, and once more before it all goes, took a quarter of the CPU of a start.
    """
    gc.set_threshold(LOOK_AFTER)
    atexit.register(gc.freeze)
    try:
        if HEEDED:
            sys.unraisablehook = heed
            signal.signal(signal.SIGINT, signal.default_int_handler)
        code = main()
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    if HEEDED:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    if code == ExitCode.INTERRUPTED:
        leave(code)
    return code


def heed(lost: "sys.UnraisableHookArgs") -> None:
    """Have Ctrl-C come once more where Python could raise nothing: in the end of an object.

    A moment later, because nothing can be raised from here either.
    """
    if issubclass(lost.exc_type, KeyboardInterrupt):
        again = threading.Timer(0.1, _thread.interrupt_main)
        again.daemon = True
        again.start()
    else:
        sys.__unraisablehook__(lost)


def leave(code: int) -> None:
    """End the process now: threads may be left that hang in a connection, or in a build."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    raise SystemExit(command())
