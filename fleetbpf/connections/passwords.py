"""The secrets of one run: asked for once, found before anything is contacted, then looked up."""

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial

from fleetbpf.connections.secret_commands import SecretCommands
from fleetbpf.errors import InputError, Problem
from fleetbpf.model.inventory import Host
from fleetbpf.secret import Deferred, Given, Secret, SecretKind, Secrets
from fleetbpf.wording import MisunderstoodError

Ask = Callable[[str], str]  # puts a question on the terminal; raises InputError without one
Wanted = tuple[Host, SecretKind]


class Passwords:
    """What a host's own variables say, else what was given for all hosts."""

    def __init__(
        self,
        given: Mapping[SecretKind, Secret] | None = None,
        *,
        ask: Ask | None = None,
        found: Secrets | None = None,
    ) -> None:
        """`ask` is for what turns out to be needed; None: there is nobody to ask.

        Each secret that is found is noted in `found`.
        """
        self._given = given or {}
        self._ask = ask
        self._found = found or Secrets()
        self._known: dict[tuple[str, SecretKind], str | None] = {}
        self._lock = threading.Lock()

    def check(self, wanted: Iterable[Wanted]) -> None:
        """Find all that is wanted; one InputError with every secret that cannot be had."""
        InputError.raise_if_any(problem for each in wanted for problem in self._problems(*each))

    def of(self, host: Host, kind: SecretKind) -> str | None:
        """The secret for a host; None where nobody gave one. Raises InputError."""
        with self._lock:
            place = (host.name, kind)
            if place not in self._known:
                secret = self._known[place] = self._find(host, kind)
                self._found.note(secret or "")
            return self._known[place]

    def of_jump_hosts(self, kind: SecretKind) -> str | None:
        """The secret for hosts that are only passed: that of a key, and no password of theirs."""
        anyone = Host(name="jump hosts", address="")
        return self.of(anyone, kind) if kind is SecretKind.KEY else None

    def ask(self, question: str) -> str | None:
        """What a person answers; None when there is nobody, or no terminal."""
        if self._ask is None:
            return None
        try:
            answer = self._ask(question)
        except InputError:
            return None
        self._found.note(answer)
        return answer

    def _find(self, host: Host, kind: SecretKind) -> str | None:
        secret = host.secrets.get(kind) or self._given.get(kind)
        if secret is None:
            return None
        try:
            return secret.reveal()
        except MisunderstoodError as error:
            what = f"no {kind.words}: {error.what}"
            raise InputError(Problem(where=host.name, what=what, hint=error.hint)) from error

    def _problems(self, host: Host, kind: SecretKind) -> Iterator[Problem]:
        try:
            self.of(host, kind)
        except InputError as error:
            yield from error.problems


def given(
    environment: Mapping[str, str],
    *,
    lines: Mapping[SecretKind, str],
    asked: Collection[SecretKind],
    ask: Ask,
) -> dict[SecretKind, Secret]:
    """The secrets for all hosts.

    Those of `asked` from a person, others from `FLEETBPF_PASSWORD` and the like, or else from the
    commands of `lines`.
    """
    found: dict[SecretKind, Secret] = {}
    commands = SecretCommands()
    for kind in SecretKind:
        if kind in asked:
            found[kind] = answer(kind, ask, otherwise=found.get(SecretKind.LOGIN))
        elif text := environment.get(f"FLEETBPF_{kind.value.upper()}"):
            found[kind] = Given(text)
        elif line := lines.get(kind):
            found[kind] = Deferred(partial(commands.secret, line))
    return found


def answer(kind: SecretKind, ask: Ask, *, otherwise: Secret | None) -> Secret:
    """What a person answers; nothing means the SSH password where that is known, as in Ansible."""
    if kind is SecretKind.LOGIN or otherwise is None:
        return Given(ask(f"{kind.words}: "))
    text = ask(f"{kind.words} [the SSH password]: ")
    return Given(text) if text else otherwise
