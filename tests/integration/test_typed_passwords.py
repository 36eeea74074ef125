"""Passwords as a person types them: on the terminal, once for all hosts."""

import sys
from pathlib import Path

import pytest

from tests.integration.people import PASSWORD
from tests.integration.sshd import ADDRESS, Server
from tests.terminal import Terminal, terminal
from tests.tools import need

pytestmark = pytest.mark.ssh
MANIFEST = """
name: typed
programs:
  hello: {source: hello.bpf.c}
plays:
  - {hosts: all, programs: [hello], become: true}
"""


def answer(shown: Terminal, question: str, text: str) -> None:
    """Type `text` when the question stands there, and what is typed is not shown."""
    shown.watch(lambda: question in "".join(shown.lines) and not shown.echoes)
    shown.type(f"{text}\n".encode())


def test_passwords_are_asked_for_once_and_not_shown(town: Server, tmp_path: Path) -> None:
    need("setsid")
    (tmp_path / "m.yml").write_text(MANIFEST)
    (tmp_path / "hello.bpf.c").touch()
    known = f"fleetbpf_known_hosts_file={town.known_hosts} ansible_ssh_args='-F none'"
    reached = f"ansible_host={ADDRESS} ansible_port={town.port} ansible_user=alice {known}"
    (tmp_path / "hosts").write_text("".join(f"web{n} {reached}\n" for n in range(3)))
    words = [sys.executable, "-m", "fleetbpf", "status", "m.yml", "-i", "hosts", "-k", "-K"]

    with terminal(words, cwd=tmp_path) as shown:
        answer(shown, "SSH password:", PASSWORD)
        answer(shown, "become password [the SSH password]:", "")
        assert shown.wait() == 0, shown.lines

    said = shown.output.decode()
    assert PASSWORD not in said
    assert (said.count("SSH password: "), said.count("absent")) == (1, 3)
