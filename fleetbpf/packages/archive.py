"""Debian's package archive: signed indexes, and packages verified against them."""

import hashlib
import json
import lzma
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from fleetbpf.command import Command
from fleetbpf.connections.local import LocalConnection
from fleetbpf.errors import HostError, Problem
from fleetbpf.frozen import frozen
from fleetbpf.model.architecture import Architecture
from fleetbpf.packages.download import NotFetchedError, fetch, fetch_file
from fleetbpf.private_files import write_whole
from fleetbpf.trusted_files import read_own, refuse_shared

FALLBACK = "http://deb.debian.org/debian"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
DAY = 24 * 3600.0
FORMAT = "$(ORIGIN)|$(LABEL)|$(REPO_URI)"
CHECKSUM = re.compile(r" ([0-9a-f]{64}) +([0-9]+) (\S+)")
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
        release = self._verified(suite, fetch(self.mirrors, f"{folder}/InRelease"))
        index = f"main/binary-{architecture.debian}/Packages.xz"
        sha256 = parse_release(release)[index]
        packed = fetch(self.mirrors, f"{folder}/{index}", sha256=sha256)
        return lzma.decompress(packed).decode()

    def _verified(self, suite: str, signed: bytes) -> str:
        """The part of an InRelease file that Debian signed; HostError when it did not.

        Without gpgv or the keyring this refuses: it will run as a kernel, or within every loader.
        """
        with tempfile.TemporaryDirectory(prefix="fleetbpf-") as folder:
            text = Path(folder) / "Release"
            verify = Command(
                *("gpgv", "--keyring", KEYRING, "--status-fd", "1", "--output", text, "-")
            )
            done = self.local.run(verify, stdin=signed)
            status = done.stdout.decode(errors="replace")
            # One good signature is enough and a bad one is fatal, as for apt: a release is signed
            # with several keys, and an older keyring lacks some (gpgv then exits with 2).
            if "[GNUPG:] VALIDSIG " in status and "[GNUPG:] BADSIG " not in status:
                return text.read_text(encoding="utf-8")
        raise HostError(
            Problem(
                where=f"{suite}/InRelease",
                what="its signature could not be verified",
                detail=done.stderr.decode(errors="replace"),
                hint="apt-get install gpgv debian-archive-keyring",
            )
        )


def mirrors_of_apt(local: LocalConnection) -> tuple[str, ...]:
    """The mirrors to try: the one that apt uses here, then Debian's own."""
    done = local.run(Command("apt-get", "indextargets", "--format", FORMAT))
    return tuple(dict.fromkeys((*parse_mirrors(done.stdout.decode()), FALLBACK)))


def parse_mirrors(targets: str) -> tuple[str, ...]:
    """The mirrors of Debian proper in the output of `apt-get indextargets`."""
    rows = (line.split("|") for line in targets.splitlines())
    return tuple(row[2].rstrip("/") for row in rows if row[:2] == ["Debian", "Debian"])


def parse_release(text: str) -> dict[str, str]:
    """SHA-256 by path, from the text of a Release file."""
    _, _, section = text.partition("\nSHA256:\n")
    found = {}
    for line in section.splitlines():
        match = CHECKSUM.fullmatch(line)
        if match is None:
            break
        found[match[3]] = match[1]
    return found


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
