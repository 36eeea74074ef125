"""Whether this user may build a root file system in a user namespace, or what stands against it."""

from collections.abc import Callable, Iterator
from pathlib import Path

from fleetbpf.errors import HostError, Problem
from fleetbpf.execution.command import Command
from fleetbpf.execution.local import LocalConnection
from fleetbpf.files.trusted_files import name_of
from fleetbpf.frozen import frozen

NEEDED = 65536  # ids that Debian's packages and users are given
FIRST = 100000  # where useradd begins
SUBUID, SUBGID = Path("/etc/subuid"), Path("/etc/subgid")
SYSCTLS = Path("/proc/sys")
INSTEAD = "or run fleetbpf lab up as root, or with micro hosts only"


@frozen
class Switch:
    """A setting of the kernel that can forbid user namespaces."""

    name: str
    forbids: str
    allows: str


SWITCHES = (
    Switch(name="user.max_user_namespaces", forbids="0", allows="15000"),
    Switch(name="kernel.unprivileged_userns_clone", forbids="0", allows="1"),
    Switch(name="kernel.apparmor_restrict_unprivileged_userns", forbids="1", allows="0"),
)


def require(local: LocalConnection, *, user: int) -> None:
    """Raise HostError when mmdebstrap cannot have a user namespace, with the cure.

    It is tried for real, by mmdebstrap itself: a profile of AppArmor may allow it and nothing else.
    """
    if user == 0:
        return
    name = name_of(user)
    HostError.raise_if_any(unmapped(name, read(SUBUID), read(SUBGID)))
    tried = local.run(Command("mmdebstrap", "--unshare-helper", "true"), timeout=60.0)
    if tried.status != 0:
        said = tried.stderr.decode(errors="replace")
        problems = tuple(forbidden(lambda switch: read(path_of(switch)).strip()))
        raise HostError(*(problems or (unexplained(said),)))


def unmapped(name: str, uids: str, gids: str) -> Iterator[Problem]:
    """The problem of a user who has no ids to give away, from the texts of both files."""
    texts = {SUBUID: uids, SUBGID: gids}
    lacking = [file for file, text in texts.items() if not has_range(name, text)]
    if lacking:
        files = " and ".join(map(str, lacking))
        what = f"{name} has no {NEEDED} ids in {files}, which a debian host's root is built with"
        options = {SUBUID: "--add-subuids", SUBGID: "--add-subgids"}
        start = free_start(uids + gids)
        added = " ".join(f"{options[file]} {start}-{start + NEEDED - 1}" for file in lacking)
        hint = f"as root: usermod {added} {name}; {INSTEAD}"
        yield Problem(where="lab", what=what, hint=hint)


def has_range(name: str, text: str) -> bool:
    """Whether the first line of the user has room enough; mmdebstrap looks at no other."""
    return next((count >= NEEDED for owner, _, count in ranges(text) if owner == name), False)


def free_start(text: str) -> int:
    """The first id above all ranges that are given away."""
    return max((start + count for _, start, count in ranges(text)), default=FIRST)


def ranges(text: str) -> Iterator[tuple[str, int, int]]:
    """Owner, first id and how many (subuid(5)); lines that say something else do not count."""
    for line in text.splitlines():
        owner, _, rest = line.partition(":")
        start, _, count = rest.partition(":")
        if start.isdecimal() and count.strip().isdecimal():
            yield owner, int(start), int(count)


def forbidden(value: Callable[[Switch], str]) -> Iterator[Problem]:
    """A problem for each setting of the kernel that forbids user namespaces."""
    for switch in SWITCHES:
        if value(switch) == switch.forbids:
            what = f"user namespaces are forbidden here: {switch.name} is {switch.forbids}"
            hint = f"as root: sysctl -w {switch.name}={switch.allows}; {INSTEAD}"
            yield Problem(where="lab", what=what, hint=hint)


def unexplained(said: str) -> Problem:
    """The problem when only mmdebstrap knows why, as in a container that forbids it."""
    what = "mmdebstrap cannot make a user namespace, in which a debian host's root is built"
    return Problem(where="lab", what=what, detail=said, hint=INSTEAD.removeprefix("or "))


def path_of(switch: Switch) -> Path:
    """The file of a sysctl."""
    return SYSCTLS.joinpath(*switch.name.split("."))


def read(file: Path) -> str:
    """The file's text; empty where there is none, or none for us."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
