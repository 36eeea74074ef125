"""Boot one lab host and wait until it lets us in, or say why it does not."""

import re
import threading
import time
from pathlib import Path

from fleetbpf.connections.local import LocalConnection
from fleetbpf.errors import HostError, Problem
from fleetbpf.frozen import frozen
from fleetbpf.lab import processes, qemu
from fleetbpf.lab.folder import LabFolder, Placed
from fleetbpf.lab.login import logs_in

DEADLINE = 300.0  # seconds; a debian host needs 30 on a quiet machine
ATTEMPTS = 2
PAUSE = 0.3
TAIL_LINES = 15
PANIC = re.compile(r"Kernel panic - (.*)|Rebooting in \d+ seconds")


class NotUpError(HostError):
    """A host did not come up."""


@frozen
class Boot:
    """One host to be up: how it is run, and where it lies."""

    lab: LabFolder
    placed: Placed
    machine: qemu.Machine


def ensure_up(boot: Boot, cancelled: threading.Event) -> float:
    """Boot the host unless it runs, wait for a login; the seconds that took.

    A host that does not come up is booted once more. Raises NotUpError with the end of its
    console; then, and when `cancelled` is set, no process of it is left.
    """
    began = time.monotonic()
    with LocalConnection() as local:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                start_and_wait(boot, local, cancelled)
            except NotUpError:
                processes.end(boot.machine.pid_file)
                if attempt == ATTEMPTS or cancelled.is_set():
                    raise
            else:
                break
    return time.monotonic() - began


def start_and_wait(boot: Boot, local: LocalConnection, cancelled: threading.Event) -> None:
    """One attempt to have the host up."""
    console = boot.machine.console
    seen = console.stat().st_size if console.exists() else 0
    pid = processes.running(boot.machine.pid_file)
    if pid is None:
        pid = local.start(qemu.command(boot.machine), log=qemu_log(boot), cwd=console.parent)
    deadline = time.monotonic() + DEADLINE
    while not logs_in(boot.lab, boot.placed, local):
        reason = hopeless(boot, pid, seen)
        if cancelled.is_set():
            reason = "given up"
        if time.monotonic() > deadline:
            reason = f"no login within {DEADLINE:.0f} s"
        if reason:
            raise not_up(boot, reason)
        cancelled.wait(PAUSE)


def hopeless(boot: Boot, pid: int, seen: int) -> str:
    """Why waiting on is of no use; empty when it is. The console is read from byte `seen` on."""
    if processes.has_ended(pid):
        return "QEMU ended"
    panic = PANIC.search(text_of(boot.machine.console, seen))
    return f"the kernel panicked: {panic[1] or panic[0]}" if panic else ""


def not_up(boot: Boot, reason: str) -> NotUpError:
    """The error with what QEMU and the console said last."""
    lines = [
        line
        for file in (qemu_log(boot), boot.machine.console)
        for line in text_of(file).splitlines()[-TAIL_LINES:]
    ]
    detail = "\n".join(f"  | {line}" for line in lines) or "  | (the console is empty)"
    hint = f"the whole console: {boot.machine.console}"
    return NotUpError(
        Problem(where=boot.placed.host.name, what=f"not up: {reason}", detail=detail, hint=hint)
    )


def qemu_log(boot: Boot) -> Path:
    """Where QEMU itself complains."""
    return boot.machine.console.with_name("qemu.log")


def text_of(file: Path, start: int = 0) -> str:
    """The file from byte `start` on, without what only a terminal understands."""
    try:
        content = file.read_bytes()[start:].decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "".join(c for c in content if c.isprintable() or c in "\n\t")
