"""The command line: one boundary turns every error into words, a document and an exit code."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fleetbpf import cli
from fleetbpf.cli.output import Output
from fleetbpf.cli.recap import HostRecap, ended_by_hand, exit_code
from fleetbpf.errors import ExitCode, Problem
from tests import documents
from tests.integration.test_json import LINES


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The real command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "fleetbpf", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_help_names_every_command_and_every_exit_code(tmp_path: Path) -> None:
    said = run("--help", cwd=tmp_path).stdout
    assert [name for name in cli.COMMANDS if not re.search(rf"\n    {name}\s", said)] == []
    assert "exit codes: 0 done" in said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("aply x.yml", "there is no command `aply`\n  hint: did you mean `apply`?"),
        ("lab upp", "there is no command `upp`\n  hint: did you mean `up`?"),
        ("schedule instal x.yml", "there is no command `instal`\n  hint: did you mean `install`?"),
        ("apply x.yml --forkz 3", "there is no option `--forkz`\n  hint: did you mean `--forks`?"),
        ("lab up --memry=3", "there is no option `--memry`\n  hint: did you mean `--memory`?"),
        ("doctor x.yml", "one word too many: `x.yml`"),
        ("help lab upp", "fleetbpf lab has no command `upp`\n  hint: did you mean `up`?"),
    ],
)
def test_a_slip_of_the_pen_is_told_with_what_was_meant(
    line: str, said: str, tmp_path: Path
) -> None:
    done = run(*line.split(), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_help_and_version_are_commands_too(tmp_path: Path) -> None:
    assert (
        run("help", "lab", "up", cwd=tmp_path).stdout
        == run("lab", "up", "--help", cwd=tmp_path).stdout
    )
    assert run("help", cwd=tmp_path).stdout == run("--help", cwd=tmp_path).stdout
    assert run("version", cwd=tmp_path).stdout.startswith("fleetbpf ")


def test_json_of_every_command_is_tested() -> None:
    assert {line.split()[0] for line in LINES} == set(cli.COMMANDS)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from fleetbpf.cli import parser; parser();"
        "print([m for m in ('paramiko', 'pydantic', 'yaml', 'jinja2', 'rich') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"


def test_a_missing_manifest_is_bad_input(tmp_path: Path) -> None:
    said = run("apply", "none.yml", cwd=tmp_path)
    assert (said.returncode, said.stdout) == (2, "")
    assert "none.yml" in said.stderr


def test_bad_input_is_told_as_one_json_document_too(tmp_path: Path) -> None:
    (tmp_path / "m.yml").write_text("name: x\nplayz: []\n")
    said = run("validate", "m.yml", "--json", cwd=tmp_path)
    document = documents.read(said.stdout)
    assert (said.returncode, document["exit_code"]) == (2, 2)
    assert "m.yml:2:1" in {problem["where"] for problem in document["problems"]}


def test_no_inventory_is_told_with_its_cure(tmp_path: Path) -> None:
    (tmp_path / "a.bpf.c").write_text("")
    (tmp_path / "m.yml").write_text(
        "name: x\nprograms: {a: {source: a.bpf.c}}\nplays: [{hosts: all, programs: [a]}]\n"
    )
    said = run("status", "m.yml", cwd=tmp_path)
    assert said.returncode == 2
    assert "-i SOURCE" in said.stderr


@pytest.mark.parametrize("words", [("apply",), ("apply", "m.yml", "--forks", "0"), ("nonsense",)])
def test_wrong_usage_has_exit_code_2(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert run(*words, cwd=tmp_path).returncode == 2


def test_a_bug_is_a_report_file_and_exit_code_70(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("fleetbpf.cli.schema.run", lambda *_: 1 // 0)
    assert cli.main(["schema"]) == ExitCode.BUG
    report = Path(capsys.readouterr().err.split("please report ")[1].strip())
    assert "ZeroDivisionError" in report.read_text()
    report.unlink()


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("inventory list -i LONG,web1", 0),  # a list of hosts, as long as may be
        ("inventory list -i LONG", 2),
        ("build LONG.bpf.c", 2),
        ("facts LONG -i web1,", 2),
        ("validate long.yml", 2),
    ],
)
def test_a_name_that_no_file_system_takes_is_told_as_absent(
    line: str, status: int, tmp_path: Path
) -> None:
    long = ",".join(f"web{number}.example.com" for number in range(40))
    name = long if "LONG,web1" in line else long.replace(",", "")
    text = f"name: x\nprograms: {{x: {{source: {name}.bpf.c}}}}\n"
    (tmp_path / "long.yml").write_text(f"{text}plays: [{{hosts: all, programs: [x]}}]\n")
    done = run(*line.replace("LONG", name).split(), cwd=tmp_path)
    assert done.returncode == status, done.stderr
    assert "a bug" not in done.stderr


def test_an_interrupt_outside_of_any_host_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fleetbpf.cli.schema.run", interrupted)
    assert cli.main(["schema"]) == ExitCode.INTERRUPTED


@pytest.mark.parametrize(
    ("recaps", "code"),
    [
        ([HostRecap(host="a", ok=1)], ExitCode.DONE),
        ([HostRecap(host="a", ok=1), HostRecap(host="b", unreachable=1)], ExitCode.UNREACHABLE),
        ([HostRecap(host="a", failed=1), HostRecap(host="b", unreachable=1)], ExitCode.FAILED),
        ([HostRecap(host="a", failed=1, interrupted=True)], ExitCode.INTERRUPTED),
    ],
)
def test_the_exit_code_tells_the_gravest_thing(recaps: list[HostRecap], code: ExitCode) -> None:
    assert exit_code(recaps) is code


def test_a_problem_reads_where_what_detail_and_cure() -> None:
    problem = Problem(where="m.yml:1:2", what="wrong", hint="right", detail="line\n")
    assert str(problem) == "m.yml:1:2: wrong\n  | line\n  hint: right"


def test_with_json_lines_for_people_are_silent(capsys: pytest.CaptureFixture[str]) -> None:
    Output(json=True).line("for people")
    Output(json=True).document({"a": Path("/x")})
    assert json.loads(capsys.readouterr().out)["a"] == "/x"


@pytest.mark.parametrize(
    "words",
    [("lab", "status", "--json"), ("lab", "--json", "status"), ("schema", "--json")],
)
def test_json_is_understood_before_and_after_a_subcommand(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    said = run(*words, cwd=tmp_path)
    assert said.returncode == 0
    assert documents.read(said.stdout)


def test_the_inventory_is_shown_as_a_list_a_graph_and_the_variables_of_a_host(
    tmp_path: Path,
) -> None:
    (tmp_path / "hosts").write_text("lone\n[web]\nweb1 ansible_host=10.0.0.1 ansible_user=ops\n")
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars" / "web1.yml").write_text("uplink: eth0\n")

    assert run("inventory", "list", "-i", "hosts", cwd=tmp_path).stdout == (
        "HOST  REACHED       GROUPS\nlone  lone          ungrouped\nweb1  ops@10.0.0.1  web\n"
    )
    assert run("inventory", "graph", "web", "-i", "hosts", cwd=tmp_path).stdout == (
        "@web:\n  |--web1\n"
    )
    assert run("inventory", "host", "web1", "-i", "hosts", cwd=tmp_path).stdout == (
        "web1: ops@10.0.0.1; web\n"
        "VARIABLE      VALUE       WRITTEN IN\n"
        'ansible_host  "10.0.0.1"  hosts:3:6\n'
        'ansible_user  "ops"       hosts:3:28\n'
        'uplink        "eth0"      host_vars/web1.yml:1:9\n'
    )


def test_the_variables_beside_a_manifest_count_for_its_hosts(tmp_path: Path) -> None:
    (tmp_path / "plays" / "group_vars").mkdir(parents=True)
    (tmp_path / "plays" / "group_vars" / "all.yml").write_text("v: of the manifest\n")
    arguments = ("inventory", "host", "web1", "-i", "web1,", "--json")

    with_it = run(*arguments, "--manifest", "plays/hello.yml", cwd=tmp_path)
    assert documents.hosts(with_it.stdout)["web1"]["variables"] == {"v": "of the manifest"}
    assert documents.hosts(run(*arguments, cwd=tmp_path).stdout)["web1"]["variables"] == {}


def test_a_host_that_cannot_be_reached_as_its_inventory_says_is_told_before_any_contact(
    tmp_path: Path,
) -> None:
    (tmp_path / "hosts").write_text("good\nbad ansible_connection=winrm\n")

    said = run("logs", "all", "-i", "hosts", cwd=tmp_path)
    assert said.returncode == 2
    assert said.stderr.startswith("hosts:2:5: `ansible_connection`: fleetbpf has no connection")


@pytest.mark.parametrize("words", [("version",), ("version", "--json"), ("--help",), ("help",)])
def test_a_full_disk_behind_standard_output_is_told_and_is_no_bug(words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        said = subprocess.run(
            [sys.executable, "-m", "fleetbpf", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert (said.returncode, "No space left on device" in said.stderr) == (1, True)
    assert "bug" not in said.stderr
    assert "Exception ignored" not in said.stderr


def test_an_interrupt_ends_what_goes_on_for_ever_without_a_complaint() -> None:
    said = Problem(where="web1", what="interrupted before it was finished", hint="run it again")
    told = [HostRecap(host="web1", interrupted=True, problems=(said,))]
    told += [HostRecap(host="web2", unreachable=1, problems=(said,))]
    found = ended_by_hand(told)
    assert [each.problems for each in found] == [(), (said,)]
    assert exit_code(found) is ExitCode.INTERRUPTED


def test_numbers_that_json_does_not_have_are_texts_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hosts.yml").write_text(
        "all: {hosts: {web1: {most: .inf, least: -.inf, none: .nan, deep: [[.inf, 1.5]]}}}"
    )
    assert cli.main(["inventory", "list", "-i", str(tmp_path / "hosts.yml"), "--json"]) == 0

    def refuse(word: str) -> None:
        pytest.fail(f"{word} is no JSON")

    found = json.loads(capsys.readouterr().out, parse_constant=refuse)
    variables = found["inventory"]["_meta"]["hostvars"]["web1"]
    assert variables == {
        "most": "Infinity",
        "least": "-Infinity",
        "none": "NaN",
        "deep": [["Infinity", 1.5]],
    }
