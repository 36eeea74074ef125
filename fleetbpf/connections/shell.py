"""The operator's shell, which runs the commands that ssh_config(5) names."""

import os

from fleetbpf.connections.settings import Operator
from fleetbpf.execution.command import Command
from fleetbpf.execution.local import LocalConnection

TIMEOUT = 30.0  # seconds for a command of `Match exec`


class Shell:
    """Runs each command once and remembers its status."""

    def __init__(self, operator: Operator) -> None:
        self.path = operator.environment.get("SHELL") or "/bin/sh"
        self._statuses: dict[str, int] = {}

    def succeeds(self, command: str) -> bool:
        """Whether a command ends with status 0; UnreachableError when it does not end in time."""
        if command not in self._statuses:
            with LocalConnection("Match exec") as here:
                done = here.run(Command(self.path, "-c", command), timeout=TIMEOUT)
            self._statuses[command] = done.status
        return self._statuses[command] == os.EX_OK
