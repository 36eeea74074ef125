"""This machine's busybox, the first program of every host; and what programs are linked with."""

import re
from pathlib import Path

from fleetbpf.command import Command
from fleetbpf.connections.local import LocalConnection
from fleetbpf.errors import HostError, Problem
from fleetbpf.lab import tools

LIBRARY = re.compile(r"(/\S+) \(0x")


def static_busybox(local: LocalConnection) -> bytes:
    """This machine's busybox; HostError when it needs libraries, which the first process lacks."""
    path = Path(tools.find("busybox") or "/bin/busybox")
    if needed(path, local):
        what = f"{path} is not static"
        raise HostError(Problem(where="lab", what=what, hint="apt-get install busybox-static"))
    return path.read_bytes()


def needed(program: Path, local: LocalConnection) -> set[Path]:
    """The libraries that `program` is linked with, the dynamic linker among them."""
    done = local.run(Command("ldd", program), env={"LC_ALL": "C"})
    return {Path(match) for match in LIBRARY.findall(done.stdout.decode())}
