"""What a command says: lines for people, or one JSON document."""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from enum import Enum
from pathlib import PurePath
from typing import TextIO

from fleetbpf.cli import envelope
from fleetbpf.errors import BuildError, ExitCode, FleetbpfError, OutputError, Problem
from fleetbpf.frozen import frozen
from fleetbpf.secret import MASK, Mask, Secret, unmasked
from fleetbpf.terminal_text import coloured, printable, without_colours

WIDEST_COLUMN = 200  # characters; what is wider moves only what is beside it
QUIET = -1  # errors and the recap only


@frozen
class Output:
    """Where a command's words go.

    Lines for people go to standard output, progress to standard error. With `json`, standard
    output carries exactly one document and nothing else but the lines of a stream before it.
    Whatever text comes from elsewhere, a terminal shows it and does not obey it, it makes no line
    that would seem to be ours, and the secrets of the run are masked in it.
    """

    json: bool = False
    verbosity: int = 0
    color: str = "auto"  # or always, never
    command: str = ""  # as its document names it: "plan", "lab up"
    mask: Mask = unmasked

    @classmethod
    def of(cls, options: argparse.Namespace) -> "Output":
        """What the command line and the settings ask for."""
        return cls(
            json=options.json,
            verbosity=options.verbosity,
            color=options.color,
            command=command_of(options),
            mask=options.secrets.mask,
        )

    def line(self, text: str = "", *, colour: str = "") -> None:
        """Write a line of the result; nothing with `--json`. colour is an SGR code: "32"."""
        if not self.json:
            shown = self.shown(text)
            painted = colour and self.colours(sys.stdout)
            write(sys.stdout, f"\x1b[{colour}m{shown}\x1b[0m" if painted else shown)

    def lines(self, text: str) -> None:
        """Write a result of several lines."""
        for line in text.split("\n"):
            self.line(line)

    def progress(self, text: str) -> None:
        """Say on standard error what is going on; nothing with `--quiet`."""
        if self.verbosity > QUIET:
            write(sys.stderr, self.shown(text))

    def warning(self, text: str) -> None:
        """Say on standard error what a person should know; nothing with `--quiet`."""
        self.progress(f"warning: {text}")

    def detail(self, text: str, *, level: int = 1) -> None:
        """Say on standard error what only `-v` (or, of level 2, `-vv`) asks for."""
        if self.verbosity >= level:
            write(sys.stderr, self.shown(text))

    def error(self, text: str) -> None:
        """Say on standard error what is wrong, whatever else is left out."""
        write(sys.stderr, self.shown(text))

    def problem(self, problem: Problem) -> None:
        """Say on standard error what is wrong, with its lines and its cure."""
        for line in problem.lines():
            self.error(without_colours(line))

    def compiler(self, text: str) -> None:
        """Say what a compiler of this machine said, in its colours."""
        if text:
            write(sys.stderr, coloured(self.mask(text.rstrip("\n"))))

    def document(self, value: Mapping[str, object]) -> None:
        """Write the command's one JSON document; nothing without `--json`.

        value: what the command adds to the fields that every document has.
        """
        if self.json:
            whole = envelope.enveloped(self.command, value)
            indent = None if self.command in envelope.STREAMS else 2
            write(sys.stdout, self.encoded(whole, indent=indent))

    def item(self, value: object) -> None:
        """Write one line of a stream, before its document; nothing without `--json`."""
        if self.json:
            write(sys.stdout, self.encoded(value))

    def encoded(self, value: object, *, indent: int | None = None) -> str:
        """A value as JSON, without secrets."""
        text = strict(value, indent=indent)
        if self.mask(text) == text:
            return text
        return json.dumps(without_secrets(json.loads(text), self.mask), indent=indent)

    def shown(self, text: str) -> str:
        """`text` as a terminal may show it, without secrets."""
        return printable(self.mask(text))

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Write rows in columns as wide as their widest cell, but no wider than WIDEST_COLUMN."""
        if self.json:
            return
        from rich.cells import cell_len

        shown = [[self.shown(cell) for cell in row] for row in (headers, *rows)]
        widths = [
            min(max(map(cell_len, column)), WIDEST_COLUMN) for column in zip(*shown, strict=True)
        ]
        for row in shown:
            cells = (
                cell + " " * (width - cell_len(cell))
                for cell, width in zip(row, widths, strict=True)
            )
            self.line("  ".join(cells).rstrip())

    def colours(self, stream: TextIO) -> bool:
        """Whether what goes to `stream` is to be coloured (no-color.org, force-color.org)."""
        if self.color != "auto":
            return self.color == "always"
        if os.environ.get("NO_COLOR"):
            return False
        if os.environ.get("FORCE_COLOR") or os.environ.get("CLICOLOR_FORCE", "0") != "0":
            return True
        return stream.isatty() and os.environ.get("TERM") != "dumb"

    def report(self, error: FleetbpfError) -> ExitCode:
        """Say an expected error; its own exit code."""
        self.document({"problems": error.problems, "exit_code": int(error.exit_code)})
        if isinstance(error, BuildError):
            lines = (line for problem in error.problems for line in problem.lines(bar=""))
            self.compiler("\n".join(lines))
        else:
            for problem in error.problems:
                self.problem(problem)
        return error.exit_code


def command_of(options: argparse.Namespace) -> str:
    """The command with its subcommand, as people write them: "lab up"."""
    given = vars(options)
    words = (given.get(name) for name in ("command", "subcommand", "verb"))
    return " ".join(str(word) for word in words if word)


def without_secrets(value: object, mask: Mask) -> object:
    """A value of JSON with the secrets in its texts masked, and numbers that are one."""
    match value:
        case str():
            return mask(value)
        case dict():
            return {mask(key): without_secrets(each, mask) for key, each in value.items()}
        case list():
            return [without_secrets(each, mask) for each in value]
        case int() | float() if mask(str(value)) == MASK:
            return MASK
        case _:
            return value


def write(stream: TextIO, text: str) -> None:
    """Write a line at once.

    Raises OutputError where the result cannot be written: a full disk, say. Remarks that cannot
    be written stop nothing.
    """
    try:
        stream.write(f"{text}\n")
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        if stream is not sys.stderr:
            problem = Problem(where="standard output", what=f"cannot be written: {error.strerror}")
            raise OutputError(problem) from error


def strict(value: object, *, indent: int | None) -> str:
    """A value as JSON; infinite numbers, and what is none, are texts there: JSON has neither."""
    try:
        return json.dumps(value, default=plain, indent=indent, allow_nan=False)
    except ValueError:
        spelled = json.loads(json.dumps(value, default=plain), parse_constant=str)
        return json.dumps(spelled, indent=indent, allow_nan=False)


def plain(value: object) -> object:
    """The JSON form of what the `json` module does not know: dataclasses, enums, paths."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Secret):
        return MASK
    raise TypeError(f"no JSON form for {type(value).__name__}")
