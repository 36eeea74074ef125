"""A loader run by hand, without fleetbpf: what anyone expects of a program."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from fleetbpf.build.build import Builder
from fleetbpf.model.recipe import Recipe
from tests.kernel.conftest import SHIPPED, Build
from tests.kernel.running import ping


def test_prints_readable_lines_until_interrupted(build: Build) -> None:
    command = [str(build("ping")), "--set", f"pid={os.getpid()}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stderr is not None
    assert b"ping is attached to raw_tp/sys_enter" in process.stderr.readline()
    assert b"Ctrl-C" in process.stderr.readline()
    ping(2)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=120)
    lines = out.decode().splitlines()
    assert [line.split(" ", 1)[1].rsplit("-", 1)[1] for line in lines] == [
        f"{os.getpid()} ping 1",
        f"{os.getpid()} ping 2",
    ]
    assert process.returncode == 0


def test_hello_says_what_is_executed(build: Build) -> None:
    process = subprocess.Popen(build("hello"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stderr.readline()
    process.stderr.readline()
    subprocess.run(["/bin/echo", "to be seen"], check=True, stdout=subprocess.DEVNULL)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=120)
    assert b"Hello, /bin/echo\n" in out


def test_ends_when_nobody_reads_any_more(build: Build) -> None:
    command = [str(build("ping")), "--set", f"pid={os.getpid()}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stderr.readline()
    process.stderr.readline()
    process.stdout.close()
    ping()
    assert process.wait(timeout=120) == 0
    process.stderr.close()


def test_check_loads_and_attaches_nothing(build: Build) -> None:
    done = subprocess.run([build("hello"), "--check"], capture_output=True, check=True)
    assert done.stdout == b"hello: this kernel takes it\n"


def test_describe_prints_json(build: Build) -> None:
    done = subprocess.run([build("exec_counts"), "--describe"], capture_output=True, check=True)
    described = json.loads(done.stdout)
    assert described["functions"] == [
        {
            "name": "count_exec",
            "section": "tracepoint/sched/sched_process_exec",
            "called": False,
        }
    ]
    assert [item["name"] for item in described["maps"]] == ["counts"]
    assert described["prints"] is False


def test_an_unknown_option_is_named(build: Build) -> None:
    done = subprocess.run([build("hello"), "--atach=x"], capture_output=True, check=False)
    assert done.returncode == 2
    assert b"unknown option: --atach=x" in done.stderr


@pytest.mark.parametrize("length", [63, 64, 240])
def test_a_source_may_have_a_name_of_any_length(
    builder: Builder, tmp_path: Path, length: int
) -> None:
    source = tmp_path / f"{'n' * length}.bpf.c"
    source.write_text((SHIPPED / "exec_counts.bpf.c").read_text())
    command = [str(builder.build(Recipe(source=source)).loader), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout == f"{'n' * length}: this kernel takes it\n", done.stderr


def test_maps_that_leave_their_size_to_their_loader_get_one(build: Build) -> None:
    done = subprocess.run(
        [build("unsized"), "--check"], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout == "unsized: this kernel takes it\n", done.stderr
