"""Audit: every way in which a host can differ from what is declared."""

from dataclasses import replace
from typing import Any

import pytest

from fleetbpf.audit import audit
from fleetbpf.audit.audit import Finding, Kind
from fleetbpf.audit.known_bpf import defaults
from fleetbpf.cli import audit as cli_audit
from fleetbpf.connections.recording import RecordingConnection
from fleetbpf.errors import FleetbpfError, HostError, Problem, UnreachableError
from fleetbpf.execution import Completed
from fleetbpf.fleet.fleet import Outcome
from fleetbpf.host import inspection
from fleetbpf.model.facts import HostFacts, LoadedProgram, Orphan, OrphanKind
from fleetbpf.model.inventory import Host
from fleetbpf.model.layout import HostLayout
from fleetbpf.model.manifest import Known
from tests.unit.samples import OBJECT, host_facts, placed, release, running


def kinds(facts: HostFacts) -> list[Kind]:
    return [found.kind for found in findings(facts)]


def findings(
    facts: HostFacts, *loaded: LoadedProgram, known: tuple[Known, ...] = ()
) -> tuple[Finding, ...]:
    strange, _ = audit.sort_out(loaded, known, ())
    return audit.findings("web1", "demo", [release()], facts, strange, layout=HostLayout())


def test_a_host_as_declared_has_no_findings() -> None:
    assert findings(host_facts(placed(release()))) == ()


def test_each_difference_has_its_own_kind() -> None:
    old = release(key="k0")
    assert kinds(host_facts()) == [Kind.MISSING]
    assert kinds(host_facts(placed(old))) == [Kind.STALE]
    changed = running(release(), args=("--x",))
    assert kinds(host_facts(placed(release(), changed))) == [Kind.TAMPERED]
    dead = running(release(), running_object="")
    assert kinds(host_facts(placed(release(), dead))) == [Kind.STOPPED]
    assert kinds(host_facts(placed(release(), running(release(), paused=True)))) == [Kind.STOPPED]
    over = running(release(), running_object="", expires_in=-1.0)
    assert kinds(host_facts(placed(release(), over))) == [Kind.EXPIRED]


def orphan(kind: OrphanKind, what: str, place: str = "demo/hello/r0") -> Orphan:
    deployment, program, release_id = place.split("/")
    return Orphan(kind=kind, deployment=deployment, program=program, release=release_id, what=what)


def test_what_belongs_to_nothing_that_is_placed_is_orphaned_whosever_it_is() -> None:
    runs = orphan(OrphanKind.PROCESS, "7")
    unit = orphan(OrphanKind.UNIT, "/etc/x", "other/y/")
    found = findings(replace(host_facts(placed(release())), orphans=(runs, unit)))
    assert [(one.kind, one.program) for one in found] == [
        (Kind.ORPHANED, "hello"),
        (Kind.ORPHANED, "other/y"),
    ]
    assert found[0].what == "release r0 is left without its files: pid 7"


def test_what_hinders_a_declared_release_is_its_own_finding() -> None:
    wanted = f"demo/hello/{release().id}"
    drop_in = orphan(OrphanKind.DROP_IN, "/etc/x.d", "demo/hello/")
    second = orphan(OrphanKind.PROCESS, "8", wanted)
    facts = host_facts(placed(release()))
    (found,) = findings(replace(facts, orphans=(drop_in,)))
    assert (found.kind, found.what) == (
        Kind.TAMPERED,
        "its unit was added to on the host: /etc/x.d",
    )
    (found,) = findings(replace(facts, orphans=(second,)))
    assert (found.kind, found.what) == (
        Kind.STOPPED,
        "another loader of it runs beside it: pid 8",
    )


def test_programs_that_an_orphaned_loader_holds_are_no_strays() -> None:
    held = LoadedProgram(id=1, type="x", name="x", uid=0, pids=(7,), executable="/old/objects/a")
    facts = replace(host_facts(placed(release())), orphans=(orphan(OrphanKind.PROCESS, "7"),))
    assert [found.kind for found in findings(facts, held)] == [Kind.ORPHANED]


def test_an_undeclared_program_of_the_deployment_is_a_stray() -> None:
    other = placed(release(name="other"))
    found = findings(host_facts(placed(release()), other))
    assert [(one.kind, one.program) for one in found] == [(Kind.STRAY, "other")]


