"""What BPF a host's kernel has loaded, whoever loaded it: the inspector's lines, read back."""

import gzip

from pydantic import BaseModel, ConfigDict

from fleetbpf.errors import HostError, Problem
from fleetbpf.execution import Connection
from fleetbpf.host.protocol import Said, Script, validate_json
from fleetbpf.model.bounded import Count, Line, Many, Pid, Word
from fleetbpf.model.facts import LoadedProgram
from fleetbpf.model.layout import HostLayout

HINT = (
    "the host was reached; the inspector needs 4 MiB beside /var/lib/fleetbpf, in /dev/shm or in "
    "/run, where programs may be executed (no noexec)"
)


class Inspected(BaseModel):
    """One line of the inspector."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", defer_build=True)

    id: Count
    type: Word
    name: Word
    uid: Count
    pids: Many[Pid]
    exe: Line | None
    genuine: bool
    tag: Word


def ask(
    connection: Connection, layout: HostLayout, inspector: bytes, *, host: str, become: bool
) -> tuple[LoadedProgram, ...]:
    """The BPF programs in a host's kernel; raises HostError when the inspector cannot run."""
    found = INSPECT.ask(connection, layout, host=host, become=become, stdin=packed(inspector))
    if isinstance(found, str):
        said = found.split("\n")[-1] or "it does not say why"
        what = f"the inspector did not run: {said}"
        detail = found if "\n" in found else ""
        raise HostError(Problem(where=host, what=what, hint=HINT, detail=detail))
    return found


def packed(inspector: bytes) -> bytes:
    """The inspector as it travels."""
    return gzip.compress(inspector, mtime=0)


def read(_: HostLayout, said: Said) -> tuple[LoadedProgram, ...] | str:
    """The programs in the answer of `inspect.sh`; what was said where the inspector did not run."""
    return said.stderr if said.status else tuple(map(loaded, said.lines))


def loaded(line: str) -> LoadedProgram:
    """One program; OddAnswerError for what is none."""
    row = validate_json(Inspected, line)
    return LoadedProgram(
        id=row.id,
        type=row.type,
        name=row.name,
        uid=row.uid,
        pids=row.pids,
        executable=row.exe or "",
        genuine=row.genuine,
        tag=row.tag,
    )


INSPECT = Script(name="inspect.sh", words=lambda layout: (layout.root,), read=read)
