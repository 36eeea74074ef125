"""Commands on this machine: builds, the lab, and hosts declared with `connection: local`."""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, NoReturn, Self

from fleetbpf.errors import HostError, Problem, UnreachableError
from fleetbpf.execution import Completed, Sink
from fleetbpf.execution.allowance import Allowance
from fleetbpf.execution.command import Command
from fleetbpf.execution.feed import Feed, feed
from fleetbpf.execution.streams import SilenceError, exchange
from fleetbpf.limits import ExcessError, Limits

# A shell's words for a command that could not be executed (POSIX 2.8.2).
NOT_EXECUTABLE = 126
NOT_FOUND = 127

# The last shell's child is an orphan: it outlives fleetbpf, and init reaps it.
BACKGROUND = """
cd -- "$1" || exit
log=$2
shift 2
exec "$@" </dev/null >"$log" 2>&1 &
echo "$!"
"""


class LocalConnection:
    """The machine fleetbpf runs on as a host: every command is a process in its own session."""

    keeps = False  # no shell stays for an order: its stdin ends with what it is fed
    waits = False

    # Processes are this process's children whoever began them, so all of them can be found here.
    _all: ClassVar["weakref.WeakSet[LocalConnection]"] = weakref.WeakSet()
    _all_lock = threading.Lock()

    def __init__(self, name: str = "localhost") -> None:
        with self._all_lock:
            self._all.add(self)
        self._name = name
        self._lock = threading.Lock()
        self._running: subprocess.Popen[bytes] | None = None
        self._closed = False

    def run(
        self,
        command: Command,
        *,
        stdin: bytes | Feed = b"",
        stdout: Sink | None = None,
        stderr: Sink | None = None,
        timeout: float = 600.0,
        terminal: bool = False,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        allowance: Allowance | None = None,
    ) -> Completed:
        """Run `command` in the folder `cwd` with `env` added to the environment.

        allowance: what the command may take; None: what this process may.

        A command that does not exist has status 127 and one that may not be executed 126, as
        with a shell. When the time is over, or the command does not keep to its limits, it and all
        it started are killed.
        """
        if terminal:
            what = "doas asks for a password on a terminal, which a local command does not have"
            hint = "write `permit nopass USER` into doas.conf, or become root by sudo"
            raise HostError(Problem(where=self._name, what=what, hint=hint))
        try:
            process = self._spawn(command, cwd=cwd, env=env)
        except (FileNotFoundError, PermissionError) as error:
            if cwd is not None and not cwd.is_dir():
                raise
            return not_started(command, error)
        try:
            if allowance is not None:
                allowance.give(process.pid)
            return self._wait(
                process,
                stdin=feed(stdin),
                stdout=stdout,
                stderr=stderr,
                timeout=timeout,
                limits=command.limits,
            )
        except TimeoutError:
            what = f"timed out after {timeout:g} s running {command.title}"
            raise UnreachableError(Problem(where=self._name, what=what)) from None
        except SilenceError:
            what = f"{command.title} said nothing for {command.limits.silence:g} s"
            raise UnreachableError(Problem(where=self._name, what=what)) from None
        except ExcessError as error:
            what = f"{command.title} {error}"
            raise HostError(Problem(where=self._name, what=what)) from None
        finally:
            self._end(process)

    def start(self, command: Command, *, log: Path, cwd: Path | None = None) -> int:
        """Start `command` in the background, its output in `log`; return its process id.

        It has its own session and outlives this process. Raises HostError when it is not there.
        """
        words = command.argv()
        if shutil.which(words[0]) is None:
            raise HostError(Problem(where=self._name, what=f"{words[0]}: not found"))
        if not log.absolute().parent.is_dir():
            raise HostError(Problem(where=self._name, what=f"no such folder: {log.parent}"))
        folder = cwd or Path.cwd()
        shell = Command("sh", "-c", BACKGROUND, "sh", folder, log.absolute(), *words)
        done = self.run(shell, timeout=60.0)
        if done.status != 0:
            what = f"{words[0]} did not start"
            detail = done.stderr.decode(errors="replace")
            raise HostError(Problem(where=self._name, what=what, detail=detail))
        return int(done.stdout)

    def replace(self, command: Command) -> NoReturn:
        """Become `command`: this process ends, and the terminal is the command's."""
        words = command.argv()
        try:
            os.execvp(words[0], words)
        except OSError as error:
            what = f"{words[0]}: {error.strerror}"
            raise HostError(Problem(where=self._name, what=what)) from error

    def close(self) -> None:
        """Kill what runs; a `run` in another thread raises UnreachableError."""
        with self._lock:
            self._closed = True
            if self._running is not None:
                kill(self._running)

    @classmethod
    def close_all(cls) -> None:
        """Kill all that runs: Ctrl-C does not reach commands, which are in their own sessions."""
        with cls._all_lock:
            open_now = tuple(cls._all)
        for connection in open_now:
            connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _spawn(
        self, command: Command, *, cwd: Path | None, env: Mapping[str, str] | None
    ) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._closed:
                raise UnreachableError(Problem(where=self._name, what="the connection is closed"))
            self._running = subprocess.Popen(
                command.argv(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=cwd,
                env=None if env is None else {**os.environ, **env},
                start_new_session=True,
            )
            return self._running

    def _wait(
        self,
        process: subprocess.Popen[bytes],
        *,
        stdin: Feed,
        stdout: Sink | None,
        stderr: Sink | None,
        timeout: float,
        limits: Limits,
    ) -> Completed:
        deadline = time.monotonic() + timeout
        out, err = exchange(
            process, stdin=stdin, stdout=stdout, stderr=stderr, deadline=deadline, limits=limits
        )
        try:
            status = process.wait(max(deadline - time.monotonic(), 0))
        except subprocess.TimeoutExpired as error:
            raise TimeoutError from error
        if self._closed:
            raise UnreachableError(Problem(where=self._name, what="the connection was closed"))
        return Completed(status=status if status >= 0 else 128 - status, stdout=out, stderr=err)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._running = None
            kill(process)
            process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


def not_started(command: Command, error: OSError) -> Completed:
    """What a shell would have said about a command that cannot be executed."""
    status = NOT_EXECUTABLE if isinstance(error, PermissionError) else NOT_FOUND
    return Completed(status=status, stderr=f"{command.argv()[0]}: {error.strerror}\n".encode())


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the session of a process; of one that was not waited for yet: the id is still its."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
