"""Typed events from ring buffers: their shapes, their losses, and the stop."""

import ctypes
import json
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest

from fleetbpf.model.recipe import DesiredEvent, EventCase, FieldHint
from tests.kernel.conftest import Build, Start
from tests.kernel.running import Loader, Record, ping
from tests.waiting import pause, wait_until

PID = f"pid={os.getpid()}"
FIRED = 100_000


def events(loader: Loader, ring: str = "events") -> list[Record]:
    return [record for record in loader.records("event") if record["ring"] == ring]


def lost(loader: Loader) -> int:
    return sum(record["count"] for record in loader.records("lost"))


def test_every_shape_of_a_field_becomes_json(start: Start) -> None:
    loader = start("events", "--set", PID)
    ping()
    wait_until(lambda: bool(events(loader)), what="the event is written")
    (event,) = events(loader)
    assert event["data"] == {
        "number": 0,
        "pointer": "0xffff888000001234",
        "low": 5,
        "high": -3,
        "colour": "GREEN",
        "inner": {"port": 443, "balance": -1},
        "word": 65537,
        "half": 1,
        "yes": True,
        "text": 'a"\n\x01\xff\\b',
    }


def test_a_type_of_fleetbpf_h_says_how_a_field_is_written(start: Start) -> None:
    lines = Path("/proc/kallsyms").read_text().splitlines()
    address, name = next((a, n) for a, kind, n, *_ in map(str.split, lines) if n == "do_exit")
    before = time.clock_gettime(time.CLOCK_REALTIME)
    loader = start("hinted", "--set", PID, "--set", f"function={int(address, 16) + 4}")
    ping()
    loader.stop()
    (event,) = events(loader)
    happened = datetime.fromisoformat(event["data"].pop("at")[:26] + "+00:00").timestamp()
    assert before - 1 < happened < time.clock_gettime(time.CLOCK_REALTIME) + 1
    assert event["data"] == {
        "addresses": ["127.0.0.1", "192.0.2.1"],
        "v6": "::1",
        "mac": "52:54:00:01:02:03",
        "port": 443,
        "uid": os.getuid(),
        "syscall": "getppid",
        "signal": "SIGTERM",
        "error": "EACCES",
        "function": f"{name}+0x4",
        "took": 1500000,
        "size": 4096,
    }


def test_a_manifest_says_what_fields_are_and_which_struct_a_record_is(start: Start) -> None:
    wish = DesiredEvent(
        ring="events",
        by="kind",
        cases=(EventCase(value="OPENED", struct="opened"), EventCase(value="2", struct="closed")),
        fields=(
            FieldHint(path="address", hint="ipv4"),
            FieldHint(path="inner.mac", hint="mac"),
            FieldHint(path="inner.raw", hint="hex"),
            FieldHint(path="tail", hint="string"),
            FieldHint(path="name", hint="string"),
            FieldHint(path="took", hint="duration"),
        ),
    )
    loader = start("kinds", "--set", PID, events=(wish,))
    ping()
    loader.stop()
    opened, closed, odd = events(loader)
    assert (opened["struct"], closed["struct"]) == ("opened", "closed")
    assert opened["data"] == {
        "kind": "OPENED",
        "address": "127.0.0.1",
        "inner": [
            {"raw": "010203", "mac": "04:05:06:07:00:00"},
            {"raw": "000000", "mac": "00:00:00:00:00:00"},
        ],
        "tail": "hi",
    }
    assert closed["data"] == {"kind": "CLOSED", "took": 1_000_000, "name": "a"}
    assert odd["odd"] == "0300000009"
    header = json.loads(loader.segments()[0].read_text().partition("\n")[0])
    assert header["units"] == {"events": {"took": "duration"}}


def test_rings_in_maps_of_maps_are_read(start: Start) -> None:
    loader = start("nested", "--set", PID)
    ping(4)
    loader.stop()
    numbers = {
        ring: [event["data"]["number"] for event in events(loader, ring)]
        for ring in ("even", "odd", "named")
    }
    assert numbers == {"even": [0, 2], "odd": [1, 3], "named": [0, 1, 2, 3]}


def test_what_was_submitted_before_the_stop_is_written(start: Start) -> None:
    loader = start("events", "--set", PID)
    ping(30)  # less than the ring holds: nothing is lost
    assert loader.stop() == 0
    assert [event["data"]["number"] for event in events(loader)] == list(range(30))
    assert loader.records("stop")[0]["written"] == 30


