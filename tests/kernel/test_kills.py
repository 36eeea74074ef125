"""SIGKILL at random moments under load: nothing torn, nothing twice, every gap counted.

`KILLS=200 pytest tests/kernel/test_kills.py` does it more often than CI does.
"""

import ctypes
import itertools
import os
import random
import shutil
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fleetbpf.records import records
from fleetbpf.records.records import Record
from tests.kernel.conftest import Start
from tests.kernel.running import Loader, ping

PID = f"pid={os.getpid()}"
KEEP_ALL = ("--spool-limit", str(8 << 30))
KILLS = int(os.environ.get("KILLS", "10"))
SYS_BPF, SYS_PIDFD_GETFD = 321, 438
LOOKUP, INFO_BY_FD = 1, 15  # of bpf(2)
libc = ctypes.CDLL(None, use_errno=True)


def bpf(command: int, attributes: bytes) -> None:
    """The call; the buffers that the attributes point to must live on."""
    buffer = ctypes.create_string_buffer(attributes)
    if libc.syscall(SYS_BPF, command, buffer, len(attributes)) < 0:
        raise OSError(ctypes.get_errno(), "bpf")


def address(buffer: ctypes.Array[ctypes.c_char]) -> int:
    return ctypes.addressof(buffer)


def map_name(fd: int) -> str:
    info = ctypes.create_string_buffer(88)
    bpf(INFO_BY_FD, struct.pack("<IIQ", fd, len(info), address(info)))
    return info.raw[24:40].partition(b"\0")[0].decode()


class Counter:
    """The program's own count of what it fired, which we keep open past the loader's death."""

    def __init__(self, pid: int) -> None:
        pidfd = os.pidfd_open(pid)
        for link in Path(f"/proc/{pid}/fd").iterdir():
            if "bpf-map" not in str(link.readlink()):
                continue
            self.fd = libc.syscall(SYS_PIDFD_GETFD, pidfd, int(link.name), 0)
            if map_name(self.fd).endswith(".bss"):
                break
            os.close(self.fd)
        os.close(pidfd)

    def take(self) -> int:
        """The count; once."""
        key, value = ctypes.create_string_buffer(4), ctypes.create_string_buffer(8)
        bpf(LOOKUP, struct.pack("<IIQQQ", self.fd, 0, address(key), address(value), 0))
        os.close(self.fd)
        return int(struct.unpack("<Q", value.raw)[0])


@contextmanager
def load(rest: float) -> Iterator[None]:
    """A thread of ours that fires all the time, with a short rest between bursts."""
    over = threading.Event()

    def fire() -> None:
        while not over.wait(rest):
            ping(100)

    thread = threading.Thread(target=fire)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def shown(loader: Loader, folder: Path) -> list[Record]:
    """What `fleetbpf logs` would show of the loader's spool."""
    mirror = folder / "logs" / "here" / "of-a-test" / loader.folder.name / loader.release
    shutil.copytree(loader.spool, mirror)
    return records.of_host(folder / "logs", "here")


def lost(found: list[Record]) -> int:
    torn = sum(record.kind == "torn" for record in found)
    return torn + sum(int(record.fields["count"]) for record in found if record.kind == "lost")


def kill_often(loader: Loader, wait: Callable[[], None], again: Callable[[int], None]) -> list[int]:
    """Kill it KILLS times, then stop it; what each start fired."""
    fired = []
    for number in range(KILLS + 1):
        again(number)
        counter = Counter(loader.pid)
        wait()
        if number == KILLS:
            loader.stop()
        else:
            loader.kill()
        fired.append(counter.take())
    return fired


