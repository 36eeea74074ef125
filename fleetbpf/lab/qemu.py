"""The QEMU command of a host: pure, from what the host is to the words to execute."""

import os
from collections.abc import Mapping
from pathlib import Path

from fleetbpf.execution.command import Command
from fleetbpf.frozen import frozen
from fleetbpf.model.architecture import Architecture

PROGRAMS: Mapping[Architecture, str] = {
    architecture: f"qemu-system-{architecture.machine}" for architecture in Architecture
}
MACHINES: Mapping[Architecture, str] = {Architecture.X86_64: "q35", Architecture.ARM64: "virt"}
CONSOLES: Mapping[Architecture, str] = {
    Architecture.X86_64: "ttyS0",
    Architecture.ARM64: "ttyAMA0",
}
KVM = Path("/dev/kvm")
# x86-64: QEMU 7.2 loses the guest's flags when an interrupt comes after an emulated cmpxchg16b,
# which the allocator of newer kernels uses: with it 17 of 24 boots of 6.12 on busy cores ended in a
# double fault, without it none of 20. Kernels and Debian's programs do without it.
#
# arm64: `max` would emulate pointer authentication and SVE, which cost much and show nothing.
EMULATED: Mapping[Architecture, str] = {
    Architecture.X86_64: "max,cx16=off",
    Architecture.ARM64: "cortex-a72",
}
# panic=5: like a server that comes back by itself. The console is slow to emulate: quiet.
BOOT_ARGUMENTS = "quiet panic=5 mitigations=off nokaslr net.ifnames=0"
# What is at the same address again is not translated again, so short processes take half the time.
EMULATED_ARGUMENTS = "norandmaps"


@frozen
class Disk:
    """A virtio disk; they become vda, vdb, … in their order."""

    path: Path
    format: str  # "raw", "qcow2"
    read_only: bool = False


@frozen
class Machine:
    """Everything QEMU must know to run one host."""

    name: str
    architecture: Architecture
    image: Path  # the kernel
    initramfs: Path
    disks: tuple[Disk, ...]
    memory: int  # MiB
    port: int
    pid_file: Path
    console: Path
    kvm: bool


def command(machine: Machine) -> Command:
    """The command that runs `machine`. A reboot of the guest stays within the process."""
    architecture = machine.architecture
    return Command(
        PROGRAMS[architecture],
        *("-name", f"fleetbpf-lab-{machine.name}"),
        *("-machine", MACHINES[architecture]),
        *("-accel", "kvm" if machine.kvm else "tcg,thread=multi,tb-size=256"),
        *("-cpu", "host" if machine.kvm else EMULATED[architecture]),
        *("-m", str(machine.memory)),
        *("-display", "none", "-monitor", "none", "-nodefaults"),
        *("-chardev", f"file,id=console,path={escaped(machine.console)},append=on"),
        *("-serial", "chardev:console"),
        *("-pidfile", machine.pid_file),
        *("-kernel", machine.image),
        *("-initrd", machine.initramfs),
        *("-append", boot_arguments(machine)),
        *("-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{machine.port}-:22"),
        *("-device", "virtio-net-pci,netdev=net,romfile="),
        *("-device", "virtio-rng-pci"),
        *(word for number, disk in enumerate(machine.disks) for word in drive(disk, number)),
    )


def boot_arguments(machine: Machine) -> str:
    """The kernel's command line."""
    words = f"console={CONSOLES[machine.architecture]} {BOOT_ARGUMENTS}"
    return words if machine.kvm else f"{words} {EMULATED_ARGUMENTS}"


def drive(disk: Disk, number: int) -> tuple[str, ...]:
    """The words for one disk. What it holds may be lost with the machine: no syncing."""
    options = [
        f"file={escaped(disk.path)}",
        f"id=disk{number}",
        f"format={disk.format}",
        *("if=none", "cache=unsafe"),
        f"read-only={'on' if disk.read_only else 'off'}",
    ]
    return ("-drive", ",".join(options), "-device", f"virtio-blk-pci,drive=disk{number}")


def escaped(path: Path) -> str:
    """A path inside an option: QEMU wants its commas doubled."""
    return str(path).replace(",", ",,")


def kvm_usable(processor: str, device: Path = KVM) -> bool:
    """Whether hardware can run the guests: /proc/cpuinfo shows vmx or svm, and the device opens.

    Without either flag the device is not even touched.
    """
    flags = {word for line in processor.splitlines() for word in line.split()}
    if not flags & {"vmx", "svm"}:
        return False
    try:
        os.close(os.open(device, os.O_RDWR | os.O_CLOEXEC))
    except OSError:
        return False
    return True
