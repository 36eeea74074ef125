"""What BPF a host's kernel has loaded, whoever loaded it: the inspector's lines, read back."""

import gzip

from fleetbpf.command import script
from fleetbpf.connections import Connection
from fleetbpf.errors import HostError, Problem
from fleetbpf.facts import check_greeting, object_in, tabbed
from fleetbpf.layout import HostLayout
from fleetbpf.model.facts import LoadedProgram


def ask(
    connection: Connection, layout: HostLayout, inspector: bytes, *, host: str, become: bool
) -> tuple[LoadedProgram, ...]:
    """The BPF programs in a host's kernel; raises HostError when the inspector cannot run."""
    command = script("inspect.sh", layout.root, become=become)
    completed = connection.run(command, stdin=packed(inspector), timeout=120.0)
    greeting, *lines = tabbed(completed.stdout) or [()]
    check_greeting(
        [greeting], completed, host=host, greeting=("fleetbpf", "inspect"), become=become
    )
    if completed.status != 0:
        said = completed.stderr.decode("utf-8", "replace").strip()
        raise HostError(Problem(where=host, what="the inspector did not run", detail=said))
    return tuple(loaded("\t".join(line)) for line in lines)


def packed(inspector: bytes) -> bytes:
    """The inspector as it travels."""
    return gzip.compress(inspector, mtime=0)


def loaded(text: str) -> LoadedProgram:
    """One line of the inspector."""
    fields = object_in(text)
    return LoadedProgram(
        id=int(fields.get("id", 0)),
        type=str(fields.get("type", "")),
        name=str(fields.get("name", "")),
        uid=int(fields.get("uid", 0)),
        pids=tuple(fields.get("pids", ())),
        executable=str(fields.get("exe") or ""),
    )
