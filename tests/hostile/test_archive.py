"""Between us and Debian's archive: what somebody who cannot sign may serve, and what is taken."""

import hashlib
import lzma
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fleetbpf.debian.archive import Archive
from fleetbpf.errors import HostError
from fleetbpf.execution.local import LocalConnection
from fleetbpf.model.architecture import Architecture
from tests.tools import need

INDEX = lzma.compress(b"Package: linux-x\nVersion: 1\nFilename: p.deb\nSHA256: " + b"0" * 64)
NAME = "main/binary-amd64/Packages.xz"
NO_CONFIGURATION = 'Dir::Etc::Main "/nonexistent"; Dir::Etc::Parts "/nonexistent";\n'
DAY = timedelta(days=1)


class Mirror:
    """A mirror, and keys of which one is good, one has expired and one is revoked."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.said = folder, folder / "gpg", list[str]()
        self.home.mkdir(mode=0o700)
        start = "--faked-system-time", "20200101T000000"
        for name, expires in (("good", "never"), ("expired", "20210101T000000"), ("gone", "never")):
            self.gpg(*start, "--quick-gen-key", f"{name} <{name}@x>", "ed25519", "sign", expires)
        listed = self.gpg("--list-keys", "--with-colons").decode().splitlines()
        keys = [line.split(":")[9] for line in listed if line.startswith("fpr")]
        self.keys = dict(zip(("good", "expired", "gone"), keys, strict=True))

    def gpg(self, *words: str, stdin: bytes = b"") -> bytes:
        """What gpg prints."""
        gpg = ("gpg", "--homedir", str(self.home), "--batch", "--yes", "--passphrase", "")
        command = [*gpg, "--pinentry-mode", "loopback", *words]
        return subprocess.run(command, input=stdin, check=True, capture_output=True).stdout

    def serve(
        self,
        *,
        suite: str = "bookworm",
        date: datetime | None = None,
        until: datetime | None = None,
        keys: tuple[str, ...] = ("good",),
        index: bytes = INDEX,
        change: Callable[[bytes], bytes] = bytes,
    ) -> None:
        """Put a suite into the place of bookworm."""
        when = date or datetime.now(UTC)
        text = f"Suite: oldstable\nCodename: {suite}\nDate: {when:%a, %d %b %Y %T} UTC\n"
        text += f"Valid-Until: {until:%a, %d %b %Y %T} UTC\n" if until else ""
        text += f"SHA256:\n {hashlib.sha256(index).hexdigest()} {len(index)} {NAME}\n"
        folder = self.folder / "dists" / "bookworm"
        (folder / NAME).parent.mkdir(parents=True, exist_ok=True)
        (folder / NAME).write_bytes(index)
        users = [word for key in keys for word in ("-u", self.keys[key])]
        early = ("--faked-system-time", "20200601T000000") if "expired" in keys else ()
        signed = (
            self.gpg(*early, *users, "--clearsign", stdin=text.encode()) if keys else text.encode()
        )
        (folder / "InRelease").write_bytes(change(signed))

    def revoke(self) -> None:
        """From now on, `gone` is known to be revoked."""
        file = self.home / "openpgp-revocs.d" / f"{self.keys['gone']}.rev"
        self.gpg("--import", stdin=file.read_bytes().replace(b":-----BEGIN", b"-----BEGIN"))

    def packages(self, *, again: bool = False) -> list[str]:
        """The names of the packages that are taken."""
        ring = self.folder / "ring.gpg"
        ring.write_bytes(self.gpg("--export"))
        cache = self.folder / "cache"
        for kept in cache.glob("index/*.json") if again else ():
            kept.unlink()
        with LocalConnection() as local:
            archive = Archive(
                mirrors=(self.folder.as_uri(),),
                cache=cache,
                local=local,
                say=self.said.append,
                keyring=ring,
            )
            found = archive.packages("bookworm", Architecture.X86_64, re.compile("linux.*"))
        return [package.name for package in found]


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    need("gpg", "gpgv", "gpgconf", "apt-config")
    (tmp_path / "apt.conf").write_text(NO_CONFIGURATION)
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    made = Mirror(tmp_path)
    yield made
    # gpg begins an agent for each home, which would outlive the tests.
    stop = ("gpgconf", "--homedir", made.home, "--kill", "gpg-agent")
    subprocess.run(stop, check=True, timeout=60)


def refused(mirror: Mirror, what: str, *, again: bool = False) -> None:
    with pytest.raises(HostError, match=what) as caught:
        mirror.packages(again=again)
    assert caught.value.problems[0].hint


@pytest.mark.parametrize("until", [None, datetime.now(UTC) + DAY])
def test_what_is_signed_and_of_now_is_taken(mirror: Mirror, until: datetime | None) -> None:
    mirror.serve(until=until)
    assert mirror.packages() == ["linux-x"]


def test_an_index_past_its_time_is_refused(mirror: Mirror) -> None:
    mirror.serve(date=datetime.now(UTC) - 8 * DAY, until=datetime.now(UTC) - DAY)
    refused(mirror, "it was valid until .* only")


def test_it_is_taken_where_apt_is_told_so(mirror: Mirror) -> None:
    more = 'Acquire::Check-Valid-Until "false";\n'
    (mirror.folder / "apt.conf").write_text(NO_CONFIGURATION + more)
    mirror.serve(until=datetime.now(UTC) - DAY)
    assert mirror.packages() == ["linux-x"]


def test_an_index_of_the_future_is_refused(mirror: Mirror) -> None:
    mirror.serve(date=datetime.now(UTC) + DAY)
    refused(mirror, "made in the future")


def test_another_suite_is_refused(mirror: Mirror) -> None:
    mirror.serve(suite="bullseye")
    refused(mirror, "of another suite: bullseye or oldstable")


def test_an_index_older_than_the_last_one_is_refused(mirror: Mirror) -> None:
    mirror.serve(date=datetime.now(UTC) - DAY)
    assert mirror.packages()
    mirror.serve(date=datetime.now(UTC) - 2 * DAY)
    refused(mirror, "older than the last one", again=True)


@pytest.mark.parametrize("keys", [("expired",), ("gone",), ("expired", "gone"), ()])
def test_a_signature_by_a_key_that_counts_no_more_is_refused(
    mirror: Mirror, keys: tuple[str, ...]
) -> None:
    mirror.serve(keys=keys)
    mirror.revoke()
    refused(mirror, "signature could not be verified")


def test_one_good_signature_among_others_is_enough(mirror: Mirror) -> None:
    mirror.serve(keys=("good", "gone"))
    mirror.revoke()
    assert mirror.packages() == ["linux-x"]


def test_what_was_changed_after_it_was_signed_is_refused(mirror: Mirror) -> None:
    mirror.serve(change=lambda signed: signed.replace(b"Suite: oldstable", b"Suite: oldstabel"))
    refused(mirror, "signature could not be verified")


def test_what_stands_before_the_signed_part_is_not_read(mirror: Mirror) -> None:
    mirror.serve(change=lambda signed: b"Suite: evil\nCodename: evil\n\n" + signed)
    assert mirror.packages() == ["linux-x"]


def test_an_index_that_unpacks_without_end_is_refused(mirror: Mirror) -> None:
    packer = lzma.LZMACompressor()
    block = b"\0" * (1 << 20)
    bomb = b"".join([*(packer.compress(block) for _ in range(600)), packer.flush()])
    mirror.serve(index=bomb)
    with pytest.raises(HostError, match="unpacks to more than 512 MiB"):
        mirror.packages()


def test_an_index_longer_than_it_is_said_to_be_is_not_read(mirror: Mirror) -> None:
    mirror.serve()
    with (mirror.folder / "dists" / "bookworm" / NAME).open("ab") as file:
        file.write(b"x" * 1000)
    with pytest.raises(HostError, match=f"larger than {len(INDEX)} bytes"):
        mirror.packages()
