"""The one protocol with hosts: a script, how its answer begins and ends, and who reads it.

What a host says is data from a stranger. It becomes a value whose every field is within its bounds
and which speaks of nothing but what was asked; or it is not valid, and that host alone fails.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import PurePath
from typing import Any, Generic, Protocol, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from fleetbpf.connections import elevation
from fleetbpf.errors import HostError, Problem
from fleetbpf.execution import Completed, Connection
from fleetbpf.execution.command import END, REFUSED, Command, packed_script, script
from fleetbpf.frozen import frozen
from fleetbpf.model.names import NAME

Question = TypeVar("Question")
Told = TypeVar("Told")
Model = TypeVar("Model", bound=BaseModel)
LAST = END.decode().strip()  # the line by which a script that stays says that all is told
TRUST = "see there who made it (ls -ld); then remove it, or have root own it and close it to others"
SHOWN = 60  # characters of what is not valid
WORDS = {  # of pydantic's kinds of errors
    "extra_forbidden": "is nothing that it tells",
    "missing": "is missing",
    "string_pattern_mismatch": "holds what cannot be there",
}


class OddAnswerError(ValueError):
    """An answer that the script cannot have given, or that speaks of what was not asked."""


@frozen
class Said:
    """What a script said after its greeting."""

    lines: tuple[str, ...]
    status: int = 0
    stderr: str = ""


@frozen
class Script(Generic[Question, Told]):
    """A script of host/: its arguments for a question, and the reader of its answer."""

    name: str  # of its file
    words: Callable[[Question], Iterable[str | PurePath]]
    read: Callable[[Question, Said], Told]  # raises OddAnswerError, HostError
    after: tuple[str, ...] = ()  # the scripts whose functions it needs
    before: str = ""  # the one that takes over from it
    stays: bool = False  # it says `end`, and its shell waits for an order then
    packed: bool = False  # it comes in its payload; the first of its words unpacks that
    timeout: float = 120.0  # seconds

    @property
    def greeting(self) -> str:
        """The line at which its answer begins."""
        return f"fleetbpf\t{self.name.removesuffix('.sh')}"

    def command(self, question: Question, *, become: bool, pause: float = 0.0) -> Command:
        """The command that asks a host; `pause` are seconds in which it says nothing on purpose."""
        words = tuple(map(str, self.words(question)))
        if self.packed:
            return packed_script(self.name, *words, become=become, pause=pause)
        return script(
            self.name,
            *words,
            after=self.after,
            before=self.before,
            become=become,
            stays=self.stays,
            pause=pause,
        )

    def ask(
        self,
        connection: Connection,
        question: Question,
        *,
        host: str,
        become: bool,
        stdin: bytes = b"",
        more: float = 0.0,
    ) -> Told:
        """Ask a host; `more` are seconds that it may take beyond the usual, and say nothing.

        Raises HostError when it will not or cannot answer, or not so, UnreachableError too.
        """
        command = self.command(question, become=become, pause=more)
        completed = connection.run(command, stdin=stdin, timeout=self.timeout + more)
        return self.read_answer(question, completed, host=host, become=become)

    def stream(
        self,
        connection: Connection,
        question: Question,
        ear: "Ear",
        *,
        host: str,
        become: bool,
        stdin: bytes = b"",
        more: float = 0.0,
        silence: float | None = None,
    ) -> None:
        """Ask a host whose answer is too long to be kept: `ear` has it as it comes.

        silence: the most seconds without a byte, where it says something more often than usual.
        """
        command, timeout = self.command(question, become=become), self.timeout + more
        if silence is not None:
            command = command.speaking(within=silence)
        try:
            completed = connection.run(command, stdin=stdin, stdout=ear.feed, timeout=timeout)
        except OddAnswerError as error:
            raise HostError(self.describe_odd(error, host=host)) from error
        if not ear.greeted:
            raise HostError(explain_silence(completed, host=host, become=become))

    def read_answer(
        self, question: Question, completed: Completed, *, host: str, become: bool = False
    ) -> Told:
        """What a host's answer means; HostError where it is none, or not valid."""
        lines = split_lines(completed.stdout)
        if lines[:1] != (self.greeting,):
            raise HostError(explain_silence(completed, host=host, become=become))
        stderr = decode(completed.stderr)
        try:
            whole = self.strip_end(lines[1:])
            return self.read(question, Said(lines=whole, status=completed.status, stderr=stderr))
        except OddAnswerError as error:
            raise HostError(self.describe_odd(error, host=host)) from error

    def strip_end(self, lines: tuple[str, ...]) -> tuple[str, ...]:
        """The lines without the mark at their end; OddAnswerError where that is missing."""
        if not self.stays:
            return lines
        if lines[-1:] != (LAST,):
            raise OddAnswerError("it is cut off")
        return lines[:-1]

    def describe_odd(self, error: OddAnswerError, *, host: str) -> Problem:
        """An answer that is not valid, in words."""
        return Problem(
            where=host,
            what=f"its answer to {self.name} is not valid: {error}",
            hint="somebody has changed what fleetbpf keeps there, or answers in its place; "
            "-vv shows the answer",
        )


