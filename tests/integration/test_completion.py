"""Completion as a person meets it: a real shell, a word begun, and the Tab key's answer."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools import need

COMPLETE = """
source completions
COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_shtab_fleetbpf
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with an inventory, a manifest and bash's completions."""
    (tmp_path / "inventories").mkdir()
    (tmp_path / "inventories" / "hosts.yml").write_text("web: {hosts: {web1: , web2: , db1: }}\n")
    (tmp_path / "hello.yml").touch()
    (tmp_path / "hello.bpf.c").touch()
    (tmp_path / "completions").write_text(completions("bash"))
    (tmp_path / "fleetbpf").write_text(f'#!/bin/sh\nexec {sys.executable} -m fleetbpf "$@"\n')
    (tmp_path / "fleetbpf").chmod(0o755)
    return tmp_path


def completions(shell: str, *more: str) -> str:
    words = [sys.executable, "-m", "fleetbpf", "completion", shell, *more]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("fleetbpf inv", ["inventory"]),
        ("fleetbpf lab ''", ["up", "down", "status", "test", "ssh"]),
        ("fleetbpf apply --for", ["--forks"]),
        ("fleetbpf apply hello", ["hello.yml"]),
        ("fleetbpf status --color ''", ["auto", "always", "never"]),
        ("fleetbpf logs web", ["web1", "web2"]),
        ("fleetbpf apply hello.yml --limit db", ["db1"]),
        ("fleetbpf completion z", ["zsh"]),
    ],
)
def test_bash_offers_what_fits(folder: Path, words: str, offered: list[str]) -> None:
    need("bash")
    said = subprocess.run(
        ["bash", "--norc", "-c", COMPLETE.format(words=words)],
        cwd=folder,
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == offered


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_can_read_their_script(tmp_path: Path, shell: str) -> None:
    need(shell)
    (tmp_path / "script").write_text(completions(shell))
    subprocess.run([shell, "--no-exec", str(tmp_path / "script")], check=True)


def test_the_script_is_one_json_document_too() -> None:
    assert json.loads(completions("fish", "--json"))["script"].startswith("#")
