"""The plan: what is declared against what a host says of itself."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fleetbpf.build.kernel_btf import KernelBtf
from fleetbpf.deploy.activation import steps, stops
from fleetbpf.model.description import Description, Function
from fleetbpf.model.facts import Orphan, OrphanKind
from fleetbpf.model.target import DesiredConstant, DesiredHook, DesiredReadout
from fleetbpf.plan.plan import Action, Cause, Change, obstacles, plan, version
from fleetbpf.plan.release import Release
from tests.unit.samples import OBJECT, host_facts, placed, program, release, running

FENTRY = DesiredHook(function="f", first_of=("fentry/do_unlinkat",))

TYPES = KernelBtf(kernel="5.4.0-1", path=Path("5.4.0-1.btf"), sha256="b" * 64)


def describe(*, section: str = "raw_tp/x", needs_btf: bool = False) -> Description:
    return Description(
        program="hello",
        functions=(Function(name="f", section=section),),
        constants=(),
        maps=(),
        prints=False,
        needs_btf=needs_btf,
        types={},
    )


def only(changes: tuple[Change, ...]) -> Change:
    assert len(changes) == 1
    return changes[0]


def test_a_program_that_is_not_there_is_created() -> None:
    change = only(plan("web1", "demo", [release()], host_facts()))
    assert (change.action, change.was) == (Action.CREATE, "")


def test_a_program_that_runs_as_declared_is_left_alone() -> None:
    change = only(plan("web1", "demo", [release()], host_facts(placed(release()))))
    assert (change.action, change.reason) == (Action.NONE, "")


def test_an_update_tells_the_release_that_was() -> None:
    old = release(key="k0")
    change = only(plan("web1", "demo", [release()], host_facts(placed(old))))
    assert (change.action, change.cause, change.was) == (Action.UPDATE, Cause.MOVED, old.id)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"loader_sha256": "b" * 64}, "the loader's file was changed on the host"),
        (
            {"args": (*release().lines, "--rate-limit", "5")},
            "its arguments were changed on the host: rate limit 5 (new)",
        ),
        ({"running_object": ""}, "it does not run"),
        ({"running_object": "", "expires_in": 5.0}, "it does not run"),
        ({"running_object": "", "expires_in": -5.0}, "it has expired"),
        (
            {"running_object": "", "failure": "cannot attach f"},
            "it does not start: cannot attach f",
        ),
        ({"running_object": "c" * 64}, "another loader runs in its place"),
        ({"enabled": False}, "it is not enabled at boot"),
    ],
)
def test_the_right_release_in_a_wrong_state_is_an_update(
    changes: dict[str, object], reason: str
) -> None:
    found = placed(release(), running(release(), **changes))
    change = only(plan("web1", "demo", [release()], host_facts(found)))
    assert (change.action, change.reason) == (Action.UPDATE, reason)


def test_a_changed_unit_is_an_update_where_there_is_systemd() -> None:
    found = placed(release(), unit_sha256="d" * 64)
    with_systemd = only(plan("web1", "demo", [release()], host_facts(found)))
    without = only(plan("web1", "demo", [release()], host_facts(found, systemd=False)))
    assert (with_systemd.action, without.action) == (Action.UPDATE, Action.NONE)


def test_a_program_that_is_no_longer_declared_is_deleted() -> None:
    change = only(plan("web1", "demo", [], host_facts(placed(release()))))
    assert (change.action, change.was) == (Action.DELETE, release().id)


LEFT = "release r0 is beside it still: an apply was cut short"


@pytest.mark.parametrize(
    "left",
    [{"running_object": "b"}, {"remains": True}, {"enabled": True}],
    ids=lambda each: next(iter(each)),
)
def test_what_was_left_of_another_release_is_retired_before_the_wanted_one_starts(
    left: dict[str, Any],
) -> None:
    ended = replace(running(release(key="k0"), release="r0"), running_object="", enabled=False)
    found = placed(release(key="k1"), replace(ended, **left), running(release(key="k1")))
    change = only(plan("web1", "demo", [release(key="k2")], host_facts(found)))
    assert change.retire == ("r0",)
    made = steps([change], objects={"k2": "o"})
    assert [(step.verb, step.release) for step in made] == [
        ("retire", "r0"),
        ("start", release(key="k2").id),
    ]


def test_what_was_left_of_the_wanted_release_goes_when_it_starts() -> None:
    found = placed(release(key="k1"), running(release(key="k1")), running(release(key="k2")))
    change = only(plan("web1", "demo", [release(key="k2")], host_facts(found)))
    assert (change.action, change.retire) == (Action.UPDATE, ())


def test_an_old_release_that_was_left_running_is_retired_and_the_right_one_untouched() -> None:
    old = running(release(key="k0"), release="r0")
    found = placed(release(), old, running(release()))
    change = only(plan("web1", "demo", [release()], host_facts(found)))
    assert (change.reason, change.retire) == (LEFT, ("r0",))
    assert [step.verb for step in steps([change], objects={})] == ["retire"]


def test_programs_of_other_deployments_are_not_touched() -> None:
    other = placed(release(), deployment="other")
    assert plan("web1", "demo", [], host_facts(other)) == ()


def test_an_update_prunes_all_but_the_newest_old_releases() -> None:
    old = [running(release(key=f"k{n}"), release=f"r{n}") for n in range(4)]
    found = placed(release(), *old, current="r3")
    change = only(plan("web1", "demo", [release()], host_facts(found)))
    assert change.prune == ("r0", "r1")


@pytest.mark.parametrize(
    ("facts", "requirement", "what"),
    [
        ({"kernel": "5.4.0-1"}, "", "kernel 5.4.0-1 is too old"),
        ({"kernel": "5.10.0-8"}, ">=6.5", "kernel 5.10.0-8 is not >=6.5"),
    ],
)
def test_a_kernel_that_will_not_do_is_an_obstacle(
    facts: dict[str, object], requirement: str, what: str
) -> None:
    wanted = release(requires_kernel=requirement)
    found = list(obstacles("web1", wanted, host_facts(**facts), describe()))
    assert [problem.what for problem in found] == [what]


@pytest.mark.parametrize(
    ("wanted", "description", "why"),
    [
        (release(hooks=(FENTRY,)), {}, "f on fentry/do_unlinkat needs the kernel's own BTF"),
        (release(), {"section": "tp_btf/x"}, "f on tp_btf/x needs the kernel's own BTF"),
        (release(requires_btf=True), {}, "its `requires` asks for the kernel's own BTF"),
        (release(), {"needs_btf": True}, "its CO-RE relocations need BTF"),
    ],
)
def test_a_missing_btf_is_an_obstacle_where_it_is_needed(
    wanted: Release, description: dict[str, Any], why: str
) -> None:
    found = list(obstacles("web1", wanted, host_facts(btf=False), describe(**description)))
    assert found[0].what.startswith(why)
    assert list(obstacles("web1", wanted, host_facts(), describe(**description))) == []


@pytest.mark.parametrize(
    "hooks",
    [
        (),
        (replace(FENTRY, first_of=("fentry/do_unlinkat", "kprobe/do_unlinkat")),),
        (replace(FENTRY, optional=True),),
        (FENTRY, DesiredHook(function="g", first_of=("kprobe/do_unlinkat",), unless="f")),
    ],
)
def test_a_missing_btf_is_none_where_there_is_something_instead(
    hooks: tuple[DesiredHook, ...],
) -> None:
    assert not list(obstacles("web1", release(hooks=hooks), host_facts(btf=False), describe()))


def test_a_missing_btf_is_no_obstacle_where_nothing_needs_it() -> None:
    moved = release(hooks=(DesiredHook(function="f", first_of=("raw_tp/x",)),))
    unused = describe(section="?fentry/x")
    assert list(obstacles("web1", release(), host_facts(btf=False), describe())) == []
    assert list(obstacles("web1", release(), host_facts(btf=False), unused)) == []
    assert list(obstacles("web1", moved, host_facts(btf=False), describe(section="fentry/x"))) == []


def test_btf_that_is_shipped_serves_relocations_but_not_hooks() -> None:
    facts = host_facts(btf=False)
    shipped = replace(release(), btf=TYPES)
    assert list(obstacles("web1", shipped, facts, describe(needs_btf=True))) == []
    typed = describe(section="lsm/file_open", needs_btf=True)
    assert len(list(obstacles("web1", shipped, facts, typed))) == 1


def test_other_kernel_types_are_another_release() -> None:
    one, other = (replace(release(), btf=replace(TYPES, sha256=n)) for n in ("1", "2"))
    assert len({release().id, one.id, other.id}) == 3


def test_shipped_types_are_for_the_kernel_that_they_are_of() -> None:
    arguments = replace(release(), btf=TYPES).arguments()
    given = arguments[arguments.index("--btf") + 1]
    assert given.startswith("5.4.0-1=/var/lib/fleetbpf/demo/hello/releases/")
    assert given.endswith("/kernel.btf")


def test_the_release_id_is_the_same_for_the_same_content_only() -> None:
    base = release()
    assert base.id == release().id
    others = [
        release(key="k2"),
        release(hooks=(FENTRY,)),
        release(constants=(DesiredConstant(path=("c",), value=1),)),
        release(readouts=(DesiredReadout(map="m", every=1.0),)),
        release(memory_limit=1),
        release(spool_limit=1),
    ]
    assert len({base.id, *(other.id for other in others)}) == 1 + len(others)


def test_arguments_survive_newlines_and_backslashes_on_one_line_each() -> None:
    odd = release(constants=(DesiredConstant(path=("c", "d", 1), value="a\\b\nc d"),))
    assert "c.d[1]=a\\\\b\\nc d" in odd.args.decode().split("\n")


def test_where_a_program_is_declared_does_not_move_its_release() -> None:
    moved = replace(release(), program=program(where="other.yml:9:9"))
    assert moved.id == release().id


def test_versions_are_read_from_kernel_releases() -> None:
    assert [version(text) for text in ("5.10.0-32-amd64", "6.1", "7.3~rc1")] == [
        (5, 10),
        (6, 1),
        (7, 3),
    ]


def orphan(kind: OrphanKind, of: str, program: str = "hello") -> Orphan:
    return Orphan(kind=kind, deployment="demo", program=program, release=of, what="/x")


PROCESS, STATE, SPOOL = OrphanKind.PROCESS, OrphanKind.STATE, OrphanKind.SPOOL


def test_what_runs_without_its_files_ends_when_what_is_declared_is_ready() -> None:
    facts = replace(host_facts(), orphans=(orphan(PROCESS, "r0"), orphan(STATE, "r0")))
    change = only(plan("web1", "demo", [release()], facts))
    assert change.action is Action.CREATE
    assert change.reason == "its files are gone, and left is pid /x, /x"
    made = steps([change], objects={release().build_key: "o"})
    assert [step.verb for step in made] == ["start"]  # which ends all others of its program


def test_an_orphaned_release_beside_the_right_one_is_ended_and_that_left_alone() -> None:
    facts = replace(host_facts(placed(release())), orphans=(orphan(PROCESS, "r0"),))
    change = only(plan("web1", "demo", [release()], facts))
    assert (change.action, change.cause, change.starts) == (
        Action.UPDATE,
        Cause.ORPHANED,
        False,
    )
    assert [(step.verb, step.release) for step in steps([change], objects={})] == [("retire", "r0")]


def test_records_that_are_left_are_collected_from_a_loader_that_has_stopped() -> None:
    left = (orphan(PROCESS, "r0"), orphan(SPOOL, "r0"))
    change = only(
        plan("web1", "demo", [release()], replace(host_facts(placed(release())), orphans=left))
    )
    assert change.prune == ("r0",)
    assert [(step.verb, step.release) for step in stops([change])] == [("retire", "r0")]


def test_an_orphaned_program_that_nobody_declares_is_deleted() -> None:
    left = (
        orphan(PROCESS, "r0", "gone"),
        orphan(OrphanKind.FOLDER, "", ""),
        replace(orphan(PROCESS, "r0", "gone"), deployment="other"),
        replace(orphan(PROCESS, "", ""), deployment=""),
    )
    facts = replace(host_facts(placed(release())), orphans=left)
    kept, gone = plan("web1", "demo", [release()], facts)
    assert kept.action is Action.NONE
    assert (gone.program, gone.action, gone.cause) == ("gone", Action.DELETE, Cause.ORPHANED)
    assert gone.reason == "left behind without its files: pid /x"


def test_the_files_of_a_program_without_releases_tell_what_the_host_calls_current() -> None:
    facts = replace(host_facts(), orphans=(orphan(OrphanKind.FILES, "r0"),))
    assert only(plan("web1", "demo", [release()], facts)).was == "r0"
    assert only(plan("web1", "demo", [], facts)).was == "r0"


def test_a_unit_that_was_added_to_is_placed_anew() -> None:
    facts = replace(host_facts(placed(release())), orphans=(orphan(OrphanKind.DROP_IN, ""),))
    change = only(plan("web1", "demo", [release()], facts))
    assert (change.cause, change.starts) == (Cause.TAMPERED, True)


def test_a_loader_that_no_release_uses_is_not_counted_on() -> None:
    """The script that ends what is to be deleted tidies it away before the new release comes."""
    assert host_facts(placed(release())).sound_objects == {OBJECT}
    assert host_facts().sound_objects == frozenset()
