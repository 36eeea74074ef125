"""The guard of the end-to-end tests' labs: nothing is left, however a run of tests ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from fleetbpf.lab.folder import LabFolder, Placed
from fleetbpf.lab.hosts import HostKind, LabHost
from fleetbpf.lab.processes import has_ended
from tests.e2e.guard import REPOSITORY, guarded
from tests.waiting import wait_until

EDGE1 = LabHost(name="edge1", kind=HostKind.MICRO, series="6.1")
LONG = 7.0  # seconds; pytest-xdist lets a worker live for 5 s after a Ctrl-C, then breaks it off
QEMU = """
import signal, threading
asked = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: asked.set())
print("ready", flush=True)
while not asked.wait(0.1):
    pass
threading.Event().wait({seconds})
"""
RUN = """
from pathlib import Path
import time

import pytest
from tests.e2e.guard import guarded


@pytest.fixture(scope="session")
def lab():
    with guarded(Path({folder!r}, "said.txt")) as guard:
        guard.watch(Path({folder!r}))
        yield


def test_that_takes_long(lab):
    Path({folder!r}, "begun").touch()
    time.sleep(600)
"""


@pytest.fixture
def qemu(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[int]:
    """A lab in the test's folder, whose one host runs: its process, which takes a while to end."""
    code = QEMU.format(seconds=getattr(request, "param", 0.1))
    lab = LabFolder.at(tmp_path)
    lab.keep(Placed(host=EDGE1, port=20001, memory=64, release="6.1.0"))
    words = ("qemu-system-x86_64", "-Ic", code, "-pidfile", str(lab.pid_file("edge1")))
    with subprocess.Popen(words, executable=sys.executable, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


@pytest.fixture
def run(tmp_path: Path, qemu: int) -> Iterator[subprocess.Popen[bytes]]:
    """A run of tests with pytest-xdist that guards the lab, in the middle of a test."""
    file = tmp_path / "test_run.py"
    file.write_text(RUN.format(folder=str(tmp_path)))
    words = ("-m", "pytest", "-q", "-n", "1", "-p", "no:cacheprovider", f"--rootdir={tmp_path}")
    with subprocess.Popen(
        [sys.executable, *words, str(file)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        wait_until((tmp_path / "begun").exists, what="the test has begun")
        yield process
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def wait_for_nothing(folder: Path, qemu: int) -> None:
    wait_until(lambda: has_ended(qemu), what="the host has ended")
    wait_until(lambda: not LabFolder.at(folder).state.exists(), what="the lab is gone")


@pytest.mark.parametrize(
    ("number", "qemu"),
    [(signal.SIGINT, LONG), (signal.SIGTERM, 0.1), (signal.SIGKILL, 0.1)],
    indirect=["qemu"],
)
def test_a_run_that_is_ended_with_its_workers_leaves_no_host(
    tmp_path: Path, qemu: int, run: subprocess.Popen[bytes], number: signal.Signals
) -> None:
    os.killpg(run.pid, number)  # as a terminal does
    wait_for_nothing(tmp_path, qemu)


def test_a_run_that_ends_waits_until_its_labs_are_down(tmp_path: Path, qemu: int) -> None:
    with guarded(tmp_path / "said.txt") as guard:
        guard.watch(tmp_path)
    assert has_ended(qemu)
    assert not LabFolder.at(tmp_path).state.exists()


def test_the_guard_waits_for_a_command_that_still_changes_the_lab(
    tmp_path: Path, qemu: int
) -> None:
    words = ("sh", "-c", "sleep 3; touch changed")
    with guarded(tmp_path / "said.txt") as guard:
        guard.watch(tmp_path)
        command = subprocess.Popen(words, cwd=tmp_path, pass_fds=[guard.fileno()])
    assert (tmp_path / "changed").exists()
    assert command.wait(60) == 0
    assert has_ended(qemu)


def test_a_folder_that_is_gone_does_not_keep_the_guard_from_the_others(
    tmp_path: Path, qemu: int
) -> None:
    with guarded(tmp_path / "said.txt") as guard:
        guard.watch(tmp_path / "gone")
        guard.watch(tmp_path)
    assert has_ended(qemu)