def fire(count: int) -> None:
    """Make the call that is watched on both CPUs at once."""
    call = ctypes.CDLL(None).getppid  # ctypes lets other threads run meanwhile

    def some(share: int) -> None:
        for _ in range(share):
            call()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(some, (count // 2, count // 2)))


@pytest.mark.parametrize("program", ["events", "perf"])
def test_written_and_lost_are_what_was_fired(start: Start, program: str) -> None:
    wish = (DesiredEvent(ring="events", struct="sample"),) if program == "perf" else ()
    loader = start(program, "--set", PID, events=wish)
    fire(FIRED)
    loader.stop()
    written = [event["data"]["number"] for event in events(loader)]
    (stop,) = loader.records("stop")
    assert len(set(written)) == len(written)
    assert {record["place"] for record in loader.records("lost")} <= {"kernel"}
    assert len(written) + lost(loader) == FIRED
    assert (stop["written"], stop["lost"]) == (len(written), lost(loader))
    counts = loader.counts()
    assert (counts["written"], counts["lost"]["kernel"]) == (len(written), lost(loader))


def test_a_perf_buffer_that_overflows_is_counted_to_the_last_sample(start: Start) -> None:
    loader = start("perf", "--set", PID, events=(DesiredEvent(ring="events", struct="sample"),))
    pause(loader.pid)
    fire(FIRED)
    os.kill(loader.pid, signal.SIGCONT)
    loader.stop()
    assert lost(loader) > 0
    assert len(events(loader)) + lost(loader) == FIRED


def test_a_sample_of_a_perf_buffer_has_no_padding(start: Start) -> None:
    loader = start("perf", "--set", PID, events=(DesiredEvent(ring="events", struct="sample"),))
    ping()
    loader.stop()
    (event,) = events(loader)
    assert event["data"] == {"number": 0, "pid": os.getpid(), "comm": own_comm()}
    assert "rest" not in event


def own_comm() -> str:
    return Path("/proc/thread-self/comm").read_text().strip()


def test_counts_go_on_after_a_kill(start: Start) -> None:
    loader = start("events", "--set", PID)
    ping(10)
    wait_until(lambda: len(events(loader)) == 10, what="10 events are written")
    loader.kill()
    loader.start()
    assert loader.state()["warnings"] == []
    ping(5)
    loader.stop()
    counts = loader.counts()
    assert (counts["written"], counts["killed"]) == (15, 1)
    assert sum(counts["lost"].values()) == 0


def test_what_is_above_the_rate_is_counted_as_lost(start: Start) -> None:
    loader = start("events", "--set", PID, "--rate-limit", "4")
    ping(30)  # less than the ring holds
    loader.stop()
    assert {record["place"] for record in loader.records("lost")} == {"limit"}
    assert 4 <= len(events(loader)) < 30
    assert len(events(loader)) + lost(loader) == 30
    assert loader.counts()["lost"]["limit"] == lost(loader)


def test_a_record_that_is_too_large_is_counted_as_lost(start: Start) -> None:
    loader = start(
        "events",
        "--set",
        PID,
        "--set",
        "raw_size=4",
        "--record-limit",
        "200",
        "--event",
        "raw=short_one",
    )
    ping(3)
    loader.stop()
    assert len(events(loader, "raw")) == 3
    assert events(loader) == []
    assert {record["place"] for record in loader.records("lost")} == {"limit"}
    assert lost(loader) == 3
    assert (loader.counts()["written"], loader.counts()["lost"]["limit"]) == (3, 3)


def test_a_ring_without_a_struct_is_not_read(start: Start) -> None:
    loader = start("events", "--set", PID, "--set", "raw_size=8")
    ping()
    loader.stop()
    assert {event["ring"] for event in loader.records("event")} == {"events"}


@pytest.mark.parametrize(
    ("struct", "size", "event"),
    [
        ("with_tail", 8, {"data": {"number": 7, "kind": 1, "bytes": "a\xff"}}),
        ("with_tail", 5, {"data": {"number": 7, "kind": 1, "bytes": ""}}),
        ("with_tail", 4, {"odd": "07000000"}),
        ("short_one", 2, {"data": {"number": 7}}),
        ("short_one", 5, {"data": {"number": 7}, "rest": "000001"}),
    ],
)
def test_a_record_of_another_size_than_its_struct(
    start: Start, struct: str, size: int, event: Record
) -> None:
    loader = start("events", "--set", PID, "--set", f"raw_size={size}", "--event", f"raw={struct}")
    ping()
    loader.stop()
    (record,) = events(loader, "raw")
    assert {key: record[key] for key in record.keys() - {"time", "kind", "ring"}} == event


@pytest.mark.parametrize(
    ("word", "what"),
    [
        ("nothing=fired", "events has no such ring buffer"),
        ("raw=nothing", "events has no such struct for events"),
        ("raw=", "its definition names no struct"),
    ],
)
def test_an_event_that_cannot_be_is_refused(build: Build, word: str, what: str) -> None:
    command = [str(build("events")), "--event", word]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 1
    assert what in done.stderr


def test_the_shipped_program_tells_each_exec(start: Start) -> None:
    loader = start("execs")
    child = subprocess.Popen(["/usr/bin/tty", "-s", "--silent"])
    child.wait()
    loader.stop()
    (found,) = [event["data"] for event in events(loader) if event["data"]["pid"] == child.pid]
    del found["time"]
    assert found == {
        "pid": child.pid,
        "ppid": os.getpid(),
        "uid": os.getuid(),
        "comm": "tty",
        "filename": "/usr/bin/tty",
        "args": "/usr/bin/tty -s --silent",
    }
