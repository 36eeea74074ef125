"""What is printed, line for line: ours only, exact when lost, whole when it has several lines."""

import os
import struct
import subprocess
from pathlib import Path

import pytest

from tests.kernel.conftest import Build, Start
from tests.kernel.running import Loader, ping
from tests.tools import absent, need
from tests.waiting import pause, wait_until

PID = f"pid={os.getpid()}"


def test_two_loaders_of_one_object_get_their_own_lines_only(start: Start) -> None:
    one = start("ping", "--set", PID, "--set", "name=one")
    other = start("ping", "--set", PID, "--set", "name=other")
    ping(3)
    one.stop()
    other.stop()
    assert one.texts() == ["one 1", "one 2", "one 3"]
    assert other.texts() == ["other 1", "other 2", "other 3"]


def test_lines_without_a_label_are_kept_and_marked(start: Start) -> None:
    labelled = start("ping", "--set", PID)
    loader = start("unlabelled", "--set", PID)
    ping(2)
    loader.stop()
    labelled.stop()
    found = [(record["text"], record.get("shared")) for record in loader.records("trace")]
    assert found == [("no label", True), ("no label", True)]
    assert labelled.texts() == ["ping 1", "ping 2"]


def test_lines_and_losses_add_up_at_an_overrun(start: Start) -> None:
    loader = start("ping", "--set", PID, "--trace-buffer", "8192")
    fired = 100_000
    ping(fired)
    loader.stop()
    lost = sum(record["count"] for record in loader.records("lost"))
    assert lost > 0
    assert len(loader.texts()) + lost == fired
    assert loader.records("stop")[0]["lost"] == lost


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        pytest.param(1, "one\ntwo", id="two lines"),
        pytest.param(2, 'tab\tquote"back\\zż bad\xff', id="bytes"),
        pytest.param(4, "line", id="trailing newline"),
        pytest.param(
            3,
            "one\nCPU:0 [LOST 5 EVENTS]\n   sh-1 [000] d..21 1.000001: bpf_trace_printk: forged",
            id="forged prefixes",
        ),
    ],
)
def test_a_message_stays_whole(start: Start, shape: int, text: str) -> None:
    loader = start("ping", "--set", PID, "--set", f"shape={shape}")
    ping(2)
    loader.stop()
    assert loader.texts() == [text, text]
    assert loader.records("lost") == []


def test_every_way_to_print_is_told_in_full(start: Start) -> None:
    loader = start("prints", "--set", PID, "--set", f"long_one={'x' * 400}")
    ping()
    loader.stop()
    found = loader.records("trace")
    arities = [" ".join(map(str, range(1, count + 1))) for count in range(13)]
    labelled = [record["text"] for record in found if not record.get("shared")]
    assert labelled[:13] == [f"{n} {them}".rstrip() for n, them in enumerate(arities)]
    *_, empty, newline, newlines, strings, literal, bytes_ = labelled
    assert (empty, newline, newlines, bytes_) == ("", "", "\n", "\xff\xfe")
    # The kernel's own limits: 512 bytes for all strings, 1024 for the message.
    assert strings == "x" * len(strings)
    assert len(strings) > 500
    assert literal == ("a dozen text" * 100)[: len(literal)]
    assert len(literal) > 1000
    assert [record["text"] for record in found if record.get("shared")] == [
        "on the stack 1",
        "of the other family 1 2",
        "by hand",
    ]


def test_what_a_killed_loader_had_not_read_is_in_the_next_segment(start: Start) -> None:
    loader = start("ping", "--set", PID)
    ping(3)
    loader.wait_for_texts(3)
    pause(loader.pid)
    ping(4)
    loader.kill()
    loader.start()
    ping()
    loader.stop()
    assert loader.texts() == [f"ping {n}" for n in (1, 2, 3, 4, 5, 6, 7, 1)]
    assert loader.records("lost") == []


def test_what_a_killed_loader_had_read_and_not_written_is_counted(start: Start) -> None:
    loader = start("ping", "--set", PID)
    ping(5)
    loader.wait_for_texts(5)
    pause(loader.pid)
    # As if it had written three of them only, and nothing after that.
    told, positions, place = (3, 0, 0), (0,) * 16, (99, 0)
    step = struct.pack("<21Q", *told, *positions, *place)
    (loader.run / "progress").write_bytes(step + bytes(len(step)) + bytes(8))
    loader.kill()
    loader.start()
    loader.stop()
    assert [(record["place"], record["count"]) for record in loader.records("lost")] == [
        ("loader", 2)
    ]


