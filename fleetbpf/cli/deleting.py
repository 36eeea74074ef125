"""Before anything is deleted on hosts, a person is asked: what, where, and is that meant?"""

import argparse
import sys
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from fleetbpf.cli.output import Output
from fleetbpf.errors import InputError, Problem
from fleetbpf.frozen import frozen
from fleetbpf.wording import counted

if TYPE_CHECKING:
    from fleetbpf.cli.terminal.progress import Progress
    from fleetbpf.deploy.apply import Applied
    from fleetbpf.fleet.fleet import Outcome
    from fleetbpf.plan.plan import Change

YES = ("y", "yes")


def add_yes(parser: argparse.ArgumentParser) -> None:
    """Add `--yes`, for commands that may delete."""
    parser.add_argument(
        "-y",
        "--yes",
        action="store_true",
        help="delete without a question; needed where nobody can be asked, as in a pipeline",
    )


def is_attended() -> bool:
    """Whether a person can be asked: one types what we read, and sees what we say."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


@frozen
class Consent:
    """How this run gets a person's word for what it deletes."""

    yes: bool  # it was given with the command
    output: Output
    shown: "Progress"

    def check(self, what: str) -> None:
        """Raise InputError where nobody has said, or can be asked, whether `what` is meant."""
        if not self.yes and not is_attended():
            hint = "say --yes if that is meant"
            raise InputError(
                Problem(where="", what=f"{what}, and nobody is here to ask", hint=hint)
            )

    def is_given(self, changes: "Sequence[Change]") -> bool:
        """Whether a person says yes to the deletions among changes, on all their hosts at once."""
        from fleetbpf.plan.plan import Action

        deletions = [change for change in changes if change.action is Action.DELETE]
        if self.yes or not deletions:
            return True
        return is_attended() and self.ask(deletions)

    def ask(self, deletions: "Sequence[Change]") -> bool:
        """Show what is to be deleted where, and read the answer."""
        from fleetbpf.plan import plan_text

        hosts = {change.host for change in deletions}
        with self.shown.paused():
            for row, names in plan_text.rows(deletions).items():
                for line in row.lines(names):
                    self.output.error(line)
            what = f"{counted(len(deletions), 'program')} on {counted(len(hosts), 'host')}"
            return self.agrees(f"Delete {what}, after their last records were collected?")

    def agrees(self, question: str) -> bool:
        """Whether a person answers yes; anything else, and the end of the input, is a no."""
        sys.stderr.write(f"{self.output.shown(question)} [y/N] ")
        sys.stderr.flush()
        answer = sys.stdin.readline()
        if not answer.endswith("\n"):
            sys.stderr.write("\n")
        return answer.strip().lower() in YES


def held(outcomes: "Iterable[Outcome[Applied]]") -> "list[Change]":
    """The deletions that hosts wait with, until somebody says that they are meant."""
    return [change for each in outcomes if each.value for change in each.value.held]


def refuse(changes: "Collection[Change]") -> tuple[Problem, ...]:
    """Why a host was left as it is: it would have deleted something, and nobody said yes."""
    if not changes:
        return ()
    names = ", ".join(sorted(change.program for change in changes))
    host = next(iter(changes)).host
    why = "the answer was no" if is_attended() else "nobody is here to ask"
    what = f"nothing was done: it would delete {names}, and {why}"
    return (Problem(where=host, what=what, hint="say --yes if that is meant"),)
