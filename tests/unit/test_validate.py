"""`fleetbpf validate`, `fleetbpf schema` and the options they share."""

import argparse
import json
from pathlib import Path

import pytest

from fleetbpf.cli import options, schema, validate
from fleetbpf.cli.output import Output
from fleetbpf.errors import ExitCode, InputError
from fleetbpf.model.settings import Settings
from tests import documents

MANIFEST = """\
name: hello
programs:
  hello: {source: hello.bpf.c}
  counts: {source: hello.bpf.c}
plays:
  - {hosts: web, programs: [hello]}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "hello.yml").write_text(MANIFEST, encoding="utf-8")
    (tmp_path / "hello.bpf.c").touch()
    (tmp_path / "fleet.yml").write_text("web: {hosts: {'web[1:3]': }}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FLEETBPF_INVENTORY", raising=False)
    return tmp_path


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    validate.arguments(parser)
    options = parser.parse_args(words)
    options.settings = Settings()
    return options


@pytest.mark.usefixtures("folder")
def test_a_manifest_alone_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert validate.run(parsed("hello.yml"), Output()) is ExitCode.DONE
    assert capsys.readouterr().out == "hello.yml: 2 programs, 1 play\n"


@pytest.mark.usefixtures("folder")
def test_with_an_inventory_the_hosts_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    validate.run(parsed("hello.yml", "-i", "fleet.yml", "--limit", "web[0:1]"), Output())

    assert capsys.readouterr().out == "hello.yml: 2 programs, 1 play, 2 hosts\n"


@pytest.mark.usefixtures("folder")
def test_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    validate.run(parsed("hello.yml", "-i", "fleet.yml"), Output(json=True, command="validate"))

    found = documents.read(capsys.readouterr().out)
    assert (found["manifest"], found["name"], found["plays"]) == ("hello.yml", "hello", 1)
    assert found["programs"] == ["hello", "counts"]
    assert found["hosts"] == [{"host": "web1"}, {"host": "web2"}, {"host": "web3"}]


def test_a_missing_source_fails_without_an_inventory_too(folder: Path) -> None:
    (folder / "hello.bpf.c").rename(folder / "other.bpf.c")
    (folder / "hello.yml").write_text(MANIFEST.replace("hello.bpf.c", "x.bpf.c"), encoding="utf-8")

    with pytest.raises(InputError, match=r"hello.yml:3:19: the source file `x.bpf.c`"):
        validate.run(parsed("hello.yml"), Output())


def test_mistakes_in_manifest_and_inventory_are_told_together(folder: Path) -> None:
    (folder / "hello.yml").write_text("name: A\n", encoding="utf-8")
    (folder / "fleet.yml").write_text("web: 5\n", encoding="utf-8")

    with pytest.raises(InputError) as caught:
        validate.run(parsed("hello.yml", "-i", "fleet.yml"), Output())

    assert {problem.where.split(":")[0] for problem in caught.value.problems} == {
        "hello.yml",
        "fleet.yml",
    }


def test_the_inventory_is_the_option_else_the_own_else_the_lab(folder: Path) -> None:
    (folder / "inventories").mkdir()
    (folder / "inventories" / "lab.yml").touch()
    lab = options.inventory_sources(parsed("m"))
    (folder / "inventories" / "hosts.yml").touch()
    own = options.inventory_sources(parsed("m"))
    option = options.inventory_sources(parsed("m", "-i", "option.yml", "-i", "web1,"))

    assert (lab, own) == (("inventories/lab.yml",), ("inventories/hosts.yml",))
    assert option == ("option.yml", "web1,")


@pytest.mark.usefixtures("folder")
def test_no_inventory_at_all_says_how_to_get_one() -> None:
    with pytest.raises(InputError, match="fleetbpf lab up"):
        options.load_inventory(parsed("hello.yml"))


@pytest.mark.parametrize("as_json", [False, True])
def test_the_schema_is_one_json_document(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    chosen = argparse.Namespace(format="manifest", of_command=None)
    schema.run(chosen, Output(json=as_json, command="schema"))

    out = capsys.readouterr().out
    found = documents.read(out)["schema"] if as_json else json.loads(out)
    assert found["required"] == ["name", "programs", "plays"]
    assert found["additionalProperties"] is False
    assert found["$defs"]["Trace"]["properties"]["buffer"]["default"] == "4MiB"
