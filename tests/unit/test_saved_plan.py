"""Saved plans: exactly what was planned is done, or nothing is."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fleetbpf.deploy import saved_plan
from fleetbpf.deploy.prepare import Prepared
from fleetbpf.deploy.saved_plan import SavedPlan
from fleetbpf.errors import HostError, InputError
from fleetbpf.plan.plan import Change, plan
from tests.unit.samples import host_facts, placed, program, release, target

BASIS = {"manifest a.yml": "1", "hello (x86_64): header x.h": "2"}


def prepared(*changes: Change) -> Prepared:
    return Prepared(target=target(), seen=host_facts(), changes=changes)


def create() -> Change:
    (change,) = plan("web1", "demo", [release()], host_facts())
    return change


def update() -> Change:
    (change,) = plan("web1", "demo", [release()], host_facts(placed(release("k0"))))
    return change


def saved(*changes: Change) -> SavedPlan:
    return SavedPlan(
        deployment="demo",
        manifest="a.yml",
        inventory=("hosts.yml",),
        limit=None,
        made_by="ann@desk",
        made_at="2026-11-24T12:00:00+00:00",
        basis=BASIS,
        hosts={"web1": saved_plan.of(prepared(*changes)), "web2": saved_plan.of(None)},
    )


def test_a_plan_comes_back_as_it_was_saved_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    saved_plan.write(file, saved(update()), {"web1": [update()], "web2": []})
    assert saved_plan.is_one(file)
    assert saved_plan.read(file) == replace(saved(update()), where=str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_saved_plan_tells_its_reasons_to_people(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    saved_plan.write(file, saved(update()), {"web1": [update()]})
    (change,) = json.loads(file.read_text())["hosts"]["web1"]["changes"]
    assert (change["action"], change["reason"]) == ("update", "the program")


@pytest.mark.parametrize("text", ["name: x\n", '{"name": "x"}', "", "\0"])
def test_a_manifest_is_no_saved_plan(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.yml").write_text(text)
    assert not saved_plan.is_one(tmp_path / "x.yml")
    assert not saved_plan.is_one(tmp_path / "none.yml")


@pytest.mark.parametrize("text", ['{"fleetbpf_plan": 2}', '{"fleetbpf_plan": 1, "hosts": 3}', "{"])
def test_a_damaged_plan_and_one_of_another_version_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "p").write_text(text)
    with pytest.raises(InputError, match="damaged, or of another version"):
        saved_plan.read(tmp_path / "p")


def test_a_loader_that_is_another_one_though_nothing_else_moved_is_named() -> None:
    loader = f"hello (x86_64){saved_plan.LOADER}"
    plan = saved().resting({**BASIS, loader: "1"})
    (problem,) = plan.stale({**BASIS, loader: "2"})
    assert problem.what == f"`{loader}` changed since the plan was made"
    header = "hello (x86_64): header x.h"
    assert len(list(plan.stale({**BASIS, loader: "2", header: "3"}))) == 1


def test_all_that_moved_since_the_plan_is_named() -> None:
    now = {"hello (x86_64): header x.h": "3", "host web9 in the inventory": "4"}
    assert [problem.what for problem in saved().stale(now)] == [
        "`hello (x86_64): header x.h` changed since the plan was made",
        "`host web9 in the inventory` is new since the plan was made",
        "`manifest a.yml` is gone since the plan was made",
    ]
    assert not list(saved().stale(BASIS))


def test_a_host_that_needs_what_was_planned_is_agreed_with() -> None:
    saved(update()).agreed(prepared(update()))


@pytest.mark.parametrize(
    "now",
    [
        (create(),),
        (replace(update(), was="another"),),
        (replace(update(), prune=("old",)),),
        (update(), create()),
    ],
)
def test_a_host_that_needs_anything_else_is_left_alone(now: tuple[Change, ...]) -> None:
    with pytest.raises(HostError, match="web1: changed since the plan: nothing was done there"):
        saved(update()).agreed(prepared(*now))


def test_a_host_where_a_part_of_the_plan_is_done_already_is_agreed_with() -> None:
    plan = saved(update(), create())
    plan.agreed(prepared(update()))
    plan.agreed(prepared(create()))
    plan.agreed(prepared())


def test_how_a_host_is_reached_and_what_is_declared_for_it_are_part_of_a_plan() -> None:
    base = target()
    others = [
        replace(base, become=True),
        replace(base, host=replace(base.host, address="10.0.0.1")),
        replace(base, programs=(program(rate_limit=5),)),
        replace(base, programs=()),
    ]
    assert len({saved_plan.digest(each) for each in (base, *others)}) == 1 + len(others)


def test_variables_that_nothing_uses_are_no_part_of_a_plan() -> None:
    base = target()
    other = replace(base, host=replace(base.host, variables={"password": "x"}))
    assert saved_plan.digest(base) == saved_plan.digest(other)
