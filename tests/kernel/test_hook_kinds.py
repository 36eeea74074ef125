"""Hooks of the network and of control groups, iterators, single processes; and what is instead."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernel.conftest import Build, Start
from tests.kernel.running import ping
from tests.tools import absent
from tests.waiting import wait_until

HERE = Path(__file__).parent
PID = f"pid={os.getpid()}"
EXCHANGE = """
import socket
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
accepted, _ = server.accept()
client.send(b"x")
accepted.recv(1)
"""


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that sends, connects, asks options, opens a device, reads a sysctl."""
    program = tmp_path_factory.mktemp("talk") / "talk"
    source = HERE / "programs" / "talk.c"
    subprocess.run(["gcc", "-static", "-nostdlib", "-o", program, source], check=True)
    return program


@pytest.fixture(scope="module")
def group() -> Iterator[Path]:
    """A control group of these tests' own."""
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    root = next((line.split()[1] for line in mounts if line.split()[2] == "cgroup2"), None)
    if root is None:
        absent("no cgroup2 is mounted")
    folder = Path(str(root)) / f"fleetbpf-tests-{os.getpid()}"
    folder.mkdir()
    yield folder
    folder.rmdir()


@pytest.mark.parametrize(
    ("function", "hook"),
    [
        ("xdp", "xdp/lo@skb"),
        ("tc", "tc/lo/ingress"),
        ("tc_egress", "tc/lo/egress"),
        ("tcx", "tcx/lo/ingress"),
        ("netfilter", "netfilter/ipv4/local_in"),
        ("socket", "socket/lo"),
        ("sk_lookup", "sk_lookup//proc/self/ns/net"),
    ],
)
def test_a_hook_of_the_network_fires(
    start: Start, inside: tuple[str, ...], talk: Path, function: str, hook: str
) -> None:
    loader = start("deciding", "--attach", f"on_{function}={hook}", before=inside)
    subprocess.run([*inside, talk], check=True)
    loader.stop()
    assert set(loader.texts()) == {f"seen by {function}"}


@pytest.mark.parametrize(
    ("function", "hook"),
    [
        ("skb_ingress", "cgroup_skb/ingress"),
        ("skb_egress", "cgroup_skb/egress"),
        ("sockops", "sockops"),
        *(
            (name, f"cgroup/{name}")
            for name in (
                *("sock_create", "sock_release", "post_bind4", "bind4", "connect4", "sendmsg4"),
                *("recvmsg4", "getsockname4", "getpeername4", "setsockopt", "getsockopt"),
                *("sysctl", "dev"),
            )
        ),
    ],
)
def test_a_hook_of_a_control_group_fires_for_what_is_in_it(
    start: Start, group: Path, talk: Path, function: str, hook: str
) -> None:
    loader = start("deciding", "--attach", f"on_{function}={hook}/{group}")
    subprocess.run([talk], check=True)
    within = f'echo $$ >"{group}/cgroup.procs" && exec "{talk}"'
    subprocess.run(["sh", "-c", within], check=True)
    loader.stop()
    texts = loader.texts()
    assert set(texts) == {f"seen by {function}"}


def test_what_goes_through_the_sockets_of_a_map_is_seen(start: Start, group: Path) -> None:
    loader = start(
        "sockets",
        *("--attach", f"on_connected=sockops/{group}"),
        *("--attach", "on_message=sk_msg/sockets"),
        *("--attach", "on_stream=sk_skb/stream_verdict/sockets"),
    )
    within = f'echo $$ >"{group}/cgroup.procs" && exec "$@"'
    subprocess.run(["sh", "-c", within, "sh", sys.executable, "-c", EXCHANGE], check=True)
    wait_until(lambda: set(loader.texts()) == {"message", "stream"}, what="both see the byte")


def test_a_control_group_may_be_named_from_where_they_are_mounted(
    start: Start, group: Path
) -> None:
    loader = start("deciding", "--attach", f"on_sockops=sockops/{group.name}")
    assert loader.records("start")[0]["attached"][0]["hook"] == f"sockops/{group.name}"


def test_an_iterator_is_read_again_and_again(start: Start) -> None:
    loader = start("iterating", "--attach", "on_task=iter/task@0.2s")
    me = f"task {os.getpid()}"

    def seen() -> int:
        return sum(record["text"] == me for record in loader.records("iter"))

    wait_until(lambda: seen() >= 3, what="three readings with this process in them")
    assert {record["function"] for record in loader.records("iter")} == {"on_task"}


