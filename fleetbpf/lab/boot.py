"""Boot one lab host and wait until it lets us in, or say why it does not."""

import re
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from pathlib import Path

from fleetbpf.errors import HostError, Problem
from fleetbpf.execution.local import LocalConnection
from fleetbpf.frozen import frozen
from fleetbpf.lab import login, processes, progress, qemu
from fleetbpf.lab.folder import LabFolder, Placed
from fleetbpf.terminal_text import harmless

ATTEMPTS = 2
PAUSE = 0.3
TAIL_LINES = 15
PANIC = re.compile(r"Kernel panic - (.*)|Rebooting in \d+ seconds")


class NotUpError(HostError):
    """A host did not come up."""


class StuckError(NotUpError):
    """A host whose kernel lives, and which does not come up: it is left for a person to look at."""


@frozen
class Boot:
    """One host to be up: how it is run, and where it lies."""

    lab: LabFolder
    placed: Placed
    machine: qemu.Machine
    patience: float = progress.PATIENCE  # seconds without a sign of life until it counts as stuck


def ensure_up(boot: Boot, cancelled: threading.Event) -> float:
    """Boot the host unless it runs, wait for a login; the seconds that took.

    A host whose kernel panics, or whose QEMU ends, is booted once more. Raises NotUpError with the
    end of its console; then no process of it is left. Only a host that is stuck (StuckError), or
    that ran before and `cancelled` is set, is left running.
    """
    began = time.monotonic()
    ran = processes.running(boot.machine.pid_file) is not None
    for attempt in range(1, ATTEMPTS + 1):
        try:
            start_and_wait(boot, cancelled)
        except StuckError:
            raise
        except NotUpError:
            if ran and cancelled.is_set():
                raise
            processes.end(boot.machine.pid_file)
            if attempt == ATTEMPTS or cancelled.is_set():
                raise
        else:
            break
    return time.monotonic() - began


def start_and_wait(boot: Boot, cancelled: threading.Event) -> None:
    """One attempt to have the host up."""
    console = boot.machine.console
    seen = console.stat().st_size if console.exists() else 0
    pid = processes.running(boot.machine.pid_file)
    over = threading.Event()
    with ThreadPoolExecutor(1) as pool, LocalConnection() as local:
        begins = pid is None
        if pid is None:
            pid = local.start(qemu.command(boot.machine), log=qemu_log(boot), cwd=console.parent)
        entered = pool.submit(enter, boot, seen if begins else None, local, over)
        try:
            watch(boot, pid, seen, entered, cancelled)
        finally:
            over.set()


def enter(boot: Boot, seen: int | None, local: LocalConnection, over: threading.Event) -> None:
    """Log in, once the console says after byte `seen` (None: at once) that the network is there.

    QEMU takes a connection before its guest has a network, and repeats it there for 75 s whether or
    not anybody still waits: with ten of these the guest would begin with ten sshd.
    """
    sign = f"lab: {boot.placed.host.name} runs "
    while seen is not None and sign not in text_of(boot.machine.console, seen):
        if over.wait(PAUSE):
            return
    login.log_in(boot.lab, boot.placed, local, over)


def watch(
    boot: Boot, pid: int, seen: int, entered: "Future[None]", cancelled: threading.Event
) -> None:
    """Return when we could log in; raise NotUpError as soon as waiting on is of no use."""
    last = progress.look(boot.machine.console, pid, now=time.monotonic())
    while not wait_for([entered], PAUSE).done:
        now = progress.look(boot.machine.console, pid, now=time.monotonic())
        last = progress.latest(last, now)
        if reason := hopeless(boot, pid, seen):
            raise not_up(boot, reason)
        if cancelled.is_set():
            raise not_up(boot, "given up")
        if progress.is_stuck(last, now, patience=boot.patience):
            raise stuck(boot, f"no sign of life for {boot.patience:.0f} s")
    try:
        entered.result()
    except login.RefusedError as error:
        raise stuck(boot, f"its sshd answers and lets nobody in: {error}") from error


def hopeless(boot: Boot, pid: int, seen: int) -> str:
    """Why waiting on is of no use; empty when it is. The console is read from byte `seen` on."""
    if processes.has_ended(pid):
        return "QEMU ended"
    panic = PANIC.search(text_of(boot.machine.console, seen))
    return f"the kernel panicked: {panic[1] or panic[0]}" if panic else ""


def not_up(boot: Boot, reason: str) -> NotUpError:
    """The error with what QEMU and the console said last."""
    return NotUpError(problem(boot, reason, f"the whole console: {boot.machine.console}"))


def stuck(boot: Boot, reason: str) -> StuckError:
    """The error for a host that is left running."""
    hint = f"it still runs; its console: {boot.machine.console}; end it with fleetbpf lab down"
    return StuckError(problem(boot, reason, hint))


def problem(boot: Boot, reason: str, hint: str) -> Problem:
    """Why the host is not up, with the end of its console."""
    lines = [
        line
        for file in (qemu_log(boot), boot.machine.console)
        for line in text_of(file).splitlines()[-TAIL_LINES:]
    ]
    detail = "\n".join(f"  | {line}" for line in lines) or "  | (the console is empty)"
    return Problem(where=boot.placed.host.name, what=f"not up: {reason}", detail=detail, hint=hint)


def qemu_log(boot: Boot) -> Path:
    """Where QEMU itself complains."""
    return boot.machine.console.with_name("qemu.log")


def text_of(file: Path, start: int = 0) -> str:
    """The file from byte `start` on, with what only a terminal understands spelled out."""
    try:
        content = file.read_bytes()[start:].decode(errors="replace")
    except FileNotFoundError:
        return ""
    return harmless(content.replace("\r\n", "\n"))
