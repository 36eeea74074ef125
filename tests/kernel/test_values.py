"""Maps read out as JSON, and constants set before the load."""

import ctypes
import json
import os
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.kernel.conftest import Build, Start
from tests.kernel.running import Loader, ping
from tests.waiting import wait_until

PID = f"pid={os.getpid()}"


def entries(loader: Loader, name: str) -> list[dict[str, Any]]:
    """The entries of the newest read-out of a map."""
    found: list[dict[str, Any]] = []
    for record in loader.records("map"):
        if record["map"] == name:
            found = record["entries"]
    return found


def test_every_shape_of_a_value_becomes_json(start: Start) -> None:
    loader = start("values", "--set", PID, "--map", "values=0.2")
    ping()
    wait_until(lambda: bool(entries(loader, "values")), what="the map is read out")
    assert entries(loader, "values") == [
        {
            "key": 0,
            "value": {
                "byte": 255,
                "signed_byte": -128,
                "yes": True,
                "letter": 120,
                "negative": -5,
                "large": 18446744073709551615,
                "text": 'a"b',
                "bytes": [1, 2, 3],
                "low": 5,
                "high": -3,
                "colour": "GREEN",
                "unknown": 7,
                "unnamed": -3,
                "few": -2,
                "fewer": 1,
                "tiny": -2,
                "inner": {"port": 443, "balance": -1},
                "several": [{"port": 1, "balance": 0}, {"port": 2, "balance": 3}],
                "word": 65537,
                "half": 1,
                "pointer": "0x1234",
            },
        }
    ]


def test_a_per_cpu_value_is_a_list(start: Start) -> None:
    loader = start("values", "--set", PID, "--map", "each_cpu=0.2")
    ping(7)
    loader.stop()
    first, second = entries(loader, "each_cpu")
    assert first["key"] == 0
    assert isinstance(first["value"], list)
    assert sum(first["value"]) == 7
    assert second == {"key": 1, "value": [0] * len(first["value"])}


def test_the_last_values_are_read_out_at_the_stop(start: Start) -> None:
    loader = start("values", "--set", PID, "--map", "values=1000")
    ping()
    loader.stop()
    assert len(entries(loader, "values")) == 1


def fill_map(loader: Loader, name: str, count: int) -> None:
    """Put `count` entries (a number, 16 bytes) into a live map, through its descriptor."""
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(loader.pid)
    fd = next(
        libc.syscall(438, pidfd, int(path.name), 0)  # pidfd_getfd
        for path in Path(f"/proc/{loader.pid}/fdinfo").iterdir()
        if f"max_entries:\t{count}\n" in path.read_text()
    )
    assert fd >= 0, name
    key = ctypes.create_string_buffer(4)
    value = ctypes.create_string_buffer(b"\xab" * 16, 16)
    for number in range(count):
        key.raw = struct.pack("<I", number)
        pointers = ctypes.addressof(key), ctypes.addressof(value)
        attributes = struct.pack("<IxxxxQQQ", fd, *pointers, 0)
        assert libc.syscall(321, 2, attributes, len(attributes)) == 0  # bpf(BPF_MAP_UPDATE_ELEM)
    os.close(fd)
    os.close(pidfd)


def test_a_large_map_is_read_out_whole_in_several_records(start: Start) -> None:
    loader = start("values", "--map", "many=1000")
    fill_map(loader, "many", 30000)
    loader.stop()
    records = loader.records("map")
    assert len(records) > 1
    assert [record.get("more", False) for record in records] == [True] * (len(records) - 1) + [
        False
    ]
    keys = [entry["key"] for record in records for entry in record["entries"]]
    assert sorted(keys) == list(range(30000))
    assert records[0]["entries"][0]["value"] == "ab" * 16


def test_counts_of_the_shipped_program(start: Start) -> None:
    loader = start("exec_counts", "--map", "counts=1000")
    for _ in range(3):
        subprocess.run(["/bin/sh", "-c", "exec -a x /bin/true"], check=False, capture_output=True)
        subprocess.run(["/usr/bin/tty"], check=False, capture_output=True)
    loader.stop()
    counts = {entry["key"]: entry["value"] for entry in entries(loader, "counts")}
    assert counts["tty"] >= 3


