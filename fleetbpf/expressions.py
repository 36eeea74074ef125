"""Regular expressions of other people: matched within bounds of time and memory.

Python's `re` may take years for `(a+)+$`, and nothing in the same process can end it. So what could
be slow is matched by a process of its own, which the kernel ends.
"""

import json
import re
import sys
import warnings
from collections.abc import Sequence

from fleetbpf.command import Command
from fleetbpf.connections.local import LocalConnection
from fleetbpf.errors import UnreachableError
from fleetbpf.wording import MisunderstoodError, quoted

LONGEST = 1000  # characters
SECONDS = 2  # of CPU
MEMORY = 512 * 1024 * 1024  # bytes
TIMEOUT = 60.0  # seconds, for a machine that is busy with something else
CHOICES = re.compile(r"[*+?{|]")  # where a matcher has to try more than one way

PROGRAM = f"""
import json, re, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}))
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))
asked = json.load(sys.stdin)
match = re.compile(asked["expression"]).match
json.dump([name for name in asked["names"] if match(name)], sys.stdout)
"""


def matching(expression: str, names: Sequence[str]) -> frozenset[str]:
    """Those of `names` that begin as the expression says; raises MisunderstoodError."""
    if len(expression) > LONGEST:
        what = f"{quoted(expression)} is longer than {LONGEST} characters"
        raise MisunderstoodError(what)
    try:
        compiled = quietly_compiled(expression)
    except (re.error, RecursionError, OverflowError) as error:
        what = f"{quoted(expression)} is not a regular expression: {error}"
        raise MisunderstoodError(what) from error
    if len(CHOICES.findall(expression)) <= 1:
        return frozenset(name for name in names if compiled.match(name))
    return matched_apart(expression, names)


def quietly_compiled(expression: str) -> re.Pattern[str]:
    """The expression, without Python's warning of what `[a--b]` may mean one day."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return re.compile(expression)


def matched_apart(expression: str, names: Sequence[str]) -> frozenset[str]:
    """The same, by a process that ends in time."""
    asked = json.dumps({"expression": expression, "names": names}).encode()
    try:
        with LocalConnection() as here:
            command = Command(sys.executable, "-I", "-S", "-c", PROGRAM)
            done = here.run(command, stdin=asked, timeout=TIMEOUT)
        found = json.loads(done.stdout) if done.status == 0 else None
    except UnreachableError:
        found = None
    if found is None:
        what = f"{quoted(expression)} takes more than {SECONDS} s to match"
        hint = "repeat nothing that repeats, as (a+)+ does; a glob or a list of names needs no time"
        raise MisunderstoodError(what, hint)
    return frozenset(found)
