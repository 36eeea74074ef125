"""Waiting for a host to be up: by what its guest does, not by a clock, with a QEMU that is none."""

import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from fleetbpf.execution.local import LocalConnection
from fleetbpf.lab import login, ports, processes, qemu
from fleetbpf.lab.boot import Boot, NotUpError, StuckError, ensure_up
from fleetbpf.lab.folder import LabFolder, Placed
from fleetbpf.lab.hosts import HostKind, LabHost
from fleetbpf.lab.progress import STEP, Signs, is_stuck, latest
from fleetbpf.lab.status import status
from fleetbpf.model.architecture import Architecture
from tests.waiting import wait_until

EDGE1 = LabHost(name="edge1", kind=HostKind.MICRO, series="6.1")
NETWORK = "lab: edge1 runs 6.1.0"
# What a guest shows of itself: a console, and a port whose connections wait for their banner.
GUEST = """
import socket, sys, time
from pathlib import Path

words = sys.argv[1:]
console = next(word.split("path=")[1].split(",")[0] for word in words if "path=" in word)
forwarded = next(word.split("127.0.0.1:")[1] for word in words if "hostfwd" in word)
with open(console, "a") as file:
    file.write({says!r} + "\\n")
listener = socket.create_server(("127.0.0.1", int(forwarded.removesuffix("-:22"))))
counted = Path(console).with_name("connections")
links = []
while True:
    link, _ = listener.accept()
    links.append(link)
    with counted.open("a") as file:
        file.write("one\\n")
    time.sleep({seconds})
    link.sendall(b"SSH-2.0-guest\\r\\n")
"""


@pytest.fixture
def boot(tmp_path: Path) -> Iterator[Boot]:
    """A host that is not up yet; whatever runs of it at the end is ended."""
    lab = LabFolder.at(tmp_path)
    placed = Placed(host=EDGE1, port=ports.choose(set()), memory=64, release="6.1.0")
    lab.keep(placed)
    machine = qemu.Machine(
        name="edge1",
        architecture=Architecture.X86_64,
        image=tmp_path / "vmlinuz",
        initramfs=tmp_path / "initramfs.cpio",
        disks=(),
        memory=64,
        port=placed.port,
        pid_file=lab.pid_file("edge1"),
        console=lab.console("edge1"),
        kvm=False,
    )
    yield Boot(lab=lab, placed=placed, machine=machine)
    processes.end(machine.pid_file)


def install(
    folder: Path,
    patch: pytest.MonkeyPatch,
    *,
    says: str = NETWORK,
    seconds: float = 0.0,
    ssh: int = 0,
) -> None:
    """Have `qemu-system-x86_64` be a guest that does so, and `ssh` end with that status."""
    programs = folder / "programs"
    programs.mkdir()
    guest = programs / "guest.py"
    guest.write_text(GUEST.format(says=says, seconds=seconds))
    emulator = programs / "qemu-system-x86_64"
    emulator.write_text(f'#!/bin/bash\nexec -a "$0" {sys.executable} -I {guest} "$@"\n')
    client = programs / "ssh"
    client.write_text(f"#!/bin/sh\necho Permission denied >&2\nexit {ssh}\n")
    for program in (emulator, client):
        program.chmod(0o755)
    patch.setenv("PATH", str(programs), prepend=":")


def connections(boot: Boot) -> int:
    return len(boot.machine.console.with_name("connections").read_text().splitlines())


def test_a_banner_that_takes_long_is_waited_for_on_one_connection(
    boot: Boot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, seconds=7)
    assert ensure_up(boot, threading.Event()) > 7
    assert connections(boot) == 1


def test_nobody_connects_before_the_guest_has_a_network(
    boot: Boot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, says="the kernel has begun")
    cancelled = threading.Event()
    threading.Timer(3, cancelled.set).start()
    with pytest.raises(NotUpError, match="given up"):
        ensure_up(boot, cancelled)
    assert not boot.machine.console.with_name("connections").exists()


def test_a_kernel_that_panics_is_booted_once_more_and_ended(
    boot: Boot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, says="Kernel panic - not syncing: no init")
    with pytest.raises(NotUpError, match="not syncing: no init"):
        ensure_up(boot, threading.Event())
    assert boot.machine.console.read_text().count("Kernel panic") == 2
    assert processes.running(boot.machine.pid_file) is None


def test_a_guest_without_a_sign_of_life_is_told_and_left_running(
    boot: Boot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, says="nothing more comes")
    with pytest.raises(StuckError, match="no sign of life for 1 s") as caught:
        ensure_up(replace(boot, patience=1.0), threading.Event())
    assert "fleetbpf lab down" in caught.value.problems[0].hint
    assert processes.running(boot.machine.pid_file) is not None


def test_an_sshd_that_lets_nobody_in_is_not_asked_for_ever(
    boot: Boot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, ssh=255)
    with LocalConnection() as local:
        local.start(qemu.command(boot.machine), log=tmp_path / "log")
        with pytest.raises(login.RefusedError, match="Permission denied"):
            login.log_in(boot.lab, boot.placed, local, threading.Event(), refusals=3)


def test_a_host_that_ran_before_outlives_an_up_that_is_given_up(
    boot: Boot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, seconds=300)
    with LocalConnection() as local:
        local.start(qemu.command(boot.machine), log=tmp_path / "log")
    wait_until(lambda: processes.running(boot.machine.pid_file) is not None, what="it runs")
    cancelled = threading.Event()
    threading.Timer(1, cancelled.set).start()
    with pytest.raises(NotUpError, match="given up"):
        ensure_up(boot, cancelled)
    assert processes.running(boot.machine.pid_file) is not None


def test_a_host_that_was_entered_just_now_is_up_however_slow_its_banner(
    boot: Boot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, seconds=300)
    with LocalConnection() as local:
        local.start(qemu.command(boot.machine), log=tmp_path / "log")
    wait_until(lambda: processes.running(boot.machine.pid_file) is not None, what="it runs")
    assert [host.state for host in status(boot.lab, entered={"edge1"})] == ["up"]
    assert [host.state for host in status(boot.lab)] == ["booting"]


def test_a_host_that_has_ended_is_not_up_even_if_it_was_entered(boot: Boot) -> None:
    assert [host.state for host in status(boot.lab, entered={"edge1"})] == ["stopped"]


def signs(at: float, *, console: int = 0, processor: float = 0.0) -> Signs:
    return Signs(at=at, console=console, processor=processor)


@pytest.mark.parametrize(
    "now",
    [signs(9000, console=1), signs(9000, processor=STEP), signs(9000, console=1, processor=99)],
)
def test_a_guest_that_says_or_computes_something_gets_on(now: Signs) -> None:
    assert not is_stuck(latest(signs(0), now), now, patience=600)


def test_a_guest_that_only_keeps_its_clock_is_stuck_in_the_end() -> None:
    last, now = signs(0), signs(599, processor=2)
    assert not is_stuck(latest(last, now), now, patience=600)
    now = signs(601, processor=2.1)
    assert is_stuck(latest(last, now), now, patience=600)


def test_what_a_process_computes_is_counted_in_seconds() -> None:
    began = time.process_time()
    while time.process_time() - began < 0.3:
        pass
    assert processes.processor_seconds(os.getpid()) >= 0.3


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("cat /etc/hostname | wc -c",), "cat /etc/hostname | wc -c"),
        (("uname",), "uname"),
        (("printf", "%s|", "a  b"), "printf '%s|' 'a  b'"),
    ],
)
def test_one_word_is_a_command_line_and_several_are_exact(words: Sequence[str], line: str) -> None:
    assert login.line(words) == line
