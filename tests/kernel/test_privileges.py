"""What a loader may still do when it runs: no more than its loop has to."""

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
