"""Maps of a running program, read out at once: one command that asks, one parser of the answer."""

from collections.abc import Iterator

from fleetbpf.command import script
from fleetbpf.connections import Connection
from fleetbpf.errors import HostError, Problem
from fleetbpf.facts import Row, check_greeting, object_in, tabbed
from fleetbpf.frozen import frozen
from fleetbpf.layout import HostLayout
from fleetbpf.records import Record
from fleetbpf.wording import did_you_mean, quoted

ALL = "all"
TIMEOUT = 120.0  # seconds


@frozen
class Question:
    """Which maps of which program."""

    program: str
    map: str = ALL
    deployment: str = ""  # "" = of whichever has such a program
    delay: int = 0  # seconds to wait there before, which the end of the connection ends


@frozen
class Answer:
    """What one program's loader said."""

    deployment: str
    release: str
    said: tuple[str, ...]
    status: str = ""  # exit status; "" = cut off


def ask(
    connection: Connection, layout: HostLayout, question: Question, *, host: str, become: bool
) -> tuple[Record, ...]:
    """The records of one readout; HostError when there is no such program or it does not run."""
    words = (question.deployment, question.program, question.map, str(question.delay))
    command = script("maps.sh", layout.root, *words, become=become, pause=question.delay)
    completed = connection.run(command, timeout=TIMEOUT + question.delay)
    rows = tabbed(completed.stdout)
    check_greeting(rows, completed, host=host, greeting=("fleetbpf", "maps"), become=become)
    return records(rows[1:], question, host=host)


def records(rows: list[Row], question: Question, *, host: str) -> tuple[Record, ...]:
    """The records in the answer of `maps.sh`; HostError for what failed."""
    found = tuple(answers(rows))
    if not found:
        raise HostError(absent(rows, question, host=host))
    HostError.raise_if_any(
        failed(answer, question, host=host) for answer in found if answer.status != "0"
    )
    return tuple(
        record for answer in found for record in of_answer(answer, question.program, host=host)
    )


def answers(rows: list[Row]) -> Iterator[Answer]:
    """What each loader said, one after the other."""
    begun: Row | None = None
    said: list[str] = []
    for row in rows:
        match row:
            case ("program", _, _):
                begun, said = row, []
            case ("ended", status) if begun is not None:
                yield answer(begun, said, status=status)
                begun = None
            case _ if begun is not None:
                said.append("\t".join(row))
    if begun is not None:
        yield answer(begun, said)


def answer(begun: Row, said: list[str], *, status: str = "") -> Answer:
    """What one loader said, behind the row that begins it."""
    _, deployment, release = begun
    return Answer(deployment=deployment, release=release, said=tuple(said), status=status)


def of_answer(answer: Answer, program: str, *, host: str) -> Iterator[Record]:
    """The records of one loader: JSON lines, the first of which has the clock's offset."""
    first, *rest = map(object_in, answer.said or ("",))
    offset = int(first.get("clock_offset_ns", 0))
    for fields in rest:
        yield Record(
            host=host,
            deployment=answer.deployment,
            program=program,
            release=answer.release,
            time_ns=int(fields.pop("time", 0)) + offset,
            kind=str(fields.pop("kind", "map")),
            fields=fields,
        )


def absent(rows: list[Row], question: Question, *, host: str) -> Problem:
    """No such program is placed there."""
    placed = [row[2] for row in rows if row[0] == "placed"]
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
