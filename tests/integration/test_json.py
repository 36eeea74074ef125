"""`--json` on every command: one document on standard output and nothing else, come what may."""

import json
import shlex
from pathlib import Path

import pytest

from fleetbpf import cli
from tests.tools import need

EXAMPLES = Path(__file__).parents[2] / "examples"
LINES = (
    "plan hello.yml",
    "check hello.yml",
    "apply hello.yml",
    "apply none.yml",
    "run hello.yml --for 1s",
    "status hello.yml",
    "logs web1",
    "logs web1 --offline",
    "maps web1 hello",
    "rollback hello.yml",
    "history web1",
    "destroy hello.yml",
    "unlock web1",
    "facts web1",
    "audit hello.yml",
    "schedule list",
    "validate hello.yml",
    "schema",
    "settings",
    "inventory list",
    "inventory list --names",
    "inventory graph",
    "inventory host web1",
    "build hello.yml",
    "doctor",
    "lab status",
    "lab down",
    "completion bash",
    "manual man",
    "help lab up",
    "help nothing",
    "version",
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with a manifest, and one host that refuses connections."""
    need("clang")
    (tmp_path / "hello.yml").write_text((EXAMPLES / "hello.yml").read_text())
    (tmp_path / "hosts").write_text("web1 ansible_host=127.0.0.1 ansible_port=1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLEETBPF_INVENTORY", "hosts")


@pytest.mark.parametrize("line", LINES)
def test_standard_output_is_one_document(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main([*shlex.split(line), "--json", "-v"])
    json.loads(capsys.readouterr().out)


def test_wrong_usage_is_a_document_too(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["apply", "--json"])
    assert json.loads(capsys.readouterr().out)["exit_code"] == 2
