"""Debian's archive: versions, indexes, signatures, downloads."""

import hashlib
import os
import re
from pathlib import Path

import pytest

from fleetbpf.debian import archive as archives
from fleetbpf.debian import release
from fleetbpf.debian.archive import Archive, Package, Say, parse_mirrors, parse_packages
from fleetbpf.debian.download import NotFetchedError, fetch
from fleetbpf.debian.release import Listed
from fleetbpf.debian.tree import newest
from fleetbpf.debian.version import version_key
from fleetbpf.errors import HostError
from fleetbpf.execution.local import LocalConnection
from fleetbpf.lab.kernels import offers
from fleetbpf.model.architecture import Architecture
from tests.tools import need

BASH = ("bookworm", Architecture.X86_64, re.compile("bash"))


def package(name: str, version: str) -> Package:
    return Package(name=name, version=version, path=f"pool/{name}.deb", sha256=name)


def archive_in(folder: Path, *mirrors: str, say: Say = lambda _: None) -> Archive:
    return Archive(mirrors=mirrors, cache=folder, local=LocalConnection(), say=say)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        *(("5.10.9-1", "5.10.218-1"), ("6.12.90-1~bpo12+1", "6.12.90-1"), ("1.0~rc1", "1.0")),
        *(("1.0", "1.0a"), ("1.0a", "1.0+b"), ("9.0", "1:1.0"), ("1.0-1", "1.0-1.1")),
        *(("6.12.90-1~bpo12+1", "6.12.90-2~bpo12+1"), ("6.12.9-1", "6.12.43-1~bpo12+1")),
    ],
)
def test_versions_sort_as_dpkg_sorts_them(older: str, newer: str) -> None:
    assert version_key(older) < version_key(newer)


def test_a_version_equals_itself_with_a_zero() -> None:
    assert version_key("1.0") == version_key("0:1.0")


def test_the_newest_kernel_of_each_series_is_offered() -> None:
    found = offers(
        [
            package("linux-image-6.12.9+deb12-cloud-amd64", "6.12.9-1~bpo12+1"),
            package("linux-image-6.12.43+deb12-cloud-amd64", "6.12.43-1~bpo12+1"),
            package("linux-image-6.1.0-50-cloud-amd64", "6.1.176-1"),
            package("linux-image-cloud-amd64", "6.12.43-1~bpo12+1"),
        ]
    )
    assert {series: offer.release for series, offer in found.items()} == {
        "6.1": "6.1.0-50-cloud-amd64",
        "6.12": "6.12.43+deb12-cloud-amd64",
    }


def test_a_kernel_whose_files_are_split_comes_as_two_packages() -> None:
    release = "7.3.4+deb13-cloud-amd64"
    parts = [package(f"linux-{part}-{release}", "7.3.4-1") for part in ("binary", "modules")]
    empty = package(f"linux-image-{release}", "7.3.4-1")
    assert offers([*parts, empty])["7.3"].packages == tuple(parts)


def test_a_kernel_without_its_modules_is_not_offered() -> None:
    assert offers([package("linux-binary-7.3.4+deb13-cloud-amd64", "7.3.4-1")]) == {}


def test_the_index_gives_the_wanted_packages_only() -> None:
    text = (
        "Package: bash\nVersion: 5\nFilename: b.deb\nSHA256: aa\n\n"
        "Package: linux-image-6.1.0-50-cloud-amd64\nVersion: 6.1.176-1\nDescription: x\n"
        " Package: not this\nFilename: pool/l.deb\nSHA256: bb\n\n"
        "Package: linux-image-6.1.0-50-amd64\nVersion: 6.1.176-1\nFilename: c\nSHA256: cc\n"
    )
    wanted = re.compile("linux-image-.*-cloud-amd64")
    assert list(parse_packages(text, wanted)) == [
        Package(
            name="linux-image-6.1.0-50-cloud-amd64",
            version="6.1.176-1",
            path="pool/l.deb",
            sha256="bb",
        )
    ]


