"""Regular expressions of other people: matched within bounds of time and memory.

Python's `re` may take years for `(a+)+$`, and nothing in the same process can end it. So what could
be slow is matched by a process of its own, which the kernel ends.
"""

import functools
import json
import re
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fleetbpf.documents import expression_work, metering
from fleetbpf.documents.expression_work import LargeError
from fleetbpf.errors import UnreachableError
from fleetbpf.execution.command import Command
from fleetbpf.execution.local import LocalConnection
from fleetbpf.frozen import frozen
from fleetbpf.wording import MisunderstoodError, quoted

LONGEST = 1000  # characters of an expression
TIMEOUT = 60.0  # seconds, for a machine that is busy with something else
CHOICES = re.compile(r"[*+?{|]")  # where a matcher has to try more than one way
REPEATED = re.compile(r"\)[*+?{]|\\[1-9]|\(\?P=")  # what may take exponential time
STEPS = 5_000_000  # of a matcher in this process: half a second
APART = 400_000  # units of a rendering for each process of its own


@frozen
class Replace:
    """What is put in the place of what."""

    pattern: str
    flags: int
    new: str
    count: int = 0  # at most so often; 0: always


def flags(*, ignorecase: object = False, multiline: object = False) -> int:
    """Flags of `re`."""
    return int((re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0))


def matching(expression: str, names: Sequence[str]) -> frozenset[str]:
    """Those of `names` that begin as the expression says; raises MisunderstoodError."""
    check(expression)
    asked = {"word": "match", "expression": expression, "flags": 0, "names": list(names)}
    simple = len(CHOICES.findall(expression)) <= 1
    found: Any = expression_work.work(asked) if simple else worked_apart(json.dumps(asked))
    return frozenset(found)


def found(pattern: str, flags: int, text: str) -> list[Any]:
    """All matches, as `re.findall` gives them."""
    answer: Any = worked({"word": "find", "expression": pattern, "flags": flags, "text": text})
    return [tuple(each) if isinstance(each, list) else each for each in answer]


def searched(pattern: str, flags: int, text: str, wanted: Sequence[str | int]) -> object:
    """The first match, or these of its groups; None where there is none."""
    asked = {"word": "search", "expression": pattern, "flags": flags, "text": text}
    return worked({**asked, "wanted": list(wanted)})


def replaced(asked: Replace, text: str) -> tuple[str, int]:
    """The text with the matches replaced, and how many there were."""
    question = {"word": "replace", "expression": asked.pattern, "flags": asked.flags, "text": text}
    answer: Any = worked({**question, "new": asked.new, "count": asked.count})
    return answer[0], answer[1]


def worked(asked: Mapping[str, object]) -> object:
    """The answer of `expression_work`, within the bounds of a template's rendering."""
    expression, text = str(asked["expression"]), str(asked["text"])
    check(expression)
    question = {**asked, "largest": metering.LARGEST}
    steps = (len(text) + 1) ** min(len(CHOICES.findall(expression)) + 1, 10)
    if REPEATED.search(expression) or steps > STEPS:
        metering.spend(APART)
        return worked_apart(json.dumps(question))
    metering.spend(min(steps, metering.LARGEST) // metering.EACH)
    try:
        return expression_work.work(question)
    except LargeError as error:
        raise metering.TooMuchError("a value would be too large") from error
    except (re.error, IndexError) as error:
        raise MisunderstoodError(f"{quoted(expression)}: {error}") from error


def check(expression: str) -> None:
    """Raise MisunderstoodError for what is no expression, or too long."""
    if len(expression) > LONGEST:
        what = f"{quoted(expression)} is longer than {LONGEST} characters"
        raise MisunderstoodError(what)
    try:
        with warnings.catch_warnings():  # of what `[a--b]` may mean one day
            warnings.simplefilter("ignore", FutureWarning)
            re.compile(expression)
    except (re.error, RecursionError, OverflowError) as error:
        what = f"{quoted(expression)} is not a regular expression: {error}"
        raise MisunderstoodError(what) from error


@functools.lru_cache(maxsize=1000)
def worked_apart(question: str) -> object:
    """The answer of a process that ends in time."""
    expression = json.loads(question)["expression"]
    command = Command(sys.executable, "-I", "-S", str(Path(expression_work.__file__)))
    try:
        with LocalConnection() as here:
            done = here.run(command, stdin=question.encode(), timeout=TIMEOUT)
        said = json.loads(done.stdout) if done.status == 0 else {}
    except UnreachableError:
        said = {}
    if said.get("large"):
        raise metering.TooMuchError("a value would be too large")
    if "error" in said:
        raise MisunderstoodError(f"{quoted(expression)}: {said['error']}")
    if "answer" not in said:
        what = f"{quoted(expression)} takes more than {expression_work.CPU} s to match"
        hint = "repeat nothing that repeats, as (a+)+ does; a glob or a list of names needs no time"
        raise MisunderstoodError(what, hint)
    return said["answer"]
