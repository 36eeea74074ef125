"""Certificates that hosts show: fleetbpf takes and refuses what OpenSSH's own client does."""

import base64
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fleetbpf.connections.keys.host_certificates import HostCertificate
from fleetbpf.connections.routes import Routes
from fleetbpf.errors import UnreachableError
from fleetbpf.model.inventory import SshOption
from tests.integration.conftest import StartServer, connect
from tests.integration.sshd import ADDRESS, Server, make_key

pytestmark = pytest.mark.ssh
CERTIFICATE = "HostCertificate {folder}/host_ed25519-cert.pub\n"


def sign(key: Path, authority: Path, *arguments: str) -> None:
    """Have an authority sign a public key; the certificate lies beside it."""
    command = ["ssh-keygen", "-q", "-s", str(authority), "-I", "test", *arguments, f"{key}.pub"]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    return make_key(tmp_path / "authority")


@pytest.fixture
def certified(start_server: StartServer, tmp_path: Path, authority: Path) -> Callable[..., Server]:
    """Starts a server whose key is signed as the arguments say."""

    def start(*arguments: str, by: Path = authority) -> Server:
        folder = tmp_path / "sshd0"
        folder.mkdir(exist_ok=True)
        sign(make_key(folder / "host_ed25519"), by, *arguments)
        server = start_server(more=CERTIFICATE.format(folder=folder))
        trust(server, authority)
        return server

    return start


def trust(server: Server, authority: Path, *, hosts: str = "*", more: str = "") -> None:
    """Have known_hosts name the authority and, of the host, nothing else."""
    key = " ".join(authority.with_suffix(".pub").read_text().split()[:2])
    server.known_hosts.write_text(f"@cert-authority {hosts} {key}\n{more}")


def ssh_connects(server: Server) -> bool:
    """Whether OpenSSH's client trusts the server."""
    command = [
        *("ssh", "-F", "none", "-i", str(server.identity), "-p", str(server.port)),
        *("-o", f"UserKnownHostsFile={server.known_hosts}", "-o", "StrictHostKeyChecking=yes"),
        *("-o", "GlobalKnownHostsFile=none", "-o", "BatchMode=yes", ADDRESS, "true"),
    ]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def refusal(server: Server, routes: Routes) -> str:
    """Why fleetbpf does not trust the server; nothing when it does."""
    try:
        connect(server.host(), routes=routes).close()
    except UnreachableError as error:
        [problem] = error.problems
        return problem.what
    return ""


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("-h", "-n", ADDRESS), ""),
        (("-h", "-n", f"web1,{ADDRESS},web2"), ""),
        (("-h", "-n", "127.0.0.*"), "it is for 127.0.0.*, not for"),
        (("-h",), ""),  # no names: good for every host
        (("-h", "-n", ADDRESS, "-V", "-5m:+5m"), ""),
        (("-h", "-n", "web1,127.0.0.10"), f"it is for web1, 127.0.0.10, not for {ADDRESS}"),
        (("-h", "-n", ADDRESS, "-V", "20200101:20210101"), "it expired at 202"),
        (("-h", "-n", ADDRESS, "-V", "20990101:20990102"), "it is not valid before 209"),
        (("-h", "-n", ADDRESS, "-O", "critical:strange@x"), "not known: strange@x"),
    ],
)
def test_a_certificate_counts_as_with_ssh(
    certified: Callable[..., Server], routes: Routes, arguments: tuple[str, ...], reason: str
) -> None:
    server = certified(*arguments)

    said = refusal(server, routes)

    assert reason in said
    assert (said == "") is (reason == "") is ssh_connects(server)


def test_a_key_of_an_rsa_authority_counts(
    certified: Callable[..., Server], routes: Routes, tmp_path: Path
) -> None:
    authority = make_key(tmp_path / "rsa", kind="rsa")
    server = certified("-h", "-n", ADDRESS, by=authority)
    trust(server, authority)

    assert refusal(server, routes) == ""


def test_an_rsa_authority_that_signs_with_sha1_does_not_count(
    certified: Callable[..., Server], routes: Routes, tmp_path: Path
) -> None:
    authority = make_key(tmp_path / "rsa", kind="rsa")
    server = certified("-h", "-n", ADDRESS, "-t", "ssh-rsa", by=authority)
    trust(server, authority)

    assert "its signature is wrong" in refusal(server, routes)
    assert not ssh_connects(server)


@pytest.mark.parametrize(
    ("hosts", "more", "reason"),
    [
        ("*.example.com", "", "unknown host key"),
        ("127.0.0.*,!127.0.0.1", "", "unknown host key"),
        ("*", "@revoked * {authority}\n", "its authority of "),
        ("*", "@revoked * {key}\n", "host key revoked"),
        ("other", "[{address}]:{port} {key}\n", ""),  # the key itself is known
    ],
)
def test_an_authority_counts_where_it_is_trusted(
    certified: Callable[..., Server],
    routes: Routes,
    hosts: str,
    more: str,
    reason: str,
) -> None:
    server = certified("-h", "-n", ADDRESS)
    authority = server.folder.parent / "authority"
    lines = more.format(
        authority=authority.with_suffix(".pub").read_text().strip(),
        key=server.public_key(),
        address=ADDRESS,
        port=server.port,
    )
    trust(server, authority, hosts=hosts, more=lines)

    said = refusal(server, routes)

    assert reason in said
    assert (said == "") is (reason == "") is ssh_connects(server)


def test_the_certificate_of_a_user_is_none_of_a_host(tmp_path: Path, authority: Path) -> None:
    """Sshd itself shows none of a user's: so it is judged without one."""
    key = make_key(tmp_path / "key")
    sign(key, authority, "-n", ADDRESS)
    kind, encoded = (tmp_path / "key-cert.pub").read_text().split()[:2]

    certificate = HostCertificate.parse(kind, base64.b64decode(encoded))

    assert list(certificate.objections(ADDRESS)) == ["it is a user's, not a host's"]


@pytest.mark.parametrize("what", ["key", "authority", "nothing", "missing"])
@pytest.mark.parametrize("form", ["list", "krl"])
def test_what_a_file_of_revoked_keys_has_is_refused(
    certified: Callable[..., Server], routes: Routes, form: str, what: str
) -> None:
    server = certified("-h", "-n", ADDRESS)
    folder = server.folder
    public = {
        "key": folder / "host_ed25519.pub",
        "authority": folder.parent / "authority.pub",
        "nothing": make_key(folder / "other").with_suffix(".pub"),
    }
    file = folder / "revoked"
    if what in public and form == "list":
        file.write_text(public[what].read_text())
    elif what in public:
        command = ["ssh-keygen", "-q", "-k", "-f", str(file), str(public[what])]
        subprocess.run(command, check=True, capture_output=True)
    revoked = SshOption(keyword="revokedhostkeys", text="", words=(str(file),), place="")

    host = server.host(ssh_options=(revoked,))

    if what == "nothing":
        connect(host, routes=routes).close()
    else:
        reason = "cannot be read" if what == "missing" else f"host key revoked by {file}"
        with pytest.raises(UnreachableError, match=reason):
            connect(host, routes=routes)


def test_another_name_for_the_host_key_is_the_name_in_the_certificate(
    certified: Callable[..., Server], routes: Routes
) -> None:
    server = certified("-h", "-n", "fleet")
    alias = SshOption(keyword="hostkeyalias", text="fleet", words=("fleet",), place="")

    connect(server.host(ssh_options=(alias,)), routes=routes).close()
    with pytest.raises(UnreachableError, match=f"it is for fleet, not for {ADDRESS}"):
        connect(server.host(name="web2"), routes=routes)
