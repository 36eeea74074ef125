"""Facts of a host: one command that asks, one pure function that reads the answer."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fleetbpf import elevation, lock
from fleetbpf.command import REFUSED, Command, script
from fleetbpf.connections import Completed, Connection
from fleetbpf.errors import HostError, Problem
from fleetbpf.layout import HostLayout
from fleetbpf.model.architecture import Architecture
from fleetbpf.model.facts import Counts, HostFacts, ProgramFacts, ReleaseFacts

GREETING = ("fleetbpf", "facts")
UNITS = "units"  # the wish for their text
SPOOLS = "spools"  # the wish for their sizes
SUMS = "sums"  # the wish for checksums of running loaders, which nobody can write to
MISSES = "misses"  # the wish for how often the kernel did not run a program
TRUST = "see there who made it (ls -ld); then remove it, or have root own it and close it to others"
Row = tuple[str, ...]


def question(
    layout: HostLayout, *, deployment: str, become: bool, wishes: Sequence[str] = ()
) -> Command:
    """The one command that asks a host for all its facts; deployment "" means all of them.

    wishes: what is asked besides: UNITS, SPOOLS, SUMS, MISSES; whether what hooks need is there.
    """
    places = (layout.root, layout.run, layout.units)
    return script(
        "facts.sh",
        *places,
        deployment,
        *wishes,
        after="lock.sh",
        before="unpack.sh",
        become=become,
        stays=True,
    )


def ask(
    connection: Connection,
    layout: HostLayout,
    *,
    host: str,
    deployment: str = "",
    become: bool = False,
    wishes: Sequence[str] = (),
) -> HostFacts:
    """Ask a host; raises HostError when it will not or cannot answer, UnreachableError too."""
    command = question(layout, deployment=deployment, become=become, wishes=wishes)
    completed = connection.run(command, timeout=120.0)
    rows = tabbed(completed.stdout)
    check_greeting(rows, completed, host=host, greeting=GREETING, become=become)
    facts = parse(rows)
    HostError.raise_if_any(unusable(facts, host=host))
    return facts


def tabbed(stdout: bytes) -> list[Row]:
    """A host script's answer: lines of fields split by tabs."""
    lines = stdout.decode("utf-8", "backslashreplace").split("\n")
    return [tuple(line.split("\t")) for line in lines if line]


def check_greeting(
    rows: list[Row], completed: Completed, *, host: str, greeting: Row, become: bool
) -> None:
    """Raise HostError unless the script itself began to speak.

    A script's first line is its greeting; when it is missing, whatever stands before the script
    (sudo, a login shell) refused or failed.
    """
    if rows and rows[0] == greeting:
        return
    said = completed.stderr.decode("utf-8", "replace").strip()
    if completed.status == REFUSED:
        raise HostError(Problem(where=host, what=refusal(said), hint=TRUST))
    if become:
        raise HostError(
            Problem(
                where=host,
                what="no command was run as root",
                detail=said,
                hint=elevation.cure(said),
            )
        )
    what = f"the login shell did not run a command (exit status {completed.status})"
    hint = "check `ssh HOST sh -c true`"
    raise HostError(Problem(where=host, what=what, detail=said, hint=hint))


def refusal(said: str) -> str:
    """What folders.sh says of a folder that somebody else than root may change."""
    return said.splitlines()[-1].removeprefix("fleetbpf: ") if said else "its folders were refused"


def unusable(facts: HostFacts, *, host: str) -> Iterable[Problem]:
    """Why nothing can be done on this host at all."""
    if facts.missing:
        what = f"lacks {', '.join(facts.missing)}"
        yield Problem(where=host, what=what, hint="install coreutils, tar, gzip and sed there")
    if facts.uid != 0:
        yield Problem(
            where=host,
            what=f"commands run there as uid {facts.uid}, not as root",
            hint="set `become: true` in the play, or fleetbpf_become: true for the host",
        )


def architecture(facts: HostFacts, *, host: str) -> Architecture:
    """What loaders for a host are built for; HostError when it is none of ours."""
    found = Architecture.of_machine(facts.arch)
    if found is None:
        what = f"there are no loaders for its machine, {facts.arch or 'which it does not tell'}"
        hint = f"leave it out of the play; fleetbpf builds for {' and '.join(Architecture)}"
        raise HostError(Problem(where=host, what=what, hint=hint))
    return found


