"""Logged-in transports: one to each host, and one to a jump host for all hosts behind it."""

import threading
import time

from paramiko import Channel
from paramiko.ssh_exception import ChannelException, SSHException

from fleetbpf.connections import reasons
from fleetbpf.connections.crew import PROMPT, Slot, at_once
from fleetbpf.connections.keys.keyring import Keyring
from fleetbpf.connections.login import LateError, check_means, log_in
from fleetbpf.connections.persistence import persistently
from fleetbpf.connections.settings import ConnectionSettings
from fleetbpf.connections.transport import IDLE, TunedTransport, Wire
from fleetbpf.connections.wires import JumpChannel, ProxyProcess, dial
from fleetbpf.defaults import DEFAULT_CONNECT_TIMEOUT, DEFAULT_TIMEOUT
from fleetbpf.errors import UnreachableError

PROHIBITED = 1  # SSH_OPEN_ADMINISTRATIVELY_PROHIBITED of RFC 4254


class Links:
    """Opens transports; safe for many threads."""

    def __init__(self, keyring: Keyring, *, shell: str) -> None:
        """`shell` is the program that runs proxy commands."""
        self._keyring = keyring
        self._shell = shell
        self._lock = threading.Lock()
        self._jumps: dict[ConnectionSettings, Jump] = {}

    def open(
        self, host: ConnectionSettings, *, timeout: float | None, slot: Slot
    ) -> TunedTransport:
        """Reach `host` and log in there; UnreachableError says which step failed, and where.

        Tried again where the reason may pass, as long as nothing has told the host who we are; not
        tried at all with nothing to log in with. `timeout` is in seconds, for each hop on the way;
        None: what is usual, less of it to connect. The slot is held at the end.
        """
        check_means(host, self._keyring)
        if host.jump is not None:  # before the clock of the host behind it starts
            with slot.aside(after=PROMPT):
                self._jump(host.jump).transport(host, timeout=timeout)
        dialling = connect_timeout(host, timeout)

        def attempt(left: float) -> TunedTransport:
            slot.take()
            seconds = min(left, dialling)
            try:
                return self._attempt(host, timeout=left, dialling=seconds, slot=slot)
            except LateError:  # it has just answered: it will not keep the place for long
                return self._attempt(host, timeout=left, dialling=seconds, slot=Slot())

        def sleep(seconds: float) -> None:
            with slot.aside():
                time.sleep(seconds)

        usual = max(DEFAULT_TIMEOUT, dialling)
        return persistently(attempt, timeout=timeout or usual, sleep=sleep, now=slot.now)

    def close(self) -> None:
        """End the connections to jump hosts."""
        with self._lock:
            jumps = tuple(self._jumps.values())
        at_once(jump.close for jump in jumps)

    def _attempt(
        self, host: ConnectionSettings, *, timeout: float, dialling: float, slot: Slot
    ) -> TunedTransport:
        deadline = slot.now() + timeout
        wire = self._wire(host, timeout=dialling, slot=slot)
        try:
            transport = log_in(
                host,
                wire,
                keyring=self._keyring,
                deadline=deadline,
                timeout=timeout,
                dialling=dialling,
                slot=slot,
            )
        except UnreachableError as error:
            if wire.complaint:
                raise reasons.proxied(host, error, complaint=wire.complaint) from error
            raise
        if not wire.probed:
            interval = host.alive_interval or IDLE
            transport.watch(interval=interval, patience=max(1, host.alive_count))
        return transport

    def _wire(self, host: ConnectionSettings, *, timeout: float, slot: Slot) -> Wire:
        if host.jump is not None:
            with slot.aside(after=PROMPT):
                transport = self._jump(host.jump).transport(host, timeout=None)
                return JumpChannel(open_channel(transport, host, timeout=timeout))
        if host.proxy_command:
            return ProxyProcess(host.proxy_command, shell=self._shell)
        return dial(host, timeout=timeout, slot=slot)

    def _jump(self, settings: ConnectionSettings) -> "Jump":
        with self._lock:
            return self._jumps.setdefault(settings, Jump(settings, self))


class Jump:
    """The connection to one jump host: the first host behind it opens it, the others wait."""

    def __init__(self, settings: ConnectionSettings, links: Links) -> None:
        self._settings = settings
        self._links = links
        self._lock = threading.Lock()
        self._transport: TunedTransport | None = None
        self._failure: UnreachableError | None = None

    def transport(self, behind: ConnectionSettings, *, timeout: float | None) -> TunedTransport:
        """The logged-in transport; a jump host that could not be reached is not tried again."""
        with self._lock:
            if self._failure is not None:
                raise reasons.not_jumped(behind, self._settings, self._failure)
            if self._transport is None or not self._transport.is_active():
                try:
                    self._transport = self._links.open(self._settings, timeout=timeout, slot=Slot())
                except UnreachableError as error:
                    self._failure = error
                    raise reasons.not_jumped(behind, self._settings, error) from error
            return self._transport

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._transport is not None:
            self._transport.hang_up()


def connect_timeout(host: ConnectionSettings, timeout: float | None) -> float:
    """Seconds until a host that does not answer is given up: as ssh_config says, else as usual."""
    seconds = host.connect_timeout or timeout or DEFAULT_CONNECT_TIMEOUT
    return min(seconds, timeout or seconds)


def open_channel(transport: TunedTransport, host: ConnectionSettings, *, timeout: float) -> Channel:
    """A way from a jump host on to `host`, as `ssh -W` asks for it."""
    try:
        return transport.open_channel(
            "direct-tcpip",
            dest_addr=(host.address, host.port),
            src_addr=("127.0.0.1", 0),  # nobody asks; OpenSSH says its own address here
            timeout=timeout,
        )
    except ChannelException as error:
        prohibited = error.code == PROHIBITED
        raise reasons.not_forwarded(host, error.text, prohibited=prohibited) from error
    except (EOFError, OSError, SSHException) as error:
        if isinstance(error, SSHException) and transport.is_active():
            phase = "waiting for its jump host to connect"
            raise reasons.timed_out(host, phase, timeout=timeout) from error
        phase, said = "asking its jump host to connect", transport.farewell
        raise reasons.lost(host, transport.get_exception(), phase=phase, farewell=said) from error
