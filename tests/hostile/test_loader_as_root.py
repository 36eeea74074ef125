"""A user of a host against a loader that runs there as root, with the kernel of this machine."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernel.conftest import Build, Start, bpffs, build, builder, start, tracefs
from tests.kernel.running import ping
from tests.tools import need, need_root
from tests.waiting import wait_until

__all__ = ["bpffs", "build", "builder", "start", "tracefs"]

pytestmark = pytest.mark.kernel
PID = f"pid={os.getpid()}"
USER = 12345
OPEN_BPFFS = (
    "unshare",
    "--mount",
    "sh",
    "-c",
    'mount -t bpf bpf /sys/fs/bpf && eval "$0"; exec "$@"',
)


def as_user(command: str) -> str:
    return f"setpriv --reuid {USER} --regid {USER} --clear-groups sh -c '{command}'"


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Path]:
    """A folder of root's."""
    folder = tmp_path / "victim"
    folder.mkdir(mode=0o700)
    for name in ("shadow", "passwd", "sudoers"):
        (folder / name).write_text("x")
    yield folder
    assert len(list(folder.iterdir())) == 3


def test_who_was_first_in_an_open_bpffs_is_told_of_and_nothing_is_removed_for_him(
    start: Start, victim: Path, tmp_path: Path
) -> None:
    need("setpriv", "unshare")
    mine = "/sys/fs/bpf/fleetbpf/of-a-test/events:0"  # bpffs takes no dots
    attack = as_user(f"mkdir -p {mine} && ln -s {victim} {mine}/r{os.getpid()}")
    loader = start("events", "--set", PID, before=(*OPEN_BPFFS, attack))
    (warning,) = loader.state()["warnings"]
    assert f"/sys/fs/bpf/fleetbpf: this folder belongs to user {USER}, not to root" in warning
    ping(3)
    assert loader.stop() == 0


def test_an_open_bpffs_where_nobody_was_first_keeps_rings(start: Start, tmp_path: Path) -> None:
    need("setpriv", "unshare")
    loader = start("events", "--set", PID, before=(*OPEN_BPFFS, "true"))
    assert loader.state()["warnings"] == []
    pins = Path(f"/proc/{loader.pid}/root/sys/fs/bpf/fleetbpf")
    assert pins.stat().st_mode & 0o777 == 0o700
    assert list(pins.glob("of-a-test/events:0/*/*"))
    loader.stop()


@pytest.mark.parametrize("name", ["spool", "run"])
def test_a_spool_or_state_of_a_user_is_refused(start: Start, tmp_path: Path, name: str) -> None:
    theirs = tmp_path / "ping.0" / name
    theirs.mkdir(parents=True)
    os.chown(theirs, USER, USER)
    loader = start("ping", "--set", PID, ready=False)
    assert loader.process is not None
    _, said = loader.process.communicate(timeout=120)
    assert loader.process.returncode == 1
    assert f"{theirs}: this folder belongs to user {USER}, not to root" in said.decode()
    assert list(theirs.iterdir()) == []


@pytest.mark.parametrize(
    ("program", "hook"),
    [
        ("anywhere", "on_function=uprobe/{}:called"),
        ("anywhere", "on_function=uretprobe/{}:0x10"),
        ("observers", "on_probe=usdt/{}:a:b"),
    ],
)
def test_a_file_that_became_a_fifo_holds_up_nobody(
    build: Build, tmp_path: Path, program: str, hook: str
) -> None:
    fifo = tmp_path / "service"
    os.mkfifo(fifo)
    began = time.monotonic()
    done = subprocess.run(
        [build(program), "--attach", hook.format(fifo)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert f"{fifo}: no regular file" in done.stderr
    assert time.monotonic() - began < 50


def test_whoever_waits_for_a_loader_that_hangs_is_let_go(build: Build, tmp_path: Path) -> None:
    need_root()
    fifo = tmp_path / "btf"
    os.mkfifo(fifo)
    run, spool = tmp_path / "run", tmp_path / "spool"
    words = ("--supervise", "--run", run, "--spool", spool, "--btf", f"{os.uname().release}={fifo}")
    done = subprocess.run(
        [build("execs"), *words], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 1
    assert "it was not ready after 90 s" in done.stderr
    assert "it was not ready after 90 s" in (run / "failure").read_text()
    wait_until(lambda: not holders(fifo), what="nothing of the loader stays")


def holders(file: Path) -> list[str]:
    """The processes whose command line names a file."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if os.fsencode(file) in words:
            found.append(folder.name)
    return found
