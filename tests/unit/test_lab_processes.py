"""The processes of a lab's hosts: which of them have ended."""

import subprocess

from fleetbpf.lab import processes
from tests.waiting import wait_until


def test_a_process_that_executes_another_program_has_not_ended() -> None:
    for _ in range(30):
        with subprocess.Popen(["sh", "-c", "exec sleep 300"]) as started:
            ended = any(processes.has_ended(started.pid) for _ in range(100))
            started.kill()
        assert not ended


def test_a_process_has_ended_before_and_after_somebody_waits_for_it() -> None:
    with subprocess.Popen(["true"], stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        started.stdout.read()
        wait_until(lambda: processes.has_ended(started.pid), what="it has ended")
        assert started.returncode is None
    assert processes.has_ended(started.pid)
