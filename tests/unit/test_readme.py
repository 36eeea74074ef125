"""The README's first manifest is what a newcomer copies: it must fit its own inventory."""

import re
from pathlib import Path

import pytest

from fleetbpf import cli
from fleetbpf.errors import ExitCode

README = Path(__file__).parents[2] / "README.md"


def test_the_manifest_and_the_inventory_of_the_readme_are_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = README.read_text(encoding="utf-8")
    (source,) = re.findall(r"```c\n(.*?)```", text, re.DOTALL)
    manifest, inventory = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "opens.bpf.c").write_text(source)
    (tmp_path / "opens.yml").write_text(manifest)
    (tmp_path / "hosts.yml").write_text(inventory)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["validate", "opens.yml", "-i", "hosts.yml"]) == ExitCode.DONE
    assert capsys.readouterr().out == "opens.yml: 1 program, 1 play, 2 hosts\n"
