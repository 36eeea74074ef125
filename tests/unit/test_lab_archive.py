"""Debian's archive: versions, indexes, signatures, downloads."""

import hashlib
import os
from pathlib import Path

import pytest

from fleetbpf.connections.local import LocalConnection
from fleetbpf.errors import HostError
from fleetbpf.lab import archive as archives
from fleetbpf.lab.archive import Archive, Package, parse_mirrors, parse_packages, parse_release
from fleetbpf.lab.debian_version import version_key
from fleetbpf.lab.download import NotFetchedError, fetch
from fleetbpf.lab.kernels import offers
from tests.tools import need


def package(name: str, version: str) -> Package:
    return Package(name=name, version=version, path=f"pool/{name}.deb", sha256=name)


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


def test_the_index_gives_kernel_packages_only() -> None:
    text = (
        "Package: bash\nVersion: 5\nFilename: b.deb\nSHA256: aa\n\n"
        "Package: linux-image-6.1.0-50-cloud-amd64\nVersion: 6.1.176-1\nDescription: x\n"
        " Package: not this\nFilename: pool/l.deb\nSHA256: bb\n\n"
        "Package: linux-image-6.1.0-50-amd64\nVersion: 6.1.176-1\nFilename: c\nSHA256: cc\n"
    )
    assert list(parse_packages(text)) == [
        Package(
            name="linux-image-6.1.0-50-cloud-amd64",
            version="6.1.176-1",
            path="pool/l.deb",
            sha256="bb",
        )
    ]


def test_checksums_are_read_from_the_sha256_section_alone() -> None:
    text = (
        f"Suite: x\nMD5Sum:\n {'0' * 32} 10 main/p\nSHA256:\n {'a' * 64}       10 main/p\n"
        f"Other:\n {'b' * 64} 10 main/p\n"
    )
    assert parse_release(text) == {"main/p": "a" * 64}


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
    release = tmp_path / "dists" / "bookworm" / "InRelease"
    release.parent.mkdir(parents=True)
    release.write_text(f"SHA256:\n {'a' * 64} 10 main/binary-amd64/Packages.xz\n")
    mirrors = (tmp_path.as_uri(),)
    with LocalConnection() as local:
        cache = tmp_path / "cache"
        archive = Archive(mirrors=mirrors, cache=cache, local=local, say=lambda _: None)
        with pytest.raises(HostError, match="signature could not be verified"):
            archive.kernels("bookworm")


def test_an_index_of_today_is_not_fetched_again(tmp_path: Path) -> None:
    kept = tmp_path / "index" / "bookworm.json"
    kept.parent.mkdir()
    kept.write_text('[{"name": "n", "version": "1", "path": "p", "sha256": "s"}]')
    with LocalConnection() as local:
        archive = Archive(mirrors=(), cache=tmp_path, local=local, say=pytest.fail)
        assert archive.kernels("bookworm")[0].name == "n"


def test_the_cache_has_another_place_for_other_packages() -> None:
    assert archives.key(package("a", "1")) != archives.key(package("b", "1"))


def test_an_old_index_serves_while_the_mirror_cannot_be_reached(tmp_path: Path) -> None:
    kept = tmp_path / "index" / "bookworm.json"
    kept.parent.mkdir()
    kept.write_text('[{"name": "n", "version": "1", "path": "p", "sha256": "s"}]')
    os.utime(kept, (0, 0))
    said: list[str] = []
    mirrors = (f"{tmp_path.as_uri()}/nothing",)
    with LocalConnection() as local:
        archive = Archive(mirrors=mirrors, cache=tmp_path, local=local, say=said.append)
        assert archive.kernels("bookworm")[0].name == "n"
    assert "using the index fetched before" in said[-1]