class Ear(Protocol):
    """Who hears an answer as it comes."""

    greeted: bool  # whether the script has begun to speak

    def feed(self, piece: bytes) -> None:
        """Take the next piece; OddAnswerError for what the script cannot have said."""


def split_lines(stdout: bytes) -> tuple[str, ...]:
    """The lines of an answer that hold anything."""
    lines = stdout.decode("utf-8", "backslashreplace").split("\n")
    return tuple(line for line in lines if line)


def decode(stream: bytes) -> str:
    """What a host said, for people."""
    return stream.decode("utf-8", "replace").strip()


def explain_silence(completed: Completed, *, host: str, become: bool) -> Problem:
    """Why a script did not begin to speak: what stands before it (sudo, a login shell) refused."""
    said = decode(completed.stderr)
    if completed.status == REFUSED:
        return Problem(where=host, what=refusal(said), hint=TRUST)
    if become:
        what, hint = "no command was run as root", elevation.cure(said)
    else:
        what = f"the login shell did not run a command (exit status {completed.status})"
        hint = "check `ssh HOST sh -c true`"
    return Problem(where=host, what=what, detail=said, hint=hint)


def refusal(said: str) -> str:
    """What folders.sh says of a folder that somebody else than root may change."""
    return said.splitlines()[-1].removeprefix("fleetbpf: ") if said else "its folders were refused"


class Row(BaseModel):
    """The fields of a line that are split by tabs; the last one may hold more tabs."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def fields_of(cls, line: Any) -> Any:
        """The fields by their names; those that a line lacks have to have a default."""
        if not isinstance(line, str):
            return line
        names = tuple(cls.model_fields)
        return dict(zip(names, line.split("\t", len(names) - 1), strict=False))


class Rows(BaseModel):
    """An answer whose lines are rows: each field has those of the kind that it is called by."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @classmethod
    def read(cls, lines: Iterable[str]) -> Self:
        """The rows by their kinds; OddAnswerError when one is of none of them, or not valid."""
        by_kind: dict[str, list[str]] = {}
        for line in lines:
            kind, _, fields = line.partition("\t")
            by_kind.setdefault(kind, []).append(fields)
        return validate(cls, by_kind)


def validate(model: type[Model], value: object) -> Model:
    """A value of the model; OddAnswerError that says what is not valid first."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise OddAnswerError(describe(error)) from error


def validate_json(model: type[Model], line: str) -> Model:
    """The same, of a line of JSON."""
    try:
        return model.model_validate_json(line)
    except ValidationError as error:
        raise OddAnswerError(describe(error)) from error


def describe(error: ValidationError) -> str:
    """The first thing that is not valid, in words."""
    first = error.errors(include_url=False, include_context=False)[0]
    place = " ".join(map(show_place, first["loc"]))
    what, found = WORDS.get(first["type"], first["msg"]), first["input"]
    shown = isinstance(found, str) and first["type"] != "missing"
    return f"{place}: {what}: {show(found)}" if shown else f"{place}: {what}"


def show_place(part: object) -> str:
    """A row's kind, its number, its names, or a field of it."""
    if isinstance(part, int):
        return str(part + 1)
    names = str(part).strip("()").replace("', '", "/").strip("',")
    return names if re.fullmatch(rf"{NAME}(/{NAME})*", names) else show(str(part))


def show(text: str) -> str:
    """A part of an answer as it may be told: in ASCII, and not too long."""
    return ascii(text) if len(text) <= SHOWN else f"{text[:SHOWN]!a}…"


class Document(BaseModel):
    """JSON in a file of a host; every field has a default, as the file may be torn."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", defer_build=True)

    @classmethod
    def within(cls, line: object) -> Self:
        """What a line of JSON says; nothing where it is torn, or a person has written there."""
        try:
            return cls.model_validate_json(line if isinstance(line, str) else "")
        except ValidationError:
            return cls()
