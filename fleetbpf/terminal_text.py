"""Text of others as people may be shown it: what would lie or be obeyed is spelled out."""

import re
import unicodedata

COLOURS = re.compile(r"\x1b\[[0-9;:]*m")
HIDDEN = re.compile(r"[^\n\t]")
# Controls, what has no shape of its own (marks that turn the direction of writing round among
# them), halves of surrogate pairs, and what some programs take for a line's end.
SPELLED = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def printable(text: str) -> str:
    r"""`text` on one line: each character that is not seen as itself is spelled: `\n`, `\x1b`."""
    if text.isprintable():
        return text
    return "".join(map(spelled, text))


def harmless(text: str) -> str:
    """Several lines of text, with their tabs and without colours; the rest as in `printable`."""
    return HIDDEN.sub(lambda found: spelled(found[0]), without_colours(text))


def without_colours(text: str) -> str:
    """`text` without what colours it."""
    return COLOURS.sub("", text)


def spelled(sign: str) -> str:
    """One character, as Python writes it where it is not seen as itself."""
    if unicodedata.category(sign) not in SPELLED:
        return sign
    return sign.encode("unicode_escape").decode()


def coloured(text: str) -> str:
    """`text` with its colours, and nothing else that a terminal would obey."""
    colours = iter([*COLOURS.findall(text), ""])
    pieces = COLOURS.split(text)
    return "".join(harmless(piece) + colour for piece, colour in zip(pieces, colours, strict=True))
