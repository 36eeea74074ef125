"""What the lab writes: archives for the kernel, the QEMU command, the inventory, its state."""

import stat
import subprocess
import threading
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from fleetbpf.errors import HostError, InputError
from fleetbpf.files.file_lock import acquired
from fleetbpf.inventory import inventory
from fleetbpf.lab import cpio, login, processes, qemu, resources, roster, tools
from fleetbpf.lab.boot import text_of
from fleetbpf.lab.down import down
from fleetbpf.lab.folder import LabFolder, Placed
from fleetbpf.lab.hosts import HostKind, LabHost
from fleetbpf.lab.modules import name_of
from fleetbpf.lab.up import refuse_foreign
from fleetbpf.model.architecture import Architecture
from tests.tools import need

WEB1 = LabHost(name="web1", kind=HostKind.DEBIAN, series="6.1")
EDGE1 = LabHost(name="edge1", kind=HostKind.MICRO, series="5.10")
PLACED = (
    Placed(host=WEB1, port=20001, memory=512, release="6.1.0-50-cloud-amd64"),
    Placed(host=EDGE1, port=20002, memory=384, release="5.10.0-32-cloud-amd64"),
)


def machine(folder: Path, architecture: Architecture = Architecture.X86_64) -> qemu.Machine:
    return qemu.Machine(
        name="web1",
        architecture=architecture,
        image=folder / "vmlinuz",
        initramfs=folder / "initramfs.cpio",
        disks=(qemu.Disk(path=folder / "root,1.qcow2", format="qcow2"),),
        memory=512,
        port=20001,
        pid_file=folder / "qemu.pid",
        console=folder / "console.log",
        kvm=False,
    )


def test_cpio_reads_the_archive_back(tmp_path: Path) -> None:
    need("cpio")
    content = cpio.archive(
        [
            cpio.file("etc/ssh/key", b"secret", mode=0o600),
            cpio.symlink("bin/sh", "/bin/busybox"),
            cpio.folder("tmp", mode=0o1777),
        ]
    )
    subprocess.run(["cpio", "-id", "--quiet"], cwd=tmp_path, input=content, check=True)
    assert (tmp_path / "etc/ssh/key").read_bytes() == b"secret"
    assert stat.S_IMODE((tmp_path / "etc/ssh/key").stat().st_mode) == 0o600
    assert str((tmp_path / "bin/sh").readlink()) == "/bin/busybox"
    assert stat.S_IMODE((tmp_path / "tmp").stat().st_mode) == 0o1777


def test_an_archive_has_each_folder_before_what_lies_in_it() -> None:
    entries = cpio.with_folders([cpio.file("a/b/c", ""), cpio.file("a/d", "")])
    assert [entry.path for entry in entries] == ["a", "a/b", "a/b/c", "a/d"]


def test_a_host_listens_on_the_loopback_only() -> None:
    words = qemu.command(machine(Path("/lab"))).words
    assert "user,id=net,hostfwd=tcp:127.0.0.1:20001-:22" in words


def test_an_arm64_host_has_an_emulator_and_a_console_of_its_own() -> None:
    words = qemu.command(machine(Path("/lab"), Architecture.ARM64)).words
    assert words[0] == "qemu-system-aarch64"
    assert any(str(word).startswith("console=ttyAMA0 ") for word in words)


def test_a_guest_that_reboots_stays() -> None:
    assert "-no-reboot" not in qemu.command(machine(Path("/lab"))).words


def test_a_comma_in_a_path_is_no_new_option() -> None:
    words = qemu.command(machine(Path("/lab"))).words
    assert any(word.startswith("file=/lab/root,,1.qcow2,") for word in words)


def test_kvm_is_not_even_touched_without_the_processors_flag(tmp_path: Path) -> None:
    device = tmp_path / "kvm"
    device.touch()
    assert not qemu.kvm_usable("flags\t: fpu vme sse", device)


def test_kvm_is_used_where_the_processor_has_it_and_the_device_opens(tmp_path: Path) -> None:
    device = tmp_path / "kvm"
    device.touch()
    assert qemu.kvm_usable("flags\t: fpu svm sse", device)
    assert not qemu.kvm_usable("flags\t: fpu svm sse", tmp_path / "none")


def test_the_inventory_is_one_that_fleetbpf_reads(tmp_path: Path) -> None:
    text = roster.inventory(PLACED, state=PurePosixPath("../.fleetbpf/lab"))
    read = inventory.read_text(text, tmp_path / "inventories" / "lab.yml")
    assert read.groups["debian"].members == ("web1",)
    assert read.groups["kernel_5_10"].members == ("edge1",)
    web1, edge1 = read.hosts["web1"], read.hosts["edge1"]
    assert (web1.address, web1.port, web1.user, web1.become) == ("127.0.0.1", 20001, "ops", True)
    assert (edge1.user, edge1.become) == ("root", False)


def test_paths_in_the_inventory_lead_to_the_labs_files(tmp_path: Path) -> None:
    lab = LabFolder.at(tmp_path)
    text = roster.inventory(PLACED, state=PurePosixPath("../.fleetbpf/lab"))
    host = inventory.read_text(text, lab.inventory).hosts["web1"]
    assert host.identity_file is not None
    assert host.known_hosts_file is not None
    assert host.identity_file.resolve() == lab.identity
    assert host.known_hosts_file.resolve() == lab.known_hosts


def test_a_known_host_is_one_with_its_port() -> None:
    assert (
        roster.known_hosts([(20001, "ssh-ed25519 AAAA")]) == "[127.0.0.1]:20001 ssh-ed25519 AAAA\n"
    )


