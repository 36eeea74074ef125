"""Opening encrypted private keys: with the passphrase that was given, or by asking for one."""

from collections.abc import Callable

from fleetbpf.connections.keys.identities import (
    EncryptedKeyError,
    Identity,
    WrongPassphraseError,
    read_identity,
)

AskIfPossible = Callable[[str], str | None]  # None: there is nobody to ask

ATTEMPTS = 3  # as ssh does


def unlock(locked: EncryptedKeyError, *, given: str | None, ask: AskIfPossible) -> Identity:
    """The key behind `locked`.

    Raises WrongPassphraseError, or `locked` itself when there is nobody to ask, or who is asked
    answers nothing.
    """
    if given is not None:
        return read_identity(locked.path, passphrase=given)
    question = f"passphrase of the key {locked.path}: "
    for attempt in range(1, ATTEMPTS + 1):
        passphrase = ask(question)
        if not passphrase:
            raise locked
        try:
            return read_identity(locked.path, passphrase=passphrase)
        except WrongPassphraseError:
            if attempt == ATTEMPTS:
                raise
            question = f"wrong; passphrase of the key {locked.path}: "
    raise locked