def parse(rows: Iterable[Row]) -> HostFacts:
    """The facts in the answer of `facts.sh`; lines of unknown kinds are passed over."""
    by_kind: dict[str, list[Row]] = {}
    for kind, *fields in rows:
        by_kind.setdefault(kind, []).append(tuple(fields))

    return HostFacts(
        uid=int(single("uid", by_kind) or -1),
        kernel=single("kernel", by_kind),
        arch=single("arch", by_kind),
        boot_id=single("boot_id", by_kind),
        btf="btf" in by_kind,
        tracefs=single("tracefs", by_kind),
        systemd="systemd" in by_kind,
        zstd="zstd" in by_kind,
        missing=tuple(row[0] for row in by_kind.get("missing", ())),
        objects=frozenset(row[0] for row in by_kind.get("object", ())),
        programs=tuple(program(row, by_kind) for row in by_kind.get("program", ())),
        lock=lock.parse(by_kind["lock"][0]) if "lock" in by_kind else None,
        free=free(by_kind.get("disk", [()])[0]),
        absent=frozenset(row[0] for row in by_kind.get("absent", ())),
    )


def single(kind: str, by_kind: Mapping[str, list[Row]]) -> str:
    """What the one line of a kind says."""
    return by_kind[kind][0][0] if kind in by_kind else ""


def free(row: Row) -> int | None:
    """The free bytes in a `disk` line: blocks, free ones, their size.

    A file system without blocks, as the first one after a boot, does not tell.
    """
    blocks, available, size = map(int, row) if len(row) == 3 else (0, 0, 0)
    return available * size if blocks else None


def program(row: Row, by_kind: Mapping[str, list[Row]]) -> ProgramFacts:
    """One `program` line and the `release` lines that belong to it."""
    deployment, name, current, unit_sha256 = row
    units = (row[2:] for row in by_kind.get("unit", ()) if row[:2] == (deployment, name))
    mine = [found for found in by_kind.get("release", ()) if found[:2] == (deployment, name)]
    return ProgramFacts(
        deployment=deployment,
        program=name,
        current=current,
        unit_sha256=unit_sha256,
        unit=next(units, None),
        releases=tuple(release(found, by_kind) for found in mine),
    )


def release(row: Row, by_kind: Mapping[str, list[Row]]) -> ReleaseFacts:
    """One `release` line and what other lines say of the same release."""
    place, (object_name, loader_sha256) = row[:3], row[3:5]

    def said(kind: str) -> Row | None:
        return next((found[3:] for found in by_kind.get(kind, ()) if found[:3] == place), None)

    running, counted, failure = said("running"), said("counts"), said("failure")
    deadline = said("deadline")
    about = object_in("".join(said("about") or ()))
    state = object_in(running[1]) if running else {}
    attached = state.get("attached", [])
    return ReleaseFacts(
        release=place[2],
        object=object_name,
        loader_sha256=loader_sha256,
        spool_bytes=int((said("spool") or ("0",))[0]),
        args=said("args") or (),
        build_key=str(about.get("build_key", "")),
        inputs=texts(about.get("inputs")),
        limits=texts(about.get("limits")),
        types=tuple(map(str, about.get("types") or ())),
        enabled=said("enabled") is not None,
        running_object=running[0] if running else "",
        remains=said("remains") is not None,
        expires_in=left(deadline, single("boot_id", by_kind)) if deadline else None,
        failure=str(object_in(failure[0]).get("message", "")) if failure else "",
        attached=tuple(f"{link.get('function')} on {link.get('hook')}" for link in attached),
        since_ns=int(state.get("since_ns", 0)),
        pid=int(state.get("pid", 0)),
        warnings=tuple(map(str, state.get("warnings", ()))),
        capabilities=tuple(map(str, state.get("capabilities", ()))),
        missed=int((said("missed") or ("0",))[0]),
        counts=counts(object_in(counted[0])) if counted else None,
    )


def left(row: Row, boot_id: str) -> float | None:
    """The seconds to a deadline: by the clock of the boot that granted it, else by the wall's."""
    try:
        deadline, wall, uptime = row
        at, granted_by, up = deadline.split()
        if granted_by != boot_id:
            return float(int(at) - int(wall))
        return int(up) - float(uptime.partition(" ")[0])
    except (ValueError, IndexError):  # torn, or written by a person
        return None


def texts(value: object) -> dict[str, str]:
    """A mapping of texts; empty for anything else, as a person may have written there."""
    pairs = value.items() if isinstance(value, dict) else ()
    return {str(name): str(text) for name, text in pairs}


def counts(fields: Mapping[str, Any]) -> Counts:
    """What a loader's `counts` file says."""
    lost = fields.get("lost", {})
    return Counts(
        written=int(fields.get("written", 0)),
        lost={str(place): int(count) for place, count in lost.items()},
        killed=int(fields.get("killed", 0)),
        first=int(fields.get("first", 0)),
        removed=int(fields.get("removed", 0)),
    )


def object_in(text: str) -> dict[str, Any]:
    """The JSON object in a line; empty for a torn or foreign one."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
