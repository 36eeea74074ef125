"""Two manifests of one name on one host: nothing of the first one goes unless somebody says so."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.kernel.machine import Machine, inventory, machine
from tests.kernel.operators import Operator, Run
from tests.terminal import terminal
from tests.tools import need

PROGRAM = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
SEC("raw_tp/sched_process_exec")
int f(void *ctx) { return 0; }
"""
MANIFEST = """
name: twice
{more}
programs: {{{programs}}}
plays: [{{hosts: here, programs: [{names}]}}]
"""


@dataclass(frozen=True, kw_only=True)
class Site:
    """A host and a person with several manifests."""

    machine: Machine
    operator: Operator

    def write(self, folder: str, *programs: str, more: str = "") -> str:
        """The manifest of that folder; its path."""
        place = self.operator.folder / folder
        place.mkdir(exist_ok=True)
        (place / "p.bpf.c").write_text(PROGRAM)
        entries = ", ".join(f"{name}: {{source: p.bpf.c}}" for name in programs)
        text = MANIFEST.format(programs=entries, names=", ".join(programs), more=more)
        (place / "hello.yml").write_text(text)
        return f"{folder}/hello.yml"

    def run(self, *words: str, code: int = 0) -> Run:
        """A command that ends with this exit code."""
        run = self.operator.run(*words)
        assert run.wait() == code, run.text()
        return run

    def programs(self) -> set[str]:
        """What runs there."""
        return {path.split("/")[-4] for path in self.machine.loaders()}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    need("unshare", "nsenter", "sshd", "clang", "bpftool")
    folder = tmp_path_factory.mktemp("operator")
    with machine(tmp_path_factory.mktemp("machine")) as host:
        inventory(host, folder)
        yield Site(machine=host, operator=Operator(folder=folder))


@pytest.fixture(autouse=True)
def clean(site: Site) -> Iterator[None]:
    yield
    last = site.write("last", "z")
    site.run("destroy", last, "--yes", "--take-over")
    assert not site.machine.root.exists()
    assert site.programs() == set()


def here(run: Run) -> dict[str, Any]:
    (found,) = run.document()["hosts"]
    return dict(found)


def changes(run: Run) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = here(run)["changes"]
    return found


def test_a_namesake_changes_nothing_and_both_are_named(site: Site) -> None:
    first, second = site.write("a", "x"), site.write("b", "y")
    site.run("apply", first)
    for command in ("plan", "apply --yes", "rollback", "destroy --yes"):
        said = site.run(*command.split(), second, code=1).text()
        assert str(site.operator.folder / first) in said
        assert str(site.operator.folder / second) in said
        assert "--take-over" in said
    assert site.programs() == {"x"}
    assert "owned" in site.run("audit", second, "--json", code=3).text()
    assert site.run("apply", first).text().count("changed=0") == 1


def test_one_takes_over_who_says_so(site: Site) -> None:
    first, second = site.write("a", "x"), site.write("b", "y")
    site.run("apply", first)
    planned = changes(site.run("plan", second, "--take-over", "--json"))
    assert [(each["program"], each["action"]) for each in planned] == [
        ("y", "create"),
        ("x", "delete"),
    ]
    site.run("apply", second, "--take-over", "--yes")
    assert site.programs() == {"y"}
    site.run("apply", second)
    site.run("apply", first, code=1)


def test_a_manifest_that_moved_takes_over_though_nothing_else_changes(site: Site) -> None:
    first, second = site.write("a", "x"), site.write("b", "x")
    site.run("apply", first)
    said = site.run("apply", second, "--take-over", "--json")
    assert [each["action"] for each in changes(said)] == ["none"]
    site.run("plan", first, code=1)
    site.run("plan", second)


def test_two_files_with_one_id_are_one_manifest(site: Site) -> None:
    first = site.write("a", "x", more="id: acme/twice")
    second = site.write("b", "y", more="id: acme/twice")
    site.run("apply", first)
    site.run("apply", second, "--yes")
    assert site.programs() == {"y"}


