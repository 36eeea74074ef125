"""What ssh_config means: OpenSSH's own `ssh -G` says the same of every case."""

import os
import pwd
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleetbpf.connections.settings import Operator
from fleetbpf.connections.shell import Shell
from fleetbpf.connections.ssh_config import ssh_files
from fleetbpf.connections.ssh_config.resolution import agent
from fleetbpf.connections.ssh_config.ssh_lookup import Found, Lookup
from fleetbpf.connections.ssh_config.ssh_values import Values, tokens_of
from tests.tools import need

CASES = Path(__file__).parents[1] / "cases" / "ssh_config"
# What `ssh -G` shows as it is written; the rest it shows as values.
AS_WRITTEN = ("identityfile", "certificatefile", "proxyjump", "hostkeyalias")
DEFAULT_KEYS = {f"~/.ssh/id_{kind}" for kind in ("rsa", "ecdsa", "ecdsa_sk", "ed25519")} | {
    f"~/.ssh/id_{kind}" for kind in ("ed25519_sk", "xmss", "dsa")
}


def cases() -> Iterator[tuple[str, str]]:
    for file in sorted(CASES.glob("*.conf")):
        first = file.read_text().splitlines()[0]
        for host in first.removeprefix("# hosts:").split():
            yield file.name, host.strip('"')


def operator() -> Operator:
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    return Operator(home=home, environment=os.environ)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cases, with the names of included files in place."""
    need("ssh")
    target = tmp_path_factory.mktemp("ssh_config")
    for file in CASES.rglob("*.conf"):
        copy = target / file.relative_to(CASES)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(file.read_bytes().replace(b"@FOLDER@", str(target).encode()))
    return target


def asked(file: Path, host: str) -> dict[str, list[str]]:
    """What `ssh -G` says, by keyword."""
    command = ["ssh", "-G", "-F", str(file), "--", host]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    answers: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        keyword, _, value = line.partition(" ")
        answers.setdefault(keyword, []).append(value)
    # Without any key in the files ssh shows the usual ones.
    if DEFAULT_KEYS & set(answers.get("identityfile", [])) == set(answers.get("identityfile", [])):
        answers.pop("identityfile", None)
    return answers


def looked_up(file: Path, host: str) -> Found:
    who = operator()
    lookup = Lookup(
        files=ssh_files.read(who, file),
        local_user=who.user,
        tokens=lambda found: tokens_of(found, who),
        succeeds=Shell(who).succeeds,
    )
    return lookup.options(host)


def ours(found: Found) -> dict[str, list[str]]:
    """The same in the words of `ssh -G`, as far as fleetbpf acts on it."""
    values = Values(found, operator())
    said = {
        "hostname": [values.address],
        "user": [values.user],
        "port": [str(values.port())],
        "addressfamily": [values.word("addressfamily", "any")],
        "identitiesonly": ["yes" if values.flag("identitiesonly") else "no"],
        "hashknownhosts": ["yes" if values.flag("hashknownhosts") else "no"],
        "serveraliveinterval": [f"{values.seconds('serveraliveinterval') or 0:g}"],
        "serveralivecountmax": [str(values.number("serveralivecountmax", 3))],
    }
    timeout = values.seconds("connecttimeout")
    said["connecttimeout"] = ["none" if timeout is None else f"{timeout:g}"]
    for keyword in AS_WRITTEN:
        lines = [line.words[0] for line in found.options.get(keyword, [])]
        if lines and (keyword, lines) != ("proxyjump", ["none"]):
            said[keyword] = [line.removeprefix("ssh://") for line in lines]
    if found.word("identityagent") not in ("", "SSH_AUTH_SOCK"):
        said["identityagent"] = [agent(values, operator()) or "none"]
    for keyword in ("userknownhostsfile", "globalknownhostsfile"):
        if values.first(keyword) is not None:
            said[keyword] = [" ".join(map(str, values.files(keyword)))]
    command = values.first("proxycommand")
    if command is not None and command.text != "none":
        said["proxycommand"] = [command.text]
    return said


@pytest.mark.parametrize(("name", "host"), list(cases()))
def test_ssh_config_means_what_ssh_makes_of_it(folder: Path, name: str, host: str) -> None:
    answers = asked(folder / name, host)

    found = ours(looked_up(folder / name, host))

    assert found == {keyword: answers.get(keyword) for keyword in found}
    silent = {"proxyjump", "proxycommand", "hostkeyalias", "identityfile", "certificatefile"}
    assert not (silent & set(answers)) - set(found)
