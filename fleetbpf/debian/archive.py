"""Debian's package archive: signed indexes, and packages verified against them."""

import hashlib
import json
import lzma
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from fleetbpf.debian import release
from fleetbpf.debian.download import NotFetchedError, fetch, fetch_file
from fleetbpf.debian.release import Release
from fleetbpf.errors import HostError, Problem
from fleetbpf.execution.command import Command
from fleetbpf.execution.local import LocalConnection
from fleetbpf.files.private_files import write_whole
from fleetbpf.files.trusted_files import read_own, refuse_shared
from fleetbpf.frozen import frozen
from fleetbpf.model.architecture import Architecture

FALLBACK = "http://deb.debian.org/debian"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
DAY = 24 * 3600.0
FORMAT = "$(ORIGIN)|$(LABEL)|$(REPO_URI)"
LARGEST = 512 * 1024 * 1024  # bytes of an index that is unpacked; Debian's have 60 MB
LARGEST_RELEASE = 16 * 1024 * 1024  # bytes
STALE = (
    "the mirror is behind, or somebody serves an old index: try another mirror; a snapshot is "
    'taken where apt is told so, by `Acquire::Check-Valid-Until "false";` in /etc/apt/apt.conf.d'
)
NAME = re.compile(r"Package: (\S+)\n")

Say = Callable[[str], None]


@frozen
class Package:
    """One .deb of the archive."""

    name: str
    version: str
    path: str  # relative to the mirror
    sha256: str


@frozen
class Archive:
    """The archive through the first of `mirrors` that has it; indexes are kept in `cache`."""

    mirrors: Sequence[str]
    cache: Path
    local: LocalConnection
    say: Say
    keyring: Path = KEYRING

    def packages(
        self, suite: str, architecture: Architecture, wanted: re.Pattern[str]
    ) -> tuple[Package, ...]:
        """Those packages of `suite` whose whole name matches `wanted`.

        From an index of today, or an older one when offline.
        """
        refuse_shared(self.cache)
        kept = self.index_file(suite, architecture, wanted)
        if kept.exists() and time.time() - kept.stat().st_mtime < DAY:
            return read_index(kept)
        try:
            text = self._download_index(suite, architecture)
        except NotFetchedError as error:
            if not kept.exists():
                raise
            self.say(f"{suite}: using the index fetched before ({error.problems[0].what})")
            return read_index(kept)
        packages = tuple(parse_packages(text, wanted))
        content = json.dumps([asdict(package) for package in packages], indent=1)
        write_whole(kept, content.encode())
        return packages

    def index_file(self, suite: str, architecture: Architecture, wanted: re.Pattern[str]) -> Path:
        """Where the packages of such a selection are kept."""
        selection = hashlib.sha256(wanted.pattern.encode()).hexdigest()[:8]
        return self.cache / "index" / f"{suite}-{architecture}-{selection}.json"

    def fetch(self, package: Package, into: Path) -> None:
        """Download `package` into the file `into`."""
        fetch_file(self.mirrors, package.path, sha256=package.sha256, into=into)

    def _download_index(self, suite: str, architecture: Architecture) -> str:
        self.say(f"{suite}: reading the index of the archive for {architecture}")
        folder = f"dists/{suite}"
        problems: list[Problem] = []
        for mirror in self.mirrors:  # one may be behind the others: what it says is no end
            try:
                signed = fetch([mirror], f"{folder}/InRelease", most=LARGEST_RELEASE)
                found = self._current(suite, self._verified(suite, signed))
                name = f"main/binary-{architecture.debian}/Packages.xz"
                return self._index(mirror, folder, name, found)
            except NotFetchedError as error:
                problems += error.problems
        raise NotFetchedError(*problems)

    def _index(self, mirror: str, folder: str, name: str, found: Release) -> str:
        """The text of an index that a Release file lists."""
        where = f"{mirror}/{folder}/{name}"
        listed = found.files.get(name)
        if listed is None:
            what = "the archive's Release file does not list it"
            raise NotFetchedError(Problem(where=where, what=what))
        packed = fetch([mirror], f"{folder}/{name}", sha256=listed.sha256, most=listed.size)
        return unpacked(packed, where).decode()

    def _current(self, suite: str, text: str) -> Release:
        """What Debian signed, when it is about `suite` and not out of date; else NotFetchedError.

        Which dates count is said by apt's own configuration: a mirror of a past day is in order
        where apt here is told so.
        """
        where = f"{suite}/InRelease"
        kept = self.cache / "index" / f"{suite}.date"
        try:
            found = release.parse(text)
        except ValueError as error:
            raise NotFetchedError(Problem(where=where, what=str(error))) from error
        checks = release.checks_of_apt(self._configuration_of_apt())
        newest = last_date(kept) if checks.date else release.NEVER
        now = datetime.now(UTC)
        faults = tuple(release.faults(found, suite, now=now, newest=newest, checks=checks))
        if faults:
            what = f"Debian has signed it, but {'; '.join(faults)}"
            raise NotFetchedError(Problem(where=where, what=what, hint=STALE))
        write_whole(kept, found.date.isoformat().encode())
        return found

    def _configuration_of_apt(self) -> str:
        done = self.local.run(Command("apt-config", "dump"))
        return done.stdout.decode(errors="replace") if done.status == 0 else ""

    def _verified(self, suite: str, signed: bytes) -> str:
        """The part of an InRelease file that Debian signed; HostError when it did not.

        Without gpgv or the keyring this refuses: it will run as a kernel, or within every loader.
        """
        with tempfile.TemporaryDirectory(prefix="fleetbpf-") as folder:
            text = Path(folder) / "Release"
            verify = Command(
                *("gpgv", "--keyring", self.keyring, "--status-fd", "1", "--output", text, "-")
            )
            done = self.local.run(verify, stdin=signed)
            status = done.stdout.decode(errors="replace")
            if is_good(status):
                return text.read_text(encoding="utf-8")
        raise HostError(
            Problem(
                where=f"{suite}/InRelease",
                what="its signature could not be verified",
                detail=done.stderr.decode(errors="replace"),
                hint="apt-get install gpgv debian-archive-keyring; the newest keyring has the keys "
                "that have not expired",
            )
        )


