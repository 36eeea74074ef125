"""Maps of a running program, read out at once: one command that asks, one parser of the answer."""

from collections.abc import Iterator, Sequence
from pathlib import PurePath

from fleetbpf.errors import HostError, Problem
from fleetbpf.execution import Connection
from fleetbpf.frozen import frozen
from fleetbpf.host.failures import check_asked
from fleetbpf.host.protocol import Document, OddAnswerError, Row, Said, Script, validate
from fleetbpf.model.bounded import ClockOffset, Decimal, Name, NameOrNone
from fleetbpf.model.layout import HostLayout
from fleetbpf.records.record_lines import record_fields
from fleetbpf.records.records import Record
from fleetbpf.wording import did_you_mean, quoted

ALL = "all"
MOST_PROGRAMS = 1_000  # of one host


@frozen
class Question:
    """Which maps of which program."""

    program: str
    map: str = ALL
    deployment: str = ""  # "" = of whichever has such a program
    delay: int = 0  # seconds to wait there before, which the end of the connection ends
    layout: HostLayout = HostLayout()

    def words(self) -> tuple[str | PurePath, ...]:
        """The arguments of `maps.sh`."""
        return (self.layout.root, self.deployment, self.program, self.map, str(self.delay))


class Placed(Row):
    """A program that is placed."""

    deployment: Name
    program: Name


class Begun(Row):
    """A program whose loader speaks from now on."""

    deployment: Name
    release: NameOrNone


class Ended(Row):
    """It has ended."""

    status: Decimal


@frozen
class Answer:
    """What one program's loader said."""

    deployment: str
    release: str
    said: tuple[str, ...]
    status: int | None = None  # exit status; None = cut off


@frozen
class Readout:
    """What all of them said, and what is placed there."""

    answers: tuple[Answer, ...]
    placed: tuple[str, ...]  # programs


def ask(
    connection: Connection, question: Question, *, host: str, become: bool
) -> tuple[Record, ...]:
    """The records of one readout; HostError when there is no such program or it does not run."""
    found = MAPS.ask(connection, question, host=host, become=become, more=question.delay)
    return records(found, question, host=host)


def records(found: Readout, question: Question, *, host: str) -> tuple[Record, ...]:
    """The records in an answer; HostError for what failed."""
    if not found.answers:
        raise HostError(absent(found.placed, question, host=host))
    HostError.raise_if_any(
        failed(answer, question, host=host) for answer in found.answers if answer.status != 0
    )
    return tuple(
        record
        for answer in found.answers
        for record in of_answer(answer, question.program, host=host)
    )


def read(question: Question, said: Said) -> Readout:
    """What each loader said, one after the other, in the answer of `maps.sh`."""
    found: list[Answer] = []
    placed: list[str] = []
    lines = iter(said.lines)
    for line in lines:
        kind, _, fields = line.partition("\t")
        match kind:
            case "placed":
                row = validate(Placed, fields)
                check_asked([row.deployment], {question.deployment or row.deployment})
                placed.append(row.program)
                if len(placed) > MOST_PROGRAMS:
                    raise OddAnswerError(f"it has more than {MOST_PROGRAMS} programs")
            case "program":
                begun = validate(Begun, fields)
                check_asked([begun.deployment], {question.deployment or begun.deployment})
                found.append(answer(begun, lines))
            case _:
                raise OddAnswerError("it speaks of no program")
    return Readout(answers=tuple(found), placed=tuple(placed))


def answer(begun: Begun, lines: Iterator[str]) -> Answer:
    """What one loader said, to its end."""
    said: list[str] = []
    status: int | None = None
    for line in lines:
        kind, _, fields = line.partition("\t")
        if kind == "ended":
            status = validate(Ended, fields).status
            break
        said.append(line)
    return Answer(
        deployment=begun.deployment, release=begun.release, said=tuple(said), status=status
    )


class Clock(Document):
    """The first line of a loader."""

    clock_offset_ns: ClockOffset = 0


def of_answer(answer: Answer, program: str, *, host: str) -> Iterator[Record]:
    """The records of one loader: JSON lines, the first of which has the clock's offset."""
    first, *rest = answer.said or ("",)
    offset = Clock.within(first).clock_offset_ns
    for line in rest:
        fields = record_fields(line)
        yield Record(
            host=host,
            deployment=answer.deployment,
            program=program,
            release=answer.release,
            time_ns=fields.get("time", 0) + offset,
            kind=str(fields["kind"]),
            fields={key: value for key, value in fields.items() if key not in {"time", "kind"}},
        )


def absent(placed: Sequence[str], question: Question, *, host: str) -> Problem:
    """No such program is placed there."""
    of = f" of {question.deployment}" if question.deployment else ""
    return Problem(
        where=host,
        what=f"there is no program {quoted(question.program)}{of}",
        hint=did_you_mean(question.program, placed, noun="its programs") or "apply a manifest",
    )


def failed(answer: Answer, question: Question, *, host: str) -> Problem:
    """The loader could not read its maps out, and has said why."""
    said = [line for line in answer.said if not line.startswith("{")]
    hints = [line.partition("hint: ")[2] for line in said if "hint: " in line]
    if any("unknown option" in line for line in said):
        what = f"{question.program} was placed by a fleetbpf that cannot read its maps out"
        return Problem(where=host, what=what, hint="apply its manifest again")
    told = next((line for line in said if "hint: " not in line), "it was cut off")
    what = told.partition(": ")[2].replace("--map ", "") or told
    return Problem(where=host, what=what, hint=" ".join(hints))


MAPS = Script(name="maps.sh", words=Question.words, read=read)
