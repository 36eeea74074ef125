"""Secrets: values that are used, but never shown."""

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import Enum
from functools import partial

from fleetbpf.terminal_text import harmless, printable

Mask = Callable[[str], str]
MASK = "***"
SHORTEST = 4  # characters; masking shorter ones would garble every text and hide nothing


class SecretKind(Enum):
    """What a secret is for; the value is what names of variables call it."""

    LOGIN = "password"
    BECOME = "become_password"
    KEY = "key_passphrase"

    @property
    def words(self) -> str:
        """What a person is asked for."""
        return {
            SecretKind.LOGIN: "SSH password",
            SecretKind.BECOME: "become password",
            SecretKind.KEY: "passphrase of the key",
        }[self]


class Secret(ABC):
    """A value that stays hidden until something needs it; shown, it is a mask."""

    def __repr__(self) -> str:
        return MASK

    @abstractmethod
    def reveal(self) -> str:
        """The value; raises MisunderstoodError."""


class Given(Secret):
    """A secret that is known: somebody typed it, or wrote it down in plain text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Given) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def reveal(self) -> str:
        """The text."""
        return self._text


class Deferred(Secret):
    """A secret that is looked for when it is needed."""

    __slots__ = ("_find",)

    def __init__(self, find: Callable[[], str]) -> None:
        """`find` raises MisunderstoodError when there is none."""
        self._find = find

    def reveal(self) -> str:
        """What is found."""
        return self._find()


class Secrets:
    """The secrets that a run has found, for taking them out of all that is shown or kept.

    A host that was told one may say it in anything that it says: a refusal, a record, an error.
    """

    def __init__(self, *found: str) -> None:
        self._forms: tuple[str, ...] = ()  # the longest first
        self._lock = threading.Lock()
        for secret in found:
            self.note(secret)

    def note(self, secret: str) -> None:
        """Remember a secret."""
        with self._lock:
            forms = {*self._forms, *written(secret)}
            self._forms = tuple(sorted(forms, key=len, reverse=True))

    def mask(self, text: str) -> str:
        """`text` with every secret masked."""
        for form in self._forms:
            text = text.replace(form, MASK)
        return text


def unmasked(text: str) -> str:
    """`text` as it is: no secrets are known."""
    return text


def written(secret: str) -> set[str]:
    """How a secret may stand in a text: as it is, decoded in another way, quoted in JSON or Python.

    None of one that is too short.
    """
    if len(secret) < SHORTEST:
        return set()
    raw = secret.encode("utf-8", "surrogateescape")
    plain = {secret, *(raw.decode("utf-8", way) for way in ("replace", "backslashreplace"))}
    quoted = {
        quote(text)[1:-1]
        for text in plain
        for quote in (json.dumps, partial(json.dumps, ensure_ascii=False), repr)
    }
    return {*plain, *quoted, *map(harmless, plain), *map(printable, plain)}