def test_an_inventory_of_somebody_else_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "lab.yml"
    file.write_text("all: {}\n")
    with pytest.raises(InputError, match="was not written by the lab"):
        refuse_foreign(file)


def test_a_host_is_remembered_as_it_was_placed(tmp_path: Path) -> None:
    lab = LabFolder.at(tmp_path)
    for placed in PLACED:
        lab.keep(placed)
    assert set(lab.placed()) == set(PLACED)


def test_down_leaves_nothing_but_what_is_not_the_labs(tmp_path: Path) -> None:
    lab = LabFolder.at(tmp_path)
    lab.keep(PLACED[0])
    lab.write(lab.inventory, roster.inventory(PLACED, state=PurePosixPath("x")))
    assert down(lab, lambda _: None) == ("web1",)
    assert list(tmp_path.iterdir()) == []


def test_down_keeps_an_inventory_that_the_lab_did_not_write(tmp_path: Path) -> None:
    lab = LabFolder.at(tmp_path)
    lab.keep(PLACED[0])
    lab.write(lab.inventory, "all: {}\n")
    down(lab, lambda _: None)
    assert lab.inventory.read_text() == "all: {}\n"


def test_down_without_a_lab_leaves_no_trace(tmp_path: Path) -> None:
    assert down(LabFolder.at(tmp_path), lambda _: None) == ()
    assert list(tmp_path.iterdir()) == []


def test_a_second_lab_command_waits_for_the_first(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    entered = threading.Event()

    def second() -> None:
        with acquired(lock):
            entered.set()

    thread = threading.Thread(target=second)
    with acquired(lock):
        thread.start()
        assert not entered.wait(0.2)
        lock.unlink()  # as `lab down` does: the second must not hold a lock that nobody finds
    thread.join(60)
    assert entered.is_set()
    assert lock.exists()


def proc_with(folder: Path, *words: str, pid: int = 4711) -> Path:
    entry = folder / str(pid)
    entry.mkdir(parents=True)
    (entry / "cmdline").write_bytes("\0".join(words).encode() + b"\0")
    return folder


def test_a_qemu_is_found_by_its_own_words(tmp_path: Path) -> None:
    words = qemu.command(machine(tmp_path)).words
    proc = proc_with(tmp_path / "proc", *words)
    assert processes.running(tmp_path / "qemu.pid", proc=proc) == 4711


def test_a_recycled_process_id_is_not_taken_for_a_host(tmp_path: Path) -> None:
    pid_file = tmp_path / "qemu.pid"
    pid_file.write_text("4711\n")
    proc = proc_with(tmp_path / "proc", "vim", str(pid_file))
    assert processes.running(pid_file, proc=proc) is None


def test_the_qemu_of_another_lab_is_not_taken_for_a_host(tmp_path: Path) -> None:
    proc = proc_with(tmp_path / "proc", *qemu.command(machine(tmp_path / "other")).words)
    assert processes.running(tmp_path / "qemu.pid", proc=proc) is None


def test_a_command_for_a_host_is_one_word_for_ssh(tmp_path: Path) -> None:
    words = login.ssh(LabFolder.at(tmp_path), PLACED[0], ("echo", "a  b", "$(id)", "it's")).words
    assert words[-2:] == ("ops@127.0.0.1", """echo 'a  b' '$(id)' 'it'"'"'s'""")


def test_a_shell_on_a_host_has_no_command(tmp_path: Path) -> None:
    assert login.ssh(LabFolder.at(tmp_path), PLACED[1]).words[-1] == "root@127.0.0.1"


def test_too_little_memory_and_disk_are_said_together() -> None:
    problems = list(
        resources.shortages(needed=2000, available=1000, disk_needed=500, disk_available=100)
    )
    assert [problem.what.partition(":")[0] for problem in problems] == [
        "not enough memory",
        "not enough disk space",
    ]


def test_available_memory_is_read_in_mib() -> None:
    text = "MemTotal:       99999 kB\nMemAvailable:    2097152 kB\n"
    assert resources.available(text) == 2048


def test_a_missing_tool_comes_with_the_command_that_installs_it() -> None:
    with pytest.raises(HostError) as caught:
        tools.require([EDGE1], find=lambda name: None if name == "gpgv" else name)
    assert caught.value.problems[0].hint == "apt-get install gpgv"


def test_an_ordinary_user_needs_id_maps_for_a_debian_host() -> None:
    with pytest.raises(HostError, match="newuidmap"):
        tools.require([WEB1], find=lambda name: name != "newuidmap" or None, user=1000)


def test_only_the_emulators_of_the_hosts_are_needed() -> None:
    arm1 = replace(EDGE1, name="arm1", architecture=Architecture.ARM64)
    with pytest.raises(HostError) as caught:
        tools.require([arm1], find=lambda name: None if name.startswith("qemu") else name)
    assert caught.value.problems[0].hint == "apt-get install qemu-system-arm"


@pytest.mark.parametrize(
    ("file", "name"),
    [("virtio-rng.ko.xz", "virtio_rng"), ("virtio_net.ko", "virtio_net")],
)
def test_a_module_is_named_as_the_kernel_names_it(file: str, name: str) -> None:
    assert name_of(Path(file)) == name


def test_what_only_a_terminal_understands_is_spelled_out_in_a_console(tmp_path: Path) -> None:
    console = tmp_path / "console.log"
    console.write_bytes(b"old\n\x1b[2Jnew\r\n\xff")
    assert text_of(console, 4) == "\\x1b[2Jnew\n\N{REPLACEMENT CHARACTER}"