def test_what_no_host_remembers_is_noted_by_the_next_apply(site: Site) -> None:
    first, second = site.write("a", "x"), site.write("b", "y")
    site.run("apply", first)
    (site.machine.root / "twice" / ".manifest").unlink()
    site.run("apply", first)
    noted = json.loads((site.machine.root / "twice" / ".manifest").read_text())
    assert noted["file"] == str(site.operator.folder / first)
    site.run("apply", second, code=1)


def test_a_saved_plan_takes_over_if_it_was_made_so(site: Site) -> None:
    first, second = site.write("a", "x"), site.write("b", "y")
    site.run("apply", first)
    site.run("plan", second, "--take-over", "--out", "plan.json")
    site.run("apply", "plan.json")
    assert site.programs() == {"y"}
    site.run("apply", "plan.json")


def test_two_identical_applies_at_once_change_a_host_once(site: Site) -> None:
    first = site.write("a", "x")
    runs = [site.operator.start("apply", first, "--json") for _ in range(3)]
    assert [run.wait() for run in runs] == [0, 0, 0], [run.text() for run in runs]
    assert sum(here(run)["changed"] for run in runs) == 1
    assert Path(site.machine.root, "history").read_text().count("\tready\t") == 1


def test_where_nobody_can_be_asked_nothing_is_deleted_without_yes(site: Site) -> None:
    manifest = site.write("a", "x", "y")
    site.run("apply", manifest)
    site.write("a", "y")
    said = site.run("apply", manifest, code=1).text()
    assert "here: nothing was done: it would delete x, and nobody is here to ask" in said
    said = site.run("destroy", manifest, code=2).text()
    assert "nobody is here to ask\n  hint: say --yes" in said
    assert site.programs() == {"x", "y"}
    site.run("apply", manifest, "--yes")
    assert site.programs() == {"y"}


@contextmanager
def asked(site: Site, *words: str, answer: bytes, code: int) -> Iterator[str]:
    """What a command shows that asks, on a terminal, and is answered."""
    command = (sys.executable, "-m", "fleetbpf", *words)
    with terminal(command, cwd=site.operator.folder) as shown:
        shown.watch(lambda: "[y/N]" in "".join(shown.lines))
        text = "\n".join(shown.lines)
        shown.type(answer)
        assert shown.wait() == code, shown.lines
        yield text


def test_a_person_is_asked_before_anything_is_deleted(site: Site) -> None:
    manifest = site.write("a", "x", "y")
    site.run("apply", manifest)
    site.write("a", "y")
    with asked(site, "apply", manifest, answer=b"\n", code=1) as text:
        assert "- x: delete on here\n    no longer declared for this host" in text
        assert "Delete 1 program on 1 host" in text
    assert site.programs() == {"x", "y"}
    with asked(site, "apply", manifest, answer=b"yes\n", code=0):
        assert site.programs() == {"y"}
    with asked(site, "destroy", manifest, answer=b"no\n", code=1):
        assert site.programs() == {"y"}
    with asked(site, "destroy", manifest, answer=b"\x04", code=1):
        assert site.programs() == {"y"}
    with asked(site, "destroy", manifest, answer=b"Y\n", code=0) as text:
        assert "- y: delete on here" in text
    assert site.programs() == set()


def test_a_slip_in_the_name_of_a_deployment_is_told_before_anything_is_called_ok(
    site: Site,
) -> None:
    site.run("apply", site.write("a", "x"))
    said = site.run("destroy", "--deployment", "twiec", "all", "--yes", code=1).text()
    assert "no host there has anything of a deployment `twiec`" in said
    assert "did you mean `twice`?" in said
    assert site.programs() == {"x"}


def test_a_deployment_that_was_there_is_destroyed_as_often_as_one_likes(site: Site) -> None:
    site.run("apply", site.write("a", "x"))
    for _ in range(2):
        site.run("destroy", "--deployment", "twice", "all", "--yes")
    assert site.programs() == set()
    site.run("destroy", "--deployment", "never", "all", "--yes", code=1)