def is_good(status: str) -> bool:
    """Whether gpgv has found a good signature by a key that counts, and no bad one.

    One is enough, as for apt: a release is signed with several keys, and an older keyring lacks
    some (gpgv then exits with 2). GOODSIG alone is of a key that is neither expired nor revoked;
    VALIDSIG is said of those as well.
    """
    words = [line.split()[1] for line in status.splitlines() if line.startswith("[GNUPG:] ")]
    return "GOODSIG" in words and "BADSIG" not in words


def unpacked(packed: bytes, where: str) -> bytes:
    """What xz unpacks, within bounds; NotFetchedError for what is larger, or no xz."""
    try:
        found = lzma.LZMADecompressor(memlimit=LARGEST).decompress(packed, LARGEST + 1)
    except lzma.LZMAError as error:
        raise NotFetchedError(Problem(where=where, what=f"not xz: {error}")) from error
    if len(found) > LARGEST:
        what = f"it unpacks to more than {LARGEST // 1024 // 1024} MiB"
        raise NotFetchedError(Problem(where=where, what=what))
    return found


def last_date(kept: Path) -> datetime:
    """The date of the last Release file that was taken."""
    try:
        return datetime.fromisoformat(kept.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return release.NEVER


def mirrors_of_apt(local: LocalConnection) -> tuple[str, ...]:
    """The mirrors to try: the one that apt uses here, then Debian's own."""
    done = local.run(Command("apt-get", "indextargets", "--format", FORMAT))
    return tuple(dict.fromkeys((*parse_mirrors(done.stdout.decode()), FALLBACK)))


def parse_mirrors(targets: str) -> tuple[str, ...]:
    """The mirrors of Debian proper in the output of `apt-get indextargets`."""
    rows = (line.split("|") for line in targets.splitlines())
    return tuple(row[2].rstrip("/") for row in rows if row[:2] == ["Debian", "Debian"])


def parse_packages(text: str, wanted: re.Pattern[str]) -> Iterator[Package]:
    """Those packages in the text of a Packages file whose whole name matches `wanted`."""
    for stanza in text.split("\n\n"):
        name = NAME.match(stanza)
        if name is not None and wanted.fullmatch(name[1]):
            fields = dict(re.findall(r"^([A-Za-z0-9-]+): (.*)$", stanza, re.MULTILINE))
            yield Package(
                name=fields["Package"],
                version=fields["Version"],
                path=fields["Filename"],
                sha256=fields["SHA256"],
            )


def read_index(file: Path) -> tuple[Package, ...]:
    """The packages that were kept in `file`."""
    return tuple(Package(**fields) for fields in json.loads(read_own(file)))


def key(*packages: Package) -> str:
    """A name in the cache for what is made of `packages`."""
    return hashlib.sha256("".join(package.sha256 for package in packages).encode()).hexdigest()[:16]
