"""The variables that say how one becomes root on a host."""

import shlex
from collections.abc import Callable

from fleetbpf.model.become import BecomeMethod
from fleetbpf.wording import MisunderstoodError, kind, listed, quoted

OWN_VARIABLES = ("fleetbpf_become_exe", "fleetbpf_become_flags")
COLLECTIONS = ("ansible.builtin.", "community.general.")

# Flags that are passed on; anything else could change who is become or what is asked.
ALLOWED = {
    BecomeMethod.SUDO: ("-E", "-H", "-P"),
    BecomeMethod.DOAS: (),
    BecomeMethod.SU: ("-", "-l", "-m", "-p"),
}
OURS = ("-S", "-n")  # fleetbpf sets them itself where they belong


def executables(method: BecomeMethod) -> tuple[str, ...]:
    """The variables that name the program; the first one that is set counts."""
    return ("fleetbpf_become_exe", f"ansible_{method.value}_exe", "ansible_become_exe")


def flags(method: BecomeMethod) -> tuple[str, ...]:
    """The variables that hold its flags."""
    return ("fleetbpf_become_flags", f"ansible_{method.value}_flags", "ansible_become_flags")


# What fleetbpf cannot do of these hinders the hosts that are chosen, and no others.
HINDERING = frozenset(
    name for method in BecomeMethod for name in (*executables(method), *flags(method))
) | {"ansible_become_method"}


def become_method(value: object) -> BecomeMethod:
    """The method of that name, as Ansible's plugins are called."""
    name = str(value)
    for collection in COLLECTIONS:
        name = name.removeprefix(collection)
    try:
        return BecomeMethod(name)
    except ValueError as error:
        known = listed([method.value for method in BecomeMethod])
        what = f"fleetbpf cannot become root by {quoted(str(value))}"
        raise MisunderstoodError(what, f"known: {known}") from error


def words(method: BecomeMethod) -> Callable[[object], tuple[str, ...]]:
    """Reads the flags of a method."""

    def parse(value: object) -> tuple[str, ...]:
        if not isinstance(value, str):
            raise MisunderstoodError(f"expected a string, found {kind(value)}")
        found = tuple(word for word in shlex.split(value) if word not in OURS)
        for word in found:
            if word not in ALLOWED[method]:
                allowed = listed(ALLOWED[method])
                hint = f"leave it out; {allowed} may stand there" if allowed else "leave it out"
                what = f"fleetbpf does not pass {quoted(word)} on to {method.value}"
                raise MisunderstoodError(what, hint)
        return found

    return parse
