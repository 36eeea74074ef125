"""Names of hosts and users as OpenSSH allows them: without what a shell gives a meaning to.

The rules are those of valid_hostname and valid_ruser in OpenSSH. Names reach the operator's shell
through the tokens of ssh_config(5): `ProxyCommand nc %h %p`, `Match exec "test %r = root"`.
"""

import re
from collections.abc import Iterable

from fleetbpf.wording import MisunderstoodError, quoted

NOT_IN_HOSTS = frozenset("'`\"$\\;&<>|(){},")
NOT_IN_USERS = frozenset("'`\";&<>|(){}")
HINT = "ssh refuses such a name too: it could become part of a shell's command"


def check_host(text: str, *, noun: str = "name of a host") -> None:
    """Raise MisunderstoodError for the name or the address of a host that ssh would refuse."""
    bad = {sign for sign in text if sign in NOT_IN_HOSTS or sign.isspace() or is_control(sign)}
    check(text, bad, noun)


def check_user(text: str, *, noun: str = "name of a user") -> None:
    """Raise MisunderstoodError for the name of a user that ssh would refuse."""
    bad = {sign for sign in text if sign in NOT_IN_USERS or is_control(sign)}
    # With a space before it, a dash could begin an option of the command that the name ends up in.
    bad |= set(re.findall(r"\s-", text))
    bad |= {"\\"} if text.endswith("\\") else set()
    check(text, bad, noun)


def check(text: str, bad: Iterable[str], noun: str) -> None:
    """Raise MisunderstoodError when there is anything bad, or an option in place of a name."""
    if text.startswith("-"):
        raise MisunderstoodError(f"{quoted(text)} cannot be the {noun}: no `-` in front", HINT)
    found = " ".join(quoted(sign) for sign in sorted(bad))
    if found:
        raise MisunderstoodError(f"{quoted(text)} cannot be the {noun}: it holds {found}", HINT)


def is_control(sign: str) -> bool:
    """Whether nobody would see the character: a control character, or a space but ` `."""
    return not sign.isprintable()
