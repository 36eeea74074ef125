"""The examples with sources of their own, applied to a host as they are."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernel.machine import inventory, machine
from tests.kernel.operators import Operator
from tests.tools import need
from tests.waiting import wait_until

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    need("unshare", "nsenter", "sshd", "clang", "bpftool")
    folder = tmp_path_factory.mktemp("operator")
    for file in EXAMPLES.iterdir():
        shutil.copy(file, folder)
    with machine(tmp_path_factory.mktemp("machine")) as host:
        inventory(host, folder)
        yield Operator(folder=folder)


def done(operator: Operator, *words: str) -> str:
    run = operator.run(*words)
    assert run.wait() == 0, run.text()
    return run.text()


def told(operator: Operator, program: str) -> str:
    return done(operator, "logs", "here", "--program", program)


def texts(operator: Operator) -> set[str]:
    """What the processes printed that have ended."""
    return {" ".join(line.split()[-2:]) for line in told(operator, "tail_calls").splitlines()}


def test_tail_calls_reach_what_is_loaded_and_attached_nowhere(operator: Operator) -> None:
    done(operator, "apply", "tail_calls.yml")
    try:
        assert "on_exit on raw_tracepoint/sched_process_exit" in told(operator, "tail_calls")
        subprocess.run(["sh", "-c", "exit 77"], check=False)
        subprocess.run(["sh", "-c", "kill -USR1 $$"], check=False)
        wanted = {"status 77", "signal 10"}
        wait_until(lambda: wanted <= texts(operator), what="both")
    finally:
        done(operator, "destroy", "--yes", "tail_calls.yml")


def counted(operator: Operator) -> int:
    """How often uname was executed, as the map has it now."""
    lines = done(operator, "maps", "here", "shared_maps").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("uname "))


def test_the_next_release_goes_on_counting(operator: Operator) -> None:
    done(operator, "apply", "shared_maps.yml")
    try:
        for _ in range(3):
            subprocess.run(["uname"], check=True, stdout=subprocess.DEVNULL)
        before = counted(operator)
        assert before >= 3
        manifest = operator.folder / "shared_maps.yml"
        manifest.write_text(manifest.read_text().replace("least: 0", "least: 4294967295"))
        done(operator, "apply", "shared_maps.yml")
        assert counted(operator) >= before
    finally:
        done(operator, "destroy", "--yes", "shared_maps.yml")
