"""The terminal of the person: left as it was found, however a command ends."""

import os
import signal
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

TERMINAL = "/dev/tty"


@contextmanager
def left_as_it_was() -> Iterator[None]:
    """Give a terminal its echo back at the end; a question that Ctrl-C ended leaves it without."""
    try:
        descriptor = os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY)
    except OSError:  # there is none
        yield
        return
    try:
        before = termios.tcgetattr(descriptor)
        try:
            yield
        finally:
            with suppress(OSError, termios.error):  # it may be gone
                restore(descriptor, before)
    finally:
        os.close(descriptor)


@contextmanager
def ended_like_ctrl_c() -> Iterator[None]:
    """Let SIGTERM end a command as Ctrl-C does: links are cut, what is left is told."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say what a signal does
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def restore(descriptor: int, before: list[object]) -> None:
    """Set what has changed; in the background the terminal is somebody else's to set."""
    if os.tcgetpgrp(descriptor) == os.getpgrp() and termios.tcgetattr(descriptor) != before:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)  # type: ignore[arg-type]
