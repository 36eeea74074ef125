"""What a command says: lines for people, or one JSON document."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, is_dataclass
from enum import Enum
from pathlib import PurePath


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where a command's words go.

    Lines for people go to standard output, progress to standard error. With `json`, standard
    output carries exactly one document and nothing else.
    """

    json: bool = False

    def line(self, text: str = "") -> None:
        """Write a line of the result; nothing with `--json`."""
        if not self.json:
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()

    def progress(self, text: str) -> None:
        """Say on standard error what is going on."""
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def document(self, value: object) -> None:
        """Write the command's one JSON document; nothing without `--json`."""
        if self.json:
            sys.stdout.write(json.dumps(value, default=plain, indent=2) + "\n")
            sys.stdout.flush()

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Write rows in columns as wide as their widest cell."""
        widths = [max(map(len, column)) for column in zip(headers, *rows, strict=True)]
        for row in (headers, *rows):
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.line("  ".join(cells).rstrip())


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
    raise TypeError(f"no JSON form for {type(value).__name__}")
