"""What a loader may still do when it runs: no more than its loop has to."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.kernel.conftest import Build, Start
from tests.kernel.running import Loader, ping
from tests.waiting import wait_until

PID = f"pid={os.getpid()}"
BPF, DAC_OVERRIDE = 1 << 39, 1 << 1


def sets(pid: int) -> dict[str, int]:
    """The capability sets of a process, and whether it may get new ones."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    pairs = (line.split(":\t") for line in lines)
    return {
        key: int(value, 16) for key, value in pairs if key.startswith("Cap") or key == "NoNewPrivs"
    }


def kept(loader: Loader) -> int:
    """The capabilities that it has, after a look at the sets where others could hide."""
    found = sets(loader.pid)
    assert found["NoNewPrivs"] == 1
    assert found["CapInh"] == found["CapAmb"] == 0
    assert found["CapPrm"] == found["CapEff"] == found["CapBnd"]
    return found["CapEff"]


def test_trace_lines_alone_need_no_capability(start: Start) -> None:
    loader = start("ping", "--set", PID)
    assert kept(loader) == 0
    assert loader.state()["capabilities"] == []
    ping(2)
    assert loader.stop() == 0
    assert loader.texts() == ["ping 1", "ping 2"]


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        pytest.param("exec_counts", ("--map", "counts=0.1"), id="a map"),
        pytest.param("events", ("--set", PID), id="a counter of losses"),
    ],
)
def test_reading_maps_needs_cap_bpf(start: Start, program: str, arguments: tuple[str, ...]) -> None:
    loader = start(program, *arguments)
    assert kept(loader) == BPF
    assert loader.state()["capabilities"] == ["CAP_BPF"]
    assert loader.stop() == 0


def test_by_hand_a_spool_of_another_user_can_be_written(build: Build, tmp_path: Path) -> None:
    spool = tmp_path / "theirs"
    spool.mkdir(mode=0o700)
    os.chown(spool, 12345, 12345)
    words = ("--spool", str(spool), "--spool-limit", "65536", "--run", str(tmp_path / "run"))
    command = [str(build("ping")), "--set", PID, *words]
    with subprocess.Popen(command) as process:
        wait_until((tmp_path / "run" / "state").exists, what="the loader is ready")
        assert sets(process.pid)["CapEff"] == DAC_OVERRIDE
        ping(2000)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=120) == 0
    assert len(list(spool.glob("*.log"))) > 1


START = sum(1 << bit for bit in (1, 2, 8, 12, 13, 19, 21, 24, 34, 38, 39))  # what a start may need


def test_whoever_starts_loaders_again_has_what_a_start_needs_and_no_more(
    build: Build, tmp_path: Path
) -> None:
    words = ("--spool", str(tmp_path / "spool"), "--run", str(tmp_path / "run"))
    subprocess.run([build("ping"), "--set", PID, *words, "--supervise"], check=True, timeout=120)
    told = json.loads((tmp_path / "run" / "state").read_text())
    supervisor = int(told["supervisor"])
    found = sets(supervisor)
    assert found["CapEff"] & ~START == found["CapBnd"] & ~START == 0
    assert found["NoNewPrivs"] == 1
    assert {seccomp(supervisor), seccomp(told["pid"])} == {"2"}
    os.kill(told["pid"], signal.SIGKILL)
    wait_until(lambda: restarted(tmp_path / "run" / "state", told["pid"]), what="a new one runs")
    ping()
    os.kill(supervisor, signal.SIGTERM)
    wait_until(lambda: not Path(f"/proc/{supervisor}").exists(), what="both have ended")
    spooled = "".join(path.read_text() for path in (tmp_path / "spool").iterdir())
    assert '"text":"ping 1"' in spooled


def seccomp(pid: int) -> str:
    """The mode of it that a process is in; 2 is a filter."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith("Seccomp:"))


def restarted(state: Path, before: int) -> bool:
    """Whether another loader has come in the place of one that was killed."""
    return state.exists() and json.loads(state.read_text())["pid"] != before


def test_a_loader_that_runs_is_behind_a_filter_of_calls(start: Start) -> None:
    loader = start("ping", "--set", PID)
    assert seccomp(loader.pid) == "2"
    assert loader.stop() == 0
