"""Man pages: one for each command, sound roff, made from what `--help` is made from."""

import shutil
import subprocess
from pathlib import Path

import pytest

from fleetbpf import cli
from fleetbpf.cli import man_pages
from fleetbpf.errors import ExitCode
from tests.tools import need


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return man_pages.pages(cli.parser())


def test_every_command_has_a_page(pages: dict[str, str]) -> None:
    assert set(pages) == {"fleetbpf.1", *(f"fleetbpf-{name}.1" for name in cli.COMMANDS)}


def test_a_page_has_options_subcommands_examples_and_exit_codes(pages: dict[str, str]) -> None:
    page = pages["fleetbpf-lab.1"]
    assert r"\fB\-\-kernels\fR \fISERIES,...\fR" in page
    assert ".SS fleetbpf lab ssh" in page
    assert r"\fBfleetbpf lab ssh web1 uname \-a\fR" in page
    assert "interrupted" in page


def test_the_first_page_names_all_commands_and_variables(pages: dict[str, str]) -> None:
    assert [name for name in cli.COMMANDS if rf"\fB{name}\fR" not in pages["fleetbpf.1"]] == []
    assert r"\fBFLEETBPF_INVENTORY\fR" in pages["fleetbpf.1"]


def test_every_exit_code_is_explained() -> None:
    assert set(man_pages.MEANINGS) == set(ExitCode)


@pytest.mark.parametrize(
    ("text", "roff"), [(r"a\b", r"a\eb"), ("--x", r"\-\-x"), (".x\n'y", "\\&.x\n\\&'y")]
)
def test_text_cannot_become_a_request(text: str, roff: str) -> None:
    assert man_pages.roff(text) == roff


def test_mandoc_finds_nothing_wrong(tmp_path: Path) -> None:
    need("mandoc")
    assert cli.main(["manual", str(tmp_path)]) == ExitCode.DONE
    files = sorted(map(str, tmp_path.glob("*.1")))
    words = [shutil.which("mandoc") or "mandoc", "-T", "lint", "-W", "error,warning", *files]
    said = subprocess.run(words, capture_output=True, text=True, check=False).stdout
    assert [line for line in said.splitlines() if "missing date" not in line] == []


def test_pages_go_where_man_looks_for_what_is_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "fleetbpf"
    program.parent.mkdir()
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    assert cli.main(["manual", "-q"]) == ExitCode.DONE
    assert (tmp_path / "share" / "man" / "man1" / "fleetbpf-apply.1").is_file()