def test_the_newest_version_of_a_package_is_taken() -> None:
    old, new = package("bash", "5.1-2"), package("bash", "5.1-10")
    assert newest(["bash"], [new, old]) == (new,)


def test_a_package_that_the_archive_lacks_is_named() -> None:
    with pytest.raises(HostError, match="has no zsh"):
        newest(["bash", "zsh"], [package("bash", "5.1")])


def test_checksums_are_read_from_the_sha256_section_alone() -> None:
    text = (
        f"Suite: x\nMD5Sum:\n {'0' * 32} 10 main/p\nSHA256:\n {'a' * 64}       10 main/p\n"
        f"Other:\n {'b' * 64} 10 main/p\n"
    )
    assert release.parse(text).files == {"main/p": Listed(sha256="a" * 64, size=10)}


def test_only_mirrors_of_debian_proper_are_used() -> None:
    text = (
        "Debian|Debian-Security|http://s/debian-security/\n"
        "Debian|Debian|http://m/debian/\nUbuntu|Ubuntu|http://u/\n|| \n"
    )
    assert parse_mirrors(text) == ("http://m/debian",)


def test_a_download_is_tried_at_the_next_mirror(tmp_path: Path) -> None:
    (tmp_path / "good").mkdir()
    (tmp_path / "good" / "file").write_bytes(b"content")
    mirrors = (f"{tmp_path.as_uri()}/bad", f"{tmp_path.as_uri()}/good")
    assert fetch(mirrors, "file") == b"content"


def test_a_download_that_fails_names_every_url(tmp_path: Path) -> None:
    mirrors = (f"{tmp_path.as_uri()}/one", f"{tmp_path.as_uri()}/two")
    with pytest.raises(NotFetchedError) as caught:
        fetch(mirrors, "file")
    assert [problem.where for problem in caught.value.problems] == [
        f"{mirror}/file" for mirror in mirrors
    ]


def test_a_download_with_another_checksum_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    with pytest.raises(NotFetchedError, match="wrong checksum"):
        fetch([tmp_path.as_uri()], "file", sha256=hashlib.sha256(b"other").hexdigest())


def test_an_index_that_debian_did_not_sign_is_refused(tmp_path: Path) -> None:
    need("gpgv")
    file = tmp_path / "dists" / "bookworm" / "InRelease"
    file.parent.mkdir(parents=True)
    file.write_text(f"SHA256:\n {'a' * 64} 10 main/binary-amd64/Packages.xz\n")
    mirrors = (tmp_path.as_uri(),)
    archive = archive_in(tmp_path / "cache", *mirrors)
    with pytest.raises(HostError, match="signature could not be verified"):
        archive.packages(*BASH)


def test_an_index_of_today_is_not_fetched_again(tmp_path: Path) -> None:
    kept = archive_in(tmp_path).index_file(*BASH)
    kept.parent.mkdir()
    kept.write_text('[{"name": "n", "version": "1", "path": "p", "sha256": "s"}]')
    assert archive_in(tmp_path, say=pytest.fail).packages(*BASH)[0].name == "n"


def test_the_cache_has_another_place_for_other_packages() -> None:
    assert archives.key(package("a", "1")) != archives.key(package("b", "1"))


def test_an_old_index_serves_while_the_mirror_cannot_be_reached(tmp_path: Path) -> None:
    kept = archive_in(tmp_path).index_file(*BASH)
    kept.parent.mkdir()
    kept.write_text('[{"name": "n", "version": "1", "path": "p", "sha256": "s"}]')
    os.utime(kept, (0, 0))
    said: list[str] = []
    mirrors = (f"{tmp_path.as_uri()}/nothing",)
    archive = archive_in(tmp_path, *mirrors, say=said.append)
    assert archive.packages(*BASH)[0].name == "n"
    assert "using the index fetched before" in said[-1]
