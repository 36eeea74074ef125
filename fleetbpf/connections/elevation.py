"""The words in front of a command that root must execute, and what to do where they fail."""

import shlex

from fleetbpf.execution.command import SHELL
from fleetbpf.model.become import BecomeMethod, BecomeWay

Words = tuple[str, ...]

# Runs as root: says so, passes over the password if nobody has read it (sudo with NOPASSWD does
# not), and leaves standard input to the command. `read` takes no byte beyond its line. A login
# shell reads it, so it is one line without quotes of its kind, backslashes and `!`.
READY = (
    "echo {token}; while IFS= read -r line; do "
    "case $line in {token}) {command}; exit;; esac; done; exit 1"
)

# The same behind a terminal without an end of input: at most SIZE bytes are for the command. What
# it says on standard error would end up in its output.
READY_ON_TERMINAL = "echo {token}; head -c {size} | {shell} -c {command} 2>/dev/null"


GIVE = "give the password (-K, FLEETBPF_BECOME_PASSWORD, or ansible_become_password, vaulted)"
IN_SUDOERS = "allow it in sudoers: `USER ALL=(root) ALL`"
CURES = {
    "a password is required": f"{GIVE}, or allow the user sudo without one (NOPASSWD in sudoers)",
    "have a tty": "let sudo go without a terminal there: `Defaults:USER !requiretty` in sudoers",
    "not in the sudoers": IN_SUDOERS,
    "not allowed to execute": IN_SUDOERS,
    "may not run sudo": IN_SUDOERS,
    "expired": "renew the password there: log in by hand",
    "Authentication required": f"{GIVE}, or write `permit nopass USER` into doas.conf",
    "Operation not permitted": "allow it in doas.conf: `permit nopass USER`",
    "not found": "install it there, or name what is: fleetbpf_become_method: sudo, doas or su",
}
OTHERWISE = "let this user become root there, give the password (-K), or log in as root"


def prompt(token: str) -> str:
    """What sudo asks with, so that nothing else is taken for it: no language, no lecture."""
    return f"[{token}] "


def quietly(way: BecomeWay, command: Words) -> Words:
    """The command as root executes it; what wants a password refuses at once."""
    flags = () if way.method is BecomeMethod.SU else ("-n",)
    return around(way, flags, command)


def with_password(way: BecomeWay, command: str, *, token: str) -> Words:
    """A command of sh as root executes it after a password; it begins by saying the token."""
    ready = READY.format(token=token, command=command)
    flags = ("-S", "-p", prompt(token)) if way.method is BecomeMethod.SUDO else ()
    return around(way, flags, (SHELL, "-c", ready))


def on_terminal(way: BecomeWay, command: str, *, token: str, size: int) -> Words:
    """The same where the password is asked for on a terminal; `size` is that of all that is fed."""
    told = {"token": token, "size": size, "shell": SHELL, "command": shlex.quote(command)}
    return around(way, (), (SHELL, "-c", READY_ON_TERMINAL.format(**told)))


def around(way: BecomeWay, flags: Words, command: Words) -> Words:
    """The command behind the program that makes one root."""
    front = (way.program, *way.flags, *flags)
    if way.method is BecomeMethod.SU:
        return (*front, "-s", SHELL, "-c", 'exec "$@"', "--", "root", "fleetbpf", *command)
    return (*front, "--", *command)


def asks_on_terminal(way: BecomeWay) -> bool:
    """Whether a password is read from a terminal and from nowhere else."""
    return way.method is BecomeMethod.DOAS


def cure(said: str, *, otherwise: str = OTHERWISE) -> str:
    """The hint that goes with what a program said when it made nobody root.

    Only a hint: what is said in another language gets the general one.
    """
    return next((hint for text, hint in CURES.items() if text in said), otherwise)


def about_password(way: BecomeWay) -> str:
    """The hint where a password was given."""
    whose = "root's" if way.method is BecomeMethod.SU else "the user's own"
    return f"is the password right? {way.program} takes {whose} password there"
