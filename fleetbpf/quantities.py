"""Sizes, durations, percentages and kernel versions as people write them."""

import re
from decimal import Decimal

from fleetbpf.wording import MisunderstoodError, quoted

SIZE_UNITS = {
    "B": 1,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
    "TiB": 1024**4,
    "kB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
}
DURATION_UNITS = {
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86400),
}

SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([A-Za-z]+)")
DURATION_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|s|m|h|d)")
PERCENT = re.compile(r"([0-9]{1,6}) ?%")
RATE = re.compile(r"([0-9]{1,9}) ?/ ?s")
KERNEL = re.compile(r">= ?([0-9]{1,3}\.[0-9]{1,3}(?:\.[0-9]{1,4})?)")


def size(text: str) -> int:
    """Bytes: "4MiB", "512KiB", "1.5GiB"; raises MisunderstoodError."""
    match = SIZE.fullmatch(text.strip())
    if match is None or match[2] not in SIZE_UNITS:
        raise MisunderstoodError(f"{quoted(text)} is not a size", "write 4MiB, 512KiB or 1GiB")
    return int(Decimal(match[1]) * SIZE_UNITS[match[2]])


def duration(text: str) -> float:
    """Seconds: "10s", "500ms", "1h30m"; raises MisunderstoodError."""
    parts = DURATION_PART.findall(text.strip())
    if not parts or "".join(number + unit for number, unit in parts) != text.strip():
        raise MisunderstoodError(f"{quoted(text)} is not a duration", "write 10s, 500ms or 1m30s")
    return float(
        sum((Decimal(number) * DURATION_UNITS[unit] for number, unit in parts), Decimal(0))
    )


def rate(text: str) -> int:
    """How many a second: "10000/s"; raises MisunderstoodError."""
    match = RATE.fullmatch(text.strip())
    if match is None or int(match[1]) == 0:
        raise MisunderstoodError(f"{quoted(text)} is not a rate", "write 10000/s")
    return int(match[1])


def percent(text: str) -> int:
    """A whole percentage: "20%"; more than 100% is more than one CPU. Raises MisunderstoodError."""
    match = PERCENT.fullmatch(text.strip())
    if match is None or int(match[1]) == 0:
        raise MisunderstoodError(
            f"{quoted(text)} is not a percentage", "write 20%; 100% is one whole CPU"
        )
    return int(match[1])


def kernel(text: str) -> str:
    """The oldest kernel that will do: ">=5.10", without spaces; raises MisunderstoodError."""
    match = KERNEL.fullmatch(text.strip())
    if match is None:
        raise MisunderstoodError(f"{quoted(text)} is not a kernel requirement", 'write ">=5.10"')
    return f">={match[1]}"


def told_duration(nanoseconds: int) -> str:
    """A duration for people: 850 ns, 12.3 µs, 1.5 ms, 2.0 s."""
    for unit, size_ in (("s", 1_000_000_000), ("ms", 1_000_000), ("µs", 1000)):
        if abs(nanoseconds) >= size_:
            return f"{nanoseconds / size_:.1f} {unit}"
    return f"{nanoseconds} ns"


def told_size(count: int) -> str:
    """A number of bytes for people: 512 B, 4.0 KiB, 1.5 GiB."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if abs(count) >= SIZE_UNITS[unit]:
            return f"{count / SIZE_UNITS[unit]:.1f} {unit}"
    return f"{count} B"


def in_a_word(told: str) -> str:
    """A quantity without a space, where a space would end it: took=1.5ms."""
    return told.replace(" ", "")
