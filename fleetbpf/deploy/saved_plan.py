"""A plan in a file: what it was made from, and exactly what it does on which host."""

import functools
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from fleetbpf.build.builders import Builders
from fleetbpf.deploy.prepare import Prepared
from fleetbpf.errors import HostError, InputError, Problem
from fleetbpf.files.private_files import write_whole
from fleetbpf.frozen import frozen
from fleetbpf.inventory import host_secrets
from fleetbpf.model.architecture import Architecture
from fleetbpf.model.target import Target
from fleetbpf.plan import plan_rows
from fleetbpf.plan.plan import Action, Change
from fleetbpf.plan.release import Release
from fleetbpf.wording import quoted

BEGINNING = re.compile(rb'\s*\{\s*"fleetbpf_plan"')
LOADER = ": the loader that was built"
AGAIN = "make a new plan"

Basis = Mapping[str, str]  # all that a plan rests on: by name, a digest


@frozen
class PlannedChange:
    """One row of a saved plan; a file has more of it, for people."""

    program: str
    action: Action
    was: str
    release: str
    prune: tuple[str, ...]
    retire: tuple[str, ...]
    obstacles: tuple[Mapping[str, str], ...]

    @property
    def todo(self) -> bool:
        """Whether it is to be made."""
        return self.action is not Action.NONE and not self.obstacles

    def __str__(self) -> str:
        return (
            f"{self.program}: {self.action.value} {self.was or 'none'} → {self.release or 'none'}"
        )


@frozen
class PlannedHost:
    """What a plan does on one host."""

    architecture: Architecture | None  # None: it could not be planned
    changes: tuple[PlannedChange, ...] = ()

    @property
    def todo(self) -> tuple[PlannedChange, ...]:
        """The changes that are to be made."""
        return tuple(change for change in self.changes if change.todo)


@frozen
class SavedPlan:
    """The form of the file."""

    fleetbpf_plan: Literal[1] = 1  # the format; first, as by it a plan is told from a manifest
    deployment: str
    manifest: str  # the path as it was given: plans are applied from where they were made
    inventory: tuple[str, ...]
    limit: str | None
    take_over: bool = False
    prune: bool = False  # hosts that no play names are among its hosts
    made_by: str
    made_at: str
    basis: Basis
    hosts: Mapping[str, PlannedHost]
    where: str = ""  # its file

    def resting(self, basis: Basis) -> "SavedPlan":
        """The same plan, resting on that."""
        return replace(self, basis=basis)

    def fitting(self, targets: Iterable[Target]) -> tuple[Target, ...]:
        """The targets with their programs as built for the hosts that were planned."""
        known = {name: host.architecture for name, host in self.hosts.items()}
        return tuple(
            target.on(found) if (found := known.get(target.host.name)) else target
            for target in targets
        )

    def stale(self, current: Basis) -> Iterator[Problem]:
        """What the plan rests on and is not as it was."""
        names = dict.fromkeys((*current, *self.basis))
        moved = [name for name in names if self.basis.get(name) != current.get(name)]
        places = {name.partition(": ")[0] for name in moved if not name.endswith(LOADER)}
        for name in moved:
            # Of a program whose inputs moved, the loader does so of course.
            if not name.endswith(LOADER) or name.removesuffix(LOADER) not in places:
                was, now = self.basis.get(name), current.get(name)
                verb = "is new" if was is None else "is gone" if now is None else "changed"
                what = f"{quoted(name)} {verb} since the plan was made"
                yield Problem(where=self.where, what=what, hint=AGAIN)

    def agreed(self, prepared: Prepared) -> None:
        """Raise HostError when a host needs anything else than what was planned for it.

        What was planned and needs not be done any more is there already.
        """
        host = prepared.target.host.name
        wanted = self.hosts[host].todo
        found = tuple(planned(change) for change in prepared.todo)
        if all(change in wanted for change in found):
            return
        told = [f"planned: {each}" for each in wanted if each not in found]
        told += [f"now:     {each}" for each in found if each not in wanted]
        what = "changed since the plan: nothing was done there"
        raise HostError(Problem(where=host, what=what, detail="\n".join(told), hint=AGAIN))


