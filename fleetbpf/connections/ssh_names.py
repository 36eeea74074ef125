"""Names of hosts and users as OpenSSH allows them: without what a shell gives a meaning to.

The rules are those of valid_hostname and valid_ruser in OpenSSH. Names reach the operator's shell
through the tokens of ssh_config(5): `ProxyCommand nc %h %p`, `Match exec "test %r = root"`.
"""

import re

from fleetbpf.wording import MisunderstoodError, quoted

NOT_IN_HOSTS = re.compile(r"""['`"$\\;&<>|(){},\s]""")
NOT_IN_USERS = re.compile(r"""['`";&<>|(){}]|\s-|\\$""")
HINT = "ssh refuses such a name too: it could become part of a shell's command"


def check_host(text: str, *, noun: str = "name of a host") -> None:
    """Raise MisunderstoodError for the name or the address of a host that ssh would refuse."""
    check(text, NOT_IN_HOSTS, noun)


def check_user(text: str, *, noun: str = "name of a user") -> None:
    """Raise MisunderstoodError for the name of a user that ssh would refuse.

    A dash after a space could begin an option of the command that the name ends up in.
    """
    check(text, NOT_IN_USERS, noun)


def check(text: str, bad: re.Pattern[str], noun: str) -> None:
    """Raise MisunderstoodError when there is anything bad, or an option in place of a name."""
    if text.startswith("-"):
        raise MisunderstoodError(f"{quoted(text)} cannot be the {noun}: no `-` in front", HINT)
    if not text.isprintable():
        what = f"{quoted(text)} cannot be the {noun}: it holds a control character"
        raise MisunderstoodError(what, HINT)
    found = " ".join(quoted(signs) for signs in sorted(set(bad.findall(text))))
    if found:
        raise MisunderstoodError(f"{quoted(text)} cannot be the {noun}: it holds {found}", HINT)
