"""Why programs did not start on a host or were refused there, as its scripts tell it."""

from collections.abc import Collection, Iterable
from typing import Literal, TypeVar

from fleetbpf.frozen import frozen
from fleetbpf.host.facts_answer import Failure as File
from fleetbpf.host.protocol import OddAnswerError, Row, Rows
from fleetbpf.model.bounded import Line, Many, NameOrNone

Asked = TypeVar("Asked")
OF_ALL = ("payload", "lock")  # stages that are of no one program


@frozen
class Failure:
    """Why a release did not start on a host."""

    program: str
    stage: str  # payload, place, start, health, switch; or what the loader says: load, attach, …
    message: str
    hint: str = ""
    verifier_log: str = ""
    detail: str = ""  # more that was said, where the loader itself did not tell


class Failed(Row):
    """Something failed."""

    program: NameOrNone  # "": all of them, at a stage of OF_ALL
    stage: Literal["payload", "lock", "place", "start", "health", "switch", "check"]


class About(Row):
    """A line that explains a failure."""

    program: NameOrNone
    text: Line = ""


class Explained(Rows):
    """An answer that may tell of failures."""

    failed: Many[Failed] = ()
    failure: Many[About] = ()  # the loader's own word
    verifier: Many[About] = ()
    stderr: Many[About] = ()

    def read_failures(self, programs: Collection[str]) -> tuple[Failure, ...]:
        """What failed, with what explains it; OddAnswerError when it is of other programs."""
        if len({row.program for row in self.failed}) < len(self.failed):
            raise OddAnswerError("failed: a program twice")
        known = {*programs, ""}
        for rows in (self.failed, self.failure, self.verifier, self.stderr):
            check_asked((row.program for row in rows), known)
        return tuple(map(self.explain, self.failed))

    def explain(self, row: Failed) -> Failure:
        """One of them."""
        if (row.stage in OF_ALL) != (row.program == ""):
            raise OddAnswerError(f"failed: {row.program or 'nothing'} at the stage {row.stage}")
        said, *more = join_lines(self.stderr, row.program).strip().split("\n")
        if row.stage == "payload":
            return Failure(
                program=row.program,
                stage=row.stage,
                message=f"cannot unpack what was sent: {said}",
                hint="tar and gzip have to work there, and zstd if it is there",
                detail="\n".join(more),
            )
        file = File.within(join_lines(self.failure, row.program))
        return Failure(
            program=row.program,
            stage=file.stage or row.stage,
            message=file.message or said or f"failed at: {row.stage}",
            hint=file.hint,
            verifier_log=join_lines(self.verifier, row.program),
            detail="" if file.message else "\n".join(more),
        )


def join_lines(rows: Iterable[About], program: str) -> str:
    """All lines about one program."""
    return "\n".join(row.text for row in rows if row.program == program)


def check_asked(told: Iterable[Asked], asked: Collection[Asked]) -> None:
    """Raise OddAnswerError when something is told that nobody asked for."""
    for each in told:
        if each not in asked:
            raise OddAnswerError(f"nobody asked for {each!a}")
