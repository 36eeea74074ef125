"""Every kind of hook, attached from a manifest on every kernel, must fire and be recorded.

docs/hooks.md has the table that this fills in.
"""

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.fleet import Fleet
from tests.waiting import wait_until

pytestmark = pytest.mark.lab

HERE = Path(__file__).parent
PROBED_SOURCE = HERE.parent / "kernel" / "programs" / "probed.c"
PROBED = "/opt/probed"
LIBC = "/lib/x86_64-linux-gnu/libc.so.6"
HOOKS = {
    "tracepoint": "tracepoint/sched/sched_process_exec",
    "raw_tp": "raw_tp/sched_process_exec",
    "raw_tp_w": "raw_tp.w/sched_process_exec",
    "tp_btf": "tp_btf/sched_process_exec",
    "kprobe": "kprobe/do_sys_openat2",
    "kretprobe": "kretprobe/do_sys_openat2",
    "ksyscall": "ksyscall/openat",
    "kretsyscall": "kretsyscall/openat",
    "fentry": "fentry/do_sys_openat2",
    "fexit": "fexit/do_sys_openat2",
    "uprobe": f"uprobe/{LIBC}:execve",
    "uretprobe": f"uretprobe/{LIBC}:fork",
    "usdt": f"usdt/{PROBED}:fleetbpf:called",
    "perf_event": "perf_event/cpu-clock@1",
}
MULTI = {  # kernel >= 5.18 with CONFIG_FPROBE, which Debian's 6.1 was built without
    "kprobe_multi": "kprobe.multi/do_sys_openat*",
    "kretprobe_multi": "kretprobe.multi/do_sys_openat*",
}
LACKING = {
    "edge1": "kprobe.multi and kretprobe.multi need kernel 5.18",
    "web1": "it was built without CONFIG_FPROBE, which kprobe.multi needs",
}


def program(source: str, hooks: dict[str, str]) -> dict[str, object]:
    return {
        "source": source,
        "hooks": {f"on_{kind}": hook for kind, hook in hooks.items()},
        "allow": ["raw_tp.w"],
    }


PROGRAMS = {"hooks": program("hooks.bpf.c", HOOKS), "multi": program("multi.bpf.c", MULTI)}
MANIFEST = {
    "name": "hooks",
    "programs": PROGRAMS,
    "plays": [
        {"hosts": "all", "programs": ["hooks"]},
        {"hosts": "edge2,edge3", "programs": ["multi"]},
    ],
}
REFUSED = {
    "name": "refused",
    "programs": {"multi": PROGRAMS["multi"]},
    "plays": [{"hosts": ",".join(LACKING), "programs": ["multi"]}],
}


def put_probed(fleet: Fleet, host: str) -> None:
    """A program with a USDT probe, for the host: it needs no libc there."""
    program = fleet.folder / "probed"
    build = ["gcc", "-static", "-nostdlib", "-s", "-o", str(program), str(PROBED_SOURCE)]
    subprocess.run(build, check=True)
    text = base64.b64encode(program.read_bytes()).decode()
    said = fleet.root(
        host,
        f"mkdir -p /opt && echo {text} | base64 -d >{PROBED}.new && chmod 755 {PROBED}.new"
        f" && mv {PROBED}.new {PROBED} && {PROBED} && echo done",
    )
    assert said == "done\n", f"{host} does not run {PROBED}"


@pytest.fixture(scope="module")
def sources(fleet: Fleet) -> Fleet:
    """The fleet, its operator having the manifests and programs of these tests."""
    for name in ("hooks.bpf.c", "multi.bpf.c"):
        shutil.copy(HERE / name, fleet.folder)
    for manifest in (MANIFEST, REFUSED):
        path = fleet.folder / f"{manifest['name']}.yml"
        path.write_text(json.dumps(manifest))  # JSON is YAML
    return fleet


@pytest.fixture(scope="module")
def hooked(sources: Fleet) -> Iterator[Fleet]:
    """The fleet with a function on every kind of hook."""
    for host in sources.hosts:
        put_probed(sources, host)
    said = sources.fleetbpf("apply", "hooks.yml")
    assert said.returncode == 0, said.stderr
    yield sources
    sources.fleetbpf("destroy", "hooks.yml")


@pytest.mark.parametrize("host", ["web1", "edge1", "edge2", "edge3"])
def test_every_kind_of_hook_fires_on_the_kernel_of(hooked: Fleet, host: str) -> None:
    wanted = set(HOOKS) if host in LACKING else {*HOOKS, *MULTI}

    def kinds() -> set[str]:
        hooked.root(host, f"cat /proc/version; {PROBED}")  # a login forks, executes, opens files
        said = hooked.fleetbpf("logs", host, "--json")
        texts = {record.get("text", "") for record in json.loads(said.stdout)["records"]}
        return {text.removeprefix("seen by ") for text in texts if text.startswith("seen by ")}

    wait_until(lambda: kinds() == wanted, seconds=300, what=f"{host} fires {wanted}")


def test_a_kernel_without_a_kind_of_hook_says_what_it_lacks(sources: Fleet) -> None:
    said = sources.fleetbpf("apply", "refused.yml")
    sources.fleetbpf("destroy", "refused.yml")
    assert said.returncode == 1
    told = said.stdout + said.stderr
    assert "cannot attach on_kprobe_multi to kprobe.multi/do_sys_openat* on kernel" in told
    for host, reason in LACKING.items():
        assert reason in told, f"{host} does not say it: {told}"
