"""What known_hosts files mean, by cases of sshd(8)."""

import base64
import hmac
from pathlib import Path

import pytest

from fleetbpf.connections.keys import known_hosts
from fleetbpf.connections.keys.known_hosts import KnownHosts, Standing, fingerprint, names_of

ONE, OTHER = (base64.b64encode(word).decode() for word in (b"one", b"other"))


@pytest.mark.parametrize("line", ["web1 ssh-rsa schlüssel", "|1|schlüssel|x= ssh-rsa AAAA"])
def test_a_line_that_is_not_ascii_is_a_damaged_one(line: str, tmp_path: Path) -> None:
    known = reading(tmp_path / "known_hosts", f"{line}\n")
    assert known.judge(names_of("web1", 22), b"one").standing in (
        Standing.UNKNOWN,
        Standing.CHANGED,
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "known_hosts"


def reading(file: Path, text: str) -> KnownHosts:
    file.write_text(text)
    return known_hosts.read([file])


@pytest.mark.parametrize(
    ("patterns", "address", "port", "standing"),
    [
        ("web1", "web1", 22, Standing.KNOWN),
        ("web1", "WEB1", 22, Standing.KNOWN),
        ("WEB1", "web1", 22, Standing.KNOWN),
        ("web1", "web2", 22, Standing.UNKNOWN),
        ("db,web1,10.0.0.1", "10.0.0.1", 22, Standing.KNOWN),
        ("web*", "web1", 22, Standing.KNOWN),
        ("web?", "web12", 22, Standing.UNKNOWN),
        ("web*,!web1", "web1", 22, Standing.UNKNOWN),
        ("web*,!web1", "web2", 22, Standing.KNOWN),
        ("[web1]:2222", "web1", 2222, Standing.KNOWN),
        ("[web1]:2222", "web1", 2223, Standing.UNKNOWN),
        ("[web1]:2222", "web1", 22, Standing.UNKNOWN),
        ("[web*]:2222", "web1", 2222, Standing.KNOWN),
        ("[web1]:*", "web1", 2222, Standing.KNOWN),
        ("web1", "web1", 2222, Standing.KNOWN),  # as OpenSSH: the plain name is good on any port
        ("[fe80::1]:2222", "fe80::1", 2222, Standing.KNOWN),
        ("fe80::1", "fe80::1", 22, Standing.KNOWN),
        ("|1|damaged", "web1", 22, Standing.UNKNOWN),
        ("|1|!|!", "web1", 22, Standing.UNKNOWN),
    ],
)
def test_a_line_is_about_the_hosts_of_its_first_field(
    file: Path, patterns: str, address: str, port: int, standing: Standing
) -> None:
    known = reading(file, f"{patterns} ssh-ed25519 {ONE}\n")

    assert known.judge(names_of(address, port), b"one").standing is standing


@pytest.mark.parametrize(
    ("text", "standing", "line"),
    [
        ("", Standing.UNKNOWN, 0),
        (f"# web1 ssh-ed25519 {ONE}\n", Standing.UNKNOWN, 0),
        ("web1 ssh-ed25519\n", Standing.UNKNOWN, 0),
        (f"@cert-authority web1 ssh-ed25519 {ONE}\n", Standing.UNKNOWN, 0),
        (f"\n\nweb1 ssh-ed25519 {ONE} a comment\n", Standing.KNOWN, 3),
        (f"web1 ssh-ed25519 {OTHER}\n", Standing.CHANGED, 1),
        (f"web1 ssh-ed25519 {OTHER}\nweb1 ssh-ed25519 {ONE}\n", Standing.KNOWN, 2),
        (f"web1 ssh-rsa {OTHER}\n", Standing.CHANGED, 1),
        (f"web1 ssh-ed25519 {ONE}\n@revoked * ssh-ed25519 {ONE}\n", Standing.REVOKED, 2),
        (f"@revoked web1 ssh-ed25519 {OTHER}\n", Standing.UNKNOWN, 0),
        ("web1 ssh-ed25519 not*base64\n", Standing.CHANGED, 1),
    ],
)
def test_a_key_stands_as_the_files_have_it(
    file: Path, text: str, standing: Standing, line: int
) -> None:
    verdict = reading(file, text).judge(names_of("web1", 22), b"one")

    assert verdict.standing is standing
    assert [entry.place for entry in verdict.entries] == ([f"{file}:{line}"] if line else [])


def test_a_key_of_the_plain_name_never_means_a_change_on_another_port(file: Path) -> None:
    known = reading(file, f"web1 ssh-ed25519 {OTHER}\n")

    assert known.judge(names_of("web1", 2222), b"one").standing is Standing.UNKNOWN


def test_a_hashed_name_is_found_by_its_hmac(file: Path) -> None:
    field = known_hosts_hash("[web1]:2222", salt=b"salt of 20 bytes....")

    known = reading(file, f"{field} ssh-ed25519 {ONE}\n")

    assert known.judge(names_of("web1", 2222), b"one").standing is Standing.KNOWN
    assert known.judge(names_of("web2", 2222), b"one").standing is Standing.UNKNOWN


def test_the_known_types_of_a_host_come_once_and_without_revoked_ones(file: Path) -> None:
    known = reading(
        file,
        f"web1 ssh-rsa {ONE}\nweb* ssh-ed25519 {ONE}\nweb1 ssh-rsa {OTHER}\n"
        f"@revoked web1 ecdsa-sha2-nistp256 {ONE}\n",
    )

    assert known.kinds(names_of("web1", 22)) == ("ssh-rsa", "ssh-ed25519")


def test_all_files_count_and_a_missing_one_is_empty(file: Path, tmp_path: Path) -> None:
    file.write_text(f"web1 ssh-ed25519 {ONE}\n")

    known = known_hosts.read([tmp_path / "missing", file])

    assert known.judge(names_of("web1", 22), b"one").standing is Standing.KNOWN


def test_a_fingerprint_is_printed_as_openssh_does() -> None:
    assert fingerprint(b"") == "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"


def known_hosts_hash(name: str, *, salt: bytes) -> str:

    digest = hmac.digest(salt, name.encode(), "sha1")
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"
