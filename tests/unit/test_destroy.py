"""What destroy is asked for: a manifest's deployment, or hosts with what is to go from them."""

from pathlib import Path

import pytest

from fleetbpf import cli

MANIFEST = """\
name: demo
programs: {hello: {source: hello.bpf.c}}
plays: [{hosts: all, programs: [hello]}]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hello.yml").write_text(MANIFEST)
    (tmp_path / "hosts").write_text("web1 ansible_host=127.0.0.1 ansible_port=1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLEETBPF_INVENTORY", "hosts")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("web1", "web1: there is no such manifest\n  hint: for hosts, say what is to go"),
        ("none.yml", "none.yml: there is no such manifest, and hosts are not called so"),
        ("helo.yml", "hint: did you mean `hello.yml`?"),
        ("--all hello.yml", "hello.yml: it is a manifest, and with --deployment or --all hosts"),
        ("--deployment demo hello.yml", "hello.yml: it is a manifest"),
        ("--all web9", "web9"),
        ("--all web1:!web1", "matches no host"),
    ],
)
def test_nothing_is_contacted_where_it_is_not_clear_what_is_meant(
    words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["destroy", "--yes", *words.split()]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("words", ["--all --deployment demo web1", "--deployment ../x web1"])
def test_wrong_usage_is_told(words: str) -> None:
    with pytest.raises(SystemExit):
        cli.main(["destroy", "--yes", *words.split()])


@pytest.mark.parametrize("words", ["hello.yml", "--all web1", "--deployment demo all"])
def test_hosts_that_cannot_be_reached_are_not_called_ok(words: str) -> None:
    assert cli.main(["destroy", "--yes", *words.split()]) == 4


@pytest.mark.parametrize("command", ["status", "unlock", "destroy"])
def test_a_name_that_may_be_a_manifest_or_a_host_is_refused(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("web1").write_text(MANIFEST)
    assert cli.main([command, "web1"]) == 2
    assert "hint: write ./web1 for the manifest, or web1, for the host" in capsys.readouterr().err
