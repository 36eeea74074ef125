"""Every kind of hook, attached from a manifest on every kernel, must fire and be recorded."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.fleet import Fleet
from tests.waiting import wait_until

pytestmark = pytest.mark.lab

LIBC = "/lib/x86_64-linux-gnu/libc.so.6"
HOOKS = {
    "tracepoint": "tracepoint/sched/sched_process_exec",
    "raw_tp": "raw_tp/sched_process_exec",
    "tp_btf": "tp_btf/sched_process_exec",
    "kprobe": "kprobe/do_sys_openat2",
    "kretprobe": "kretprobe/do_sys_openat2",
    "fentry": "fentry/do_sys_openat2",
    "fexit": "fexit/do_sys_openat2",
    "uprobe": f"uprobe/{LIBC}:execve",
    "uretprobe": f"uretprobe/{LIBC}:fork",
}
MANIFEST = {
    "name": "hooks",
    "programs": {
        "hooks": {
            "source": "hooks.bpf.c",
            "hooks": {f"on_{kind}": hook for kind, hook in HOOKS.items()},
        }
    },
    "plays": [{"hosts": "all", "programs": ["hooks"]}],
}


@pytest.fixture(scope="module")
def hooked(fleet: Fleet) -> Iterator[Fleet]:
    """The fleet with a function on every kind of hook."""
    shutil.copy(Path(__file__).with_name("hooks.bpf.c"), fleet.folder)
    (fleet.folder / "hooks.yml").write_text(json.dumps(MANIFEST))  # JSON is YAML
    said = fleet.fleetbpf("apply", "hooks.yml")
    assert said.returncode == 0, said.stderr
    yield fleet
    fleet.fleetbpf("destroy", "hooks.yml")


@pytest.mark.parametrize("host", ["web1", "edge1", "edge2", "edge3"])
def test_every_kind_of_hook_fires_on_the_kernel_of(hooked: Fleet, host: str) -> None:
    def kinds() -> set[str]:
        hooked.root(host, "cat /proc/version")  # a login forks, executes and opens files
        said = hooked.fleetbpf("logs", host, "--program", "hooks", "--json")
        texts = {record.get("text", "") for record in json.loads(said.stdout)["records"]}
        return {text.removeprefix("seen by ") for text in texts if text}

    wait_until(lambda: kinds() == set(HOOKS), seconds=300, what=f"{host} fires {set(HOOKS)}")
