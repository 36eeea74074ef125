"""Where nobody has mounted tracefs and bpffs, as on hosts without systemd."""

import subprocess
from pathlib import Path

import pytest

from tests.kernel.conftest import Build, Start
from tests.tools import need

ACTIVATE = Path(__file__).parents[2] / "fleetbpf" / "host" / "activate.sh"
UNMOUNTED = "umount -R /sys/kernel/tracing /sys/kernel/debug /sys/fs/bpf 2>/dev/null || :; "
MOUNTS = "grep -E ' (tracefs|bpf) ' /proc/mounts || true"
OF_TRACEFS = "fleetbpf /sys/kernel/tracing tracefs"
OF_BPFFS = "fleetbpf /sys/fs/bpf bpf"


def alone(script: str, *words: str | Path) -> list[str]:
    """What a script says in a mount namespace where nothing of the kernel's is mounted."""
    need("unshare", "umount")
    command = ("unshare", "-m", "--propagation", "private", "sh", "-ec", UNMOUNTED + script, "sh")
    done = subprocess.run([*command, *words], check=True, capture_output=True, text=True)
    return [" ".join(line.split()[:3]) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("before", ["", "mount -t debugfs none /sys/kernel/debug && "])
def test_a_tracepoint_has_tracefs_though_its_program_prints_nothing(
    start: Start, before: str
) -> None:
    need("unshare", "umount")
    words = ("unshare", "-m", "--propagation", "private", "sh", "-c")
    loader = start("quiet_tracepoint", before=(*words, f'{UNMOUNTED}{before}exec "$@"', "sh"))
    mounts = Path(f"/proc/{loader.pid}/mounts").read_text()
    warnings = loader.state()["warnings"]
    assert loader.stop() == 0
    told = "tracefs was not mounted: it is now, at /sys/kernel/tracing"
    assert warnings == ([] if before else [told])
    assert (OF_TRACEFS in mounts) == (not before)


def test_lines_come_by_debugfs_where_that_alone_is_mounted(start: Start) -> None:
    need("unshare", "umount")
    words = ("unshare", "-m", "--propagation", "private", "sh", "-c")
    mount = "mount -t debugfs none /sys/kernel/debug; "
    loader = start("hello", before=(*words, f'{UNMOUNTED}{mount}exec "$@"', "sh"))
    subprocess.run(["true"], check=True)
    loader.wait_for_texts(1)
    loader.stop()
    assert loader.records("start")[0]["warnings"] == []


def test_a_program_runs_where_tracefs_is_read_only_and_tells_what_is_missing(start: Start) -> None:
    need("unshare", "mount")
    words = ("unshare", "-m", "--propagation", "private", "sh", "-c")
    mount = "mount -o remount,bind,ro /sys/kernel/tracing; "
    loader = start("hello", before=(*words, f'{mount}exec "$@"', "sh"))
    (warning,) = loader.state()["warnings"]
    loader.stop()
    assert warning.startswith("what it prints is not collected: cannot create the tracefs instance")
    assert warning.endswith(": Read-only file system")


@pytest.mark.parametrize(
    ("program", "mounted"),
    [
        ("quiet_tracepoint", {OF_TRACEFS}),
        ("hello", {OF_TRACEFS}),
        ("execs", {OF_TRACEFS, OF_BPFFS}),
        ("events", {OF_BPFFS}),
        ("readouts", set()),
    ],
)
def test_before_a_unit_starts_what_its_loader_needs_is_mounted(
    build: Build, program: str, mounted: set[str]
) -> None:
    assert set(alone(f'"$1" --mount; "$1" --mount; {MOUNTS}', build(program))) == mounted


def test_who_may_not_mount_starts_all_the_same(build: Build) -> None:
    need("setpriv")
    script = f'setpriv --bounding-set -sys_admin "$1" --mount; {MOUNTS}'
    assert alone(script, build("hello")) == []


@pytest.mark.parametrize("program", ["quiet_tracepoint", "hello", "execs"])
def test_a_judgement_leaves_nothing_mounted(build: Build, program: str) -> None:
    assert alone(f'"$1" --check >&2; {MOUNTS}', build(program)) == []


UNMOUNT = """
eval "$(sed -n '/^unmount()/,/^}/p; /^has_pins()/,/^}/p' "$1")"
unmount
"""


@pytest.mark.parametrize(
    ("made", "left"),
    [
        ("mount -t tracefs fleetbpf /sys/kernel/tracing; mount -t bpf fleetbpf /sys/fs/bpf", []),
        (
            "mount -t bpf fleetbpf /sys/fs/bpf; mkdir /sys/fs/bpf/of-somebody-else",
            [OF_BPFFS],
        ),
        (
            "mount -t tracefs tracefs /sys/kernel/tracing; mount -t bpf bpf /sys/fs/bpf",
            ["tracefs /sys/kernel/tracing tracefs", "bpf /sys/fs/bpf bpf"],
        ),
    ],
    ids=["ours", "used by others", "mounted by others"],
)
def test_the_last_program_takes_what_was_mounted_for_it(made: str, left: list[str]) -> None:
    assert alone(f"{made}\n{UNMOUNT}\n{MOUNTS}", ACTIVATE) == left


def test_by_hand_nothing_is_left_mounted_where_it_does_not_start(build: Build) -> None:
    script = f'timeout -s INT 2 "$1" --attach f=tracepoint/no/such >&2 || true; {MOUNTS}'
    assert alone(script, build("hello")) == []
