"""Check: would each kernel of the fleet take each program? Some hosts of each say; none attach."""

import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath, PurePosixPath

from fleetbpf.build import kernel_btf
from fleetbpf.build.build import Artifact
from fleetbpf.deploy.apply import explained
from fleetbpf.deploy.prepare import Prepare
from fleetbpf.deploy.trial import Trial, Tried
from fleetbpf.errors import HostError, Problem
from fleetbpf.execution import Connection
from fleetbpf.execution.command import Command
from fleetbpf.files import archive, unpacking
from fleetbpf.files.private_files import write_whole
from fleetbpf.files.trusted_files import read_own
from fleetbpf.frozen import frozen
from fleetbpf.host.failures import Explained, Failure, check_asked
from fleetbpf.host.protocol import Said, Script
from fleetbpf.limits import FILE, ExcessError
from fleetbpf.model.bounded import Many, Name
from fleetbpf.model.facts import HostFacts
from fleetbpf.model.layout import HostLayout, Workspace, below
from fleetbpf.model.target import Target
from fleetbpf.objects import elf, relocations
from fleetbpf.objects.btf_file import BtfFile
from fleetbpf.objects.relocations import Missing
from fleetbpf.plan.plan import obstacles
from fleetbpf.plan.release import KERNEL_BTF, Release, escaped, sha256

KERNEL_TYPES = "/sys/kernel/btf/vmlinux"
SHA256 = re.compile(r"[0-9a-f]{64}")


@frozen
class Check:
    """One run of check: the same for every host."""

    prepare: Prepare
    workspace: Workspace
    cache: Path  # kernels' types, by their checksums

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
                self.prepare.release(program, seen[target.host.name], target.host.root),
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
        kernel = self.types(target, connection, seen)
        missing = {each.program: self.missing(each, kernel) for each in trials} if kernel else {}
        return Tried(problems=told, missing=missing)

    def judged(
        self, target: Target, connection: Connection, trials: Sequence[Trial], seen: HostFacts
    ) -> dict[str, Problem | None]:
        """What the kernel says of each program: None, or why not."""
        host = target.host.name
        objects = {trial.program: self.artifact(trial).loader_sha256 for trial in trials}
        found = CHECK.ask(
            connection,
            Question(layout=self.prepare.layout.at(target.host.root), objects=objects),
            host=host,
            become=target.become,
            stdin=self.payload(trials, seen),
        )
        told: dict[str, Problem | None] = dict.fromkeys(found.passed)
        for failure in found.failures:
            log = self.workspace.verifier_log(host, self.prepare.deployment, failure.program)
            where = f"{failure.program} on {seen.kernel} ({host})"
            told[failure.program] = explained(
                failure, where=where, log=log, mask=self.workspace.mask
            )
        if objects.keys() - told.keys():
            what = "the programs were not tried"
            raise HostError(Problem(where=host, what=what, detail=found.stderr))
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

    def types(self, target: Target, connection: Connection, seen: HostFacts) -> BtfFile | None:
        """The types of a host's kernel: its own, fetched once, or the manifest's."""
        host = target.host.name
        if seen.btf:
            return parse_types(fetch_types(target, connection, self.cache), host)
        given = self.prepare.btf.of(seen)
        return parse_types(kernel_btf.content(given.path), host) if given else None

    def missing(self, trial: Trial, kernel: BtfFile) -> tuple[Missing, ...]:
        """What a program reads that a kernel's types lack; HostError when these are damaged."""
        made = self.artifact(trial)
        try:
            return relocations.missing(elf.parse(made.object.read_bytes()), kernel)
        except (ValueError, LookupError, RecursionError, struct.error) as error:
            raise HostError(describe_damage(trial.hosts[0], error)) from error


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


@frozen
class Question:
    """Which loaders a kernel is to judge."""

    layout: HostLayout
    objects: Mapping[str, str]  # the sha256 of each, by program

    def words(self) -> Iterable[str | PurePath]:
        """The arguments of `check.sh`."""
        return (self.layout.root, *(word for pair in self.objects.items() for word in pair))


@frozen
class Verdicts:
    """The programs that passed and those that failed, as `check.sh` tells them."""

    passed: tuple[str, ...]
    failures: tuple[Failure, ...]
    stderr: str


class Answer(Explained):
    """All rows of an answer."""

    passed: Many[Name] = ()


def read(question: Question, said: Said) -> Verdicts:
    """The answer of `check.sh`; OddAnswerError where it tells of other programs."""
    told = Answer.read(said.lines)
    check_asked(told.passed, question.objects)
    failures = told.read_failures(question.objects)
    return Verdicts(passed=told.passed, failures=failures, stderr=said.stderr)


# A slow host may take minutes to verify many programs.
CHECK = Script(name="check.sh", words=Question.words, read=read, timeout=900.0)


def fetch_types(target: Target, connection: Connection, cache: Path) -> bytes:
    """The BTF of a host's kernel; it is kept by its checksum, which says all that there is in it.

    A host may claim any checksum: it gets what has that one, or sends what must have it.
    """
    host, become = target.host.name, target.become
    said = connection.run(Command("sha256sum", KERNEL_TYPES, become=become, limits=FILE)).stdout
    claimed = said.partition(b" ")[0].decode("ascii", "replace")
    if not SHA256.fullmatch(claimed):
        raise HostError(Problem(where=host, what="it does not tell the checksum of its types"))
    kept = below(cache, f"{claimed}.btf")
    if kept.exists() and sha256(content := read_own(kept)) == claimed:
        return content
    packed = connection.run(Command("gzip", "-c", KERNEL_TYPES, become=become, limits=FILE)).stdout
    try:
        content = unpacking.gunzip(packed)
    except (ValueError, ExcessError) as error:
        raise HostError(describe_damage(host, error)) from error
    if sha256(content) != claimed:
        what = "its kernel's types have another checksum than it says"
        raise HostError(Problem(where=host, what=what))
    write_whole(kept, content)
    return content


def parse_types(types: bytes, host: str) -> BtfFile:
    """The types of a host's kernel; HostError when they are damaged."""
    try:
        return BtfFile.parse(types)
    except ValueError as error:
        raise HostError(describe_damage(host, error)) from error


def describe_damage(host: str, error: Exception) -> Problem:
    """Types that cannot be read, in words."""
    return Problem(where=host, what=f"its kernel's types cannot be read: {error}")
