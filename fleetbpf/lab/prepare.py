"""Everything a host needs before its boot: kernel, file systems, identity, port, memory."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from fleetbpf.debian.archive import Archive
from fleetbpf.execution.local import LocalConnection
from fleetbpf.frozen import frozen
from fleetbpf.lab import debian, kernels, micro, ports, qemu, userland
from fleetbpf.lab.boot import Boot
from fleetbpf.lab.cpio import Entry
from fleetbpf.lab.folder import LabFolder, Placed
from fleetbpf.lab.hosts import HostKind, LabHost
from fleetbpf.lab.identity import identify
from fleetbpf.lab.kernels import Kernel
from fleetbpf.lab.userland import Userland
from fleetbpf.model.architecture import Architecture

MEMORY: Mapping[HostKind, int] = {HostKind.DEBIAN: 512, HostKind.MICRO: 384}  # MiB
PROCESSOR = Path("/proc/cpuinfo")


@frozen
class Ingredients:
    """What hosts of one lab share."""

    kernels: Mapping[tuple[str, Architecture], Kernel]  # by series
    userlands: Mapping[Architecture, Userland]
    micro_systems: Mapping[Architecture, Sequence[Entry]]
    debian_root: Path  # the file system that overlays begin with
    kvm: bool

    def kernel(self, host: LabHost) -> Kernel:
        """The kernel of a host."""
        return self.kernels[host.series, host.architecture]


def gather(hosts: Sequence[LabHost], archive: Archive) -> Ingredients:
    """Download and build what `hosts` need and the cache lacks."""
    kinds = {host.kind for host in hosts}
    wanted = dict.fromkeys((host.series, host.architecture) for host in hosts)
    userlands = {each: userland.obtain(each, archive) for each in {arch for _, arch in wanted}}
    return Ingredients(
        kernels={each: kernels.obtain(*each, archive) for each in wanted},
        userlands=userlands,
        micro_systems={each: micro.system(found) for each, found in userlands.items()},
        debian_root=debian.obtain_root(archive) if HostKind.DEBIAN in kinds else Path(),
        kvm=qemu.kvm_usable(PROCESSOR.read_text(encoding="utf-8")),
    )


def place(
    host: LabHost, former: Placed | None, *, memory: int | None, release: str, taken: set[int]
) -> Placed:
    """Where the host will be reached: where it was before, if that port is still free."""
    kept = former is not None and ports.is_free(former.port)
    port = former.port if former is not None and kept else ports.choose(taken)
    taken.add(port)
    before = former.memory if former is not None else MEMORY[host.kind]
    return Placed(host=host, port=port, memory=memory or before, release=release)


def ready(placed: Placed, lab: LabFolder, ingredients: Ingredients, local: LocalConnection) -> Boot:
    """Write the files that the host boots from, and remember it."""
    host = placed.host
    kernel = ingredients.kernel(host)
    identity = identify(host.name, lab, local)
    match host.kind:
        case HostKind.MICRO:
            content = micro.initramfs(
                kernel, identity, ingredients.micro_systems[host.architecture]
            )
        case HostKind.DEBIAN:
            content = debian.initramfs(kernel, identity, ingredients.userlands[host.architecture])
            debian.obtain_modules(kernel, local)
            debian.overlay(lab.overlay(host.name), ingredients.debian_root, local)
    lab.write(lab.initramfs(host.name), content)
    lab.keep(placed)
    return boot_of(placed, lab, ingredients)


def boot_of(placed: Placed, lab: LabFolder, ingredients: Ingredients) -> Boot:
    """How the host, whose files are there, is run."""
    host = placed.host
    kernel = ingredients.kernel(host)
    machine = qemu.Machine(
        name=host.name,
        architecture=host.architecture,
        image=kernel.image,
        initramfs=lab.initramfs(host.name),
        disks=debian.disks(lab.overlay(host.name), kernel) if host.kind is HostKind.DEBIAN else (),
        memory=placed.memory,
        port=placed.port,
        pid_file=lab.pid_file(host.name),
        console=lab.console(host.name),
        kvm=ingredients.kvm and host.architecture is Architecture.here(),
    )
    return Boot(lab=lab, placed=placed, machine=machine)
