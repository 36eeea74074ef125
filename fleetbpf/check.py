"""Check: would each kernel of the fleet take each program? One host of each says; none attaches."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from fleetbpf import activation, archive, elf, kernel_btf, relocations, unpacking
from fleetbpf.apply import explained
from fleetbpf.btf_file import BtfFile
from fleetbpf.build import Artifact
from fleetbpf.command import Command, script
from fleetbpf.connections import Connection
from fleetbpf.errors import BuildError, HostError, Problem
from fleetbpf.facts import Row, check_greeting, tabbed
from fleetbpf.frozen import frozen
from fleetbpf.layout import Workspace
from fleetbpf.limits import FILE, ExcessError
from fleetbpf.model.facts import HostFacts
from fleetbpf.model.target import Target
from fleetbpf.model.trial import Judgement, Trial, Tried, Verdict
from fleetbpf.plan import obstacles
from fleetbpf.prepare import Prepare
from fleetbpf.private_files import write_whole
from fleetbpf.release import KERNEL_BTF, Release, escaped
from fleetbpf.relocations import Missing
from fleetbpf.trusted_files import read_own

GREETING = ("fleetbpf", "check")
TIMEOUT = 900.0  # seconds; a slow host may take minutes to verify many programs


@frozen
class Check:
    """One run of check: the same for every host."""

    prepare: Prepare
    workspace: Workspace
    cache: Path  # kernels' types, by release and build

    def facts(self, target: Target, connection: Connection) -> HostFacts:
        """What a host is; builds what it needs. Raises as `Prepare.host` does."""
        seen = self.prepare.ask(target, connection)
        self.prepare.build(self.prepare.fitting(target, seen))
        return seen

    def trials(self, targets: Iterable[Target], seen: Mapping[str, HostFacts]) -> tuple[Trial, ...]:
        """What is to be tried for the hosts that have told what they are."""
        return grouped(
            (
                target.host.name,
                seen[target.host.name],
                self.prepare.release(program, seen[target.host.name]),
            )
            for target in targets
            if target.host.name in seen
            for program in self.prepare.fitting(target, seen[target.host.name]).programs
        )

    def artifact(self, trial: Trial) -> Artifact:
        """The loader that is tried."""
        return self.prepare.builders.artifact(trial.release.program.recipe)

    def obstacle(self, trial: Trial, seen: HostFacts) -> Problem | None:
        """Why a trial need not be made: what the host's facts tell already."""
        description = self.artifact(trial).description
        return next(iter(obstacles(trial.hosts[0], trial.release, seen, description)), None)

    def try_on(
        self, target: Target, connection: Connection, trials: Sequence[Trial], seen: HostFacts
    ) -> Tried:
        """Have a host's kernel judge; raises HostError, UnreachableError."""
        told = {trial.program: self.obstacle(trial, seen) for trial in trials}
        todo = [trial for trial in trials if told[trial.program] is None]
        if todo:
            told |= self.judged(target, connection, todo, seen)
        return Tried(problems=told, types=self.types(target, connection, seen))

    def judged(
        self, target: Target, connection: Connection, trials: Sequence[Trial], seen: HostFacts
    ) -> dict[str, Problem | None]:
        """What the kernel says of each program: None, or why not."""
        host = target.host.name
        objects = {trial.program: self.artifact(trial) for trial in trials}
        words = (word for name, made in objects.items() for word in (name, made.loader_sha256))
        command = script("check.sh", self.prepare.layout.root, *words, become=target.become)
        completed = connection.run(command, stdin=self.payload(trials, seen), timeout=TIMEOUT)
        rows = tabbed(completed.stdout)
        check_greeting(rows, completed, host=host, greeting=GREETING, become=target.become)
        passed, failures = parse(rows)
        told: dict[str, Problem | None] = dict.fromkeys(passed)
        for failure in failures:
            log = self.workspace.verifier_log(host, self.prepare.deployment, failure.program)
            where = f"{failure.program} on {seen.kernel} ({host})"
            told[failure.program] = explained(
                failure, where=where, log=log, mask=self.workspace.mask
            )
        if objects.keys() - told.keys():
            said = completed.stderr.decode("utf-8", "replace").strip()
            raise HostError(Problem(where=host, what="the programs were not tried", detail=said))
        return told

    def payload(self, trials: Sequence[Trial], seen: HostFacts) -> bytes:
        """The loaders, and what each is told."""
        files: dict[str, bytes] = {}
        loaders: dict[str, bytes] = {}
        btf = self.prepare.btf.of(seen)
        for trial in trials:
            made = self.artifact(trial)
            loaders[made.key] = made.packed(archive.Compression.GZIP)
            files[f"{trial.program}/args"] = arguments(trial.release)
            if btf:
                files[f"{trial.program}/{KERNEL_BTF}"] = self.prepare.builders.cut_btf(
                    trial.release.program.recipe, btf
                )
        return archive.archive(files, loaders.values())

    def types(self, target: Target, connection: Connection, seen: HostFacts) -> bytes:
        """The types of a host's kernel: its own, fetched once, or the manifest's."""
        if not seen.btf:
            given = self.prepare.btf.of(seen)
            return kernel_btf.content(given.path) if given else b""
        become = target.become
        # It has the kernel's build id: two builds may call themselves by one release.
        ask = Command("cat", "/sys/kernel/notes", become=become, limits=FILE)
        notes = connection.run(ask).stdout
        build = hashlib.sha256(notes).hexdigest()[:16]
        kept = self.cache / seen.arch / f"{seen.kernel}-{build}.btf"
        if not kept.exists():
            pack = Command("gzip", "-c", "/sys/kernel/btf/vmlinux", become=become, limits=FILE)
            packed = connection.run(pack).stdout
            write_whole(kept, unpacked(packed, target.host.name))
        return read_own(kept)

    def missing(self, trial: Trial, kernel: BtfFile) -> tuple[Missing, ...]:
        """What a program reads that a kernel's types lack."""
        made = self.artifact(trial)
        return relocations.missing(elf.parse(made.object.read_bytes()), kernel)

    def judgements(
        self, trials: Iterable[Trial], tried: Mapping[str, Tried]
    ) -> tuple[Judgement, ...]:
        """What is known of each trial; tried is by the host that tried."""
        kernels: dict[str, BtfFile] = {}
        for host, said in tried.items():
            if said.types:
                kernels[host] = parsed(said.types, host)
        return tuple(
            self.judgement(trial, tried.get(trial.hosts[0]), kernels.get(trial.hosts[0]))
            for trial in trials
        )

    def judgement(self, trial: Trial, said: Tried | None, kernel: BtfFile | None) -> Judgement:
        """What is known of one."""
        if said is None:
            return Judgement(trial=trial, verdict=Verdict.UNTRIED)
        problem = said.problems[trial.program]
        return Judgement(
            trial=trial,
            verdict=Verdict.REFUSED if problem else Verdict.OK,
            problem=problem,
            missing=self.missing(trial, kernel) if kernel else (),
        )