def test_a_foreign_bpf_program_is_a_stray_with_its_holder() -> None:
    loaded = LoadedProgram(id=9, type="kprobe", name="evil", uid=0, pids=(66,), executable="/tmp/x")
    (found,) = findings(host_facts(placed(release())), loaded)
    assert found.kind is Kind.STRAY
    assert found.what == "BPF program 9, kprobe, uid 0, held by pid 66 (/tmp/x)"


def test_programs_that_our_loaders_hold_are_no_strays() -> None:
    ours = LoadedProgram(
        id=1, type="tracing", name="x", uid=0, executable=f"/var/lib/fleetbpf/objects/{OBJECT}"
    )
    assert findings(host_facts(placed(release())), ours) == ()


@pytest.mark.parametrize(
    ("known", "count"),
    [
        (Known(name="sd_*", owner="systemd"), 0),
        (Known(name="sd_*"), 0),
        (Known(name="sd_*", owner="/usr/lib/systemd/*"), 0),
        (Known(name="sd_*", type="cgroup_*"), 0),
        (Known(name="sd_*", type="lsm"), 1),
        (Known(name="sd_*", owner="cilium"), 1),
        (Known(name="x*", owner="systemd"), 1),
    ],
)
def test_known_programs_are_allowed_by_name_and_owner(known: Known, count: int) -> None:
    loaded = LoadedProgram(
        id=1, type="cgroup_skb", name="sd_fw_egress", uid=0, executable="/usr/lib/systemd/systemd"
    )
    assert len(findings(host_facts(placed(release())), loaded, known=(known,))) == count


def test_a_host_that_was_reached_is_not_called_unreachable() -> None:
    dead = UnreachableError(Problem(where="web1", what="connection refused"))
    full = HostError(Problem(where="web1", what="the inspector did not run: no space"))
    assert audit.unknown("web1", dead).kind is Kind.UNREACHABLE
    found = audit.unknown("web1", full)
    assert (found.kind, found.what) == (Kind.FAILED, "the inspector did not run: no space")


SYSTEMD = LoadedProgram(
    id=7,
    type="cgroup_device",
    name="sd_devices",
    uid=0,
    pids=(1,),
    executable="/usr/lib/systemd/systemd",
)
NETWORKD = LoadedProgram(
    id=8,
    type="cgroup_sysctl",
    name="sysctl_monitor",
    uid=0,
    pids=(300,),
    executable="/usr/lib/systemd/systemd-networkd",
)
HID = LoadedProgram(id=2, type="tracing", name="hid_tail_call", uid=0, tag="7cc47bbf07148bfe")


@pytest.mark.parametrize(
    "program",
    [
        SYSTEMD,
        replace(SYSTEMD, type="cgroup_skb", name="sd_fw_egress"),
        replace(SYSTEMD, type="cgroup_skb", name=""),  # before systemd 250
        replace(SYSTEMD, type="lsm", name="restrict_filesy"),
        replace(SYSTEMD, executable="/lib/systemd/systemd"),
        replace(SYSTEMD, executable="/usr/lib/systemd/systemd (deleted)", genuine=False),
        replace(SYSTEMD, pids=(1, 4711)),  # bpftool looks at it
        NETWORKD,
        HID,
    ],
)
def test_bpf_of_the_distribution_is_known(program: LoadedProgram) -> None:
    strange, known = audit.sort_out([program], (), defaults())
    assert strange == ()
    assert sum(known.values()) == 1
    assert audit.sort_out([program], (), ())[0] == (program,)


@pytest.mark.parametrize(
    "program",
    [
        replace(SYSTEMD, pids=(666,)),  # not the first process
        replace(SYSTEMD, pids=(666,), executable="/tmp/systemd"),
        replace(SYSTEMD, pids=(), executable=""),  # nobody holds it
        replace(SYSTEMD, type="kprobe"),
        replace(SYSTEMD, name="sd_evil"),
        replace(SYSTEMD, executable="/sbin/runit"),
        replace(NETWORKD, genuine=False),  # in a root of its own, another file is there
        replace(NETWORKD, executable="/usr/lib/systemd/systemd-networkd (deleted)"),
        replace(NETWORKD, executable="/home/u/usr/lib/systemd/systemd-networkd"),
        replace(HID, tag="0000000000000000"),
        replace(HID, pids=(666,), executable="/usr/bin/x"),
    ],
)
def test_nobody_hides_behind_a_name(program: LoadedProgram) -> None:
    assert audit.sort_out([program], (), defaults())[0] == (program,)


