"""What stands in the way of a host's changes, and what a person should know of it."""

from dataclasses import replace
from typing import Any

from fleetbpf.deploy.prepare import NO_SYSTEMD, Prepared, fitted, warnings
from fleetbpf.plan.plan import Action, Change, deletion, plan
from tests.unit.samples import host_facts, placed, release, target

MEBIBYTE = 1024 * 1024


def created(**changes: Any) -> Change:
    (change,) = plan("web1", "demo", [release(**changes)], host_facts())
    return change


def prepared(*changes: Change, **seen: object) -> Prepared:
    return Prepared(target=target(), seen=host_facts(**seen), changes=changes)


def test_nothing_is_started_on_a_disk_that_cannot_hold_the_loaders() -> None:
    gone = deletion("web1", placed(release(name="old")))
    first, second = fitted((created(), gone), 3 * MEBIBYTE, 2 * MEBIBYTE)
    (obstacle,) = first.obstacles
    assert obstacle.what == "the disk has 2.0 MiB free, and its loaders need 3.0 MiB"
    assert second == gone


def test_a_disk_with_room_and_one_that_does_not_tell_are_no_obstacle() -> None:
    changes = (created(),)
    assert fitted(changes, MEBIBYTE, MEBIBYTE) == changes
    assert fitted(changes, MEBIBYTE, None) == changes


def test_a_change_that_is_not_possible_is_not_among_those_to_be_made() -> None:
    (blocked,) = fitted((created(),), 2, 1)
    found = prepared(blocked, created())
    assert found.todo == (created(),)
    assert found.problems == blocked.obstacles


def test_a_spool_that_may_outgrow_the_disk_is_worth_a_warning() -> None:
    (said,) = warnings(prepared(created(spool_limit=8 * MEBIBYTE), free=MEBIBYTE))
    assert said == "the disk has 1.0 MiB free, and spools may take 8.0 MiB: lines may be lost"
    assert warnings(prepared(created(spool_limit=MEBIBYTE), free=MEBIBYTE)) == ()


def test_a_host_without_systemd_is_worth_a_warning_where_something_starts() -> None:
    idle = replace(created(), action=Action.NONE)
    assert warnings(prepared(created(), systemd=False)) == (NO_SYSTEMD,)
    assert warnings(prepared(idle, systemd=False)) == ()
