"""Answers of hosts, as their scripts would give them."""

from collections.abc import Iterable
from typing import TypeVar

from fleetbpf.execution import Completed
from fleetbpf.execution.command import END
from fleetbpf.host.protocol import Script

Question = TypeVar("Question")
Told = TypeVar("Told")


def stdout(script: Script[Question, Told], rows: Iterable[tuple[str, ...]]) -> bytes:
    """What the script prints: its greeting, the rows, and its last words."""
    lines = (script.greeting, *("\t".join(row) for row in rows))
    return "\n".join(lines).encode() + (END if script.stays else b"\n")


def told(script: Script[Question, Told], question: Question, *rows: tuple[str, ...]) -> Told:
    """What an answer of these rows means."""
    return read(script, question, stdout(script, rows))


def read(script: Script[Question, Told], question: Question, answer: bytes) -> Told:
    """What an answer means."""
    return script.read_answer(question, Completed(status=0, stdout=answer), host="web1")
