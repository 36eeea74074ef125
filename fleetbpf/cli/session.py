"""One run of a command over hosts: its tools, its keys, its working directory."""

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import field, replace
from pathlib import Path
from typing import TypeVar

from fleetbpf.build.builders import Builders
from fleetbpf.build.kernel_btf import BtfFolder
from fleetbpf.cli.output import Output
from fleetbpf.cli.terminal import asking
from fleetbpf.cli.terminal.progress import Progress, Silent, progress
from fleetbpf.cli.watching import Watching
from fleetbpf.connections.crew import Slot
from fleetbpf.connections.limited import LimitedConnection
from fleetbpf.connections.passwords import Passwords
from fleetbpf.connections.routes import Routes
from fleetbpf.connections.settings import Operator
from fleetbpf.connections.watched import WatchedConnection
from fleetbpf.defaults import DEFAULT_ASIDE, DEFAULT_TIMEOUT
from fleetbpf.deploy.prepare import Prepare
from fleetbpf.errors import InputError
from fleetbpf.execution import Connection
from fleetbpf.fleet import descriptors, fleet
from fleetbpf.fleet.fleet import Outcome
from fleetbpf.frozen import frozen
from fleetbpf.host.lock import Claim, operator
from fleetbpf.manifest import program_checks
from fleetbpf.manifest.targets import obstacles
from fleetbpf.model.inventory import ConnectionKind, Host
from fleetbpf.model.layout import Workspace
from fleetbpf.model.manifest import Manifest
from fleetbpf.model.target import Target
from fleetbpf.plan import ownership
from fleetbpf.plan.ownership import Owner
from fleetbpf.secret import SecretKind

T = TypeVar("T")


@frozen
class Session:
    """What a command over hosts works with."""

    workspace: Workspace
    forks: int
    watching: Watching
    claim: Claim
    timeout: float | None = None  # seconds to connect and log in; None: as usual
    host_timeout: float | None = None  # seconds for all that is done on a host
    passwords: Passwords = field(default_factory=Passwords)
    tell_new_key: Callable[[str], None] | None = None  # None: unknown host keys are refused
    header_folders: tuple[Path, ...] = ()  # that sources may read from
    take_over: bool = False  # deployments of other manifests may be changed

    @classmethod
    def of(cls, options: argparse.Namespace) -> "Session":
        """The session that the command line and the settings ask for."""
        shown = progress(Output.of(options))
        passwords = asking.passwords(options, shown)
        return cls(
            workspace=Workspace(
                folder=Path.cwd(),
                mirror_limit=options.settings.mirror_limit,
                mask=options.secrets.mask,
            ),
            forks=options.forks,
            timeout=options.timeout,
            host_timeout=options.host_timeout,
            watching=Watching.of(options, shown),
            passwords=passwords,
            claim=claim(options),
            tell_new_key=tell_new_key(options),
            header_folders=tuple(map(Path, options.settings.header_folders)),
            take_over=vars(options).get("take_over", False),
        )

    @property
    def shown(self) -> Progress:
        """Who is told what goes on."""
        return self.watching.shown

    def silent(self) -> "Session":
        """The same session, showing no progress: for what prints as it comes."""
        shown = Silent(self.watching.output)
        return replace(self, watching=replace(self.watching, shown=shown))

    def builders(self, output: Output) -> Builders:
        """The builders of this run, which begin when they are asked."""
        return Builders(
            header_folders=self.header_folders,
            colour=output.colours(sys.stderr),
            say=output.progress,
        )

    def build(self, targets: Sequence[Target], output: Output) -> Builders:
        """Build every program that some host shall run, before any host is asked for anything.

        For this machine's architecture, unless the inventory tells another one; what hosts need
        besides is built when they say so. Raises BuildError with all that failed.

        InputError when a manifest asks for constants, maps or events that a program does not have.
        """
        recipes = [program.recipe for target in targets for program in target.programs]
        builders = self.builders(output)
        artifacts = builders.build_all(recipes)
        for artifact in artifacts.values():
            if not artifact.cached:
                output.compiler(artifact.warnings)
        descriptions = {recipe: artifact.description for recipe, artifact in artifacts.items()}
        InputError.raise_if_any(program_checks.problems(targets, descriptions))
        return builders

    def prepare(self, manifest: Manifest, targets: Sequence[Target], output: Output) -> Prepare:
        """The way to a host's plan; builds every program, raises what `build` does."""
        builders = self.build(targets, output)
        btf = BtfFolder.read(manifest.btf_folder)
        return Prepare(
            deployment=manifest.name,
            builders=builders,
            owner=self.owner(manifest),
            btf=btf,
            patience=self.claim.patience,
            say=self.shown.say,
        )

    def owner(self, manifest: Manifest) -> Owner:
        """The manifest as it asks for its deployment on hosts."""
        origin = ownership.identify(manifest.path, own_id=manifest.id or "", who=self.claim.who)
        return Owner(deployment=manifest.name, origin=origin, take_over=self.take_over)

    def on_each(
        self,
        targets: Sequence[Target],
        work: Callable[[Target, Connection], T],
        *,
        word: Callable[[Outcome[T]], str] | None = None,
        again: fleet.Again = fleet.give_up,
    ) -> tuple[Outcome[T], ...]:
        """Do `work` on every target's host, `forks` at a time, one connection each.

        again: when a host is tried anew after an error (fleet.on_each).
        word: what became of a host, said in a line of its own; None where that is no event.
        InputError when fleetbpf cannot do what the inventory says of some host.
        """
        with self.reach(targets) as reach:
            return reach.on_each(targets, work, word=word, again=again)

    @contextmanager
    def reach(self, targets: Sequence[Target]) -> "Iterator[Reach]":
        """The ways to the hosts, for several rounds of work; InputError as `on_each`."""
        InputError.raise_if_any(obstacles(target.host for target in targets))
        forks = min(self.forks, len(targets))
        aside = descriptors.allow(forks, aside=min(len(targets) - forks, DEFAULT_ASIDE))
        self.passwords.check(wanted(targets))
        with Routes(Operator.here(), self.passwords, tell_new_key=self.tell_new_key) as routes:
            routes.check(target.host for target in targets)
            yield Reach(
                routes=routes,
                forks=self.forks,
                aside=aside,
                timeout=self.timeout,
                host_timeout=self.host_timeout,
                watching=self.watching,
            )


