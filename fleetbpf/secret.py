"""Secrets: values that are used, but never shown."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from enum import Enum

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


def masked(text: str, secrets: Iterable[str]) -> str:
    """`text` with every occurrence of `secrets` masked, in their order: the longest first."""
    for secret in secrets:
        if len(secret) >= SHORTEST:
            text = text.replace(secret, MASK)
    return text
