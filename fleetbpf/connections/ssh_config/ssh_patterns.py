"""Which hosts a section of ssh_config(5) is about: patterns after Host, criteria after Match."""

import fnmatch
import re
from collections.abc import Iterable, Sequence
from typing import Self

from fleetbpf.frozen import frozen
from fleetbpf.wording import MisunderstoodError, quoted

# A word of a Match line ends at a space, at `=` or at a quote; `"…"` is one word.
WORD = re.compile(r'\s*=?\s*(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s"=]+)|(?P<open>"))')
WITHOUT_ARGUMENT = frozenset({"all", "canonical", "final"})
WITH_ARGUMENT = frozenset({"host", "originalhost", "user", "localuser", "exec", "tagged"})


@frozen
class Patterns:
    """Names with `*` and `?`, some of them negated; plain names in a set, to be quick."""

    plain: frozenset[str]
    globs: tuple[re.Pattern[str], ...]
    negated: tuple[re.Pattern[str], ...]

    @classmethod
    def of(cls, patterns: Iterable[str]) -> Self:
        """The patterns as they are written."""
        written = tuple(patterns)
        positive = [pattern for pattern in written if not pattern.startswith("!")]
        return cls(
            plain=frozenset(pattern for pattern in positive if not is_glob(pattern)),
            globs=tuple(compiled(pattern) for pattern in positive if is_glob(pattern)),
            negated=tuple(compiled(each[1:]) for each in written if each.startswith("!")),
        )

    def match(self, name: str) -> bool:
        """Whether one pattern means `name`, and none that is negated does."""
        if name not in self.plain and not any(each.fullmatch(name) for each in self.globs):
            return False
        return not any(each.fullmatch(name) for each in self.negated)


@frozen
class Criterion:
    """One condition of a Match line."""

    kind: str  # "host", "user", …
    argument: str = ""
    patterns: Patterns | None = None  # of the argument, where it is a list of them
    negated: bool = False


def is_glob(pattern: str) -> bool:
    """Whether a pattern means more than one name."""
    return "*" in pattern or "?" in pattern


def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern as a regular expression; no `*` is tried again for the sake of another."""
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")))


def criteria(text: str) -> tuple[Criterion, ...]:
    """The conditions of a Match line, all of which must hold."""
    pending = match_words(text)
    found: list[Criterion] = []
    while pending:
        word = pending.pop(0)
        kind = word.removeprefix("!").lower()
        if kind in WITHOUT_ARGUMENT:
            found.append(Criterion(kind=kind, negated=word.startswith("!")))
        elif kind in WITH_ARGUMENT:
            if not pending:
                raise MisunderstoodError(f"no argument after {quoted(word)}")
            found.append(with_argument(kind, pending.pop(0), negated=word.startswith("!")))
        else:
            known = ", ".join(sorted(WITHOUT_ARGUMENT | WITH_ARGUMENT))
            raise MisunderstoodError(f"fleetbpf cannot match {quoted(word)}", f"known: {known}")
    check_all(found)
    return tuple(found)


def match_words(text: str) -> list[str]:
    """The words of a Match line, up to a comment."""
    found: list[str] = []
    for word in WORD.finditer(text):
        if word["open"]:
            raise MisunderstoodError(f"the quote is not closed: {quoted(text)}")
        if word["quoted"] is None and word["plain"].startswith("#"):
            break
        found.append(word["quoted"] if word["plain"] is None else word["plain"])
    return found


def with_argument(kind: str, argument: str, *, negated: bool) -> Criterion:
    """A condition on a name, or on what a command says."""
    if kind == "exec":
        return Criterion(kind=kind, argument=argument, negated=negated)
    # OpenSSH compares host names in lower case only, other names as they are.
    folded = argument.lower() if kind in ("host", "originalhost") else argument
    patterns = Patterns.of(folded.split(","))
    return Criterion(kind=kind, argument=argument, patterns=patterns, negated=negated)


def check_all(found: Sequence[Criterion]) -> None:
    """`all` stands alone, or after `canonical` or `final`."""
    kinds = [criterion.kind for criterion in found]
    if not kinds:
        raise MisunderstoodError("no condition after `Match`")
    if "all" in kinds and kinds not in (["all"], ["canonical", "all"], ["final", "all"]):
        raise MisunderstoodError("`all` stands alone, or after `canonical` or `final`")
