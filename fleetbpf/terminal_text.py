"""Text of others as people may be shown it: what would lie or be obeyed is spelled out."""

import re
import unicodedata

COLOURS = re.compile(r"\x1b\[[0-9;:]*m")
WITHIN_A_LINE = re.compile(r"[^\n\t]+")
# Controls, what has no shape of its own (marks that turn the direction of writing round among
# them), halves of surrogate pairs, and what some programs take for a line's end.
SPELLED = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# What is drawn as nothing though its category says letter, mark or symbol: fillers, selectors of
# variants, the rest of Default_Ignorable_Code_Point (DerivedCoreProperties.txt), the empty Braille
# cell. Texts that differ only in these look the same.
UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
# A symbol's selector: drawn in colours, or not. That is how people write ⚠️.
OF_A_SYMBOL = re.compile("((?<=[\u2190-\u2bff\U0001f000-\U0001faff])[\ufe0e\ufe0f])")


def printable(text: str) -> str:
    r"""`text` on one line: each character that is not seen as itself is spelled: `\n`, `\x1b`."""
    if text.isascii() and text.isprintable():
        return text
    pieces = OF_A_SYMBOL.split(text)  # every second one is such a selector
    return "".join(p if place % 2 else "".join(map(spelled, p)) for place, p in enumerate(pieces))


def harmless(text: str) -> str:
    """Several lines of text, with their tabs and without colours; the rest as in `printable`."""
    return WITHIN_A_LINE.sub(lambda found: printable(found[0]), without_colours(text))


def without_colours(text: str) -> str:
    """`text` without what colours it."""
    return COLOURS.sub("", text)


def spelled(sign: str) -> str:
    """One character, as Python writes it where it is not seen as itself."""
    if unicodedata.category(sign) not in SPELLED and not UNSEEN.match(sign):
        return sign
    return sign.encode("unicode_escape").decode()


def coloured(text: str) -> str:
    """`text` with its colours, and nothing else that a terminal would obey."""
    colours = iter([*COLOURS.findall(text), ""])
    pieces = COLOURS.split(text)
    return "".join(harmless(piece) + colour for piece, colour in zip(pieces, colours, strict=True))
