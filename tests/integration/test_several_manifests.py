"""Several manifests in one command, and `validate --build`."""

import shlex
import subprocess
from pathlib import Path

import pytest

from tests import documents
from tests.integration.test_build_command import SOURCE, fleetbpf
from tests.tools import need

MANIFEST = """\
name: NAME
programs:
  NAME:
    source: hello.bpf.c
plays:
  - hosts: all
    programs: [NAME]
"""
CONSTANT = "const volatile unsigned int min_uid = 0;\nconst volatile unsigned int most = 0;\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two manifests, and a host that refuses connections."""
    need("clang", "bpftool", "cc")
    (tmp_path / "hello.bpf.c").write_text(SOURCE.replace('SEC("trace', f'{CONSTANT}SEC("trace'))
    for name in ("a", "b"):
        (tmp_path / f"{name}.yml").write_text(MANIFEST.replace("NAME", name))
    (tmp_path / "hosts").write_text("web1 ansible_host=127.0.0.1 ansible_port=1\n")
    return tmp_path


def run(folder: Path, line: str) -> "subprocess.CompletedProcess[str]":
    return fleetbpf(folder, *shlex.split(line))


def more(folder: Path, text: str) -> None:
    """Let the first manifest say more of its program."""
    file = folder / "a.yml"
    file.write_text(file.read_text().replace("plays:", f"    {text}\nplays:"))


@pytest.mark.parametrize("command", ["plan", "apply", "check", "rollback", "audit", "status"])
def test_each_manifest_has_its_turn_and_its_document(folder: Path, command: str) -> None:
    said = run(folder, f"{command} a.yml b.yml -i hosts --json")
    found = documents.read(said.stdout)
    assert (found["exit_code"], found["command"]) == (said.returncode, command)
    assert [each["deployment"] for each in found["documents"]] == ["a", "b"]
    assert [row["host"] for row in found["hosts"]] == ["web1", "web1"]


@pytest.mark.parametrize("command", ["destroy --yes", "facts", "unlock"])
def test_commands_that_take_hosts_too_take_several_manifests(folder: Path, command: str) -> None:
    said = run(folder, f"{command} a.yml b.yml -i hosts --json")
    found = documents.read(said.stdout)
    assert (said.returncode, found["exit_code"], len(found["documents"])) == (4, 4, 2)
    assert [row["host"] for row in found["hosts"]] == ["web1", "web1"]
    assert run(folder, f"{command} a.yml b.yml -i hosts").stdout.startswith("a.yml:\n")


@pytest.mark.parametrize(
    "command", ["destroy --yes --all", "destroy --yes --deployment a", "facts", "unlock", "status"]
)
def test_commands_take_several_hosts(folder: Path, command: str) -> None:
    (folder / "hosts").write_text("web[1:3] ansible_host=127.0.0.1 ansible_port=1\n")
    said = run(folder, f"{command} web1 web3 -i hosts --json")
    found = documents.read(said.stdout)
    assert (said.returncode, [row["host"] for row in found["hosts"]]) == (4, ["web1", "web3"])


@pytest.mark.parametrize("command", ["destroy --yes", "facts", "unlock", "status"])
def test_a_manifest_and_a_host_are_not_taken_together(folder: Path, command: str) -> None:
    said = run(folder, f"{command} a.yml web1 -i hosts")
    assert (said.returncode, "not taken together" in said.stderr) == (2, True)


def test_people_are_told_which_is_which(folder: Path) -> None:
    said = run(folder, "plan a.yml b.yml -i hosts")
    assert said.returncode == 4
    assert said.stdout.splitlines()[0] == "a.yml:"
    assert "\nb.yml:\n" in said.stdout


def test_all_mistakes_of_all_manifests_are_told_before_anything_is_done(folder: Path) -> None:
    more(folder, "nothing: 1")
    (folder / "b.yml").write_text("name: b\n")
    said = run(folder, "apply a.yml b.yml -i hosts --json")
    found = documents.read(said.stdout)
    assert (said.returncode, found["hosts"]) == (2, [])
    assert {problem["where"].split(":")[0] for problem in found["problems"]} == {"a.yml", "b.yml"}


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("plan a.yml b.yml --out p.json", "--out: it is for one manifest"),
        ("apply a.yml b.yml --start-at web1", "--start-at: it is for one manifest"),
        ("apply a.yml a.yml", "the deployment a is what all of these are called: a.yml, a.yml"),
    ],
)
def test_what_cannot_be_done_with_several_is_refused(folder: Path, line: str, what: str) -> None:
    said = run(folder, f"{line} -i hosts")
    assert (said.returncode, what in said.stderr) == (2, True), said.stderr


def test_after_a_failure_the_next_is_not_begun(folder: Path) -> None:
    (folder / "bad.bpf.c").write_text(SOURCE.replace("return 0", "return nothing"))
    file = folder / "a.yml"
    file.write_text(file.read_text().replace("hello.bpf.c", "bad.bpf.c"))
    said = run(folder, "apply a.yml b.yml -i hosts")
    assert said.returncode == 1
    assert "not begun, as a.yml failed: b.yml" in said.stderr
    assert "b.yml:" not in said.stdout


def test_validate_tells_the_mistakes_of_several(folder: Path) -> None:
    said = run(folder, "validate a.yml b.yml")
    assert (said.returncode, said.stdout) == (
        0,
        "a.yml: 1 program, 1 play\nb.yml: 1 program, 1 play\n",
    )


def test_validate_says_what_it_has_not_looked_at(folder: Path) -> None:
    (folder / "hello.bpf.c").write_text("no C at all")
    said = run(folder, "validate a.yml")
    assert (said.returncode, "--build does" in said.stderr) == (0, True)
    assert run(folder, "validate a.yml -q").stderr == ""


@pytest.mark.parametrize("where", ["", " -i hosts"])
@pytest.mark.parametrize(
    ("text", "code", "what"),
    [
        ("constants: {min_uid: 1}", 0, ""),
        ("constants: {min_udi: 1}", 2, "did you mean `min_uid`?"),
        ("constants: {min_uid: many}", 2, "min_uid"),
        ("hooks: {sya: tracepoint/syscalls/sys_enter_execve}", 2, "did you mean `say`?"),
        ("maps: {counts: {every: 5s}}", 2, "a.yml:5:"),
        ("events: {events: {struct: exec_event}}", 2, "a.yml:5:"),
    ],
)
def test_validate_build_finds_what_the_program_does_not_have(
    folder: Path, text: str, code: int, what: str, where: str
) -> None:
    more(folder, text)
    said = run(folder, f"validate a.yml --build{where}")
    assert (said.returncode, what in said.stderr) == (code, True), said.stderr
    assert "--build does" not in said.stderr


def test_validate_build_finds_what_does_not_compile(folder: Path) -> None:
    (folder / "hello.bpf.c").write_text(SOURCE.replace("return 0", "return nothing"))
    said = run(folder, "validate a.yml --build --json")
    found = documents.read(said.stdout)
    assert (said.returncode, found["exit_code"]) == (1, 1)
    assert "nothing" in found["problems"][0]["detail"]


def test_validate_build_says_what_only_an_inventory_settles(folder: Path) -> None:
    more(folder, 'constants: {min_uid: "{{ uid }}", most: 7}')
    said = run(folder, "validate a.yml --build --json")
    assert documents.read(said.stdout)["built"] is True
    assert "not looked at: constants with templates, of a: -i names" in said.stderr
