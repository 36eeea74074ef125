"""Whole numbers that others write: no longer than Python can read and write out again."""

import re

# Python takes at most 4,300 digits for a number, and makes no more of one (CVE-2020-10735).
MOST_BITS = 14_000
WHOLE = re.compile(r"[-+]?[0-9]{1,18}")


def is_short(number: int) -> bool:
    """Whether the number can be written out."""
    return number.bit_length() <= MOST_BITS


def whole(text: str) -> int | None:
    """The number of at most 18 digits in a text, None where it is none."""
    return int(text) if WHOLE.fullmatch(text.strip()) else None
