"""Hosts that say the password that they were told: nothing shows it, and no file keeps it."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from fleetbpf.cli.audit import keep
from fleetbpf.cli.output import Output
from fleetbpf.deploy.apply import explained
from fleetbpf.host.failures import Failure
from fleetbpf.model.layout import Workspace
from fleetbpf.secret import MASK, Secrets
from tests.hostile.lying_host import Ended, begin, finish

EVERY = {"fleetbpf", "version", "command", "exit_code", "hosts", "problems"}

PASSWORD = 'hunter2 "\u00e9'  # JSON and a terminal show it in more than one way
INVENTORY = "all: {hosts: {evil: {ansible_connection: local, ansible_become: true}}}"
REFUSING = """
IFS= read -r password
echo "sudo: no tty present for $password" >&2
echo "$password"
exit 1
"""
# Begins as root's shell and the command in it would.
BEGINNING = r"""
IFS= read -r password
for last; do :; done
mark=${last#echo } mark=${mark%%;*}
echo "$mark"
printf '\036%se\n' "$mark" >&2
printf '\036%s\n' "$mark"
"""
# Says the password in every stream, and ends before its time.
SAYING = rf"""{BEGINNING}
printf 'fleetbpf\t%s\n' "$KIND"
printf '%b\n' "$ANSWER" | sed "s|PASSWORD|$password|"
echo "warning: $password" >&2
"""
HEADER = '{"fleetbpf":1,"segment":1,"boot_id":"x","clock_offset_ns":0,"start_ns":1}'
TEXT = '{"time":2,"kind":"trace","cpu":0,"pid":1,"comm":"c","text":"hunter2 \\"\\u00e9"}'


def ask(folder: Path, sudo: str, *words: str, **environment: str) -> Ended:
    """Run a command where `sudo` is such a script; the password is given for all hosts."""
    (folder / "bin").mkdir()
    for name, text in {"sudo": sudo, "id": "echo 1000"}.items():  # who is root needs no sudo
        file = folder / "bin" / name
        file.write_text(f"#!/bin/sh\n{text}")
        file.chmod(0o755)
    (folder / "inventory.yml").write_text(INVENTORY)
    given = {"FLEETBPF_BECOME_PASSWORD": PASSWORD, **environment}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(name, value)
        process = begin(folder, *words, "-i", "inventory.yml", path=[folder / "bin"])
    return finish(process, folder, seconds=60)


def kept(folder: Path) -> str:
    """All that the command left in files."""
    files = [file for file in folder.rglob("*") if file.is_file() and file.parent.name != "bin"]
    return "\n".join(file.read_text(errors="replace") for file in files)


def assert_masked(text: str) -> None:
    assert MASK in text
    assert "hunter2" not in text


@pytest.mark.parametrize("more", [(), ("-vv",), ("--json",)])
def test_a_refusal_that_says_the_password(tmp_path: Path, more: tuple[str, ...]) -> None:
    ended = ask(tmp_path, REFUSING, "facts", "evil", *more)
    assert ended.status == 1
    assert "no tty present" in ended.out
    assert_masked(ended.out)
    assert_masked(kept(tmp_path))


@pytest.mark.parametrize("more", [(), ("-vv",), ("--json",)])
def test_an_answer_that_says_the_password(tmp_path: Path, more: tuple[str, ...]) -> None:
    said = {"KIND": "survey", "ANSWER": "kernel\\tPASSWORD\\nhostname\\tPASSWORD"}
    ended = ask(tmp_path, SAYING, "facts", "evil", *more, **said)
    assert ended.status == 0, ended.out
    assert_masked(ended.out)
    assert_masked(kept(tmp_path))


@pytest.mark.parametrize("more", [(), ("--json",), ("--json", "--follow")])
def test_records_that_say_the_password(tmp_path: Path, more: tuple[str, ...]) -> None:
    content = f"{HEADER}\n{TEXT}\n".encode()
    segment = tmp_path / "segment"
    segment.write_bytes(content)
    sudo = f"""{BEGINNING}
printf 'fleetbpf\\tcollect\\nsegment\\ta/b/c/00000001.log\\t0\\t{len(content)}\\n'
cat {segment}
"""
    ended = ask(tmp_path, sudo, "logs", "evil", *more)
    assert_masked(ended.out)
    if "--follow" in more:
        assert json.loads(ended.out.splitlines()[0])["text"] == MASK


def test_a_verifier_s_log_that_says_the_password_is_kept_without_it(tmp_path: Path) -> None:
    failure = Failure(program="p", stage="load", message="no", verifier_log="R1 hunter2 R2")
    log = tmp_path / "verifier.log"
    explained(failure, where="evil: p", log=log, mask=Secrets("hunter2").mask)
    assert log.read_text() == "R1 *** R2"


def test_a_report_is_kept_without_it(tmp_path: Path) -> None:
    output = Output(mask=Secrets("hunter2").mask)
    told = {"deployment": "d", "time": "2026-11-24T12:00:00+00:00", "findings": ["hunter2"]}
    file = keep(told, Workspace(folder=tmp_path), output)
    assert json.loads(file.read_text())["findings"] == [MASK]


def shown(value: Mapping[str, object], capsys: pytest.CaptureFixture[str], *secrets: str) -> object:
    Output(json=True, mask=Secrets(*secrets).mask).document(value)
    found = json.loads(capsys.readouterr().out)
    return {key: each for key, each in found.items() if key not in EVERY}


def test_a_document_stays_one_whatever_the_password_is(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"a": ["b", 12345, {"hunter2": "x hunter2"}], "c": 'say "hi"'}
    assert shown(value, capsys, '": ["', "hunter2", "1234", 'say "hi"') == {
        "a": ["b", 12345, {MASK: f"x {MASK}"}],
        "c": MASK,
    }
    assert shown({"pin": 12345}, capsys, "12345") == {"pin": MASK}


def test_tables_warnings_details_and_errors_have_no_password(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = Output(verbosity=2, mask=Secrets("pass\tword").mask)
    output.table(("A", "B"), [("pass\tword", "x")])
    for say in (output.line, output.warning, output.detail, output.error, output.compiler):
        say("it is pass\tword")
    said = capsys.readouterr()
    assert "word" not in said.out + said.err
    assert (said.out + said.err).count(MASK) == 6


@pytest.mark.parametrize(
    "said",
    ["p\u00e4ss\\word", '"p\\u00e4ss\\\\word"', '"p\u00e4ss\\\\word"', "'p\u00e4ss\\\\word'"],
)
def test_a_password_is_known_in_every_way_it_is_written(said: str) -> None:
    assert MASK in Secrets("p\u00e4ss\\word").mask(said)


def test_bytes_that_are_no_text_are_known_as_well() -> None:
    secret = os.fsdecode(b"h\xffnter2")
    masked = Secrets(secret).mask
    for way in ("replace", "backslashreplace", "surrogateescape"):
        assert masked(b"h\xffnter2".decode("utf-8", way)) == MASK


def test_too_short_a_secret_garbles_nothing() -> None:
    assert Secrets("abc", "").mask("abc") == "abc"
