"""Commands on a host over SSH: one connection per host, an exec channel per command or two."""

import os
import time
from typing import Self

from paramiko import Channel
from paramiko.ssh_exception import ChannelException, SSHException

from fleetbpf.connections import reasons
from fleetbpf.connections.call import (
    Call,
    LinkLostError,
    OutOfTimeError,
    SilenceError,
    link_errors,
)
from fleetbpf.connections.envelope import encoded
from fleetbpf.connections.settings import ConnectionSettings
from fleetbpf.connections.transport import TunedTransport
from fleetbpf.errors import HostError, Problem, UnreachableError
from fleetbpf.execution import Completed, Sink
from fleetbpf.execution.command import Command, render
from fleetbpf.execution.feed import Feed, feed
from fleetbpf.limits import MIB, ExcessError, Limits

# sshd hands the whole line to a shell as one argument, and execve(2) takes no longer one
# (MAX_ARG_STRLEN, with its NUL byte).
LONGEST_LINE = 131_071

# Seconds; where sshd allows but one session (MaxSessions), it has to reap the last command before.
SESSION_ENDS = 10.0

# A shell that waited for an order and got none: it has only to end.
ENDING = Limits(stdout=MIB, stderr=MIB, silence=60.0)

MORE = "no honest host says so much: see what it runs (`ssh HOST`)"
MAY_STILL_RUN = "it may still be running on the host"


class SSHConnection:
    """A logged-in connection to a host.

    A dead link is noticed within 60 seconds (transport.IDLE + transport.GIVE_UP).
    """

    def __init__(self, host: ConnectionSettings, transport: TunedTransport) -> None:
        self._host = host
        self._transport = transport
        self._waiting: Channel | None = None  # of a command that has told all
        self._used = False  # whether there was a command before
        self._closed = False

    keeps = True

    @property
    def waits(self) -> bool:
        """Whether the shell of the last command is there for an order."""
        return self._waiting is not None and not self._waiting.closed

    def run(
        self,
        command: Command,
        *,
        stdin: bytes | Feed = b"",
        stdout: Sink | None = None,
        stderr: Sink | None = None,
        timeout: float = 600.0,
        terminal: bool = False,
    ) -> Completed:
        """Run `command` in the login shell of the host, or feed the one that waits for its order.

        When the time is over or the link is lost, the command may still be running there.
        """
        deadline = time.monotonic() + timeout
        during = f"running {command.title}"
        line = b"" if command.order else rendered(command)
        fed = feed(stdin)
        try:
            channel = self._open(deadline) if line else self._taken()
            call = Call(
                channel,
                self._transport.noticed,
                stdin=fed,
                stdout=stdout,
                stderr=stderr,
                limits=command.limits,
            )
            self._used = True
            with call:
                if line:
                    self._ask(channel, line, terminal=terminal)
                call.serve(deadline)
        except LinkLostError as error:
            raise self._lost(during, error.__cause__) from error
        except OutOfTimeError as error:
            what = f"timed out after {timeout:g} s while {during}{error}"
            raise reasons.unreachable(self._host, what, MAY_STILL_RUN) from error
        except SilenceError as error:
            what = f"{command.title} said nothing for {command.limits.silence:g} s{error}"
            raise reasons.unreachable(self._host, what, MAY_STILL_RUN) from error
        except ExcessError as error:
            what = f"{command.title} {error}"
            raise HostError(Problem(where=self._host.name, what=what, hint=MORE)) from error
        if call.waits:
            self._waiting = channel
        if call.waits or (fed.answered and call.status is None):
            return call.completed(os.EX_OK)
        return self._completed(call, during)

    def close(self) -> None:
        """End the connection; a `run` in another thread raises UnreachableError at once."""
        self._closed = True
        self._transport.hang_up()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _open(self, deadline: float) -> Channel:
        """A new channel for one command, when the one before has ended."""
        if not self._transport.is_active():
            raise LinkLostError
        if self._waiting is not None:
            with Call(self._taken(), self._transport.noticed, stdin=Feed(), limits=ENDING) as call:
                call.serve(deadline)
        patience = time.monotonic() + SESSION_ENDS
        while True:
            try:
                return self._session(deadline)
            except ChannelException as error:
                if not self._used or time.monotonic() > min(patience, deadline):
                    what = f"no session opened: {error.text}"
                    hint = "sshd may limit MaxSessions"
                    raise reasons.unreachable(self._host, what, hint) from error
            time.sleep(0.05)

    def _session(self, deadline: float) -> Channel:
        """A new channel; ChannelException when the host does not want one more."""
        try:
            return self._transport.open_session(timeout=max(deadline - time.monotonic(), 0.1))
        except ChannelException:
            raise
        except SSHException as error:
            if self._transport.is_active():
                raise OutOfTimeError(", opening a channel") from error
            raise LinkLostError from error
        except (EOFError, OSError) as error:
            raise LinkLostError from error

    def _taken(self) -> Channel:
        """The channel of the command that waits, which nobody else shall use now."""
        channel, self._waiting = self._waiting, None
        if channel is None:
            raise ValueError("no command waits")
        return channel

    def _ask(self, channel: Channel, line: bytes, *, terminal: bool) -> None:
        """Ask for a command on a new channel."""
        with link_errors():
            if terminal:
                self._transport.request_terminal(channel)
            self._transport.request_exec(channel, line)

    def _completed(self, call: Call, during: str) -> Completed:
        """What the command left, if it came to its end."""
        if call.status is not None:
            return call.completed(call.status)
        if not self._transport.is_active():
            raise self._lost(during, None)
        what = f"the host refused {during}, or ended it without a status"
        hint = "has the user a login shell, and no forced command in authorized_keys?"
        raise reasons.unreachable(self._host, what, hint)

    def _lost(self, phase: str, cause: BaseException | None) -> UnreachableError:
        if self._closed:
            return reasons.unreachable(self._host, f"connection given up while {phase}")
        error = self._transport.get_exception() or cause
        return reasons.lost(self._host, error, phase=phase, farewell=self._transport.farewell)


def rendered(command: Command) -> bytes:
    """The command's line as it is sent; ValueError when it is too long to be executed."""
    line = encoded(render(command))
    if len(line) > LONGEST_LINE:
        what = f"a command line of {len(line)} bytes; at most {LONGEST_LINE} can be executed"
        raise ValueError(what)
    return line
