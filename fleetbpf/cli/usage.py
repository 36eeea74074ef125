"""Wrong usage of the command line: told by argparse to people, and as a problem to programs."""

import argparse
import sys
from typing import TYPE_CHECKING, NoReturn

from fleetbpf.cli.output import write
from fleetbpf.errors import ExitCode, Problem

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

HINT = "\n  hint: "


class WrongUsageError(SystemExit):
    """The command line is no command's; people were told already."""

    def __init__(self, command: str, message: str) -> None:
        super().__init__(int(ExitCode.USAGE))
        what, _, hint = message.partition(HINT)
        self.command = command
        self.problems = (Problem(where="usage", what=what, hint=hint),)


class Parser(argparse.ArgumentParser):
    """A parser whose errors programs can read as well, and whose help is written or an error."""

    def _print_message(self, message: str, file: "SupportsWrite[str] | None" = None) -> None:
        """Write help or a version; argparse itself does not mind a full disk."""
        if is_result(file):
            write(sys.stdout, message.removesuffix("\n"))
        else:
            write(sys.stderr, message.removesuffix("\n"))

    def error(self, message: str) -> NoReturn:
        """Tell people as argparse does, and raise."""
        command = self.prog.partition(" ")[2]
        try:
            super().error(message)
        except SystemExit as ended:
            raise WrongUsageError(command, message) from ended


def is_result(file: object) -> bool:
    """Whether argparse writes to standard output."""
    return file is sys.stdout
