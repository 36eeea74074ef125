"""Starting, failing, being killed and being watched over."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleetbpf.build.build import Builder
from tests.kernel.conftest import TRACING, Build, Start
from tests.kernel.running import Loader, ping
from tests.tools import need
from tests.waiting import wait_until

PID = f"pid={os.getpid()}"


def test_state_says_who_runs_and_what_is_attached(start: Start) -> None:
    loader = start("ping", "--set", PID)
    state = loader.state()
    assert state["pid"] == loader.pid
    assert state["supervisor"] == 0
    assert state["ready"] is True
    assert state["instance"] == loader.instance
    assert state["attached"] == [{"function": "ping", "hook": "raw_tp/sys_enter"}]


def test_systemd_is_told_when_ready(build: Build, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        told.settimeout(120)
        environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        loader = Loader(path=build("ping"), arguments=(), folder=tmp_path / "ping")
        process = subprocess.Popen(loader.command(), env=environment)
        assert told.recv(100) == b"READY=1"
        process.send_signal(signal.SIGTERM)
        assert told.recv(100) == b"STOPPING=1"
        assert process.wait(timeout=120) == 0


def test_the_verifiers_decisive_line_comes_first_and_its_log_is_kept(start: Start) -> None:
    loader = start("refused", ready=False)
    assert loader.process is not None
    _, err = loader.process.communicate(timeout=120)
    text = err.decode()
    log = loader.run / "verifier.log"
    assert loader.process.returncode == 1
    assert "refused reads_anywhere: R" in text.splitlines()[0]
    assert "invalid mem access" in text.splitlines()[0]
    assert f"hint: the whole log of the verifier is in {log}" in text
    assert "processed " in log.read_text()
    failure = json.loads((loader.run / "failure").read_text())
    assert failure["stage"] == "verifier"
    assert failure["function"] == "reads_anywhere"
    assert "invalid mem access" in failure["detail"]


def test_a_good_start_forgets_the_failure_before(start: Start) -> None:
    loader = start("ping", "--set", "small=1000", ready=False)
    assert loader.process is not None
    loader.process.communicate(timeout=120)
    assert (loader.run / "failure").exists()
    loader.arguments = ("--set", PID)
    loader.start()
    assert not (loader.run / "failure").exists()


def test_a_failed_start_leaves_no_instance(start: Start) -> None:
    loader = start("anywhere", "--attach", "on_call=raw_tp/no_such", ready=False)
    assert loader.process is not None
    loader.process.communicate(timeout=120)
    assert not (TRACING / "instances" / loader.instance).exists()


def test_a_loader_stays_below_four_megabytes(start: Start) -> None:
    loader = start("ping", "--set", PID)
    ping(20000)
    loader.wait_for_texts(20000)
    status = Path(f"/proc/{loader.pid}/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    assert int(resident.split()[1]) <= 4096


TRIES = 10  # of tries.h


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What came of a start: its exit status, what was told, and which one it was."""

    status: int
    failure: str
    number: int
    waited: float  # seconds since the try before began


def supervised(build: Build, folder: Path, *arguments: str) -> Loader:
    loader = Loader(path=build("ping"), arguments=("--supervise", *arguments), folder=folder)
    folder.mkdir(exist_ok=True)
    return loader