@pytest.mark.parametrize(
    ("word", "what"),
    [
        ("nothing=1", "values has no such map"),
        ("ring=1", "a map of this type (ringbuf) cannot be read out"),
        ("values=soon", "want seconds"),
        ("values=0", "want seconds"),
    ],
)
def test_a_map_that_cannot_be_read_is_refused(build: Build, word: str, what: str) -> None:
    command = [str(build("values")), "--map", word]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 1
    assert what in done.stderr


def test_constants_reach_the_program(start: Start) -> None:
    words = [f"--set={word}" for word in ("small=-128", "unsigned_one=0xffff", "loud=true")]
    loader = start("ping", "--set", PID, *words)
    ping()
    loader.stop()
    assert loader.texts() == ["LOUD 1", "small -128 one 65535"]


@pytest.mark.parametrize(
    ("word", "what"),
    [
        ("small=128", "want -128 to 127 (__s8)"),
        ("small=-129", "want -128 to 127 (__s8)"),
        ("unsigned_one=65536", "want 0 to 65535 (__u16)"),
        ("unsigned_one=-1", "want 0 to 65535 (__u16)"),
        ("unsigned_one=many", "want 0 to 65535 (__u16)"),
        ("unsigned_one=", "want 0 to 65535 (__u16)"),
        ("loud=perhaps", "want true or false"),
        ("name=12345678", "want at most 7 bytes (char[8])"),
        ("nothing=1", "ping has no such constant"),
    ],
)
def test_a_constant_out_of_range_is_refused(build: Build, word: str, what: str) -> None:
    done = subprocess.run(
        [build("ping"), "--set", word], capture_output=True, check=False, text=True
    )
    assert done.returncode == 1
    assert f"--set {word.split('=', maxsplit=1)[0]}" in done.stderr
    assert what in done.stderr


def test_the_list_of_constants_is_a_hint(build: Build) -> None:
    done = subprocess.run(
        [build("ping"), "--set", "nme=x"], capture_output=True, check=False, text=True
    )
    _, _, names = done.stderr.partition("hint: its constants: ")
    assert set(names.split()) == {"pid", "name", "loud", "small", "unsigned_one", "shape"}


def test_describe_and_loader_agree_on_constants(build: Build) -> None:
    done = subprocess.run([build("ping"), "--describe"], capture_output=True, check=True)
    kinds = {item["name"]: item["kind"] for item in json.loads(done.stdout)["constants"]}
    assert kinds["name"] == "text"
    assert kinds["loud"] == "boolean"
    assert kinds["shape"] == "enum"


ALL_OF_THEM = (
    *("limits.low=65535", "limits.high=-9223372036854775808", "limits.inner.name=abcde"),
    *("limits.inner.weights[1]=200", "limits.part=255", "limits.narrow=7", "limits.wide=-256"),
    *("sizes[0]=18446744073709551615", "sizes[3]=0x10", "verdict=VERDICT_DROP"),
    *("other=VERDICT_LAST", "flags[1]=true", "tiny=255", "number=-2147483648"),
    *("limits.bits=-8", "third=-7"),
)


def test_constants_of_every_type_reach_the_program(start: Start) -> None:
    loader = start("constants", "--set", PID, *(f"--set={word}" for word in ALL_OF_THEM))
    ping()
    loader.stop()
    assert loader.texts() == [
        "65535 -9223372036854775808 abcde",
        "1 200 3",
        "255 7 -256",
        "18446744073709551615 3 16",
        "5 -3",
        "0 1 255",
        "-2147483648",
        "-8 -7",
    ]


@pytest.mark.parametrize(
    ("word", "what"),
    [
        ("limits.lo=1", "--set limits.lo=1: struct limits has no field lo"),
        ("limits=1", "--set limits=1: want one of its fields"),
        ("sizes[4]=1", "--set sizes[4]=1: [4]: it has 4 elements"),
        ("verdict=VERDICT_NONE", "want a name of the enum or a number (enum verdict)"),
        ("limits.wide=256", "want -256 to 255 (__s32)"),
        ("limits.bits=-9", "want -8 to 7 (enum verdict)"),
    ],
)
def test_a_part_of_a_constant_that_is_wrong_is_refused(build: Build, word: str, what: str) -> None:
    command = [str(build("constants")), "--set", word]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 1
    assert what in done.stderr
