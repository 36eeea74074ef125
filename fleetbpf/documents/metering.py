"""How much a template may do: what its operations make, read and take, in units of about a byte.

An operation that could make much from little is estimated before it is done; whatever it makes is
counted after. So a rendering ends within bounds of memory and time, however it is written.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from fleetbpf.documents.composing import DEEPEST
from fleetbpf.documents.digits import MOST_BITS, is_short

EACH = 16  # units of a value, whatever it is; a text has one more for each character
RENDERING = 500  # units of one rendering inside another, beside what is rendered
CALL = 100  # units of a call, beside what it makes
LARGEST = 4_000_000  # units of one value
MOST = 20_000_000  # units of all that one rendering makes and reads
SECONDS = 10.0  # of one thread's CPU time for one rendering

HINT = "write out what it makes, or make less of it"
DIGITS = re.compile(r"\d+")
Arguments = tuple[object, ...]


class TooMuchError(Exception):
    """A template makes, or takes, more than any that a person needs."""


class Meter:
    """What one rendering has left."""

    def __init__(self) -> None:
        self._left = MOST
        self._end = time.thread_time() + SECONDS

    def spend(self, units: int) -> None:
        """Note some work; TooMuchError when it is more than there is left."""
        self._left -= units + EACH
        if self._left < 0:
            raise TooMuchError("it makes or reads too much")
        if time.thread_time() > self._end:
            raise TooMuchError(f"it takes more than {SECONDS:g} s")


METER: ContextVar[Meter] = ContextVar("meter")  # of the rendering under way


@contextmanager
def bounded() -> Iterator[None]:
    """Bounds for all that is rendered within."""
    token = METER.set(Meter())
    try:
        yield
    finally:
        METER.reset(token)


def spend(units: int) -> None:
    """Note work of the rendering under way."""
    METER.get().spend(units)


def made(value: object) -> object:
    """`value`, counted as made."""
    spend(size(value))
    return value


def counted(items: Iterable[object], cost: int = 1) -> Iterator[object]:
    """The items, each counted as `cost` values when it is taken."""
    for item in items:
        spend(cost * EACH)
        yield item


def joined(pieces: Iterable[object]) -> str:
    """The pieces as one text, which is counted."""
    found, total = [], 0
    for piece in pieces:
        total += size(piece)
        refuse_above_largest(total)
        found.append(str(piece))
    return str(made("".join(found)))


def size(value: object, known: dict[int, int] | None = None, depth: int = 0) -> int:
    """The units of a value, written out: what is in it twice counts twice."""
    match value:
        case str() | bytes():
            return EACH + len(value)
        case int():
            refuse_long(value)
            return EACH + value.bit_length() // 8
        case dict():
            parts: Iterable[object] = (part for item in value.items() for part in item)
        case list() | tuple() | set() | frozenset():
            parts = value
        case _:
            return EACH
    if depth > DEEPEST:
        raise TooMuchError(f"a value is more than {DEEPEST} levels deep")
    sizes = {} if known is None else known
    if id(value) not in sizes:
        total = EACH
        for part in parts:
            total += size(part, sizes, depth + 1)
            refuse_above_largest(total)
        sizes[id(value)] = total
    return sizes[id(value)]


def depth(value: object) -> int:
    """How many collections lie inside each other; `size` has seen that they are few."""
    match value:
        case dict():
            return 1 + max(map(depth, value.values()), default=0)
        case list() | tuple():
            return 1 + max(map(depth, value), default=0)
        case _:
            return 0


def refuse_long(number: int) -> None:
    """Raise TooMuchError for a number that could not be written out."""
    if not is_short(number):
        raise TooMuchError("a number would be too long (limit: 4200 digits)")


def refuse_above_largest(units: int) -> None:
    """Raise TooMuchError for a value that is too large."""
    if units > LARGEST:
        limit = f"limit: {LARGEST} characters, or {LARGEST // EACH} values"
        raise TooMuchError(f"a value would be too large ({limit})")


def biggest(arguments: Iterable[object]) -> int:
    """The largest number among some arguments, signs apart."""
    return max((abs(each) for each in arguments if isinstance(each, int)), default=0)


def formatted(text: str, sign: str, arguments: Arguments) -> int:
    """At most what `format` makes: each field as wide as any number, with all arguments in it."""
    widths = (int(each) if len(each) < 10 else LARGEST for each in DIGITS.findall(text))
    given = [part for each in arguments for part in (each if isinstance(each, tuple) else (each,))]
    field = max(biggest(given), *widths, 0) + size(tuple(given))
    return len(text) + text.count(sign) * field


def read(value: object, arguments: Arguments) -> int:
    """What something reads that makes no more than that."""
    return size(value) + size(arguments)


def padded(value: object, arguments: Arguments) -> int:
    """At most what filling up to a width makes."""
    return size(value) + biggest(arguments)


def replaced(value: object, arguments: Arguments) -> int:
    """At most what putting one text in the place of another makes."""
    old, new = (*arguments, "", "")[:2]
    return size(value) + str(value).count(str(old)) * len(str(new))


def indented(value: object, arguments: Arguments) -> int:
    """At most what putting something in front of each line makes."""
    lines = len(str(value).splitlines()) + 1
    return size(value) + lines * (biggest(arguments) + size(arguments))


def separated(value: object, arguments: Arguments) -> int:
    """At most what joining makes: of `items | join(separator)`, and of `separator.join(items)`."""
    items, separator = (
        (arguments[0], value)
        if isinstance(value, str) and arguments
        else (
            value,
            (*arguments, "")[0],
        )
    )
    number = len(items) if isinstance(items, str | list | tuple | dict | range) else 0
    return size(items) + number * len(str(separator))


def as_json(value: object, arguments: Arguments) -> int:
    """At most what JSON makes: each value on a line of its own, indented as deep as it lies."""
    return size(value) * (1 + depth(value) * biggest(arguments))


def escaped_json(value: object, arguments: Arguments) -> int:
    """The same with six characters for one outside of ASCII, and four of indentation by default."""
    return 6 * size(value) * (1 + depth(value) * max(biggest(arguments), 4))


def added_up(value: object, arguments: Arguments) -> int:
    """What adding up reads: lists are copied again for each one that is added."""
    is_copied = any(isinstance(each, list | tuple) for each in arguments)
    number = len(value) if isinstance(value, list | tuple) else 1
    return size(value) * (number if is_copied else 1)


# What makes much from little, as a filter or as a method.
ESTIMATES: Mapping[str, Callable[[object, Arguments], int]] = {
    **dict.fromkeys(("batch", "center", "ljust", "rjust", "round", "slice", "zfill"), padded),
    **dict.fromkeys(("truncate", "trim"), padded),
    "format": lambda value, given: formatted(str(value), "%" if "%" in str(value) else "{", given),
    "indent": indented,
    "join": separated,
    "replace": replaced,
    "sum": added_up,
    "tojson": as_json,
    **dict.fromkeys(("to_json", "to_nice_json", "to_nice_yaml", "to_yaml"), escaped_json),
}


def estimate(name: str, value: object, arguments: Arguments) -> None:
    """Raise TooMuchError when a filter or a method would make too much."""
    units = ESTIMATES.get(name, read)(value, arguments)
    refuse_above_largest(units)
    spend(units + CALL)


def estimate_operation(operator: str, left: object, right: object) -> None:
    """Raise TooMuchError when `left operator right` would make too much."""
    match operator, left, right:
        case "**", int(), int():
            too_large = left.bit_length() * abs(right) > MOST_BITS
        case "*", int(), int():
            too_large = left.bit_length() + right.bit_length() > MOST_BITS
        case "*", int(), _:
            too_large = left * size(right) > LARGEST
        case "*", _, int():
            too_large = size(left) * right > LARGEST
        case "%", str(), _:
            too_large = formatted(left, "%", (right,)) > LARGEST
        case _:
            too_large = False
    if too_large:
        raise TooMuchError(f"the result of `{operator}` would be too large")