@functools.cache
def format_of_plans() -> TypeAdapter[SavedPlan]:
    """What reads and writes them; made when it is needed."""
    return TypeAdapter(SavedPlan)


def planned(change: Change) -> PlannedChange:
    """A change as a plan keeps it."""
    return PlannedChange(
        program=change.program,
        action=change.action,
        was=change.was,
        release=change.release.id if change.release else "",
        prune=change.prune,
        retire=change.retire,
        obstacles=tuple({"what": each.what, "hint": each.hint} for each in change.obstacles),
    )


def is_one(path: Path) -> bool:
    """Whether a file is a saved plan, and no manifest."""
    try:
        with path.open("rb") as file:
            return BEGINNING.match(file.read(64)) is not None
    except OSError:
        return False  # who reads manifests will say


def read(path: Path) -> SavedPlan:
    """The plan in a file; InputError when it is none that this fleetbpf can carry out."""
    refuse_if_others_write(path)
    try:
        found = format_of_plans().validate_json(path.read_bytes())
    except ValidationError as error:
        what = "the plan is damaged, or of another version of fleetbpf"
        raise InputError(Problem(where=str(path), what=what, hint=AGAIN)) from error
    return replace(found, where=str(path))


def refuse_if_others_write(path: Path) -> None:
    """Raise InputError for a plan that others than its owner could have changed."""
    found = path.stat()
    if found.st_uid not in (0, os.geteuid()) or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        what = "others than you may change this plan, and it says what is done as root"
        hint = f"make a new plan, or look it through and make it yours: chmod 600 {path}"
        raise InputError(Problem(where=str(path), what=what, hint=hint))


def write(path: Path, plan: SavedPlan, changes: Mapping[str, Sequence[Change]]) -> None:
    """Write a plan for its owner only, whole; with the reasons of its changes for people."""
    fields: dict[str, Any] = format_of_plans().dump_python(plan, mode="json", exclude={"where"})
    for host, rows in changes.items():
        pairs = zip(rows, fields["hosts"][host]["changes"], strict=True)
        fields["hosts"][host]["changes"] = [{**plan_rows.of(row), **kept} for row, kept in pairs]
    content = json.dumps(fields, indent=2).encode() + b"\n"
    try:
        write_whole(path, content)
    except OSError as error:
        what = f"the plan cannot be written: {error.strerror}"
        raise InputError(Problem(where=str(path), what=what)) from error


def of(outcome: Prepared | None) -> PlannedHost:
    """What a plan does on a host; None: nothing is known of it."""
    if outcome is None:
        return PlannedHost(architecture=None)
    return PlannedHost(
        architecture=Architecture.of_machine(outcome.seen.arch),
        changes=tuple(map(planned, outcome.changes)),
    )


def now() -> str:
    """The time, as a plan tells it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def basis(manifest: Path, targets: Iterable[Target], builders: Builders) -> Basis:
    """All that the plan of these targets rests on, but for what the hosts say.

    The targets' programs are for the architectures that the hosts have; everything is built.
    """
    found = {f"manifest {manifest}": hashlib.sha256(manifest.read_bytes()).hexdigest()}
    for target in targets:
        found[f"host {target.host.name} in the inventory"] = digest(target)
        for program in target.programs:
            place = f"{program.name} ({program.architecture})"
            artifact = builders.artifact(program.recipe)
            found |= {f"{place}: {name}": value for name, value in artifact.inputs.items()}
            # Of the files, not of what the cache says of them: who writes there could change both.
            found[f"{place}{LOADER}"] = artifact.digest()
    return found


def digest(target: Target) -> str:
    """One hash of how a host is reached and what is declared for it; of no secret."""
    host = target.host
    reached = {
        "host": (host.address, host.port, host.user, host.connection.value, target.become),
        "by": (host.identity_file, host.known_hosts_file, host.ssh_config_file),
        "options": [(option.keyword, option.text, option.words) for option in host.ssh_options],
        "root": host.root,
        "become": (host.become_way.method, host.become_way.executable, host.become_way.flags),
        "commands": [host.variables.get(name) for name in host_secrets.COMMANDS.values()],
    }
    releases = (
        Release(deployment="", program=program, build_key="").id for program in target.programs
    )
    names = [program.name for program in target.programs]
    text = json.dumps([reached, names, *releases], default=str)
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:12]
