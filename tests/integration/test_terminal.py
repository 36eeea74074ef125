"""The live table as a person sees it: on a real terminal, over many hosts, until Ctrl-C."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleetbpf.cli.terminal.progress import MOST_UNREACHABLE
from tests import documents
from tests.integration import sshd
from tests.integration.conftest import StartServer
from tests.terminal import terminal

FLEETBPF = (sys.executable, "-m", "fleetbpf")
MANIFEST = (
    "name: x\nprograms: {hello: {source: hello.bpf.c}}\nplays: [{hosts: all, programs: [hello]}]\n"
)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port where somebody listens and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=200) as listener:
        yield int(listener.getsockname()[1])


@pytest.fixture
def folder(tmp_path: Path, silent_port: int) -> Path:
    """A manifest, and an inventory of 60 hosts that hang and 40 that refuse."""
    (tmp_path / "m.yml").write_text(MANIFEST)
    hosts = [f"hangs{n} ansible_host=127.0.0.1 ansible_port={silent_port}" for n in range(60)]
    hosts += [f"refuses{n} ansible_host=127.0.0.1 ansible_port=1" for n in range(40)]
    key = sshd.make_key(tmp_path / "key")  # without any, no host would be contacted
    lines = [*reversed(hosts), "[all:vars]", f"ansible_ssh_private_key_file={key}"]
    (tmp_path / "hosts").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_many_hosts_fit_a_small_terminal_and_ctrl_c_leaves_it_as_it_was(folder: Path) -> None:
    words = (*FLEETBPF, "destroy", "m.yml", "--yes", "-i", "hosts", "--timeout", "600")
    with terminal(words, cwd=folder, rows=16) as shown:
        shown.watch(lambda: shown.cursor_hidden and is_full(shown.lines))

        shown.resize(rows=10, columns=50)
        shown.watch(lambda: shown.lines[-1].endswith("…"))
        shown.resize(rows=16, columns=80)
        shown.type(b"\x03")
        assert shown.wait() == 130
        assert not shown.cursor_hidden
        assert not any("running" in line or "connecting" in line for line in shown.lines)
        assert shown.lines[-1].startswith("100 hosts: ")  # the recap


def test_ctrl_c_at_a_question_gives_the_terminal_its_echo_back(
    tmp_path: Path, start_server: StartServer
) -> None:
    server = start_server()
    key = sshd.make_key(tmp_path / "locked", passphrase="secret")
    (tmp_path / "hosts").write_text(
        f"web1 ansible_host=127.0.0.1 ansible_port={server.port} "
        f"ansible_ssh_private_key_file={key} fleetbpf_known_hosts_file={server.known_hosts}\n"
    )
    with terminal((*FLEETBPF, "logs", "web1", "-i", "hosts"), cwd=tmp_path) as shown:
        shown.watch(lambda: "passphrase" in "".join(shown.lines) and not shown.echoes)
        shown.type(b"\x03")
        shown.watch(lambda: shown.process.poll() is not None)
        assert shown.process.wait(60) == 130
        assert shown.echoes
        assert not shown.cursor_hidden


def is_full(lines: list[str]) -> bool:
    """Whether failures, running hosts and the counts are all there."""
    hanging = sum("hangs" in line and "connecting" in line for line in lines)
    refused = any("unreachable" in line and "refused" in line for line in lines)
    counted = any("40 of 100 done: 40 unreachable; 50 running" in line for line in lines)
    return hanging >= 6 and refused and counted


def test_an_end_by_sigterm_gives_the_cursor_back_too(folder: Path) -> None:
    with terminal((*FLEETBPF, "destroy", "m.yml", "--yes", "-i", "hosts"), cwd=folder) as shown:
        shown.watch(lambda: shown.cursor_hidden and is_full(shown.lines))
        shown.process.terminate()
        assert shown.wait() == 130
        assert not shown.cursor_hidden


def test_without_a_terminal_there_is_a_line_for_each_of_the_first_hosts_and_no_escape(
    folder: Path,
) -> None:
    words = (*FLEETBPF, "destroy", "m.yml", "--yes", "-i", "hosts", "--limit", "refuses*")
    said = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert said.stderr.count(": unreachable\n") == MOST_UNREACHABLE - 1
    assert said.stderr.count(": unreachable; more of these are told at the end\n") == 1
    assert "40 unreachable of 40 hosts\n" in said.stderr
    assert "\x1b" not in said.stderr + said.stdout


def test_quiet_leaves_the_errors_and_the_recap(folder: Path) -> None:
    words = (*FLEETBPF, "destroy", "m.yml", "--yes", "-i", "hosts", "--limit", "refuses1", "-q")
    said = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert "connection refused" in said.stderr
    assert "refuses1: unreachable" not in said.stderr
    assert said.stdout == "refuses1  ok=0  changed=0  unreachable=1  failed=0  skipped=0\n"


def test_json_is_the_only_thing_on_standard_output(folder: Path) -> None:
    words = (
        *FLEETBPF,
        "destroy",
        "m.yml",
        "--yes",
        "-i",
        "hosts",
        "--limit",
        "refuses1",
        "--json",
        "-vv",
    )
    said = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert documents.hosts(said.stdout)["refuses1"]["unreachable"] == 1