def grouped(wanted: Iterable[tuple[str, HostFacts, Release]]) -> tuple[Trial, ...]:
    """One trial per kernel release and release of a program, with all hosts that have both."""
    found: dict[tuple[str, str, str, str], Trial] = {}
    for host, seen, release in wanted:
        key = (release.program.name, seen.kernel, seen.arch, release.id)
        first = Trial(release=release, kernel=seen.kernel, arch=seen.arch, hosts=())
        known = found.get(key, first)
        found[key] = replace(known, hosts=(*known.hosts, host))
    return tuple(found.values())


def arguments(release: Release) -> bytes:
    """What a loader is told to do a trial, as its `args` file; paths are from the stage."""
    folder = PurePosixPath(release.program.name)
    own = ("--check", "--run", str(folder / "run"))
    words = (*own, *release.btf_arguments(folder), *release.settings())
    return "".join(f"{escaped(word)}\n" for word in words).encode()


def parse(rows: Iterable[Row]) -> tuple[tuple[str, ...], tuple[activation.Failure, ...]]:
    """The programs that passed and those that failed, in the answer of `check.sh`."""
    by_kind: dict[str, list[Row]] = {}
    for kind, *fields in rows:
        by_kind.setdefault(kind, []).append(tuple(fields))
    failures = tuple(activation.failure(row, by_kind) for row in by_kind.get("failed", ()))
    return tuple(row[0] for row in by_kind.get("passed", ())), failures


def unpacked(packed: bytes, host: str) -> bytes:
    """The types of a host's kernel as it sent them; HostError when damaged or endless."""
    try:
        return unpacking.gunzip(packed)
    except (ValueError, ExcessError) as error:
        raise HostError(Problem(where=host, what=f"what it sent as its types: {error}")) from error


def parsed(types: bytes, host: str) -> BtfFile:
    """The types of a host's kernel; BuildError when they are damaged."""
    try:
        return BtfFile.parse(types)
    except ValueError as error:
        raise BuildError(Problem(where=host, what=f"its kernel's types are {error}")) from error
