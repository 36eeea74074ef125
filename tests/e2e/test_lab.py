"""The lab itself: hosts that stay, hosts of both kinds, hosts that fail, and nothing left over."""

import signal
from pathlib import Path

import pytest

from fleetbpf.lab import processes
from fleetbpf.lab.folder import LabFolder
from tests import documents
from tests.e2e.fleet import Fleet
from tests.e2e.guard import Guard
from tests.tools import need
from tests.waiting import wait_until

pytestmark = pytest.mark.lab

MOUNTS = ("/sys/kernel/tracing", "/sys/fs/bpf", "/sys/fs/cgroup", "/dev/pts", "/run", "/proc")


def processes_of(fleet: Fleet) -> dict[str, int | None]:
    lab = LabFolder.at(fleet.folder)
    return {host: processes.running(lab.pid_file(host)) for host in fleet.hosts}


def test_a_second_up_keeps_the_hosts_that_run(fleet: Fleet) -> None:
    before = processes_of(fleet)
    said = fleet.fleetbpf("lab", "up")
    assert said.returncode == 0, said.stderr
    assert processes_of(fleet) == before
    assert None not in before.values()


def test_every_host_runs_the_kernel_that_its_status_says(fleet: Fleet) -> None:
    hosts = documents.hosts(fleet.fleetbpf("lab", "status", "--json").stdout)
    assert {name: host["kernel"] for name, host in hosts.items()} == {
        name: fleet.root(name, "uname -r").strip() for name in fleet.hosts
    }
    assert all(host["answers"] for host in hosts.values())


def test_every_host_has_a_key_of_its_own(fleet: Fleet) -> None:
    known = LabFolder.at(fleet.folder).known_hosts.read_text().splitlines()
    assert len({line.split()[2] for line in known}) == len(fleet.hosts)


def test_a_command_reaches_the_host_word_for_word(fleet: Fleet) -> None:
    for host in fleet.hosts:
        said = fleet.fleetbpf("lab", "ssh", host, "printf", "%s|", "a  b", "$(id)", "it's", "\n")
        assert said.stdout == "a  b|$(id)|it's|\n|"


def test_one_word_is_a_command_line_for_the_shell_of_the_host(fleet: Fleet) -> None:
    said = fleet.fleetbpf("lab", "ssh", fleet.hosts[0], "cat /etc/hostname | tr a-z A-Z")
    assert said.stdout.strip() == fleet.hosts[0].upper()


def test_the_status_of_a_command_is_the_status_of_lab_ssh(fleet: Fleet) -> None:
    assert fleet.fleetbpf("lab", "ssh", fleet.hosts[0], "sh", "-c", "exit 7").returncode == 7


def test_an_unknown_host_is_refused_with_those_there_are(fleet: Fleet) -> None:
    said = fleet.fleetbpf("lab", "ssh", "web9")
    assert said.returncode == 2
    assert fleet.hosts[0] in said.stderr


def test_a_debian_host_has_a_user_that_must_become_root(fleet: Fleet) -> None:
    words = ("lab", "ssh", "web1")
    assert fleet.fleetbpf(*words, "id", "-u").stdout.strip() == "1000"
    assert fleet.fleetbpf(*words, "sudo", "-n", "id", "-u").stdout.strip() == "0"
    assert fleet.root("web1", "su nosudo -c 'sudo -n id -u'; echo $?").strip() == "1"


def test_a_debian_host_has_started_without_a_failure(fleet: Fleet) -> None:
    assert fleet.root("web1", "systemctl --failed --no-legend").strip() == ""


def test_a_micro_host_has_the_file_systems_that_bpf_needs(fleet: Fleet) -> None:
    for host in fleet.hosts[1:]:
        mounted = {line.split()[1] for line in fleet.root(host, "cat /proc/mounts").splitlines()}
        assert mounted.issuperset(MOUNTS)


def test_a_micro_host_has_no_systemd_and_no_sudo(fleet: Fleet) -> None:
    assert fleet.root(fleet.hosts[1], "which systemctl sudo; ls /run/systemd").strip() == ""


def test_a_host_reboots_to_the_same_key(fleet: Fleet) -> None:
    fleet.reboot(fleet.hosts[1])  # returns when its key was accepted again


@pytest.fixture
def own(tmp_path: Path, guard: Guard) -> Fleet:
    """A lab of the test's own, with no hosts yet."""
    return Fleet(folder=tmp_path, hosts=(), guard=guard)


def test_a_host_that_does_not_come_up_says_why(fleet: Fleet, own: Fleet) -> None:
    try:
        # Too little memory for the kernel to unpack its first file system.
        said = own.fleetbpf("lab", "up", "--host", "small=micro:6.1", "--memory", "88")
        assert said.returncode == 1
        assert "small: not up: the kernel panicked" in said.stderr
        assert "Rebooting in 5 seconds" in said.stderr  # the end of its console
        assert processes.running(LabFolder.at(own.folder).pid_file("small")) is None
    finally:
        own.fleetbpf("lab", "down")


def test_ctrl_c_ends_the_hosts_that_are_not_up_yet(fleet: Fleet, own: Fleet) -> None:
    pid_file = LabFolder.at(own.folder).pid_file("edge1")
    with own.following("lab", "up", "--host", "edge1=micro:6.1") as (process, said):
        wait_until(lambda: processes.running(pid_file) is not None, what="edge1 boots")
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 130, said.read_text()
    assert processes.running(pid_file) is None
    own.fleetbpf("lab", "down")
    assert not LabFolder.at(own.folder).state.exists()


def test_two_labs_at_once_do_not_meet_and_down_leaves_nothing(fleet: Fleet, own: Fleet) -> None:
    before = processes_of(fleet)
    said = own.fleetbpf("lab", "up", "--host", "edge1=micro:6.1")
    pid_file = LabFolder.at(own.folder).pid_file("edge1")
    assert said.returncode == 0, said.stderr
    assert processes.running(pid_file) is not None
    own.fleetbpf("lab", "down")
    assert processes.running(pid_file) is None
    assert list(own.folder.iterdir()) == []
    assert processes_of(fleet) == before


def test_an_unknown_kernel_series_is_refused_with_those_there_are(own: Fleet) -> None:
    need("qemu-system-x86_64")
    said = own.fleetbpf("lab", "up", "--host", "edge1=micro:1.0")
    assert said.returncode == 1
    assert "no kernel of the series 1.0" in said.stderr
    assert "6.1" in said.stderr
    assert own.fleetbpf("lab", "status").stdout.startswith("no hosts here")
