"""What a host said about itself at one moment."""

from collections.abc import Mapping
from dataclasses import field
from enum import Enum

from fleetbpf.frozen import frozen
from fleetbpf.model.origin import Origin


@frozen
class Counts:
    """What became of all that a release told since its first start, as its loader counts."""

    written: int  # into segments, those that are gone too
    lost: Mapping[str, int]  # by place: kernel, limit, loader, spool
    killed: int  # times that a loader ended without a stop
    first: int  # the oldest segment that is still there
    removed: int  # of what was written, in the segments before that


@frozen
class ReleaseFacts:
    """A release as it lies on a host, with the checksums its files really have there."""

    release: str
    object: str  # sha256 in the name that the loader's link points to
    loader_sha256: str  # of the file behind that link; "" when it cannot be read
    spool_bytes: int = 0  # where they were asked for
    args: tuple[str, ...] = ()  # the lines of that file, of the current release only
    build_key: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)  # what the key was made of, in brief
    limits: Mapping[str, str] = field(default_factory=dict)  # of its unit, as people read them
    types: tuple[str, ...] = ()  # of another kernel's BTF that was shipped with it
    enabled: bool = False  # systemd starts it at boot
    running_object: str = ""  # sha256 in the name of the running executable; "" = does not run
    paused: bool = False  # it runs, and somebody has stopped it by a signal
    remains: bool = False  # it is not current, and was not taken away whole when it ended
    expires_in: float | None = None  # seconds, negative ones are past; None: it does not expire
    failure: str = ""  # why its last start was not ready
    attached: tuple[str, ...] = ()  # "function on hook"
    since_ns: int = 0  # wall clock, when it became ready
    pid: int = 0
    warnings: tuple[str, ...] = ()  # what the running loader has to say
    capabilities: tuple[str, ...] = ()  # that it keeps
    missed: int = 0  # runs that the kernel skipped since it started, where they were asked for
    counts: Counts | None = None  # None: it never started since the host did

    @property
    def expired(self) -> bool:
        """Whether it has ended because its time was over."""
        return self.expires_in is not None and self.expires_in <= 0 and not self.running_object


@frozen
class ProgramFacts:
    """What is placed on a host for one program of one deployment."""

    deployment: str
    program: str
    current: str  # release id; "" when none was ever ready
    unit_sha256: str  # "" without a unit file
    releases: tuple[ReleaseFacts, ...]
    unit: tuple[str, ...] | None = None  # the lines of the unit file, where they were asked for

    def find(self, release: str) -> ReleaseFacts | None:
        """The release of that id, if it is placed."""
        return next((found for found in self.releases if found.release == release), None)


class OrphanKind(Enum):
    """What was found that is no part of a placed release, or that nobody ordered for one."""

    PROCESS = "process"  # a loader, of which no state tells
    ACTIVE = "active"  # a unit that systemd runs, or tries to
    UNIT = "unit"
    DROP_IN = "drop-in"  # to a unit; also one of its own for a release, and a mask
    ENABLED = "enabled"  # by a link; in `multi-user.target.wants` of placed releases is none
    STATE = "state"
    PIN = "pin"
    INSTANCE = "instance"  # of tracefs
    SPOOL = "spool"
    FILES = "files"  # a program without releases
    FOLDER = "folder"  # whatever is in it


@frozen
class Orphan:
    """One thing of ours on a host that belongs to no placed release."""

    kind: OrphanKind
    deployment: str  # "": it does not tell
    program: str  # likewise
    release: str  # likewise, or it is of no single one
    what: str  # the pid, the unit's name, the path

    def __str__(self) -> str:
        match self.kind:
            case OrphanKind.PROCESS:
                return f"pid {self.what}"
            case OrphanKind.ACTIVE:
                return f"the unit {self.what}, which systemd keeps up"
            case _:
                return self.what


@frozen
class LoadedProgram:
    """A BPF program in a host's kernel, whoever loaded it."""

    id: int
    type: str
    name: str
    uid: int
    pids: tuple[int, ...] = ()
    executable: str = ""  # of the first process that holds it
    genuine: bool = True  # that path leads to the file that runs, from where the host's root is
    tag: str = ""  # the kernel's hash of its instructions


@frozen
class Lock:
    """Who has a host locked, as the host tells it."""

    pid: int  # on the host, of the script that holds it
    stale: bool  # that script is gone
    who: str  # user@machine
    why: str  # the command
    since: str  # ISO 8601, by the host's clock; "" when unknown
    age_s: int | None


class Unfit(Enum):
    """What keeps a host from starting loaders; each with where it is so."""

    NOEXEC = "noexec"  # nothing is executed from the file system of fleetbpf's folder
    READ_ONLY = "read-only"  # nothing can be placed there
    READ_ONLY_UNITS = "read-only-units"  # nor where systemd's units lie
    READ_ONLY_RUN = "read-only-run"  # nor where loaders tell their state
    NO_PARENT = "no-parent"  # the folder that fleetbpf's is to lie in is not there
    ELSEWHERE = "elsewhere"  # fleetbpf is in its usual folder, and another one is asked for
    NO_TRACEFS = "no-tracefs"  # it is mounted when a program needs it
    NO_BPFFS = "no-bpffs"


@frozen
class HostFacts:
    """What a host is, and what fleetbpf has placed there."""

    uid: int
    kernel: str  # uname -r
    arch: str  # uname -m
    boot_id: str
    btf: bool
    tracefs: str  # where it is mounted; "" = nowhere
    systemd: bool
    zstd: bool  # it can unpack what was compressed so
    missing: tuple[str, ...]  # tools that fleetbpf needs and the host lacks
    objects: frozenset[str]
    programs: tuple[ProgramFacts, ...]
    lock: Lock | None = None
    free: int | None = None  # bytes where loaders are to lie; None = it does not tell
    unfit: Mapping[Unfit, str] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()  # of what was asked for: needs that are not there
    origins: Mapping[str, Origin] = field(default_factory=dict)  # by deployment, as remembered
    clock: int | None = None  # seconds since 1970, where it was asked for
    changed: str = ""  # who changed the host last: each change has another one; "" = nobody
    orphans: tuple[Orphan, ...] = ()  # of all deployments

    @property
    def sound_objects(self) -> frozenset[str]:
        """The loaders that placed releases use, less those whose files were changed.

        What none uses goes with the next script that ends on the host.
        """
        used = [release for program in self.programs for release in program.releases]
        changed = {each.object for each in used if each.loader_sha256 != each.object}
        return self.objects & {each.object for each in used} - changed

    def placed(self, deployment: str) -> tuple[ProgramFacts, ...]:
        """What is placed of a deployment."""
        return tuple(found for found in self.programs if found.deployment == deployment)

    def find(self, deployment: str, program: str) -> ProgramFacts | None:
        """What is placed for that program, if anything."""
        for found in self.programs:
            if (found.deployment, found.program) == (deployment, program):
                return found
        return None

    def orphans_of(self, deployment: str, program: str) -> tuple[Orphan, ...]:
        """What is orphaned of that program."""
        return tuple(
            found
            for found in self.orphans
            if (found.deployment, found.program) == (deployment, program)
        )
