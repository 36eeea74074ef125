"""Values that Ansible's vault encrypted: kept as they are until somebody needs one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fleetbpf.documents.composing import Place, Tag
from fleetbpf.documents.templating import Unsafe
from fleetbpf.errors import InputError, Problem
from fleetbpf.execution.command import Command
from fleetbpf.execution.local import LocalConnection
from fleetbpf.secret import Secret
from fleetbpf.wording import MisunderstoodError

HEADER = "$ANSIBLE_VAULT;"
NOT_FOUND = 127
TIMEOUT = 60.0  # seconds for one value
HOW_TO_UNLOCK = (
    "name a file or a script with the password: ANSIBLE_VAULT_PASSWORD_FILE=PATH, or "
    "`vault_password_file` in ansible.cfg"
)


class Vault:
    """Decrypts through `ansible-vault`, each text once; asks nobody for a password."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def tags(self, file: str) -> Mapping[str, Tag]:
        """What `!vault` and `!unsafe` stand for in a file."""

        def encrypted(text: str, place: Place) -> object:
            return Encrypted(hidden=text, where=f"{file}:{place}", vault=self)

        return {
            "!vault": encrypted,
            "!vault-encrypted": encrypted,
            "!unsafe": lambda text, _: Unsafe(text),
        }

    def opened(self, text: str, path: Path) -> str:
        """The text of a file, decrypted if it is encrypted as a whole; raises InputError."""
        if not text.startswith(HEADER):
            return text
        try:
            return self.decrypt(text)
        except MisunderstoodError as error:
            problem = Problem(where=f"{path}:1:1", what=error.what, hint=error.hint)
            raise InputError(problem) from error

    def decrypt(self, text: str) -> str:
        """The plain text; MisunderstoodError says why there is none."""
        if text not in self._known:
            self._known[text] = run(text)
        return self._known[text]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Encrypted(Secret):
    """A value that is decrypted when a template or a setting needs it, and shown as it was."""

    hidden: str
    where: str  # "group_vars/all.yml:3:12"
    vault: Vault = field(compare=False)

    def reveal(self) -> str:
        """The plain text; MisunderstoodError says why there is none."""
        try:
            return self.vault.decrypt(self.hidden)
        except MisunderstoodError as error:
            raise MisunderstoodError(f"{self.where}: {error.what}", error.hint) from error


def run(text: str) -> str:
    """Have `ansible-vault` decrypt a text; nothing of it touches a disk."""
    command = Command("ansible-vault", "decrypt", "--output", "-", "-")
    with LocalConnection() as here:
        done = here.run(command, stdin=text.encode(), timeout=TIMEOUT)
    if done.status == NOT_FOUND:
        what = "it is encrypted, and ansible-vault, which decrypts it, is not installed"
        raise MisunderstoodError(what, "pip install ansible-core")
    if done.status != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        reason = lines[0] if lines else f"status {done.status}"
        raise MisunderstoodError(f"ansible-vault does not decrypt it: {reason}", HOW_TO_UNLOCK)
    return done.stdout.decode(errors="surrogateescape")
