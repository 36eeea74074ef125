"""What a lying host says whatever it is asked: sshd's forced command, with the lie as argument."""

import ctypes
import os
import re
import signal
import sys
import time
from collections.abc import Callable

LEAD = b"\n\n\n\n\nfleetbpf\n"  # as envelope.LEAD, which this process need not import
FACTS, COLLECT = b"fleetbpf\tfacts\n", b"fleetbpf\tcollect\n"
MUCH = b"A" * 65536


def say(*pieces: bytes) -> None:
    """Say something at once."""
    for piece in pieces:
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def for_ever(piece: bytes, *, descriptor: int = 1, pause: float = 0.0) -> None:
    while True:
        os.write(descriptor, piece)
        time.sleep(pause)


def many_segments() -> None:
    say(COLLECT)
    number = 0
    while True:
        number += 1
        say(b"segment\ta/b/c%d/00000001.log\t0\t1\nA" % number)


def negative_segment() -> None:
    silence(COLLECT, b"segment\ta/b/c/00000001.log\t0\t-5\n", b"x" * 1000)


def huge_segment() -> None:
    say(COLLECT, b"segment\ta/b/c/00000001.log\t0\t999999999999999\n")
    for_ever(MUCH)


def same_segment() -> None:
    say(COLLECT)
    size = 0
    while True:
        say(b"segment\ta/b/c/00000001.log\t%d\t1\nA" % size)
        size += 1


def after(greeting: bytes, piece: bytes, *, pause: float = 0.0) -> None:
    say(greeting)
    for_ever(piece, pause=pause)


def silence(*before: bytes) -> None:
    say(*before)
    time.sleep(600)


def begin() -> None:
    """Read the command, and begin its answer as an honest host would."""
    size = re.search(r"dd bs=(\d+) ", os.environ.get("SSH_ORIGINAL_COMMAND", ""))
    text = sys.stdin.buffer.read(len(LEAD) + int(size[1])) if size else b""
    mark = re.search(rb"^answer_mark=([0-9a-f]+)$", text, re.MULTILINE)
    if mark:
        os.write(2, b"\x1e%se\n" % mark[1])
        say(b"\x1e%s\n" % mark[1])


LIES: dict[str, Callable[[], None]] = {
    "endless": lambda: for_ever(MUCH),
    "endless lecture": lambda: for_ever(MUCH),
    "endless scolding": lambda: for_ever(MUCH, descriptor=2),
    "endless lines": lambda: after(FACTS, b"object\tx\n" * 8000),
    "endless complaints": lambda: for_ever(MUCH, descriptor=2),
    "silent": lambda: silence(FACTS, b"uid\t0\n"),
    "dripping": lambda: after(FACTS, b"x", pause=0.2),
    "endless line of segments": lambda: after(COLLECT, MUCH),
    "endless idle": lambda: after(COLLECT, b"idle\n" * 8000),
    "silent spool": lambda: silence(COLLECT),
    "many segments": many_segments,
    "negative segment": negative_segment,
    "huge segment": huge_segment,
    "same segment": same_segment,
}

if __name__ == "__main__":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: nobody lies on after sshd
    if sys.argv[1] not in ("endless lecture", "endless scolding"):
        begin()
    LIES[sys.argv[1]]()
