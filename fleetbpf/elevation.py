"""The words in front of a command that root must execute, and what to do where they fail."""

from typing import assert_never

from fleetbpf.model.become import BecomeMethod, BecomeWay

# Runs as root: says so, passes over the password if nobody has read it (sudo with NOPASSWD does
# not), and leaves standard input to the command. `read` takes no byte beyond its line.
# usage: begin TOKEN WORD...
BEGIN = """token=$1
shift
echo "$token"
while IFS= read -r line; do
	[ "$line" != "$token" ] || exec "$@"
done
exit 1"""

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


def words(way: BecomeWay, command: tuple[str, ...], *, token: str = "") -> tuple[str, ...]:
    """The command as root executes it; with a token it begins by saying that.

    Without a token nothing may ask for a password: what wants one refuses at once.
    """
    if token:
        command = ("sh", "-c", BEGIN, "fleetbpf", token, *command)
    match way.method:
        case BecomeMethod.SUDO:
            asked = ("-S", "-p", prompt(token)) if token else ("-n",)
            return (way.program, *way.flags, *asked, "--", *command)
        case BecomeMethod.DOAS:
            quiet = () if token else ("-n",)
            return (way.program, *way.flags, *quiet, "--", *command)
        case BecomeMethod.SU:
            shell = ("-s", "/bin/sh", "-c", 'exec "$@"', "--", "root", "fleetbpf")
            return (way.program, *way.flags, *shell, *command)
        case never:
            assert_never(never)


def cure(said: str, *, otherwise: str = OTHERWISE) -> str:
    """The hint that goes with what a program said when it made nobody root.

    Only a hint: what is said in another language gets the general one.
    """
    return next((hint for text, hint in CURES.items() if text in said), otherwise)


def about_password(way: BecomeWay) -> str:
    """The hint where a password was given."""
    whose = "root's" if way.method is BecomeMethod.SU else "the user's own"
    return f"is the password right? {way.program} takes {whose} password there"
