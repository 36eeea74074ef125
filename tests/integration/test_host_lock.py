"""The lock of a host, in every shell a host may have: held, stale, waited for, taken away."""

import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from fleetbpf.deploy import packing
from fleetbpf.deploy.activation import ACTIVATE, Activation, Answer
from fleetbpf.execution.command import Command, script_text
from fleetbpf.execution.local import LocalConnection
from fleetbpf.host import unlock
from fleetbpf.host.lock import Claim
from fleetbpf.model.facts import Lock
from fleetbpf.model.layout import HostLayout
from fleetbpf.model.rollout import Health
from tests.answers import read
from tests.integration.conftest import Run
from tests.integration.test_host_scripts import asked
from tests.tools import need, need_root
from tests.waiting import wait_until

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
SINCE = "2026-11-24T12:00:00Z"
NOBODY = 999_999_999  # no process has this number
EXCLUSIVE = """
mine=$root/.lock.$$
take_lock "$2" test 60 >&2 && mkdir "$root/in" && ls "$root" >&2 && rmdir "$root/in" &&
	give_lock_up && echo had it
"""


def start_time(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def owned_by(pid: int, *, born: str = "", boot: str = "") -> str:
    return f"{pid} {born or start_time(pid)} {boot or BOOT_ID.read_text().strip()}"


def hold(layout: HostLayout, owner: str) -> Path:
    root = Path(layout.root)
    folder = root / f".lock.{NOBODY}"
    folder.mkdir(parents=True)
    (folder / "owner").write_text(f"{owner}\nann@desk\n{SINCE}\napply hello.yml\n" if owner else "")
    (root / "lock").symlink_to(folder.name)
    return root / "lock"


def give_up(held: Path) -> None:
    folder = held.resolve()
    held.unlink()
    shutil.rmtree(folder)


def host_of(layout: HostLayout, *, patience: float) -> Activation:
    claim = Claim(who="bob@desk", why="apply", patience=patience)
    return Activation(deployment="demo", layout=layout, claim=claim)


def acted(run: Run, layout: HostLayout, *, patience: float = 0.0) -> Answer:
    order = host_of(layout, patience=patience).order([], Health())
    done = run(ACTIVATE.command(order, become=False), packing.payload({}))
    return read(ACTIVATE, order, done.stdout)


def unlocked(run: Run, layout: HostLayout, *, force: bool) -> unlock.Unlocked:
    question = unlock.Question(layout=layout, force=force)
    done = run(unlock.UNLOCK.command(question, become=False), b"")
    return read(unlock.UNLOCK, question, done.stdout)


def as_told(lock: Lock | None) -> tuple[object, ...]:
    assert lock is not None
    assert lock.age_s is not None
    return (lock.who, lock.why, lock.stale)


STALE = {
    "pid": owned_by(os.getpid(), born="1"),
    "boot": owned_by(os.getpid(), boot="another-boot"),
    "empty": "",  # the power failed before it was written
}


def test_a_host_that_is_locked_says_by_whom_since_when_and_why(
    run: Run,
    layout: HostLayout,
) -> None:
    held = hold(layout, owned_by(os.getpid()))
    answer = acted(run, layout)
    assert as_told(answer.locked_by) == ("ann@desk", "apply hello.yml", False)
    assert as_told(asked(run, layout).lock) == ("ann@desk", "apply hello.yml", False)
    assert sorted(Path(layout.root).iterdir()) == sorted([held, held.resolve()])


@pytest.mark.parametrize("stale", sorted(STALE))
def test_a_lock_whose_owner_is_gone_is_taken_over(
    run: Run,
    layout: HostLayout,
    stale: str,
) -> None:
    hold(layout, STALE[stale])
    found = asked(run, layout).lock
    assert found is not None
    assert found.stale
    assert acted(run, layout).locked_by is None
    assert not Path(layout.root).exists()


@pytest.mark.parametrize("force", [False, True])
def test_a_lock_without_its_folder_is_taken_over(run: Run, layout: HostLayout, force: bool) -> None:
    shutil.rmtree(hold(layout, STALE["pid"]).resolve())
    if force:
        assert unlocked(run, layout, force=True).removed
    assert acted(run, layout).locked_by is None
    assert not Path(layout.root).exists()


def test_a_lock_left_by_a_process_with_our_number_is_taken_over(
    run: Run, layout: HostLayout
) -> None:
    order = host_of(layout, patience=0.0).order([], Health())
    words = ACTIVATE.command(order, become=False).words
    left = """
        mkdir -p "$2/.lock.$$" && ln -s ".lock.$$" "$2/lock" &&
        echo "$$ 1 another-boot" >"$2/lock/owner" && exec "$@"
    """
    program = Command("sh", "-c", left.replace("$2", str(layout.root)), "sh", *words)
    answer = read(ACTIVATE, order, run(program, packing.payload({})).stdout)
    assert (answer.locked_by, answer.failures) == (None, ())
    assert not Path(layout.root).exists()


@pytest.mark.parametrize("files", range(2, 9))
def test_a_disk_without_room_for_one_file_more_is_told_and_nothing_is_left(
    layout: HostLayout, files: int
) -> None:
    need("unshare")
    need_root()
    disk = Path(layout.root).parent
    order = host_of(layout, patience=0.0).order([], Health())
    words = ACTIVATE.command(order, become=False).words
    on_it = f"""
        mount -t tmpfs -o nr_inodes={files} tmpfs {disk} && "$@"
        find {disk} -mindepth 1 | sed 's/^/left	/'
    """
    with LocalConnection() as here:
        program = Command("unshare", "--mount", "sh", "-c", on_it, "sh", *words)
        said = here.run(program, stdin=packing.payload({})).stdout
    assert b"\nleft\t" not in said
    reasons = [failure.message for failure in read(ACTIVATE, order, said).failures]
    assert len(reasons) == (b"\narrived\t" not in said)
    assert all("space" in reason or "full" in reason for reason in reasons)


def test_who_waits_gets_the_lock_when_it_is_given_up(
    run: Run,
    layout: HostLayout,
) -> None:
    held = hold(layout, owned_by(os.getpid()))
    answers: list[Answer] = []
    waiting = threading.Thread(
        target=lambda: answers.append(acted(run, layout, patience=120.0)), daemon=True
    )
    waiting.start()
    wait_until(lambda: len(list(held.parent.iterdir())) == 3, what="another waits")
    give_up(held)
    waiting.join(timeout=120)
    assert answers[0].locked_by is None
    assert not Path(layout.root).exists()


def test_of_many_who_find_a_stale_lock_one_at_a_time_has_it(
    run: Run,
    layout: HostLayout,
) -> None:
    hold(layout, STALE["pid"])
    text = "".join((script_text("folders.sh"), script_text("lock.sh"), EXCLUSIVE))
    command = Command("sh", "-c", text, "fleetbpf", layout.root, "bob")
    said: list[bytes] = []
    many = [
        threading.Thread(target=lambda: said.append(run(command, b"").stdout)) for _ in range(4)
    ]
    for one in many:
        one.start()
    for one in many:
        one.join(timeout=120)
    assert said == [b"had it\n"] * 4


def test_one_who_waits_and_whose_operator_has_gone_does_nothing(
    run: Run,
    layout: HostLayout,
) -> None:
    held = hold(layout, owned_by(os.getpid()))
    order = host_of(layout, patience=600.0).order([], Health())
    words = ACTIVATE.command(order, become=False).words
    gone = Command("sh", "-c", '"$@" | true', "sh", *words)
    started = time.monotonic()
    assert run(gone, b"").status == 0
    assert time.monotonic() - started < 300
    assert held.exists()


@pytest.mark.parametrize("stale", sorted(STALE))
def test_unlock_removes_a_stale_lock_and_says_whose_it_was(
    run: Run,
    layout: HostLayout,
    stale: str,
) -> None:
    hold(layout, STALE[stale])
    found = unlocked(run, layout, force=False)
    assert found.removed
    assert found.lock is not None
    assert found.lock.stale
    assert not Path(layout.root).exists()


@pytest.mark.parametrize("force", [False, True])
def test_unlock_leaves_an_owner_who_is_at_work_alone_unless_forced(
    run: Run,
    layout: HostLayout,
    force: bool,
) -> None:
    held = hold(layout, owned_by(os.getpid()))
    found = unlocked(run, layout, force=force)
    assert found.removed is force
    assert as_told(found.lock) == ("ann@desk", "apply hello.yml", False)
    assert held.exists() is not force


def test_a_host_that_is_not_locked_says_so(run: Run, layout: HostLayout) -> None:
    assert unlocked(run, layout, force=False) == unlock.Unlocked(lock=None, removed=False)
