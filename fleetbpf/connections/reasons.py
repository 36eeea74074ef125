"""Why a host cannot be reached, in words: foreign errors become UnreachableError here, once."""

import base64
import errno
import shlex
import socket
from collections.abc import Sequence
from pathlib import Path

from paramiko.ssh_exception import IncompatiblePeer, SSHException

from fleetbpf.connections.keys.known_hosts import Standing, Verdict, fingerprint
from fleetbpf.connections.settings import ConnectionSettings
from fleetbpf.errors import (
    Problem,
    RefusedError,
    TransientError,
    TurnedAwayError,
    UnreachableError,
)
from fleetbpf.secret import SecretKind
from fleetbpf.terminal_text import printable

TOO_MANY = "authentication failures"  # of OpenSSH's farewell beyond MaxAuthTries
FEWER_KEYS = "have fewer keys tried: name the right one with fleetbpf_identity_file"
# What OpenSSH says in the place of its banner when it is full: the first one since 8.5, the second
# one since 9.8, which says the same to an address that it punishes.
FULL = "Exceeded MaxStartups"
TURNED_AWAY = "Not allowed at this time"
FEWER_FORKS = "sshd turns connections away beyond its MaxStartups: try fewer --forks"
PENALTY = (
    "after failed logins sshd refuses an address for 15 s to 10 min (PerSourcePenalties; its log "
    "names the reason): mend these logins and wait, or exempt the address in sshd_config with "
    "PerSourcePenaltyExemptList; or sshd is full (MaxStartups): try fewer --forks"
)
LONGEST = 4000  # characters of an error
NOTE_NEW = "--accept-new-host-keys trusts it at first sight; safer: "
WEAK = (
    "if the host has weak algorithms only, allow one for it in ssh_config: `Ciphers +aes128-cbc`, "
    "`MACs +hmac-sha1-96`, `KexAlgorithms +…`, `HostKeyAlgorithms +…`"
)
NEW_KEY = "give the host a new key, or someone is in between"
CHECK_ADDRESS = "is sshd running there, and are fleetbpf_host and fleetbpf_port right?"


# What is said of a host by the inventory is said of a jump host by ssh_config.
OF_JUMP_HOSTS = {
    "fleetbpf_host": "HostName",
    "fleetbpf_port": "Port",
    "fleetbpf_user": "User",
    "fleetbpf_identity_file": "IdentityFile",
}


def endpoint(host: ConnectionSettings) -> str:
    """Where a host is connected to: `address:port`, and through which jump host."""
    address = f"[{host.address}]" if ":" in host.address else host.address
    through = "" if host.jump is None else f" through {host.jump.name}"
    return f"{address}:{host.port}{through}"


def unreachable(
    host: ConnectionSettings,
    what: str,
    hint: str = "",
    *,
    kind: type[UnreachableError] = UnreachableError,
    reason: str = "",
) -> UnreachableError:
    """The error about `host` that names where it was looked for.

    reason: what other hosts may have in common with it, if that is not all of `what`.
    """
    said = printable(shortened(what))
    text = f"{endpoint(host)}: {said}"
    return kind(Problem(where=host.name, what=text, hint=hint, reason=reason or said))


