"""Plan, apply and plan again, with real loaders on this machine's kernel."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import pytest

from fleetbpf.build.builders import Builders
from fleetbpf.build.kernel_btf import BtfFolder
from fleetbpf.deploy import saved_plan
from fleetbpf.deploy.apply import Applied, Apply
from fleetbpf.deploy.destroy import Destroy
from fleetbpf.deploy.prepare import Prepare, Prepared
from fleetbpf.deploy.saved_plan import SavedPlan
from fleetbpf.errors import HostError
from fleetbpf.execution.local import LocalConnection
from fleetbpf.host import facts
from fleetbpf.host.lock import Claim
from fleetbpf.model.inventory import Host
from fleetbpf.model.layout import HostLayout, Workspace
from fleetbpf.model.target import DesiredConstant, DesiredHook, DesiredProgram, Target
from fleetbpf.plan.plan import Action, Change
from tests.waiting import wait_until

SOURCE = """
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "own.h"
char LICENSE[] SEC("license") = "GPL";
const volatile int limit = LIMIT;
SEC("tracepoint/syscalls/sys_enter_swapon")
int f(void *ctx)
{
	bpf_printk("%d", limit);
	return 0;
}
"""

CLAIM = Claim(who="ann@desk", why="a test", patience=60.0)


@dataclass(frozen=True, kw_only=True)
class Operator:
    """Somebody who plans and applies one program on this machine."""

    folder: Path
    layout: HostLayout
    cache: Path

    def prepare(self) -> Prepare:
        """What one run of the command has; it looks at the source anew."""
        return Prepare(
            deployment="planned",
            builders=Builders(cache=self.cache),
            btf=BtfFolder(),
            layout=self.layout,
            hooks=True,
        )

    def target(self, limit: int = 1, **changes: object) -> Target:
        constant = DesiredConstant(path=("limit",), value=limit)
        program = DesiredProgram(name="p", source=self.folder / "p.bpf.c", constants=(constant,))
        program = replace(program, **changes)  # type: ignore[arg-type]
        host = Host(name="here", address="localhost")
        return Target(host=host, become=False, programs=(program,))

    def plan(self, target: Target) -> Prepared:
        with LocalConnection() as here:
            return self.prepare().host(target, here)

    def only(self, target: Target) -> Change:
        (change,) = self.plan(target).changes
        return change

    def apply(
        self,
        target: Target,
        saved: SavedPlan | None = None,
        *,
        deployment: str = "planned",
        meanwhile: Callable[[], object] = lambda: None,
    ) -> Applied:
        """meanwhile: what somebody else does after the first plan was made."""
        others = iter([meanwhile])

        def agree(prepared: Prepared) -> None:
            if saved:
                saved.agreed(prepared)
            next(others, lambda: None)()

        work = Apply(
            prepare=replace(self.prepare(), deployment=deployment),
            workspace=Workspace(folder=self.folder),
            say=lambda *_: None,
            claim=CLAIM,
            agree=agree,
        )
        with LocalConnection() as here:
            return work.to(target, here)

    def destroy(self, deployment: str) -> None:
        gone = Destroy(
            deployment=deployment,
            workspace=Workspace(folder=self.folder),
            say=lambda *_: None,
            claim=CLAIM,
            layout=self.layout,
        )
        with LocalConnection() as here:
            gone.on(self.target(), here)

    @property
    def pid(self) -> int:
        """Of the loader that runs; 0 without one."""
        with LocalConnection() as here:
            seen = facts.ask(here, self.layout, host="here", deployment="planned")
        (placed,) = seen.programs
        current = placed.find(placed.current)
        return current.pid if current and current.running_object else 0


@pytest.fixture
def operator(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    (tmp_path / "p.bpf.c").write_text(SOURCE)
    (tmp_path / "own.h").write_text("#define LIMIT 0\n")
    run = PurePosixPath("/run", f"fleetbpf-test-{os.getpid()}")  # a unit's has to be there
    places = {name: PurePosixPath(tmp_path / name) for name in ("root", "units")}
    layout = HostLayout(**places, run=run)
    found = Operator(folder=tmp_path, layout=layout, cache=tmp_path_factory.mktemp("cache"))
    yield found
    for deployment in ("planned", "other"):
        found.destroy(deployment)


def test_a_plan_is_carried_out_and_then_there_is_nothing_left(operator: Operator) -> None:
    assert operator.only(operator.target()).action is Action.CREATE
    assert operator.apply(operator.target()).done == {"p"}
    assert operator.only(operator.target()).action is Action.NONE

    (operator.folder / "own.h").write_text("#define LIMIT 7\n")
    assert operator.only(operator.target(2)).reason == "header own.h, constant limit 1 → 2"

    prepared = operator.plan(operator.target(2))
    saved = SavedPlan(
        deployment="planned",
        manifest="",
        inventory=(),
        limit=None,
        made_by="",
        made_at="",
        basis={},
        hosts={"here": saved_plan.of(prepared)},
    )
    with pytest.raises(HostError, match="changed since the plan"):
        operator.apply(operator.target(3), saved)
    assert operator.apply(operator.target(2), saved).done == {"p"}
    again = operator.apply(operator.target(2), saved)
    assert not again.done
    assert not again.problems, "what is there is what was wanted"


def test_of_two_who_want_the_same_at_once_the_second_finds_nothing_to_do(
    operator: Operator,
) -> None:
    pids: list[int] = []

    def twin() -> None:
        assert operator.apply(operator.target()).done == {"p"}
        pids.append(operator.pid)

    applied = operator.apply(operator.target(), meanwhile=twin)
    assert not applied.problems
    assert not applied.done
    assert applied.ok == 1
    assert operator.pid == pids[0] > 0


def test_a_loader_that_a_twin_has_started_again_is_left_alone(operator: Operator) -> None:
    operator.apply(operator.target())
    for state in Path(operator.layout.run).rglob("state"):
        for name in ("supervisor", "pid"):
            os.kill(json.loads(state.read_text())[name], signal.SIGKILL)
    wait_until(lambda: not operator.pid, what="the loader ends")
    pids: list[int] = []

    def twin() -> None:
        assert operator.apply(operator.target()).done == {"p"}
        pids.append(operator.pid)

    applied = operator.apply(operator.target(), meanwhile=twin)
    assert not applied.done
    assert operator.pid == pids[0] > 0


def test_another_release_that_somebody_brought_meanwhile_is_left_and_told(
    operator: Operator,
) -> None:
    applied = operator.apply(
        operator.target(1), meanwhile=lambda: operator.apply(operator.target(2))
    )
    (problem,) = applied.problems
    assert problem.what.startswith("changed since the plan: release ")
    assert not applied.done
    assert operator.only(operator.target(2)).action is Action.NONE


def test_another_deployment_in_between_is_in_nobody_s_way(operator: Operator) -> None:
    applied = operator.apply(
        operator.target(1),
        meanwhile=lambda: operator.apply(operator.target(2), deployment="other"),
    )
    assert applied.done == {"p"}
    assert not applied.problems


def test_a_hook_that_this_kernel_has_not_is_told_before_anything_is_sent(
    operator: Operator,
) -> None:
    hook = DesiredHook(function="f", first_of=("tracepoint/syscalls/sys_enter_nope",))
    (obstacle,) = operator.only(operator.target(hooks=(hook,))).obstacles
    assert obstacle.what == (
        "cannot attach f on tracepoint/syscalls/sys_enter_nope: "
        "no tracepoint syscalls/sys_enter_nope there"
    )
    assert not Path(operator.layout.root).exists()
