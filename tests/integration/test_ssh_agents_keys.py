"""Named keys that only an agent can use: by their file's cipher, by name alone, in tokens; DSA."""

import base64
import subprocess
import warnings
from pathlib import Path

import pytest

from fleetbpf.connections.routes import Routes
from fleetbpf.errors import InputError, Problem
from tests.integration.agents import add
from tests.integration.conftest import routes_of
from tests.integration.sshd import Server, make_key
from tests.integration.test_ssh_identities import Token, lets_in, option, served

pytestmark = pytest.mark.ssh
CIPHERS = ("chacha20-poly1305@openssh.com", "aes128-cbc", "aes128-ctr", "3des-cbc", "aes256-ctr")


def allow(server: Server, line: str) -> None:
    with (server.folder / "authorized_keys").open("a") as file:
        file.write(f"{line.strip()}\n")


def locked(path: Path, cipher: str, kind: str = "ed25519") -> Path:
    command = ["ssh-keygen", "-q", "-t", kind, "-N", "secret", "-Z", cipher, "-f", str(path)]
    subprocess.run(command, check=True)
    return path


def complaint(server: Server, routes: Routes, path: Path) -> Problem:
    with pytest.raises(InputError) as caught:
        routes.check([server.host(identity_file=path)])
    return caught.value.problems[0]


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_key_of_any_cipher_is_used_through_the_agent(
    server: Server, agent: Path, tmp_path: Path, cipher: str, kind: str
) -> None:
    key = locked(tmp_path / "key", cipher, kind)
    allow(server, Path(f"{key}.pub").read_text())
    add(agent, key, passphrase="secret")
    routes = routes_of(tmp_path, agent=agent)
    host = server.host(identity_file=key, ssh_options=(option("identitiesonly", "yes"),))
    routes.check([host])
    assert lets_in(host, routes)


@pytest.mark.parametrize("cipher", CIPHERS[:-1])
def test_a_cipher_that_cannot_be_undone_is_named(
    server: Server, tmp_path: Path, cipher: str
) -> None:
    key = locked(tmp_path / "key", cipher)
    problem = complaint(server, routes_of(tmp_path), key)
    assert f"encrypted by {cipher}, which fleetbpf cannot undo" in problem.what
    assert f"ssh-add {key}" in problem.hint


@pytest.mark.parametrize("gone", [False, True])
@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_a_public_key_stands_for_the_agents(
    server: Server, agent: Path, tmp_path: Path, kind: str, *, gone: bool
) -> None:
    key = make_key(tmp_path / "key", kind=kind)
    public = Path(f"{key}.pub")
    allow(server, public.read_text())
    problem = complaint(server, routes_of(tmp_path), public)
    assert "it is a public key, and no agent holds the private one" in problem.what
    assert f"ssh-add {key}" in problem.hint

    add(agent, key)
    if gone:
        key.unlink()
    routes = routes_of(tmp_path, agent=agent)
    for name in (public, key):  # that of the private key, though it is only beside a public one
        host = server.host(identity_file=name, ssh_options=(option("identitiesonly", "yes"),))
        routes.check([host])
        assert lets_in(host, routes)


def test_a_key_in_a_token_may_be_named(server: Server, tmp_path: Path) -> None:
    token = Token()
    line = f"sk-ssh-ed25519@openssh.com {base64.b64encode(token.public).decode()}\n"
    allow(server, line)
    public = tmp_path / "id_ed25519_sk.pub"
    public.write_text(line)
    with served(token, tmp_path / "token"):
        routes = routes_of(tmp_path, agent=tmp_path / "token")
        host = server.host(identity_file=public, ssh_options=(option("identitiesonly", "yes"),))
        routes.check([host])
        assert lets_in(host, routes)


class Refusing(Token):
    """A token that nobody touches."""

    def answer(self, request: bytes) -> bytes:
        return super().answer(request) if request[0] == 11 else b"\x05"


def test_a_key_that_nobody_touches_is_passed_over(server: Server, tmp_path: Path) -> None:
    token = Refusing()
    allow(server, f"sk-ssh-ed25519@openssh.com {base64.b64encode(token.public).decode()}")
    with served(token, tmp_path / "token"):
        routes = routes_of(tmp_path, agent=tmp_path / "token")
        named = option("identityfile", str(server.identity))
        assert lets_in(server.host(identity_file=None, ssh_options=(named,)), routes)


@pytest.mark.parametrize("form", [["-m", "PEM"], ["-m", "RFC4716"], ["-m", "PKCS8"]])
def test_a_dsa_key_is_told_and_warned_of_by_nobody(
    server: Server, tmp_path: Path, form: list[str]
) -> None:
    command = ["ssh-keygen", "-q", "-t", "dsa", "-N", "", "-f", str(tmp_path / "dsa"), *form]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this ssh-keygen makes no DSA keys any more")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        problem = complaint(server, routes_of(tmp_path), tmp_path / "dsa")
        named = option("identityfile", str(tmp_path / "dsa"))
        also = option("identityfile", str(server.identity))
        host = server.host(identity_file=None, ssh_options=(named, also))
        assert lets_in(host, routes_of(tmp_path))
    assert "a DSA key" in problem.what or form[1] == "PKCS8"
    assert "ssh-keygen -t ed25519" in problem.hint
