"""A plan on a screen and in a document."""

from dataclasses import replace
from typing import Any

from fleetbpf.errors import Problem
from fleetbpf.model.target import DesiredConstant
from fleetbpf.plan import plan_diff, plan_rows, plan_text
from fleetbpf.plan.moves import Move
from fleetbpf.plan.plan import Action, Cause, Change, deletion, plan
from fleetbpf.plan.release import Release
from tests.unit.samples import host_facts, placed, release

LIMIT = ("min_uid",)
UPDATE = Change(
    host="web1",
    program="execs",
    action=Action.UPDATE,
    cause=Cause.MOVED,
    reason="header x.h, constant min_uid 1 → 2",
    moves=(Move(what="header x.h"), Move(what="constant min_uid", was="1", now="2")),
)
SAME = replace(UPDATE, action=Action.NONE, cause=Cause.NONE, reason="", moves=())
OBSTACLE = Problem(where="web9: execs", what="kernel 5.4 is too old", hint="a newer one")


def shown(*changes: Change) -> list[str]:
    return [line for row, hosts in plan_text.rows(changes).items() for line in row.lines(hosts)]


def test_hosts_with_the_same_change_share_a_row() -> None:
    hosts = [f"web{number}" for number in range(1, 201)]
    assert shown(*(replace(UPDATE, host=host) for host in hosts)) == [
        "~ execs: update on web[1:200] (200 hosts)",
        "    header x.h",
        "    constant min_uid 1 → 2",
    ]


def test_what_stays_as_it_is_has_no_row() -> None:
    assert shown(SAME) == []


def test_a_change_that_cannot_be_made_says_why_and_what_to_do() -> None:
    blocked = [replace(UPDATE, host=host, obstacles=(OBSTACLE,)) for host in ("web8", "web9")]
    assert shown(UPDATE, *blocked)[3:] == [
        "! execs: update on web8, web9",
        "    header x.h",
        "    constant min_uid 1 → 2",
        "    not possible: kernel 5.4 is too old",
        "    hint: a newer one",
    ]


def test_the_summary_counts_changes_and_hosts_of_which_nothing_is_known() -> None:
    created = replace(UPDATE, action=Action.CREATE)
    blocked = replace(UPDATE, obstacles=(OBSTACLE,))
    assert plan_text.summary([created, created, UPDATE, SAME]) == (
        "Plan: 2 to create, 1 to update, 0 to delete, 1 unchanged"
    )
    assert plan_text.summary([blocked], errors=1) == (
        "Plan: 0 to create, 0 to update, 0 to delete, 0 unchanged, 1 impossible, 1 host not planned"
    )


def test_a_host_that_did_not_answer_is_a_row_of_its_own() -> None:
    problem = Problem(where="web7", what="connection refused", hint="is sshd there?")
    assert list(plan_text.unplanned(problem)) == [
        "? web7: not planned: connection refused",
        "    hint: is sshd there?",
    ]


def test_a_document_tells_all_of_a_change() -> None:
    assert plan_rows.of(replace(UPDATE, was="3f2a", obstacles=(OBSTACLE,))) == {
        "program": "execs",
        "action": "update",
        "cause": "moved",
        "reason": "header x.h, constant min_uid 1 → 2",
        "moves": [
            {"what": "header x.h", "was": "", "now": ""},
            {"what": "constant min_uid", "was": "1", "now": "2"},
        ],
        "was": "3f2a",
        "release": "",
        "obstacles": [{"what": "kernel 5.4 is too old", "hint": "a newer one"}],
    }


def limited(value: int, **changes: Any) -> Release:
    return release(constants=(DesiredConstant(path=LIMIT, value=value),), **changes)


def test_a_diff_tells_arguments_and_unit_without_what_follows_from_the_id() -> None:
    old, new = limited(1), limited(2, cpu_limit=20)
    found = placed(old, unit=tuple(old.unit.decode().splitlines()))
    (change,) = plan("web1", "demo", [new], host_facts(found))
    lines = plan_diff.of(change, found, systemd=True).splitlines()
    assert lines[:2] == ["--- hello/args (on the host)", "+++ hello/args (declared)"]
    changed = [line for line in lines[2:] if line[0] in "+-" and "hello/unit" not in line]
    assert changed == ["---set min_uid=1", "+--set min_uid=2", "+CPUQuota=20%"]


def test_without_systemd_a_diff_tells_no_unit() -> None:
    (change,) = plan("web1", "demo", [limited(1)], host_facts())
    assert "unit" not in plan_diff.of(change, None, systemd=False)
    assert "+++ hello/unit (declared)" in plan_diff.of(change, None, systemd=True)


def test_the_diff_of_a_deletion_takes_everything_away() -> None:
    found = placed(limited(1), unit=("[Unit]",))
    lines = plan_diff.of(deletion("web1", found), found, systemd=True).splitlines()
    assert {line[0] for line in lines if not line.startswith("+++")} == {"-", "@"}
