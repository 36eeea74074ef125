"""From a wire to an authenticated transport, each step within one common deadline."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from paramiko.ssh_exception import BadAuthenticationType, PartialAuthentication, SSHException

from fleetbpf.connections import reasons
from fleetbpf.connections.answers import Answers
from fleetbpf.connections.authentication import UnusableKeyError
from fleetbpf.connections.crew import Slot
from fleetbpf.connections.keys import host_keys
from fleetbpf.connections.keys.identities import Identity
from fleetbpf.connections.keys.keyring import Keyring
from fleetbpf.connections.settings import KEYS, PASSWORD, ConnectionSettings
from fleetbpf.connections.transport import TunedTransport, Wire
from fleetbpf.errors import InputError, TransientError, UnreachableError
from fleetbpf.secret import SecretKind

LATE = 20.0  # seconds; sshd gives who does not log in 120 (LoginGraceTime)
BANNER_TIMEOUT = 20.0  # seconds, of those for the whole login: the next attempt may be luckier


class LateError(Exception):
    """A host that has answered had to wait too long: who comes anew is better off."""


def log_in(
    host: ConnectionSettings,
    wire: Wire,
    *,
    keyring: Keyring,
    deadline: float,
    timeout: float,
    dialling: float,
    slot: Slot,
) -> TunedTransport:
    """Check the host's key, then prove who we are; UnreachableError says what failed.

    `dialling` is how long a host may take to answer: what is behind a ProxyCommand is dead, too,
    when nothing comes.
    `timeout` is what errors say of the `deadline`, which is one of the slot's own time. LateError
    when the host may have lost its patience before it was this login's turn.
    """
    known = keyring.known_hosts(host)
    try:
        transport = TunedTransport(
            wire,
            host_key_types=known.kinds(host.known_names),
            certified=bool(known.authorities(host.known_names)),
            wanted=host.algorithms,
        )
    except SSHException as error:
        wire.hang_up()
        raise reasons.unreachable(host, str(error)) from error
    greeting = dialling if host.proxy_command else BANNER_TIMEOUT
    login = Login(host, transport, deadline=deadline, timeout=timeout, greeting=greeting, slot=slot)
    try:
        login.shake_hands()
        login.check_host_key(keyring)
        login.authenticate(keyring)
    except BaseException:
        transport.hang_up()
        raise
    return transport


def check_means(host: ConnectionSettings, keyring: Keyring) -> None:
    """Raise UnreachableError when there is nothing to log in with: sshd punishes such visits."""
    skipped: list[str] = []
    for identity in identities(host, keyring):
        if isinstance(identity, Identity):
            return
        skipped += said_of(identity)
    if not (host.says_passwords and host.secret(SecretKind.LOGIN)):
        raise reasons.nothing_to_show(host, skipped=skipped)


def identities(host: ConnectionSettings, keyring: Keyring) -> Iterator[Identity | InputError]:
    """The keys to try, in order; UnreachableError when the one that must be usable is not."""
    if not host.shows_keys:
        return
    try:
        yield from keyring.identities(host)
    except InputError as error:
        problem = error.problems[0]
        what = f"identity file {problem.where}: {problem.what}"
        raise reasons.refused(host, what, problem.hint) from error


def said_of(unusable: InputError) -> list[str]:
    """Why a key is not tried."""
    return [f"{problem.where} ({problem.what})" for problem in unusable.problems]


@dataclass(slots=True, kw_only=True)
class Notes:
    """What was tried at a login so far."""

    tried: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    accepts: Sequence[str] = ()  # the ways to log in that the host has named; none: it has not
    said: bool = False  # whether the password was said to who took it for one

    def may(self, method: str) -> bool:
        """Whether a way may be tried, as far as it is known."""
        return not self.accepts or method in self.accepts

    def known(self, method: str) -> bool:
        """Whether the host has named a way."""
        return method in self.accepts


class Login:
    """The steps of one login; each raises UnreachableError."""

    def __init__(
        self,
        host: ConnectionSettings,
        transport: TunedTransport,
        *,
        deadline: float,
        timeout: float,
        greeting: float,
        slot: Slot,
    ) -> None:
        self._host = host
        self._slot = slot
        self._transport = transport
        self._deadline = deadline
        self._timeout = timeout
        self._greeting = greeting

    def shake_hands(self) -> None:
        """Exchange banners and keys."""
        self._check_in_time()
        self._transport.start_client(event=self._transport.noticed)
        wait = self._transport.noticed.wait
        noticed = self._slot.until(wait, min(self._remaining(), self._greeting))
        self._check_in_time()
        greeted = bool(self._transport.remote_version)
        if not noticed and not greeted:
            phase, waited = "waiting for its SSH banner", min(self._timeout, self._greeting)
            kind = UnreachableError if self._host.proxy_command else TransientError
            raise reasons.timed_out(self._host, phase, timeout=waited, kind=kind)
        if not noticed and not self._slot.until(wait, self._remaining()):
            raise reasons.timed_out(self._host, "exchanging keys", timeout=self._timeout)
        if self._transport.is_active():
            return
        if greeted:
            raise self._lost("exchanging keys", before_login=True)
        error = self._transport.get_exception()
        lines = self._transport.first_lines
        raise reasons.not_greeted(self._host, error, first_lines=lines) from error

    def _check_in_time(self) -> None:
        """Raise LateError when this login has had to wait while its host did."""
        if self._slot.last_wait > LATE:
            raise LateError

    def check_host_key(self, keyring: Keyring) -> None:
        """Refuse a host whose key is unknown, changed or revoked."""
        host_keys.check(self._host, self._transport.get_remote_server_key(), keyring)

    def authenticate(self, keyring: Keyring) -> None:
        """Offer one key after the other until the host takes one, and say the password; as ordered.

        The order is that of PreferredAuthentications.
        """
        answers = Answers(self._host.secret(SecretKind.LOGIN) or "")
        notes = Notes()
        for method in self._host.methods:
            if method == KEYS and self._show_keys(keyring, notes):
                return
            if method != KEYS and self._say_password(method, answers, notes):
                return
        raise reasons.denied(
            self._host,
            tried=counted(notes.tried),
            skipped=notes.skipped,
            accepts=notes.accepts,
            asked=answers.unanswered,
        )

    def _show_keys(self, keyring: Keyring, notes: "Notes") -> bool:
        """Offer the keys; whether the host took one."""
        if not notes.may(KEYS):
            return False
        for identity in identities(self._host, keyring):
            if isinstance(identity, InputError):
                notes.skipped += said_of(identity)
                continue
            offer = partial(self._transport.attempt().offer_key, self._host.user, identity.key)
            try:
                taken = self._attempt(offer, tried=[*notes.tried, identity.source])
            except UnusableKeyError as error:
                notes.skipped.append(f"{identity.source} ({error})")
                continue
            notes.tried.append(identity.source)
            if taken:
                keyring.prefer(identity)
                return True
            notes.accepts = self._accepted_methods()
            if not notes.may(KEYS):
                return False
        return False

    def _say_password(self, method: str, answers: Answers, notes: "Notes") -> bool:
        """Say the password in one way only: each is a failure that may lock an account.

        Whether a host knows a way it tells when it refuses another one. A host without PAM offers
        to ask, and then asks nothing.
        """
        first = method == self._host.says_passwords[0]
        allowed = notes.may(method) if first else notes.known(method)
        if not answers.password or notes.said or not allowed:
            return False
        attempt = self._transport.attempt()
        if method == PASSWORD:
            say = partial(attempt.say_password, self._host.user, answers.password)
        else:
            say = partial(attempt.answer, self._host.user, answers)
        if self._attempt(say, tried=[*notes.tried, method]):
            return True
        before, notes.accepts = notes.accepts, self._accepted_methods()
        if notes.may(method) or (before and method in before):
            notes.tried.append(method)
            notes.said = method == PASSWORD or answers.said
        if not notes.said:
            notes.accepts = attempt.accepts
        return False

    def _attempt(self, start: Callable[..., object], *, tried: Sequence[str]) -> bool:
        noticed = self._transport.noticed
        noticed.clear()
        phase = f"logging in as {self._host.user} (tried: {', '.join(counted(tried))})"
        if not self._transport.is_active():
            raise self._lost(phase)
        start(noticed)
        if not noticed.wait(self._remaining()):
            raise reasons.timed_out(self._host, phase, timeout=self._timeout)
        if not self._transport.is_active():
            raise self._lost(phase)
        return self._transport.is_authenticated()

    def _accepted_methods(self) -> Sequence[str]:
        """The ways to authenticate that the host named in its refusal, where it matters."""
        match self._transport.get_exception():
            case BadAuthenticationType() | PartialAuthentication() as error:
                return tuple(error.allowed_types)
            case _:
                return ()

    def _lost(self, phase: str, *, before_login: bool = False) -> UnreachableError:
        """The end of a connection; when neither side gave a reason it may have been an accident."""
        error = self._transport.get_exception()
        farewell = self._transport.farewell
        accident = before_login and not farewell and not isinstance(error, SSHException)
        kind = TransientError if accident else UnreachableError
        return reasons.lost(self._host, error, phase=phase, farewell=farewell, kind=kind)

    def _remaining(self) -> float:
        return max(self._deadline - self._slot.now(), 0)


def counted(sources: Sequence[str]) -> tuple[str, ...]:
    """Sources of keys in order, a repeated one once with its number: `agent (3 keys)`."""
    return tuple(
        source if sources.count(source) == 1 else f"{source} ({sources.count(source)} keys)"
        for source in dict.fromkeys(sources)
    )
