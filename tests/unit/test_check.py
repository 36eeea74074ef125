"""Which host tries what for which others, and what of it is told."""

from dataclasses import replace
from pathlib import Path

import pytest

from fleetbpf.build.kernel_btf import KernelBtf
from fleetbpf.cli.check import exit_code, lacking
from fleetbpf.cli.recap import HostRecap
from fleetbpf.deploy import check
from fleetbpf.deploy.trial import Judgement, Trial, Verdict
from fleetbpf.errors import ExitCode, Problem
from fleetbpf.model.target import DesiredHook
from fleetbpf.objects.relocations import Missing
from tests.unit.samples import host_facts, release

OLD, NEW = host_facts(kernel="5.10.0-1"), host_facts(kernel="7.3.0-1")
READS = Missing(function="on_switch", what="task_struct.__state")


def judgement(kernel: str = "5.10.0-1", *, refused: bool = False) -> Judgement:
    trial = Trial(release=release(), kernel=kernel, arch="x86_64", hosts=("web1",))
    if refused:
        problem = Problem(where="hello", what="no")
        return Judgement(trial=trial, verdict=Verdict.REFUSED, problem=problem)
    return Judgement(trial=trial, verdict=Verdict.OK, missing=(READS,))


def test_hosts_of_one_kernel_and_one_release_share_a_trial() -> None:
    found = check.grouped(
        [("a", OLD, release()), ("b", NEW, release()), ("c", OLD, release()), ("d", NEW, release())]
    )
    assert [(trial.kernel, trial.hosts) for trial in found] == [
        ("5.10.0-1", ("a", "c")),
        ("7.3.0-1", ("b", "d")),
    ]


def test_other_arguments_are_another_trial() -> None:
    other = release(hooks=(DesiredHook(function="f", first_of=("raw_tp/x",)),))
    assert len(check.grouped([("a", OLD, release()), ("b", OLD, other)])) == 2


def test_a_trial_attaches_nothing_and_writes_beside_the_loader_only() -> None:
    types = KernelBtf(kernel="5.4.0-1", path=Path("x.btf"), sha256="b")
    words = check.arguments(replace(release(), btf=types)).decode().splitlines()
    assert words[:5] == ["--check", "--run", "hello/run", "--btf", "5.4.0-1=hello/kernel.btf"]
    assert "--spool" not in words


def test_what_kernels_lack_is_told_once_with_all_of_them() -> None:
    assert list(lacking([judgement("5.10.0-1"), judgement("6.1.0-1")])) == [
        "hello: on_switch reads task_struct.__state: not in 5.10.0-1, 6.1.0-1"
    ]


@pytest.mark.parametrize(
    ("judged", "recaps", "code"),
    [
        ([judgement()], [], ExitCode.DONE),
        ([judgement(), judgement(refused=True)], [], ExitCode.FAILED),
        ([judgement()], [HostRecap(host="a", unreachable=1)], ExitCode.UNREACHABLE),
        ([judgement(refused=True)], [HostRecap(host="a", unreachable=1)], ExitCode.FAILED),
        ([judgement(refused=True)], [HostRecap(host="a", interrupted=True)], ExitCode.INTERRUPTED),
    ],
)
def test_the_exit_code_tells_refusals_before_lost_hosts(
    judged: list[Judgement], recaps: list[HostRecap], code: ExitCode
) -> None:
    assert exit_code(judged, recaps) is code
