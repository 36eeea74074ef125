"""What stands for something else in options of ssh: `%h`, `${HOME}`, `~`."""

import re
from collections.abc import Mapping
from pathlib import Path

from fleetbpf.files import homes
from fleetbpf.wording import MisunderstoodError, quoted

TOKEN = re.compile(r"%(.?)", re.DOTALL)
VARIABLE = re.compile(r"\$\{([^}]*)(\}?)")


def expand(text: str, tokens: Mapping[str, str]) -> str:
    """`text` with each `%x` replaced by the token's value, `%%` by one `%`."""

    def value(found: re.Match[str]) -> str:
        letter = found[1]
        if letter == "%":
            return "%"
        if letter not in tokens:
            known = " ".join(f"%{each}" for each in sorted(tokens))
            what = f"there is no {quoted(f'%{letter}')} here: {quoted(text)}"
            raise MisunderstoodError(what, f"known: %% {known}")
        return tokens[letter]

    return TOKEN.sub(value, text)


def with_variables(text: str, environment: Mapping[str, str]) -> str:
    """`text` with each `${NAME}` replaced by the variable's value."""

    def value(found: re.Match[str]) -> str:
        if not found[2]:
            raise MisunderstoodError(f"{quoted(text)}: a `}}` is missing")
        if found[1] not in environment:
            what = f"{quoted(text)}: the environment has no {quoted(found[1])}"
            raise MisunderstoodError(what)
        return environment[found[1]]

    return VARIABLE.sub(value, text)


def path(text: str, tokens: Mapping[str, str], environment: Mapping[str, str]) -> Path:
    """A file's name with its tokens, variables and home folder in place."""
    whole = expand(with_variables(text, environment), tokens)
    if whole == "~" or whole.startswith("~/"):
        return Path(tokens["d"]) / whole[2:]
    return homes.expanded(whole)
