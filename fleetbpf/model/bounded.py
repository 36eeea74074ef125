"""What others say, as values within bounds: every word of a host is read as one of these types."""

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, FailFast, Field, StringConstraints
from pydantic_core import PydanticCustomError

from fleetbpf.model.names import NAME

V = TypeVar("V")
MOST = 2**63  # of whatever is counted
LAST_SECOND = 253_402_300_799  # of the year 9999, since 1970
LAST_NANOSECOND = 2**63 - 1  # since 1970 or since a boot: in the year 2262
LARGEST_PID = 2**22  # PID_MAX_LIMIT of the kernel
LONGEST_WORD = 255  # characters, as a file's name
LONGEST_LINE = 2**20  # characters of a line of some file
MOST_LINES = 10_000  # of a file that is told as a whole

DECIMAL = re.compile(r"[0-9]{1,19}")
INTEGER = re.compile(r"-?[0-9]{1,19}")


def parse_decimal(text: object) -> int:
    """A number of ASCII digits; ValueError for anything else, Unicode's other digits too."""
    return parse_number(text, DECIMAL)


def parse_integer(text: object) -> int:
    """The same with a sign, perhaps."""
    return parse_number(text, INTEGER)


def parse_number(text: object, form: re.Pattern[str]) -> int:
    """A number that is written in that form, or is one already."""
    if type(text) is int:
        return text
    if not isinstance(text, str) or not form.fullmatch(text):
        raise PydanticCustomError("number", "is no number")
    return int(text)


def take_one(texts: Any) -> Any:
    """The one of those that were said."""
    if not isinstance(texts, Sequence) or len(texts) != 1:
        raise PydanticCustomError("single", "is said more than once")
    return texts[0]


def split_at(separator: str) -> Callable[[Any], Any]:
    """What makes parts of a text."""
    return lambda text: tuple(text.split(separator)) if isinstance(text, str) else text


def tabulate(words: int, *, most: int) -> Callable[[Any], Any]:
    """What makes a table of lines: by so many of their first words, and of each the rest."""

    def by_words(lines: Any) -> Any:
        if len(lines) > most:
            raise PydanticCustomError("many", "is said too often")
        table: dict[tuple[str, ...], str] = {}
        for line in lines:
            fields = line.split("\t", words)
            key, rest = tuple(fields[:words]), "".join(fields[words:])
            if key in table:
                raise PydanticCustomError("twice", "is said of one twice")
            table[key] = rest
        return table

    return by_words


Name = Annotated[str, StringConstraints(strict=True, pattern=f"^{NAME}$")]
NameOrNone = Annotated[str, StringConstraints(strict=True, pattern=f"^({NAME})?$")]  # "": none
Word = Annotated[
    str, StringConstraints(strict=True, max_length=LONGEST_WORD, pattern=r"^[^\x00-\x1f\x7f]*$")
]
Line = Annotated[str, StringConstraints(strict=True, max_length=LONGEST_LINE)]
Many = Annotated[tuple[V, ...], FailFast()]  # one that is not valid ends it: there may be millions
Lines = Annotated[tuple[Line, ...], BeforeValidator(split_at("\t")), Field(max_length=MOST_LINES)]

# Numbers in rows of text.
Decimal = Annotated[int, BeforeValidator(parse_decimal), Field(ge=0, le=MOST)]
Integer = Annotated[int, BeforeValidator(parse_integer), Field(ge=-MOST, le=MOST)]
Second = Annotated[int, BeforeValidator(parse_decimal), Field(ge=0, le=LAST_SECOND)]

# Numbers in JSON.
Count = Annotated[int, Field(strict=True, ge=0, le=MOST)]
Nanosecond = Annotated[int, Field(strict=True, ge=0, le=LAST_NANOSECOND)]
ClockOffset = Annotated[int, Field(strict=True, ge=-MOST // 2, le=LAST_NANOSECOND)]
Pid = Annotated[int, Field(strict=True, ge=0, le=LARGEST_PID)]
