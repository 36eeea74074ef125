"""A loader whose time is limited: its end, and the starts after a kill or too late."""

import os
import socket
import subprocess
import time
from pathlib import Path

from tests.kernel.conftest import TRACING, Build, Start
from tests.kernel.running import Loader, ping
from tests.waiting import wait_until

PID = f"pid={os.getpid()}"


def write_deadline(folder: Path, left: float) -> tuple[str, ...]:
    """A deadline of this boot, as an activation grants it, and the words that name it."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    uptime = int(time.clock_gettime(time.CLOCK_BOOTTIME) + left)
    # The wall's clock is a day behind: it does not count in this boot.
    (folder / "deadline").write_text(f"{int(time.time() + left) - 86400} {boot} {uptime}\n")
    return ("--expires", "3600", "--deadline", str(folder / "deadline"))


def wait_for_end(loader: Loader) -> int:
    assert loader.process is not None
    return loader.process.wait(timeout=120)


def test_a_loader_ends_by_itself_and_leaves_its_spool(start: Start) -> None:
    loader = start("ping", "--set", PID, "--expires", "2")
    ping(3)
    assert wait_for_end(loader) == 0
    assert loader.texts() == ["ping 1", "ping 2", "ping 3"]
    assert [record["reason"] for record in loader.records("stop")] == ["expired"]
    assert not (loader.run / "state").exists()
    assert not (TRACING / "instances" / loader.instance).exists()


def test_a_start_after_a_kill_has_what_is_left(start: Start, tmp_path: Path) -> None:
    loader = start("ping", "--set", PID, *write_deadline(tmp_path, left=6))
    loader.kill()
    loader.start()
    assert wait_for_end(loader) == 0
    assert [record["reason"] for record in loader.records("stop")] == ["expired"]


def test_a_start_after_its_time_attaches_nothing_and_is_no_failure(
    build: Build, tmp_path: Path
) -> None:
    arguments = ("--set", PID, *write_deadline(tmp_path, left=-5))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        told.settimeout(120)
        environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        loader = Loader(path=build("ping"), arguments=arguments, folder=tmp_path / "ping")
        done = subprocess.run(
            loader.command(), env=environment, capture_output=True, timeout=120, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"ping: it has expired\n")
        assert told.recv(100) == b"READY=1"
    assert loader.records() == []
    assert not (loader.run / "state").exists()


def test_what_a_killed_loader_had_left_is_told_after_its_time(start: Start, tmp_path: Path) -> None:
    loader = start("events", "--set", PID, *write_deadline(tmp_path, left=60))
    ping()
    wait_until(lambda: bool(loader.records("event")), what="the event is written")
    loader.process.send_signal(19)  # type: ignore[union-attr]
    ping()
    loader.kill()
    write_deadline(tmp_path, left=-5)
    loader.start(ready=False)
    assert wait_for_end(loader) == 0
    assert [record["data"]["number"] for record in loader.records("event")] == [0, 1]


def test_a_supervised_loader_does_not_start_again(start: Start, tmp_path: Path) -> None:
    loader = start("ping", "--set", PID, "--supervise", "--expires", "2", ready=False)
    assert wait_for_end(loader) == 0  # it has gone to the background
    supervisor = loader.state()["supervisor"]
    wait_until(lambda: not Path(f"/proc/{supervisor}").exists(), what="the supervisor has ended")
    assert [record["reason"] for record in loader.records("stop")] == ["expired"]