def test_lines_of_a_loader_that_is_killed_are_whole_single_and_counted(
    start: Start, tmp_path: Path
) -> None:
    loader = start("ping", "--set", PID, "--set", "name=s0", "--trace-buffer", "65536")
    loader.stop()

    def again(number: int) -> None:
        loader.arguments = ("--set", PID, "--set", f"name=s{number}", "--trace-buffer", "65536")
        loader.start()

    with load(0.0005):
        fired = kill_often(loader, lambda: time.sleep(random.uniform(0, 0.3)), again)
    found = shown(loader, tmp_path)
    texts = [record.fields["text"] for record in found if record.kind == "trace"]
    assert len(set(texts)) == len(texts)
    wanted = {f"s{number} {n}" for number, count in enumerate(fired) for n in range(1, count + 1)}
    assert set(texts) <= wanted
    assert len(texts) + lost(found) == sum(fired)
    assert sum(fired) > 100 * KILLS


def test_a_loader_that_is_killed_while_it_starts_leaves_nothing_torn_or_twice(
    start: Start, tmp_path: Path
) -> None:
    loader = start("ping", "--set", PID)
    loader.kill()
    with load(0.0005):
        for number in range(KILLS):
            loader.arguments = ("--set", PID, "--set", f"name=s{number}")
            loader.start(ready=False)
            time.sleep(random.uniform(0, 0.05))
            loader.kill()
        loader.arguments = ("--set", PID, "--set", "name=last")
        loader.start()
        loader.stop()
    found = shown(loader, tmp_path)
    texts = [record.fields["text"] for record in found if record.kind == "trace"]
    numbers = [text.split() for text in texts]
    assert len(set(texts)) == len(texts)
    assert {name for name, _ in numbers} <= {"ping", "last", *(f"s{n}" for n in range(KILLS))}
    last = {name: int(number) for name, number in numbers}
    assert sum(last.values()) - len(texts) <= lost(found)


def starts(found: list[Record], key: str) -> list[list[int]]:
    """The numbers that events of each start had, in the order of the records."""
    numbers: list[list[int]] = []
    for record in found:
        if record.kind == "start":
            numbers.append([])
        elif record.kind == "event":
            numbers[-1].append(int(record.fields["data"][key]))
    return numbers


def test_events_of_a_loader_that_is_killed_are_whole_single_and_counted(
    start: Start, tmp_path: Path
) -> None:
    loader = start("events", "--set", PID, *KEEP_ALL)
    loader.kill()
    with load(0.0005):
        fired = kill_often(
            loader, lambda: time.sleep(random.uniform(0, 0.3)), lambda _: loader.start()
        )
    found = shown(loader, tmp_path)
    numbers = starts(found, "number")[-len(fired) :]
    # The program numbers what found room. A record that a kill tore is in no start's list.
    for mine, count in zip(numbers, fired, strict=True):
        assert mine == sorted(set(mine))
        assert set(mine) <= set(range(count))
    torn = sum(record.kind == "torn" for record in found)
    assert sum(map(len, numbers)) + torn == sum(fired)
    assert sum(fired) > 100 * KILLS


def test_a_loader_that_is_killed_while_it_recovers_events_tells_none_twice(
    start: Start, tmp_path: Path
) -> None:
    loader = start("events", "--set", PID, *KEEP_ALL)
    with load(0.0005):
        for _ in range(KILLS):
            time.sleep(random.uniform(0, 0.05))
            loader.kill()
            loader.start(ready=False)
            time.sleep(random.uniform(0, 0.05))
            loader.kill()
            loader.start()
        loader.stop()
    found = shown(loader, tmp_path)
    numbers = [int(r.fields["data"]["number"]) for r in found if r.kind == "event"]
    # Each start numbers from 0 on, and what one had not told comes before what the next fires: a
    # step back to anything but 0 would be told twice, one ahead is a record that a kill tore.
    steps = [
        (before, after) for before, after in itertools.pairwise(numbers) if after != before + 1
    ]
    torn = sum(record.kind == "torn" for record in found)
    assert [after for before, after in steps if after <= before and after > torn] == []
    assert sum(after > before for before, after in steps) <= torn
    assert len(numbers) > 100 * KILLS
    assert not any(record.kind == "lost" and record.fields["place"] != "kernel" for record in found)
