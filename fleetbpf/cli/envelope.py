"""What every document of `--json` has, whichever command wrote it; docs/json.md describes it."""

from collections.abc import Iterable, Mapping

from fleetbpf import __version__
from fleetbpf.errors import Problem

VERSION = 1  # of the shape: it grows when a field goes or means something else
STREAMS = frozenset({"logs", "maps", "run"})  # lines of records, and the document as the last one


def enveloped(command: str, value: Mapping[str, object]) -> dict[str, object]:
    """A command's document: who says it, how it ended, its hosts, its problems, and its own."""
    problems = value.get("problems", ())
    rows = [row(each) for each in problems] if isinstance(problems, Iterable) else []
    return {
        "fleetbpf": __version__,
        "version": VERSION,
        "command": command,
        "exit_code": 0,
        "hosts": [],
        **value,
        "problems": rows,
    }


def row(problem: object, host: str | None = None) -> object:
    """A problem in a document, and the host that has it; what is a row already stays as it is."""
    if not isinstance(problem, Problem):
        return problem
    return {
        "where": problem.where,
        "what": problem.what,
        "hint": problem.hint,
        "detail": problem.detail,
        "reason": problem.reason or problem.what,
        "host": host,
    }