def test_lines_and_losses_add_up_over_kills(start: Start) -> None:
    loader = start("ping", "--set", PID)
    fired = 0
    for _ in range(5):
        ping(20_000)
        fired += 20_000
        loader.kill()
        loader.start()
    loader.stop()
    # A torn record is told by readers, one each.
    torn = sum(not path.read_text().endswith("\n") for path in loader.segments())
    lost = sum(record["count"] for record in loader.records("lost"))
    assert len(loader.texts()) + lost + torn == fired


@pytest.mark.parametrize("option", ["fields", "raw", "hex"])
def test_lines_of_a_shape_that_nobody_knows_are_lost_and_told(
    start: Start, tracefs: Path, option: str
) -> None:
    loader = start("ping", "--set", PID)
    ping(2)
    loader.wait_for_texts(2)
    option_file = tracefs / "instances" / loader.instance / "options" / option
    if not option_file.exists():
        absent(f"this kernel has no option {option}")
    option_file.write_text("1")
    ping(3)
    wait_until(
        lambda: loader.counts()["lost"]["loader"] == 3, what="the loader counts what it lost"
    )
    option_file.write_text("0")
    ping()
    loader.stop()
    assert loader.texts() == ["ping 1", "ping 2", "ping 6"]
    lost = loader.records("lost")  # of one read, or of several
    assert {(record["place"], record["why"]) for record in lost} == {("loader", "not understood")}
    assert sum(record["count"] for record in lost) == 3
    assert loader.counts()["written"] == 3


def test_what_a_killed_loader_left_in_such_a_shape_is_told_too(start: Start, tracefs: Path) -> None:
    loader = start("ping", "--set", PID)
    ping(2)
    loader.wait_for_texts(2)
    pause(loader.pid)
    ping(3)
    (tracefs / "instances" / loader.instance / "options" / "raw").write_text("1")
    loader.kill()
    loader.start()
    loader.stop()
    assert loader.texts() == ["ping 1", "ping 2"]
    assert [(r["why"], r["count"]) for r in loader.records("lost")] == [("not understood", 3)]


def test_unlabelled_lines_that_a_killed_loader_left_are_told(start: Start) -> None:
    loader = start("prints", "--set", PID)
    ping()
    told = loader.wait_for_texts(1) and wait_until_still(loader)
    pause(loader.pid)
    ping()
    loader.kill()
    loader.start()
    loader.stop()
    assert len(loader.texts()) == 2 * told
    assert loader.records("lost") == []


def wait_until_still(loader: Loader) -> int:
    """The number of texts, once the loader has told its own sum of them."""
    wait_until(lambda: loader.counts()["written"] == len(loader.texts()) > 0, what="all is written")
    return len(loader.texts())


def test_an_instance_left_by_hand_is_removed(build: Build, tracefs: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    left = tracefs / "instances" / f"fleetbpf.hand.{dead.pid}"
    left.mkdir()
    subprocess.run(["timeout", "-s", "INT", "1", build("hello")], check=False, capture_output=True)
    assert not left.exists()


NO_TRACEFS = (
    *("unshare", "-m", "--propagation", "private"),
    *("sh", "-c", 'umount /sys/kernel/tracing && exec "$@"', "sh"),
)


def test_a_tracefs_that_nobody_mounted_is_mounted(start: Start) -> None:
    need("unshare", "umount")
    loader = start("ping", "--set", PID, before=NO_TRACEFS)
    ping()
    loader.stop()
    told = "tracefs was not mounted: it is now, at /sys/kernel/tracing"
    assert loader.records("start")[0]["warnings"] == [told]
    assert loader.texts() == ["ping 1"]


def test_without_tracefs_a_program_runs_and_says_what_is_missing(start: Start) -> None:
    need("unshare", "umount", "setpriv")
    may_not_mount = ("setpriv", "--bounding-set", "-sys_admin")
    loader = start("ping", "--set", PID, before=(*NO_TRACEFS, *may_not_mount))
    (told,) = loader.state()["warnings"]
    assert told.startswith("what it prints is not collected: tracefs is not mounted")
    assert "mount -t tracefs tracefs /sys/kernel/tracing" in told
    ping()
    assert loader.stop() == 0
    assert loader.records("start")[0]["warnings"] == [told]
    assert loader.texts() == []


def test_a_second_loader_of_a_release_is_refused_while_the_first_runs(start: Start) -> None:
    loader = start("ping", "--set", PID)
    done = subprocess.run(loader.command(), capture_output=True, check=False, text=True)
    assert done.returncode == 1
    assert f"another loader writes to the spool {loader.spool}" in done.stderr
    assert loader.state()["pid"] == loader.pid
    assert not (loader.run / "failure").exists()
    ping()
    loader.stop()
    assert loader.texts() == ["ping 1"]