def shortened(text: str) -> str:
    """`text`, no longer than a page: hosts said some of it."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def refused(
    host: ConnectionSettings, what: str, hint: str = "", *, reason: str = ""
) -> UnreachableError:
    """The error about a login that fails in the same way until a person changes something."""
    return unreachable(host, what, hint, kind=RefusedError, reason=reason)


def not_dialled(host: ConnectionSettings, error: OSError, *, timeout: float) -> UnreachableError:
    """No TCP connection came about."""
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
        what, hint = "name not resolved for now", "does the name server answer?"
        return unreachable(host, what, hint, kind=TransientError)
    if isinstance(error, socket.gaierror):
        return unreachable(
            host, "name not resolved", "correct fleetbpf_host, or add the name to DNS or /etc/hosts"
        )
    if isinstance(error, ConnectionRefusedError):
        return unreachable(host, "connection refused", CHECK_ADDRESS)
    if isinstance(error, TimeoutError):
        what = f"timed out after {timeout:g} s while connecting"
        return unreachable(host, what, "is the host up, and does no firewall drop the packets?")
    if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        hint = "is the host up, and is there a route (ip route get …) to it?"
        return unreachable(host, "no route to host", hint)
    return unreachable(host, error.strerror or repr(error), CHECK_ADDRESS)


def timed_out(
    host: ConnectionSettings,
    phase: str,
    *,
    timeout: float,
    kind: type[UnreachableError] = UnreachableError,
) -> UnreachableError:
    """The host took the connection, but did not answer in time."""
    hint = "the host may be overloaded, or something that is no SSH server listens there"
    return unreachable(host, f"timed out after {timeout:g} s while {phase}", hint, kind=kind)


def not_greeted(
    host: ConnectionSettings, error: Exception | None, *, first_lines: Sequence[str]
) -> UnreachableError:
    """Who listens there did not introduce itself as an SSH server."""
    if first_lines and first_lines[0].startswith(FULL):
        return unreachable(host, f"turned away: {first_lines[0]}", FEWER_FORKS, kind=TransientError)
    if first_lines and first_lines[0].startswith(TURNED_AWAY):
        return unreachable(host, f"turned away: {first_lines[0]}", PENALTY, kind=TurnedAwayError)
    if first_lines and is_text(first_lines[0]):
        said = first_lines[0][:80]
        return unreachable(host, f"not an SSH server: it says {said!r}", CHECK_ADDRESS)
    # paramiko wraps what happened in an error of its own.
    cause = error.__context__ if isinstance(error, SSHException) else error
    if first_lines:
        return unreachable(host, "not an SSH server: it does not send text", CHECK_ADDRESS)
    if isinstance(cause, SSHException):
        return unreachable(host, f"not an SSH server: {cause}", CHECK_ADDRESS)
    what = f"{ending(cause)} before its SSH banner"
    return unreachable(host, what, FEWER_FORKS, kind=TransientError)


def is_text(line: str) -> bool:
    """Whether a line is text: in what is none, half of the signs or more are none."""
    odd = sum(sign == "\ufffd" or not sign.isprintable() for sign in line)
    return 2 * odd < max(len(line), 1)


def lost(
    host: ConnectionSettings,
    error: BaseException | None,
    *,
    phase: str,
    farewell: str,
    kind: type[UnreachableError] = UnreachableError,
) -> UnreachableError:
    """The connection ended in the middle of `phase`."""
    said = f": {farewell}" if farewell else ""
    if isinstance(error, SSHException):
        said = f": {error}{said}"
    if TOO_MANY in farewell:
        return refused(host, f"{ending(error)} while {phase}{said}", FEWER_KEYS)
    hint = WEAK if isinstance(error, IncompatiblePeer) else ""
    return unreachable(host, f"{ending(error)} while {phase}{said}", hint, kind=kind)


def ending(error: BaseException | None) -> str:
    """How a connection ended."""
    match error:
        case ConnectionResetError() | BrokenPipeError():
            return "connection reset"
        case OSError(errno=errno.ETIMEDOUT):
            return "no sign of life from the host: link lost"
        case SSHException():
            return "connection given up"
        case _:
            return "connection closed by the host"


def proxied(
    host: ConnectionSettings, error: UnreachableError, *, complaint: str
) -> UnreachableError:
    """The proxy command said why."""
    [problem] = error.problems
    what = f"{problem.what}; its proxy command `{host.proxy_command}` said: {printable(complaint)}"
    hint = "run the proxy command by hand: it must greet with `SSH-2.0-…`"
    reason = f"{problem.reason or problem.what}, by its proxy command"
    return lasting(error)(Problem(where=host.name, what=what, hint=hint, reason=reason))


def lasting(error: UnreachableError) -> type[UnreachableError]:
    """The kind of an error about what `error` kept from being reached."""
    return RefusedError if isinstance(error, RefusedError) else UnreachableError


def not_jumped(
    host: ConnectionSettings, jump: ConnectionSettings, error: UnreachableError
) -> UnreachableError:
    """A jump host on the way could not be reached; the error tells which one, and why."""
    [problem] = error.problems
    hint = problem.hint
    for variable, option in OF_JUMP_HOSTS.items():
        hint = hint.replace(variable, f"{option} of {jump.name} in ssh_config")
    what = f"jump host {jump.name}: {problem.what.removeprefix(f'jump host {jump.name}: ')}"
    return lasting(error)(Problem(where=host.name, what=what, hint=hint))


def not_forwarded(host: ConnectionSettings, text: str, *, prohibited: bool) -> UnreachableError:
    """A jump host did not connect to the host behind it."""
    what = f"its jump host does not connect to it: {text or 'no reason given'}"
    hint = "sshd there must allow it: AllowTcpForwarding, PermitOpen, no `restrict` for the key"
    return unreachable(host, what, hint if prohibited else CHECK_ADDRESS)


def key_refused(
    host: ConnectionSettings, verdict: Verdict, *, kind: str, key: bytes, files: Sequence[Path]
) -> UnreachableError:
    """The host shows a key that the known_hosts files do not vouch for."""
    shown = f"{kind} {fingerprint(key)}"
    lines = "; ".join(
        f"{entry.place} has {entry.kind} {fingerprint(entry.key)}" for entry in verdict.entries
    )
    file = shlex.quote(str(verdict.entries[0].place.rpartition(":")[0] if lines else files[0]))
    scan = f"{telling(host, kind=kind, key=key)} >> {file}"
    verify = f"verify that {fingerprint(key)} is really its key, then: "
    match verdict.standing:
        case Standing.REVOKED:
            what = f"host key revoked: it shows {shown}, and {lines} as revoked"
            return refused(host, what, NEW_KEY, reason="host key revoked")
        case Standing.CHANGED:
            name = shlex.quote(host.known_names[0])
            forget = f"ssh-keygen -f {file} -R {name}; "
            what = f"host key changed: it shows {shown}, but {lines}"
            hint = f"someone may be in between; {verify}{forget}{scan}"
            return refused(host, what, hint, reason="host key changed")
        case _:
            what, hint = f"unknown host key {shown}", f"{NOTE_NEW}{verify}{scan}"
            return refused(host, what, hint, reason="unknown host key")


def telling(host: ConnectionSettings, *, kind: str, key: bytes) -> str:
    """A command that says the host's line for known_hosts; ssh-keyscan knows no detours."""
    if host.jump is None and not host.proxy_command and not host.host_key_alias:
        return f"ssh-keyscan -t {scanned(kind)} -p {host.port} {shlex.quote(host.address)}"
    line = f"{host.known_names[0]} {kind} {base64.b64encode(key).decode()}"
    return f"echo {shlex.quote(line)}"


