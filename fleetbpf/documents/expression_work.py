"""What is asked of a regular expression; also as a program of its own, which ends in time.

It imports nothing of ours: as a program it runs without any installed package.
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any

CPU, MEMORY = 2, 512 * 1024 * 1024  # seconds and bytes of the program


class LargeError(ValueError):
    """A result is larger than it may be."""


def work(asked: Mapping[str, Any]) -> object:
    """The answer, of what JSON knows."""
    expression = re.compile(asked["expression"], asked["flags"])
    match asked["word"]:
        case "match":
            return [name for name in asked["names"] if expression.match(name)]
        case "find":
            return bounded(map(groups, expression.finditer(asked["text"])), asked["largest"])
        case "search":
            found = expression.search(asked["text"])
            wanted = asked["wanted"]
            return found and ([found.group(each) for each in wanted] if wanted else found.group())
        case _:
            return replaced(expression, asked)


def groups(found: re.Match[str]) -> str | list[str]:
    """One match as `findall` has it."""
    parts = [part or "" for part in found.groups()]
    return parts if len(parts) > 1 else parts[0] if parts else found.group()


def replaced(expression: re.Pattern[str], asked: Mapping[str, Any]) -> tuple[str, int]:
    """The text with matches replaced, and how many."""
    text, new, most = asked["text"], asked["new"], asked["count"]
    left = asked["largest"] - len(text)

    def one(found: re.Match[str]) -> str:
        nonlocal left
        made: str = found.expand(new)
        left -= len(made)
        if left < 0:
            raise LargeError
        return made

    return expression.subn(one, text, most)


def bounded(parts: Iterable[Any], most: int) -> list[Any]:
    """A list of texts, and of lists of texts, that together are not too long."""
    found = []
    for part in parts:
        most -= 16 + (len(part) if isinstance(part, str) else sum(16 + len(each) for each in part))
        if most < 0:
            raise LargeError
        found.append(part)
    return found


def main() -> None:
    """Answer what is asked on stdin, within bounds."""
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (CPU, CPU))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        answer = {"answer": work(json.load(sys.stdin))}
    except LargeError:
        answer = {"large": True}
    except (re.error, IndexError) as error:
        answer = {"error": str(error)}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
