"""Text of others as a terminal may show it: what would move its cursor or lie is spelled out."""

import re

COLOURS = re.compile(r"\x1b\[[0-9;:]*m")
# Control characters but for line ends and tabs, what turns the direction of writing round, and
# what no encoding can write (halves of surrogate pairs).
UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def harmless(text: str) -> str:
    r"""`text` without colours, and with each character that a terminal would obey as `\x1b`."""
    return UNSAFE.sub(spelled, without_colours(text))


def without_colours(text: str) -> str:
    """`text` without what colours it."""
    return COLOURS.sub("", text)


def spelled(found: re.Match[str]) -> str:
    """One character, as Python writes it."""
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def coloured(text: str) -> str:
    """`text` with its colours, and nothing else that a terminal would obey."""
    colours = iter([*COLOURS.findall(text), ""])
    pieces = COLOURS.split(text)
    return "".join(harmless(piece) + colour for piece, colour in zip(pieces, colours, strict=True))