@pytest.mark.parametrize(
    "program",
    [replace(SYSTEMD, executable="/tmp/systemd"), replace(SYSTEMD, genuine=False)],
)
def test_an_owner_of_a_manifest_lies_where_only_root_writes(program: LoadedProgram) -> None:
    entry = Known(name="sd_*", owner="systemd")
    assert audit.sort_out([program], (entry,), ())[0] == (program,)


def outcome(
    name: str, *kinds: Kind, error: FleetbpfError | None = None, **changes: Any
) -> Outcome[audit.HostAudit]:
    host = Host(name=name, address=name)
    if error:
        return Outcome(host=host, error=error)
    found = tuple(Finding(host=name, kind=kind, program="x", what="") for kind in kinds)
    value = audit.HostAudit(**{"findings": found, "known": {}, **changes})
    return Outcome(host=host, value=value)


PROBLEM = Problem(where="b", what="no space left")
DEAD = outcome("a", error=UnreachableError(Problem(where="a", what="refused")))
FULL = outcome("b", problems=(PROBLEM,))
FINE = outcome("c", known={"systemd": 14})
STALE = outcome("d", Kind.STALE)


@pytest.mark.parametrize(
    ("outcomes", "code", "summary"),
    [
        ([FINE], 0, "1 host as declared"),
        ([FINE, FINE], 0, "2 hosts as declared"),
        ([STALE], 3, "1 finding (1 stale) on 1 of 1 host"),
        ([outcome("d", Kind.STALE, Kind.STALE), FINE], 3, "2 findings (2 stale) on 1 of 2 hosts"),
        ([FINE, DEAD], 4, "1 host as declared; 1 host unreachable"),
        ([FINE, FULL], 1, "1 host as declared; 1 host failed"),
        ([DEAD, FULL], 1, "1 host unreachable; 1 host failed"),
        ([DEAD, STALE], 3, "1 finding (1 stale) on 1 of 2 hosts; 1 host unreachable"),
        (
            [DEAD, FULL, STALE, FINE],
            3,
            "1 finding (1 stale) on 1 of 4 hosts; 1 host unreachable; 1 host failed",
        ),
    ],
)
def test_what_was_found_counts_more_than_what_could_not_be_looked_at(
    outcomes: list[Outcome[audit.HostAudit]], code: int, summary: str
) -> None:
    assert cli_audit.exit_code(outcomes) == code
    assert next(iter(cli_audit.summary(outcomes))) == summary


def test_what_is_known_is_counted() -> None:
    _, known = cli_audit.summary([FINE, outcome("e", known={"systemd": 1, "kernel": 1})])
    assert known == "16 BPF programs of others are known: 15 of systemd, 1 of kernel"


def test_a_full_disk_is_told_though_all_is_as_declared() -> None:
    assert audit.remarks(host_facts(free=0)) == (
        "its disk is full (0 B free): records are lost there",
    )
    assert audit.remarks(host_facts(free=10**9)) == ()


@pytest.mark.parametrize(
    ("said", "what", "detail"),
    [
        (
            b"gzip: stdout: No space left on device\n",
            "the inspector did not run: gzip: stdout: No space left on device",
            "",
        ),
        (b"one\ntwo", "the inspector did not run: two", "one\ntwo"),
        (b"", "the inspector did not run: it does not say why", ""),
    ],
)
def test_why_the_inspector_did_not_run_is_told(said: bytes, what: str, detail: str) -> None:
    answer = Completed(status=1, stdout=b"fleetbpf\tinspect\n", stderr=said)
    host = RecordingConnection(lambda _: answer)
    with pytest.raises(HostError) as caught:
        inspection.ask(host, HostLayout(), b"", host="web1", become=False)
    (problem,) = caught.value.problems
    assert (problem.what, problem.detail) == (what, detail)
    assert "the host was reached" in problem.hint
