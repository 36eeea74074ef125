"""Commands that print a secret, as password managers have them: run here, once for all hosts."""

from fleetbpf.errors import UnreachableError
from fleetbpf.execution.command import Command
from fleetbpf.execution.local import LocalConnection
from fleetbpf.wording import MisunderstoodError, quoted

TIMEOUT = 120.0  # seconds; a password manager may ask a person first


class SecretCommands:
    """Runs each command line once, by `sh -c`; the first line that it prints is the secret."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def secret(self, line: str) -> str:
        """What the command prints; MisunderstoodError says why there is nothing."""
        if line not in self._known:
            self._known[line] = run(line)
        return self._known[line]


def run(line: str) -> str:
    """The first line of the command's output."""
    with LocalConnection() as here:
        try:
            done = here.run(Command("sh", "-c", line), timeout=TIMEOUT)
        except UnreachableError as error:
            raise MisunderstoodError(f"{quoted(line)} took more than {TIMEOUT:g} s") from error
    said = done.stderr.decode(errors="replace").strip().splitlines()
    if done.status != 0:
        reason = said[-1] if said else "it says nothing"
        raise MisunderstoodError(f"{quoted(line)} ended with status {done.status}: {reason}")
    first, *_ = done.stdout.decode(errors="surrogateescape").splitlines() or [""]
    if not first:
        raise MisunderstoodError(f"{quoted(line)} printed no secret")
    return first
