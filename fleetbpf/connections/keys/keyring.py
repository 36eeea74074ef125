"""What is parsed once per run and shared by all connections: known hosts and our own keys."""

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fleetbpf.connections.keys import known_hosts
from fleetbpf.connections.keys.known_hosts import KnownHosts, Verdict
from fleetbpf.connections.settings import ConnectionSettings
from fleetbpf.errors import InputError, Problem
from fleetbpf.secret import SecretKind

if TYPE_CHECKING:
    from fleetbpf.connections.keys.identities import EncryptedKeyError, Identity
    from fleetbpf.connections.keys.unlocking import AskIfPossible
    from fleetbpf.connections.keys.user_certificates import Certificates


class Keyring:
    """Known host keys and private keys, each file read when first needed and then kept.

    Safe for many threads: the first one reads, the others wait for it.
    """

    def __init__(
        self,
        ask: "AskIfPossible" = lambda _: None,
        *,
        tell_new_key: Callable[[str], None] | None = None,
    ) -> None:
        """`ask` puts a question to a person, about a passphrase; None: there is nobody.

        `tell_new_key` is told of each new host key that is noted; without it, none is.
        """
        self._ask = ask
        self._tell_new_key = tell_new_key
        self._lock = threading.Lock()
        self._known_hosts: dict[tuple[Path, ...], KnownHosts] = {}
        self._files: dict[Path, Identity | InputError] = {}
        self._tried: set[Path] = set()  # keys whose passphrase was looked for
        self._agents: dict[str, tuple[Identity, ...]] = {}
        self._publics: dict[Path, bytes] = {}
        self._taken: set[bytes] = set()  # the public parts of keys that some host has taken
        self._read_certificates: dict[tuple[Path, ...], Certificates] = {}

    def check(self, settings: Iterable[ConnectionSettings]) -> None:
        """Raise one InputError with every identity file that cannot be used, but has to be.

        Each file is named once, with the first host that wants it. Passphrases are asked for here,
        before hosts are at work: never twice, and not in the middle of what is shown of them.
        """
        first: dict[Path, ConnectionSettings] = {}
        spare: dict[tuple[Path, ...], ConnectionSettings] = {}
        for each in settings:
            if not each.shows_keys:
                continue
            if each.identity_file is not None:
                first.setdefault(each.identity_file, each)
            spare.setdefault(each.identity_files, each)
        InputError.raise_if_any(
            problem for each in first.values() for problem in self._problems(each)
        )
        for each in spare.values():
            self._unlock_spare(each)

    def known_hosts(self, settings: ConnectionSettings) -> KnownHosts:
        """The known host keys that count for a host."""
        paths = settings.known_hosts_files
        with self._lock:
            if paths not in self._known_hosts:
                self._known_hosts[paths] = known_hosts.read(paths)
            return self._known_hosts[paths]

    @property
    def notes_new_keys(self) -> bool:
        """Whether an unknown host key is noted, and then known."""
        return self._tell_new_key is not None

    def note(self, settings: ConnectionSettings, *, kind: str, key: bytes) -> Verdict:
        """Note a new host key; the verdict is that of the files as they are by now."""
        from fleetbpf.connections.keys import new_host_keys

        with self._lock:
            paths = settings.known_hosts_files
            known = self._known_hosts.pop(paths, None) or known_hosts.read(paths)
            verdict, is_new = new_host_keys.note(
                known, settings.known_names, kind=kind, key=key, hashed=settings.hash_known_hosts
            )
        if is_new and self._tell_new_key is not None:
            shown = f"{kind} {known_hosts.fingerprint(key)}"
            self._tell_new_key(f"{settings.name}: {known.paths[0]} has its new host key {shown}")
        return verdict

    def identities(self, settings: ConnectionSettings) -> "Iterator[Identity | InputError]":
        """The keys to try on a host, in order; an InputError stands for one that is unusable.

        The identity file that must be usable comes first; then as with ssh the agent's keys, those
        first that are named, then the files that may be there. Each key shows its certificates
        before itself, and none is shown twice. The first, when the file is unusable or nothing
        opens it, is an InputError.

        Of all but the first, those come before others that a host of this run has taken: sshd
        allows few keys in a login, and punishes who has shown none that it takes.
        """
        from fleetbpf.connections.keys.user_certificates import in_order

        certificates = self._certificates(settings)
        shown: set[bytes] = set()
        for found in self._keys(settings):
            if isinstance(found, InputError):
                yield found
                continue
            for identity in in_order(found, certificates):
                if identity.shown not in shown:
                    shown.add(identity.shown)
                    yield identity

    def prefer(self, identity: "Identity") -> None:
        """Try this key first on hosts to come: a host has taken it."""
        with self._lock:
            self._taken.add(identity.key.asbytes())

    def _keys(self, settings: ConnectionSettings) -> "Iterator[Identity | InputError]":
        if settings.identity_file is not None:
            yield self._chosen(settings.identity_file, settings)
        others = tuple(self._others(settings))
        with self._lock:
            taken = frozenset(self._taken)
        for _, key in sorted(others, key=lambda each: each[0] not in taken):
            yield self._file(key) if isinstance(key, Path) else key

    def _others(self, settings: ConnectionSettings) -> "Iterator[tuple[bytes, Identity | Path]]":
        """The keys that may be there, in ssh's order: the public part, and the key or its file."""
        from fleetbpf.connections.keys.agent import holds

        named = {path: self._public(path) for path in settings.identity_files}
        held = self.agent_keys(settings.agent)
        wanted = [key for public in named.values() for key in held if holds(key, public)]
        spare = [key for key in held if key not in wanted and not settings.identities_only]
        for key in (*wanted, *spare):
            yield key.key.asbytes(), key
        for path, public in named.items():
            if path.exists() and not any(holds(key, public) for key in wanted):
                yield public, path

    def _certificates(self, settings: ConnectionSettings) -> "Certificates":
        """Those that are named, else those beside the keys."""
        from fleetbpf.connections.keys import user_certificates

        files = (settings.identity_file, *settings.identity_files)
        beside = tuple(user_certificates.beside(file) for file in files if file is not None)
        paths = settings.certificate_files or beside
        with self._lock:
            if paths not in self._read_certificates:
                self._read_certificates[paths] = user_certificates.read(paths)
            return self._read_certificates[paths]

    def _public(self, path: Path) -> bytes:
        """The public key that a file's name stands for; nothing when there is none."""
        from fleetbpf.connections.keys.identities import public_of

        with self._lock:
            if path not in self._publics:
                self._publics[path] = public_of(path)
            return self._publics[path]

    def agent_keys(self, address: str) -> "tuple[Identity, ...]":
        """The keys that the agent at `address` holds; none without one."""
        from fleetbpf.connections.keys.agent import Agent

        with self._lock:
            if address not in self._agents:
                self._agents[address] = tuple(Agent(address).identities()) if address else ()
            return self._agents[address]

    def _chosen(self, path: Path, settings: ConnectionSettings) -> "Identity":
        """The key that must be usable: as it is, by the agent, or with its passphrase."""
        from fleetbpf.connections.keys.identities import EncryptedKeyError

        found = self._file(path)
        if isinstance(found, InputError):
            found = self._held(self._public(path), settings) or found
        if isinstance(found, EncryptedKeyError):
            found = self._unlocked(found, settings)
        if isinstance(found, InputError):
            raise found
        return found

    def _held(self, public: bytes, settings: ConnectionSettings) -> "Identity | None":
        """The key as the agent holds it, whatever its file is like."""
        from fleetbpf.connections.keys.agent import holds

        agent_keys = self.agent_keys(settings.agent)
        return next((key for key in agent_keys if holds(key, public)), None)

    def _unlocked(
        self, locked: "EncryptedKeyError", settings: ConnectionSettings
    ) -> "Identity | InputError":
        """The key behind a passphrase, which is tried or asked for once per run."""
        from fleetbpf.connections.keys.unlocking import unlock

        given = settings.secret(SecretKind.KEY)
        with self._lock:
            if self._files[locked.path] is locked and locked.path not in self._tried:
                self._tried.add(locked.path)
                try:
                    self._files[locked.path] = unlock(locked, given=given, ask=self._ask)
                except InputError as error:
                    self._files[locked.path] = error
            return self._files[locked.path]

    def _unlock_spare(self, settings: ConnectionSettings) -> None:
        """Open the files that may be there: all of them when that asks nobody, else if needed."""
        from fleetbpf.connections.keys.identities import EncryptedKeyError

        given = settings.secret(SecretKind.KEY) is not None
        if not given and self._other_ways(settings):
            return
        found = [self._file(path) for path in settings.identity_files if path.exists()]
        locked = [each for each in found if isinstance(each, EncryptedKeyError)]
        held = [each for each in locked if self._held(each.public, settings)]
        if not given and (held or any(not isinstance(each, InputError) for each in found)):
            return
        for each in locked:
            if each not in held:
                self._unlocked(each, settings)

    def _other_ways(self, settings: ConnectionSettings) -> bool:
        """Whether something may be accepted that is no file of those that may be there."""
        return bool(
            settings.identity_file
            or settings.secret(SecretKind.LOGIN)
            or (not settings.identities_only and self.agent_keys(settings.agent))
        )

    def _file(self, path: Path) -> "Identity | InputError":
        from fleetbpf.connections.keys.identities import read_identity

        with self._lock:
            if path not in self._files:
                try:
                    self._files[path] = read_identity(path)
                except InputError as error:
                    self._files[path] = error
            return self._files[path]

    def _problems(self, settings: ConnectionSettings) -> Iterator[Problem]:
        if settings.identity_file is None:
            return
        try:
            self._chosen(settings.identity_file, settings)
        except InputError as error:
            for problem in error.problems:
                yield Problem(
                    where=settings.name, what=f"{problem.where}: {problem.what}", hint=problem.hint
                )