def gone(pid: int) -> bool:
    """Whether a process has ended, reaped or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_supervised_loader_is_in_the_background_when_ready(build: Build, tmp_path: Path) -> None:
    loader = supervised(build, tmp_path / "ping", "--set", PID)
    # The pipes are closed although the loader runs on: an SSH channel would end here.
    done = subprocess.run(loader.command(), capture_output=True, timeout=120, check=True)
    state = loader.state()
    try:
        assert done.stderr == b""
        assert Path(f"/proc/{state['pid']}/stat").read_text().split()[3] == str(state["supervisor"])
    finally:
        os.kill(state["supervisor"], signal.SIGTERM)
    wait_until(lambda: gone(state["supervisor"]) and gone(state["pid"]), what="both are gone")
    assert not (TRACING / "instances" / loader.instance).exists()
    assert loader.records("stop")[0]["reason"] == "SIGTERM"


def test_a_supervised_loader_that_is_killed_comes_back(build: Build, tmp_path: Path) -> None:
    loader = supervised(build, tmp_path / "ping", "--set", PID)
    subprocess.run(loader.command(), capture_output=True, timeout=120, check=True)
    before = loader.state()
    try:
        os.kill(before["pid"], signal.SIGKILL)
        wait_until(
            lambda: loader.is_another_than(before["pid"]),
            what="another child is ready",
        )
        assert loader.state()["supervisor"] == before["supervisor"]
        ping()
        loader.wait_for_texts(1)
    finally:
        os.kill(before["supervisor"], signal.SIGTERM)
    wait_until(lambda: gone(before["supervisor"]), what="the supervisor is gone")
    assert [record["reason"] for record in loader.records("start")] == ["first", "restart"]


def test_a_first_start_that_fails_is_told_and_not_repeated(build: Build, tmp_path: Path) -> None:
    loader = supervised(build, tmp_path / "ping", "--attach", "ping=raw_tp/no_such")
    done = subprocess.run(loader.command(), capture_output=True, timeout=120, check=False)
    assert done.returncode == 1
    assert b"it has no such raw tracepoint" in done.stderr
    assert not (TRACING / "instances" / loader.instance).exists()


def test_a_killed_supervisor_takes_its_loader_along(build: Build, tmp_path: Path) -> None:
    loader = supervised(build, tmp_path / "ping", "--set", PID)
    subprocess.run(loader.command(), capture_output=True, timeout=120, check=True)
    state = loader.state()
    os.kill(state["supervisor"], signal.SIGKILL)
    wait_until(lambda: gone(state["pid"]), what="the loader is gone")
    assert not (TRACING / "instances" / loader.instance).exists()


def test_the_inspector_sees_a_loader_and_who_holds_it(start: Start, builder: Builder) -> None:
    loader = start("ping", "--set", PID)
    done = subprocess.run([builder.inspector().path], capture_output=True, check=True)
    programs = [json.loads(line) for line in done.stdout.splitlines()]
    (found,) = [program for program in programs if loader.pid in program["pids"]]
    assert found["name"] == "ping"
    assert found["type"] == "raw_tracepoint"
    assert found["uid"] == 0
    assert found["exe"] == str(loader.path)
    assert len(found["map_ids"]) >= 1
    assert found["genuine"]


def test_the_inspector_is_not_deceived_by_a_root_of_its_own(
    start: Start, builder: Builder, tmp_path: Path
) -> None:
    """A program may lie, for itself, where another one lies for all others."""
    need("unshare", "mount")
    loader = start("ping", "--set", PID)
    other = tmp_path / "other"
    shutil.copy(loader.path, other)
    code = 'mount --bind "$1" "$2" && shift && exec "$@"'
    disguised = ["unshare", "-m", "sh", "-c", code, "sh", str(other), str(loader.path)]
    with subprocess.Popen(
        [*disguised, "--set", PID], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_until(lambda: holds(builder, process.pid), what="it holds its program")
            (found,) = held(builder, process.pid)
        finally:
            process.terminate()
    assert found["exe"] == str(loader.path)
    assert not found["genuine"]


def held(builder: Builder, pid: int) -> list[dict[str, Any]]:
    """What the inspector says that a process holds."""
    done = subprocess.run([builder.inspector().path], capture_output=True, check=True)
    programs = [json.loads(line) for line in done.stdout.splitlines()]
    return [program for program in programs if pid in program["pids"]]


def holds(builder: Builder, pid: int) -> bool:
    return bool(held(builder, pid))


def under_systemd(build: Build, folder: Path, tries: int, ago: float, *words: str) -> Tried:
    """A start as systemd does it, which is not the first one."""
    loader = Loader(path=build("ping"), arguments=words, folder=folder)
    loader.run.mkdir(parents=True, exist_ok=True)
    began = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - int(ago * 1e9)
    (loader.run / "tries").write_text(f"{tries} {began}\n")
    done = subprocess.run(
        loader.command(),
        capture_output=True,
        timeout=120,
        check=False,
        env={**os.environ, "NOTIFY_SOCKET": "/dev/null"},
    )
    failure = json.loads((loader.run / "failure").read_text())["message"]
    number, now = map(int, (loader.run / "tries").read_text().split())
    return Tried(status=done.returncode, failure=failure, number=number, waited=(now - began) / 1e9)


NO_SUCH = ("--attach", "ping=raw_tp/no_such")


def test_a_loader_that_cannot_start_waits_longer_before_each_try(
    build: Build, tmp_path: Path
) -> None:
    tried = under_systemd(build, tmp_path / "ping", 3, 0.0, *NO_SUCH)
    assert (tried.status, tried.number) == (1, 4)
    assert tried.waited >= 4
    assert "given up" not in tried.failure


def test_the_last_try_is_told_as_such_with_its_reason(build: Build, tmp_path: Path) -> None:
    tried = under_systemd(build, tmp_path / "ping", 9, 60.0, *NO_SUCH)
    assert (tried.status, tried.number) == (78, 10)
    assert tried.failure.startswith("given up after 10 tries: ")
    assert "it has no such raw tracepoint" in tried.failure


def test_a_loader_that_ended_soon_ten_times_is_not_started(build: Build, tmp_path: Path) -> None:
    tried = under_systemd(build, tmp_path / "ping", 10, 5.0, "--set", PID)
    assert tried.status == 78
    assert tried.failure == "given up: it was started 10 times and ended soon each time"


def test_tries_of_long_ago_do_not_count(build: Build, tmp_path: Path) -> None:
    tried = under_systemd(build, tmp_path / "ping", 10, 200.0, *NO_SUCH)
    assert (tried.status, tried.number) == (1, 1)


def test_a_supervisor_gives_up_a_loader_that_ends_soon_each_time(
    build: Build, tmp_path: Path
) -> None:
    loader = supervised(build, tmp_path / "ping", "--set", PID)
    subprocess.run(loader.command(), capture_output=True, timeout=120, check=True)
    first = loader.state()
    pids = {first["pid"]}
    os.kill(first["pid"], signal.SIGKILL)
    for _ in range(TRIES - 1):
        wait_until(
            lambda: loader.is_another_than(*pids),
            what="another child is ready",
            seconds=90,
        )
        pids.add(loader.state()["pid"])
        os.kill(loader.state()["pid"], signal.SIGKILL)
    wait_until(lambda: gone(first["supervisor"]), what="the supervisor gives up")
    assert not (loader.run / "state").exists()
    failure = json.loads((loader.run / "failure").read_text())["message"]
    assert failure == "given up: it was started 10 times and ended soon each time"
