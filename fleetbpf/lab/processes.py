"""The QEMU processes of a lab: found by their own words, ended by their id."""

import os
import signal
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from fleetbpf.lab.qemu import PROGRAMS

PROC = Path("/proc")
ENDED = ("Z", "X")
GRACE = 10.0  # seconds between SIGTERM and SIGKILL


def running(pid_file: Path, *, proc: Path = PROC) -> int | None:
    """The process id of the QEMU that was started with this `-pidfile`, or None.

    The id in the file alone proves nothing, it may be recycled: the process must be a QEMU that
    has the file's absolute path among its words. That also finds one whose file is not there yet.
    """
    for folder in proc.iterdir():
        if folder.name.isdigit() and is_ours(folder, pid_file):
            return int(folder.name)
    return None


def is_ours(folder: Path, pid_file: Path) -> bool:
    """Whether the process of `folder` (of /proc) is a QEMU started with `pid_file`."""
    try:
        words = (folder / "cmdline").read_bytes().decode(errors="surrogateescape").split("\0")
    except OSError:
        return False  # it has ended, or is another user's
    pairs = pairwise(words)
    return Path(words[0]).name in PROGRAMS.values() and ("-pidfile", str(pid_file)) in pairs


def has_ended(pid: int) -> bool:
    """Whether the process is gone, or a zombie that nobody waited for.

    By its state (proc(5), stat): its words are empty while it executes another program, too.
    """
    fields = stat(pid)
    return not fields or fields[0] in ENDED


def processor_seconds(pid: int) -> float:
    """What a process has used of the processors, in seconds; 0 when it is gone."""
    fields = stat(pid)
    # utime and stime, the 14th and 15th of all
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def stat(pid: int) -> list[str]:
    """What proc(5) says of a process in `stat`, from its state on; empty when it is gone."""
    try:
        text = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def end(pid_file: Path) -> bool:
    """End the QEMU that was started with `pid_file`; whether there was one."""
    pid = running(pid_file)
    if pid is None:
        return False
    with suppress(ProcessLookupError):
        handle = os.pidfd_open(pid)
        try:
            # Looked at again with the handle open: from here the id cannot become another's.
            if is_ours(PROC / str(pid), pid_file):
                stop(handle, pid, pid_file)
        finally:
            os.close(handle)
    return True


def stop(handle: int, pid: int, pid_file: Path) -> None:
    """Ask the process to end, and kill it when it does not."""
    signal.pidfd_send_signal(handle, signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    while is_ours(PROC / str(pid), pid_file):
        if time.monotonic() > deadline:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        time.sleep(0.02)


def resident(pid: int) -> int:
    """Memory of a process in MiB; 0 when it has ended."""
    try:
        text = (PROC / str(pid) / "status").read_text(encoding="utf-8")
    except OSError:
        return 0
    sizes = [line.split()[1] for line in text.splitlines() if line.startswith("VmRSS:")]
    return int(sizes[0]) // 1024 if sizes else 0
