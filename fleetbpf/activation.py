"""Bringing one host to its releases: the payload, the command, and what the host answers."""

import gzip
import io
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fleetbpf.command import Command, script
from fleetbpf.facts import Row
from fleetbpf.layout import HostLayout
from fleetbpf.plan import Action, Change
from fleetbpf.release import Release

GREETING = ("fleetbpf", "activate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a release did not start on a host."""

    program: str
    stage: str  # payload, place, start, switch; or what the loader says: load, attach, …
    message: str
    hint: str = ""
    verifier_log: str = ""
    said: str = ""  # what the loader or systemd wrote to standard error


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What `activate.sh` said it did."""

    started: frozenset[str] = frozenset()
    deleted: frozenset[str] = frozenset()
    failures: tuple[Failure, ...] = ()
    moved: Mapping[str, str]  # program → the release that is current now, not the planned one
    locked_by: str = ""


def command(
    changes: Sequence[Change],
    *,
    objects: Mapping[str, str],
    deployment: str,
    layout: HostLayout,
    who: str,
    become: bool,
) -> Command:
    """The command that makes `changes` on a host.

    objects maps build keys to the sha256 of their loaders.
    """
    rows: list[str] = []
    for change in changes:
        for old in change.prune:
            rows += ["prune", change.program, "", old, ""]
        release = change.release
        match change.action:
            case Action.NONE:
                continue
            case Action.DELETE:
                rows += ["delete", change.program, change.was, "", ""]
            case Action.CREATE | Action.UPDATE:
                new = release.id if release else ""
                sha256 = objects[release.build_key] if release else ""
                rows += ["start", change.program, change.was, new, sha256]
    places = (layout.root, layout.run, layout.units)
    return script("activate.sh", *places, deployment, who, *rows, become=become)


def payload(files: Mapping[str, bytes]) -> bytes:
    """A compressed tar archive of `files`, path → content."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            member.mode = 0o600
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), compresslevel=6, mtime=0)


def release_files(release: Release, *, about: bytes) -> dict[str, bytes]:
    """A release's own files, as they lie in the payload."""
    name = release.program.name
    return {
        f"{name}/unit": release.unit,
        f"{name}/{release.id}/args": release.args,
        f"{name}/{release.id}/release.json": about,
    }


def parse(rows: Iterable[Row]) -> Answer:
    """The answer of `activate.sh`."""
    by_kind: dict[str, list[Row]] = {}
    for kind, *fields in rows:
        by_kind.setdefault(kind, []).append(tuple(fields))
    return Answer(
        started=frozenset(row[0] for row in by_kind.get("started", ())),
        deleted=frozenset(row[0] for row in by_kind.get("deleted", ())),
        failures=tuple(failure(row, by_kind) for row in by_kind.get("failed", ())),
        moved={row[0]: row[1] for row in by_kind.get("moved", ())},
        locked_by="".join(row[0] for row in by_kind.get("locked", ())),
    )


def failure(row: Row, by_kind: Mapping[str, list[Row]]) -> Failure:
    """One `failed` line with the lines that explain it."""
    program, stage = row

    def text(kind: str) -> str:
        return "\n".join("\t".join(r[1:]) for r in by_kind.get(kind, ()) if r[0] == program)

    said = text("stderr")
    told = loader_failure(text("failure"))
    message = told.get("message") or said.strip().split("\n")[-1] or f"failed at: {stage}"
    function, hook = told.get("function"), told.get("hook")
    where = f"{function}: {hook}: " if function and hook else f"{function}: " if function else ""
    return Failure(
        program=program,
        stage=told.get("stage") or stage,
        message=message if message.startswith(where) else where + message,
        hint=told.get("hint", ""),
        verifier_log=text("verifier"),
        said=said,
    )


def loader_failure(text: str) -> dict[str, str]:
    """The loader's `failure` file; empty when there is none or it is damaged."""
    try:
        fields = json.loads(text)
    except ValueError:
        return {}
    return {key: str(value) for key, value in fields.items() if value is not None}
