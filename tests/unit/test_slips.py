"""Slips of the pen: hosts, programs, deployments and facts that are not there are errors."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest

from fleetbpf import cli
from fleetbpf.inventory import inventory, patterns
from tests.unit.test_cli import run


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """A folder with an inventory, and the mirror of one of its hosts."""
    (tmp_path / "hosts").write_text("[web]\nweb1\nweb2\nweb3\n[db]\ndb1\n")
    told = tmp_path / "logs" / "web1" / "hello" / "execs" / "0447fcea6d24"
    told.mkdir(parents=True)
    header = {"fleetbpf": 1, "deployment": "hello", "program": "execs", "release": "0447fcea6d24"}
    (told / "00000001.log").write_text(json.dumps(header) + "\n")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("web1", "web3"), ["web1", "web3"]),
        (("web", "!web2"), ["web1", "web3"]),
        (("web:&web[0:1]", "db"), ["web1", "web2"]),
        (("db", "web2"), ["db1", "web2"]),
    ],
)
def test_several_hosts_are_one_pattern(fleet: Path, words: Sequence[str], names: list[str]) -> None:
    options = cli.parser().parse_args(["logs", *words, "-i", str(fleet / "hosts")])
    found = inventory.read(fleet / "hosts")
    assert [host.name for host in patterns.select(options.hosts, found)] == names


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("logs web1 --offline --program exesc", 1, "did you mean `execs`?"),
        ("logs web1 --offline --deployment helo", 1, "did you mean `hello`?"),
        ("logs web1 web2 --offline --program execs --deployment hello", 0, ""),
        ("logs web1 db1 --offline", 0, ""),
        ("logs 'x*' --offline", 2, "the host pattern `x*` matches no host"),
        ("logs web9 --offline", 2, "did you mean `web"),
        ("logs web --offline --limit db", 2, "none of the hosts of `web` is one of `db`"),
        ("logs web --offline --limit 'x*'", 2, "--limit: the host pattern `x*` matches no host"),
        ("facts 'x*'", 2, "the host pattern `x*` matches no host"),
        ("facts wbe", 2, "did you mean `web`?"),
        ("facts web1 --filter kernle", 2, "did you mean `kernel`?"),
        ("unlock 'x*'", 2, "the host pattern `x*` matches no host"),
        ("history 'x*'", 2, "the host pattern `x*` matches no host"),
        ("history a.yml b.yml", 2, "it wants hosts, and one manifest at most"),
        ("maps 'x*' execs", 2, "the host pattern `x*` matches no host"),
        ("inventory list 'x*'", 2, "the host pattern `x*` matches no host"),
        ("inventory list web -e a", 2, "-e:1:1: `a` sets no variable"),
    ],
)
def test_an_empty_answer_to_a_slip_of_the_pen_is_an_error(
    fleet: Path, line: str, code: int, said: str
) -> None:
    ended = run(*shlex.split(line), "-i", "hosts", cwd=fleet)
    assert (ended.returncode, said in ended.stderr) == (code, True), ended.stderr


def test_follow_says_what_has_told_nothing_so_far(fleet: Path) -> None:
    (fleet / "dead").write_text("web1 ansible_host=127.0.0.1 ansible_port=1\n")
    ended = run("logs", "web1", "--follow", "--program", "exesc", "-i", "dead", cwd=fleet)
    assert "warning: no host has told anything of the program `exesc` so far; did" in ended.stderr
