"""Audit: every way in which a host can differ from what is declared."""

from collections.abc import Sequence

import pytest

from fleetbpf import audit
from fleetbpf.audit import Finding, Kind
from fleetbpf.cli.audit import summary
from fleetbpf.errors import Problem, UnreachableError
from fleetbpf.layout import HostLayout
from fleetbpf.model.facts import HostFacts, LoadedProgram
from fleetbpf.model.manifest import Known
from tests.unit.samples import OBJECT, host_facts, placed, release, running


def kinds(facts: HostFacts) -> list[Kind]:
    return [found.kind for found in findings(facts)]


def findings(
    facts: HostFacts, *loaded: LoadedProgram, known: tuple[Known, ...] = ()
) -> tuple[Finding, ...]:
    return audit.findings(
        "web1", "demo", [release()], facts, loaded, known=known, layout=HostLayout()
    )


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
    over = running(release(), running_object="", expires_in=-1.0)
    assert kinds(host_facts(placed(release(), over))) == [Kind.EXPIRED]


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
        (Known(name="sd_*", owner="cilium"), 1),
        (Known(name="x*", owner="systemd"), 1),
    ],
)
def test_known_programs_are_allowed_by_name_and_owner(known: Known, count: int) -> None:
    loaded = LoadedProgram(
        id=1, type="cgroup_skb", name="sd_fw_egress", uid=0, executable="/usr/lib/systemd/systemd"
    )
    assert len(findings(host_facts(placed(release())), loaded, known=(known,))) == count


def test_an_unreachable_host_is_a_finding_itself() -> None:
    error = UnreachableError(Problem(where="web1", what="connection refused"))
    assert audit.unreachable("web1", error).kind is Kind.UNREACHABLE


@pytest.mark.parametrize(
    ("kinds", "hosts", "said"),
    [
        ((), 1, "1 host as declared"),
        ((), 2, "2 hosts as declared"),
        ((Kind.STALE,), 1, "1 finding (1 stale) on 1 of 1 host"),
        ((Kind.STALE, Kind.STALE), 3, "2 findings (2 stale) on 1 of 3 hosts"),
    ],
)
def test_the_last_line_of_an_audit_counts_as_people_do(
    kinds: Sequence[Kind], hosts: int, said: str
) -> None:
    found = [Finding(host="web1", kind=kind, program="p", what="w") for kind in kinds]
    assert summary(found, hosts=hosts) == said
