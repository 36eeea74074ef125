"""Where things lie: on a host, and in the operator's working directory."""

import re
from dataclasses import replace
from pathlib import Path, PurePosixPath

from fleetbpf.defaults import DEFAULT_MIRROR_LIMIT, DEFAULT_ROOT
from fleetbpf.frozen import frozen
from fleetbpf.model.names import is_name
from fleetbpf.secret import Mask, unmasked
from fleetbpf.wording import MisunderstoodError, quoted

# Where files do not stay, or a unit's sandbox hides them.
UNFIT = ("/dev", "/home", "/proc", "/root", "/run", "/sys", "/tmp", "/var/run", "/var/tmp")  # noqa: S108
ROOT = re.compile(r"(/[A-Za-z0-9_][A-Za-z0-9._+-]*){2,8}")
LONGEST_ROOT = 100  # characters: a path has 4,095, and names below it take some hundred


@frozen
class HostLayout:
    """The folders of a host that are fleetbpf's."""

    root: PurePosixPath = PurePosixPath(DEFAULT_ROOT)  # releases, objects, spools, the lock
    run: PurePosixPath = PurePosixPath("/run/fleetbpf")  # state of running loaders; gone at reboot
    units: PurePosixPath = PurePosixPath("/etc/systemd/system")

    def at(self, root: PurePosixPath | None) -> "HostLayout":
        """The layout of a host that has its own root."""
        return self if root is None else replace(self, root=root)

    def release(self, deployment: str, program: str, release: str) -> PurePosixPath:
        """The folder of a release: loader, args, release.json."""
        return self.root / deployment / program / "releases" / release

    def spool(self, deployment: str, program: str, release: str) -> PurePosixPath:
        """The folder of a release's segments."""
        return self.root / deployment / program / "spool" / release

    def state(self, deployment: str, program: str, release: str) -> PurePosixPath:
        """The folder of a running loader's state, failure and verifier log."""
        return self.run / deployment / program / release


@frozen
class Workspace:
    """The operator's working directory: mirrored logs, failure logs, audit reports."""

    folder: Path
    mirror_limit: int = DEFAULT_MIRROR_LIMIT  # bytes of one host in logs/
    mask: Mask = unmasked  # takes secrets out of what is kept of hosts' words

    @property
    def logs(self) -> Path:
        """Mirrored spools: logs/<host>/<deployment>/<program>/<release>/<segment>.log."""
        return self.folder / "logs"

    def mirror(self, host: str) -> Path:
        """The mirrored spools of a host; an inventory's names of hosts may be folders."""
        return self.logs / host

    def verifier_log(self, host: str, deployment: str, program: str) -> Path:
        """What the verifier said of a program when a host's kernel refused it last."""
        return below(self.mirror(host), deployment, program, "verifier.log")

    @property
    def reports(self) -> Path:
        """Audit reports: reports/<deployment>/<UTC time>.json."""
        return self.folder / "reports"


def root_folder(text: str) -> PurePosixPath:
    """A folder for fleetbpf on a host; MisunderstoodError for one where it cannot be.

    Shells, units and arguments name it as it is.
    """
    found = PurePosixPath(text)
    if not ROOT.fullmatch(text) or len(text) > LONGEST_ROOT:
        hint = "an absolute path of letters, digits and ._+-, as /opt/fleetbpf"
        raise MisunderstoodError(f"{quoted(text)} is no folder for fleetbpf", hint)
    for unfit in UNFIT:
        if found.is_relative_to(unfit):
            what = f"{quoted(text)} is no folder for fleetbpf: loaders cannot stay below {unfit}"
            raise MisunderstoodError(what, "a folder of root's on a disk, as /opt/fleetbpf")
    return found


def below(folder: Path, *names: str) -> Path:
    """A path below `folder`, of names that may come from hosts: no other code makes one of those.

    ValueError for what is no name, such as `..`, or has a slash in it.
    """
    for name in names:
        if not is_name(name):
            raise ValueError(f"not the name of a file or a folder: {name!a}")
    return folder.joinpath(*names)