def scanned(kind: str) -> str:
    """The name that ssh-keyscan has for a type of keys; it connects once for each type."""
    return kind.removeprefix("ssh-").partition("-")[0]


def certificate_refused(host: ConnectionSettings, why: str) -> UnreachableError:
    """The host shows a certificate that proves nothing."""
    hint = "have its key signed anew: ssh-keygen -s AUTHORITY -I ID -h -n NAME /etc/ssh/ssh_host_…"
    return refused(host, f"host certificate refused: {why}", hint)


def revoked(host: ConnectionSettings, *, kind: str, key: bytes) -> UnreachableError:
    """The host shows a key that RevokedHostKeys takes back."""
    what = f"host key revoked by {host.revoked_host_keys}: it shows {kind} {fingerprint(key)}"
    return refused(host, what, NEW_KEY, reason=f"host key revoked by {host.revoked_host_keys}")


def not_noted(host: ConnectionSettings, error: OSError) -> UnreachableError:
    """A new host key could not be written down."""
    return unreachable(host, f"its new host key cannot be noted: {error}")


def denied(
    host: ConnectionSettings,
    *,
    tried: Sequence[str],
    skipped: Sequence[str],
    accepts: Sequence[str],
    asked: str = "",
) -> UnreachableError:
    """No key of ours was accepted and no password, or there was none.

    `asked` is what the host wanted to know beside the password.
    """
    notes = [f"tried: {', '.join(tried)}" if tried else "no key to try"]
    if skipped:
        notes.append(f"skipped: {', '.join(skipped)}")
    if accepts and "publickey" not in accepts:
        notes.append(f"it accepts no keys but only: {', '.join(accepts)}")
    if asked:
        notes.append(f"it says: {asked}")
    what = f"permission denied for user {host.user}; {'; '.join(notes)}"
    return refused(host, what, way_in(host, asked=asked))


def nothing_to_show(host: ConnectionSettings, *, skipped: Sequence[str]) -> UnreachableError:
    """There is neither a key nor a password, so that the host was not asked."""
    notes = f"; skipped: {', '.join(skipped)}" if skipped else ""
    if not host.shows_keys or not host.says_passwords:
        ways = ", ".join(host.methods) or "nothing that fleetbpf knows"
        notes += f"; ssh_config allows only: {ways}"
    what = f"not asked to let {host.user} in: no key to try, and no password{notes}"
    return refused(host, what, way_in(host, asked=""))


def way_in(host: ConnectionSettings, *, asked: str) -> str:
    """What may help to be let in."""
    if asked:
        return "log in by hand once and do what it asks (renew the password?), or use a key"
    user = f"is {host.user} the right user (fleetbpf_user), and"
    if host.secret(SecretKind.LOGIN):
        return f"{user} is the password right? the host may take keys only"
    return (
        f"{user} is the public key in its ~/.ssh/authorized_keys? choose the key with "
        "fleetbpf_identity_file or an agent, or give a password (-k, ansible_password)"
    )
