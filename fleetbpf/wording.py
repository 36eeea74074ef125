"""How messages speak of what a person wrote: quoting, kinds, counts and did-you-mean."""

import difflib
import json
from collections.abc import Iterable, Sequence

from fleetbpf.terminal_text import printable

LONGEST_QUOTE = 80  # characters
LIKENESS = 0.65  # from where a name may be a slip of the pen; 1 is the same
LONGEST_LIST = 10  # names


class MisunderstoodError(ValueError):
    """A text is not what it should be; whoever knows its place adds it."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


def quoted(text: str) -> str:
    """`text` as a message shows it: on one line, and not endless."""
    plain = text and printable(text) == text
    shown = text if plain else printable(json.dumps(text, ensure_ascii=False))
    if len(shown) > LONGEST_QUOTE:
        shown = shown[: LONGEST_QUOTE - 1] + "…"
    return f"`{shown}`"


def did_you_mean(word: str, known: Iterable[str], *, noun: str = "known") -> str:
    """The hint for an unknown `word`: the name most like it, else all `known` names."""
    names = list(dict.fromkeys(known))
    lowered = {name.lower(): name for name in names}
    match = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=LIKENESS)
    if match:
        return f"did you mean {quoted(lowered[match[0]])}?"
    return f"{noun}: {listed(names)}" if names else ""


def listed(names: Sequence[str]) -> str:
    """Names in a row; of many, the first ones and how many more there are."""
    if len(names) <= LONGEST_LIST:
        return ", ".join(names)
    return f"{', '.join(names[:LONGEST_LIST])} and {len(names) - LONGEST_LIST} more"


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: "1 play", "2 plays"; plural: where it is not the noun and an s."""
    return f"{number} {noun}" if number == 1 else f"{number} {plural or f'{noun}s'}"


KINDS = {
    type(None): "nothing",
    bool: "a boolean",
    int: "a number",
    float: "a fraction",
    str: "a string",
    list: "a list",
    tuple: "a list",
    dict: "a mapping",
}


def kind(value: object) -> str:
    """What kind of value this is, in a person's words."""
    return KINDS.get(type(value), f"a {type(value).__name__}")
