"""`--json` on every command: what its schema says on standard output and nothing else."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from fleetbpf import __version__, cli
from fleetbpf.cli import COMMANDS
from fleetbpf.cli.documents import DOCUMENTS
from fleetbpf.cli.envelope import STREAMS
from fleetbpf.cli.output import Output
from fleetbpf.errors import (
    BugError,
    BuildError,
    ExitCode,
    FleetbpfError,
    InterruptedHostError,
    Problem,
    UnreachableError,
)
from tests import documents
from tests.tools import need

PROBLEM = Problem(where="a.bpf.c", what="does not compile")

EXAMPLES = Path(__file__).parents[2] / "examples"
LINES = (
    "plan hello.yml",
    "check hello.yml",
    "apply hello.yml",
    "apply none.yml",
    "run hello.yml --for 1s",
    "status hello.yml",
    "status web1",
    "logs web1",
    "logs web1 --offline",
    "maps web1 hello",
    "rollback hello.yml",
    "history web1",
    "destroy hello.yml --yes",
    "destroy --all web1 --yes",
    "destroy --deployment hello web1 --yes",
    "destroy web1 --yes",
    "unlock web1",
    "facts web1",
    "audit hello.yml",
    "schedule list",
    "validate hello.yml",
    "schema",
    "schema --command lab up",
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
def test_standard_output_is_what_the_schema_says(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main([*shlex.split(line), "--json", "-v"])
    found = told(line, capsys)
    assert found["exit_code"] == code
    assert line.startswith(found["command"])
    assert (found["fleetbpf"], found["version"]) == (__version__, 1)


def told(line: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The document that a command line has printed."""
    out = capsys.readouterr().out
    return documents.stream(out)[1] if line.split(maxsplit=1)[0] in STREAMS else documents.read(out)


def test_every_command_has_a_line_here_and_a_schema() -> None:
    words = {line.split()[0] for line in LINES}
    assert words == set(COMMANDS)
    assert {name.split()[0] for name in DOCUMENTS} == set(COMMANDS)


@pytest.mark.parametrize("command", DOCUMENTS)
def test_a_schema_is_printed_for_each_command(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["schema", "--command", *command.split()]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["$schema"].endswith("2020-12/schema")


def test_a_schema_of_no_command_is_wrong_with_what_was_meant(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["schema", "--command", "lab", "upp"]) == ExitCode.USAGE
    assert "did you mean `lab up`?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "command", "what"),
    [
        ("apply", "apply", "the following arguments are required: MANIFEST"),
        ("aply hello.yml", "", "there is no command `aply`"),
        ("lab up --hosts many", "lab up", "argument --hosts: invalid int value: 'many'"),
        ("logs --nope", "logs", "the following arguments are required: HOST"),
    ],
)
def test_wrong_usage_is_a_document_too(
    line: str, command: str, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main([*shlex.split(line), "--json"])
    found = documents.read(capsys.readouterr().out)
    assert (found["exit_code"], found["command"]) == (2, command)
    assert [problem["what"] for problem in found["problems"]] == [what]


def test_a_host_that_is_not_reached_is_a_problem_of_that_host(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["apply", "hello.yml", "--json"]) == ExitCode.UNREACHABLE
    found = documents.read(capsys.readouterr().out)
    assert [(row["host"], row["unreachable"]) for row in found["hosts"]] == [("web1", 1)]
    assert [problem["host"] for problem in found["problems"]] == ["web1"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InterruptedHostError(PROBLEM), 130),
        (BugError(PROBLEM), 70),
        (BuildError(PROBLEM), 1),
        (UnreachableError(PROBLEM), 4),
    ],
)
@pytest.mark.parametrize("command", ["version", "logs"])
def test_every_end_is_a_document(
    error: FleetbpfError, code: int, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert Output(json=True, command=command).report(error) == code
    found = told(command, capsys)
    assert (found["exit_code"], found["command"]) == (code, command)
    assert found["problems"]