@frozen
class Reach:
    """The ways to the hosts of a run, found once for all its rounds."""

    routes: Routes
    forks: int
    aside: int  # hosts that may be waited for beside these
    timeout: float | None
    host_timeout: float | None
    watching: Watching

    def on_each(
        self,
        targets: Sequence[Target],
        work: Callable[[Target, Connection], T],
        *,
        word: Callable[[Outcome[T]], str] | None = None,
        again: fleet.Again = fleet.give_up,
    ) -> tuple[Outcome[T], ...]:
        """Do `work` on every target's host, `forks` at a time, one connection each."""
        by_name = {target.host.name: target for target in targets}
        shown = self.watching.shown

        def done(found: Outcome[T]) -> None:
            said = word(found) if word else found.word
            shown.done(found.host.name, said, found.why, line=word is not None)

        with shown.over(len(targets)):
            return fleet.on_each(
                [target.host for target in targets],
                lambda host, connection: work(by_name[host.name], connection),
                open_connection=self.watched,
                forks=self.forks,
                aside=self.aside,
                done=done,
                mask=self.watching.output.mask,
                again=again,
            )

    def watched(self, host: Host, slot: Slot) -> Connection:
        """A connection to a host whose every command is shown and logged."""
        self.watching.shown.at(host.name, "connecting")
        watcher = self.watching.watcher()
        return WatchedConnection(self.open(host, slot), host=host.name, watcher=watcher)

    def open(self, host: Host, slot: Slot) -> Connection:
        """A connection to a host that keeps to the session's time-outs."""
        if self.host_timeout is None:
            return self.routes.open(host, timeout=self.timeout, slot=slot)
        began = slot.now()
        timeout = min(self.timeout or DEFAULT_TIMEOUT, self.host_timeout)
        opened = self.routes.open(host, timeout=timeout, slot=slot)
        deadline = time.monotonic() + self.host_timeout - (slot.now() - began)
        return LimitedConnection(
            opened, name=host.name, seconds=self.host_timeout, deadline=deadline
        )


def tell_new_key(options: argparse.Namespace) -> Callable[[str], None] | None:
    """Who is told of new host keys, where the command line lets them be noted."""
    if not options.accept_new_host_keys:
        return None
    return Output.of(options).warning


def wanted(targets: Iterable[Target]) -> Iterable[tuple[Host, SecretKind]]:
    """The secrets that may be needed on the way to each host."""
    for target in targets:
        if target.host.connection is ConnectionKind.SSH:
            yield target.host, SecretKind.LOGIN
        if target.become:
            yield target.host, SecretKind.BECOME


def claim(options: argparse.Namespace) -> Claim:
    """What this command tells others of itself while it has a host locked."""
    given = vars(options)
    why = " ".join(str(given[key]) for key in ("command", "manifest", "hosts") if key in given)
    return Claim(who=operator(), why=why, patience=given.get("lock_timeout", 0.0))
