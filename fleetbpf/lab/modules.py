"""The kernel modules that a host needs before it can reach its disk and its network."""

import lzma
from pathlib import Path

from fleetbpf.errors import HostError, Problem
from fleetbpf.lab import cpio

# In the order of their dependencies. A kernel may have some of them built in.
WANTED = (
    *("virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci"),
    *("failover", "net_failover", "virtio_net", "virtio_blk", "virtio_rng"),
    *("sch_ingress", "cls_bpf"),  # what tc hooks need before kernel 6.6
    "loop",  # a block device on hosts without a disk, and a module that may come and go
)


def entries(modules: Path) -> list[cpio.Entry]:
    """Those of the wanted modules that the folder `modules` has, and the list `etc/modules`."""
    files = {name_of(file): file for file in modules.rglob("*.ko*")}
    chosen = [name for name in WANTED if name in files]
    if not chosen:
        raise HostError(Problem(where="lab", what=f"no virtio modules in {modules}"))
    return [
        *(cpio.file(f"lib/modules/{name}.ko", unpacked(files[name])) for name in chosen),
        cpio.file("etc/modules", "".join(f"{name}.ko\n" for name in chosen)),
    ]


def name_of(file: Path) -> str:
    """The name by which a kernel knows the module of `file`: virtio-rng.ko.xz is virtio_rng."""
    return file.name.partition(".")[0].replace("-", "_")


def unpacked(file: Path) -> bytes:
    """The module itself, which busybox's insmod can load."""
    content = file.read_bytes()
    return lzma.decompress(content) if file.suffix == ".xz" else content