def test_a_uprobe_of_one_process_does_not_see_the_others(start: Start, tmp_path: Path) -> None:
    source, program = tmp_path / "waits.c", tmp_path / "waits"
    source.write_text(
        "#include <stdio.h>\n"
        '__attribute__((noinline)) void called(void) { __asm__(""); }\n'
        "int main(void) { getchar(); called(); return 0; }\n"
    )
    subprocess.run(["gcc", "-g", "-o", program, source], check=True)
    with subprocess.Popen([program], stdin=subprocess.PIPE) as watched:
        hook = f"uprobe/{program}:called@{watched.pid}"
        loader = start("anywhere", "--attach", f"on_function={hook}")
        subprocess.run([program], input=b"\n", check=True)
        watched.communicate(b"\n")
    loader.stop()
    assert [record["pid"] for record in loader.records("trace")] == [watched.pid]


def test_a_process_that_is_not_there_is_named(build: Build) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    command = [
        str(build("anywhere")),
        "--attach",
        f"on_function=uprobe/usr/bin/env:main@{gone.pid}",
    ]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert f"it has no process {gone.pid}" in done.stderr


def test_the_first_hook_that_works_is_taken(start: Start) -> None:
    words = ("--attach", "on_call=raw_tp/no_such", "--or", "raw_tp/sys_enter", "--or", "raw_tp/x")
    loader = start("anywhere", "--set", PID, *words)
    ping()
    loader.stop()
    assert loader.texts() == ["raw"]
    (attached,) = loader.records("start")[0]["attached"]
    assert attached["hook"] == "raw_tp/sys_enter"
    assert [item["hook"] for item in attached["instead_of"]] == ["raw_tp/no_such"]


def test_an_optional_hook_that_is_not_there_is_left_out_with_a_warning(start: Start) -> None:
    words = ("--attach", "on_call=raw_tp/no_such", "--optional")
    loader = start("anywhere", "--set", PID, *words, "--attach", "on_typed=tp_btf/sys_enter")
    ping()
    loader.stop()
    assert loader.texts() == ["typed"]
    (warning,) = loader.records("start")[0]["warnings"]
    assert warning.startswith("skipped: cannot attach on_call to raw_tp/no_such on kernel")
    assert warning.endswith("it has no such raw tracepoint")


@pytest.mark.parametrize(
    ("hook", "text"), [("raw_tp/sys_enter", "raw"), ("raw_tp/no_such", "typed")]
)
def test_a_function_stands_in_where_another_is_not_there(
    start: Start, hook: str, text: str
) -> None:
    other = ("--attach", "on_typed=tp_btf/sys_enter", "--unless", "on_call")
    loader = start("anywhere", "--set", PID, "--attach", f"on_call={hook}", *other)
    ping()
    loader.stop()
    assert loader.texts() == [text]
    assert loader.records("start")[0]["warnings"] == []


def test_an_alternative_that_the_verifier_refuses_is_passed_over(start: Start) -> None:
    words = ("--attach", "refused=raw_tp/sys_enter", "--optional")
    loader = start("partly_refused", *words, "--attach", "fine=raw_tp/sys_enter")
    (warning,) = loader.records("start")[0]["warnings"]
    assert "refused refused:" in warning


def test_nothing_that_works_names_the_last_hook_and_those_before(build: Build) -> None:
    words = ["--attach", "on_call=raw_tp/no_such", "--or", "raw_tp/nor_this"]
    done = subprocess.run([build("anywhere"), *words], capture_output=True, check=False, text=True)
    assert done.returncode == 1
    assert "cannot attach on_call to raw_tp/nor_this on kernel" in done.stderr
    assert "hint: raw_tp/no_such before it: cannot attach on_call" in done.stderr


@pytest.mark.parametrize(
    ("function", "hook", "reason"),
    [
        ("xdp", "xdp/no_such", "it has no network interface no_such"),
        ("sockops", "sockops//proc", "this is not a folder of cgroup2"),
        ("sockops", "sockops//no/such", "/no/such: No such file or directory"),
        ("netfilter", "netfilter/ipv4/nowhere", "there is no such point"),
        ("sk_lookup", "sk_lookup//etc/passwd", "this is not the file of a network namespace"),
    ],
)
def test_a_place_that_is_not_there_is_named(
    build: Build, function: str, hook: str, reason: str
) -> None:
    command = [str(build("deciding")), "--attach", f"on_{function}={hook}"]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert f"cannot attach on_{function} to {hook} on kernel" in done.stderr
    assert reason in done.stderr


def test_an_interface_gives_its_only_place_to_no_stranger(
    start: Start, build: Build, inside: tuple[str, ...]
) -> None:
    start("deciding", "--attach", "on_xdp=xdp/lo@skb", before=inside)
    command = [*inside, str(build("deciding")), "--attach", "on_xdp=xdp/lo@skb"]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert "another XDP program is there, and an interface takes one only" in done.stderr
