"""What loaders for another architecture are compiled with and linked into: its sysroot."""

from pathlib import Path

from fleetbpf.debian import tree
from fleetbpf.debian.archive import Archive, Say, mirrors_of_apt
from fleetbpf.errors import BuildError, HostError, Problem
from fleetbpf.execution.local import LocalConnection
from fleetbpf.model.architecture import Architecture

# One distribution for all machines, so that each makes the same loaders; Debian 12's libelf and
# its libbpf need nothing else.
PACKAGES = (
    "libbpf-dev",
    "libelf-dev",
    "zlib1g-dev",
    "libc6-dev",
    "linux-libc-dev",
    "libgcc-12-dev",
)


def obtain(architecture: Architecture, cache: Path, say: Say) -> Path:
    """The sysroot for `architecture`; downloaded unless it is in `cache`.

    Its name tells its packages. Raises BuildError when it cannot be had.
    """
    with LocalConnection() as here:
        mirrors = mirrors_of_apt(here)
        archive = Archive(mirrors=mirrors, cache=cache, local=here, say=say)
        try:
            return tree.obtain(PACKAGES, architecture, archive)
        except HostError as error:
            what = f"the libraries for {architecture} could not be had from Debian's archive"
            raise BuildError(Problem(where="", what=what), *error.problems) from error
