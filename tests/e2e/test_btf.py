"""A kernel that carries no BTF: CO-RE works there by what a folder beside the manifest holds."""

from collections.abc import Iterator

import pytest

from fleetbpf.connections.routes import Routes
from fleetbpf.connections.settings import Operator
from fleetbpf.execution.command import Command
from fleetbpf.inventory import inventory
from tests.e2e.fleet import Fleet
from tests.waiting import wait_until

pytestmark = pytest.mark.lab

HOST = "edge1"
BTF = "/sys/kernel/btf"
PROGRAM = """\
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

SEC("tracepoint/syscalls/sys_enter_execve")
int executed(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	int pid = BPF_CORE_READ(task, tgid), parent = BPF_CORE_READ(task, real_parent, tgid);

	bpf_printk("parent of %d: %d", pid, parent);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
"""
MANIFEST = f"""\
name: parents
btf: btf
programs:
  parents: {{source: parents.bpf.c}}
plays:
  - {{hosts: {HOST}, programs: [parents]}}
"""


@pytest.fixture(scope="module")
def bare(fleet: Fleet) -> Iterator[Fleet]:
    """The fleet with a host whose types are hidden, and kept in the operator's folder."""
    (fleet.folder / "parents.bpf.c").write_text(PROGRAM)
    (fleet.folder / "parents.yml").write_text(MANIFEST)
    (fleet.folder / "btf").mkdir()
    host = inventory.read(fleet.inventory).hosts[HOST]
    with Routes(Operator.here()).open(host, timeout=120.0) as connection:
        types = connection.run(Command("cat", f"{BTF}/vmlinux"), timeout=300.0).stdout
    (fleet.folder / "types").write_bytes(types)
    fleet.root(HOST, f"mount -t tmpfs none {BTF}")
    yield fleet
    fleet.fleetbpf("destroy", "parents.yml", "--yes")
    fleet.root(HOST, f"umount {BTF}")


def test_a_host_that_has_none_is_told_and_then_served(bare: Fleet) -> None:
    said = bare.fleetbpf("apply", "parents.yml")
    assert said.returncode == 1
    assert "its CO-RE relocations need BTF, kernel 5.10" in said.stderr

    kernel = bare.root(HOST, "uname -r").strip()
    (bare.folder / "types").rename(bare.folder / "btf" / f"{kernel}.btf")
    said = bare.fleetbpf("apply", "parents.yml")
    assert said.returncode == 0, said.stderr

    pid, parent = bare.root(HOST, "sh -c 'exec sh -c \"echo \\$\\$ \\$PPID\"'").split()
    wanted = f"parent of {pid}: {parent}"
    wait_until(
        lambda: wanted in bare.fleetbpf("logs", HOST, "--program", "parents").stdout,
        seconds=120,
        what=f"{HOST} says {wanted!r}",
    )
    assert bare.fleetbpf("audit", "parents.yml").returncode == 0
