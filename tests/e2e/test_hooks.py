"""Every kind of hook, attached from a manifest on every kernel, must fire and be recorded.

docs/hooks.md has the table that this fills in.
"""

import base64
import contextlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleetbpf.build.toolchain import Toolchain
from fleetbpf.model.architecture import Architecture
from tests import documents
from tests.e2e.fleet import Fleet
from tests.waiting import wait_until

pytestmark = pytest.mark.lab

HERE = Path(__file__).parent
PROGRAMS = HERE.parent / "kernel" / "programs"
LIBC = "/lib/x86_64-linux-gnu/libc.so.6"
GROUP = "/sys/fs/cgroup"
HOOKS = {
    "tracepoint": "tracepoint/sched/sched_process_exec",
    "raw_tp": "raw_tp/sched_process_exec",
    "raw_tp_w": "raw_tp.w/sched_process_exec",
    "tp_btf": "tp_btf/sched_process_exec",
    "kprobe": "kprobe/__x64_sys_getpgid",
    "kretprobe": "kretprobe/__x64_sys_getpgid",
    "kprobe_multi": "kprobe.multi/__x64_sys_getpgi?",
    "kretprobe_multi": "kretprobe.multi/__x64_sys_getpgi?",
    "ksyscall": "ksyscall/getpgid",
    "kretsyscall": "kretsyscall/getpgid",
    "fentry": "fentry/__x64_sys_getpgid",
    "fexit": "fexit/__x64_sys_getpgid",
    "fentry_s": "fentry.s/__x64_sys_getpgid",
    "fmod_ret": "fmod_ret/security_task_getpgid",
    "lsm": "lsm/task_getpgid",
    "lsm_s": "lsm.s/bprm_committed_creds",
    "lsm_cgroup": f"lsm_cgroup/socket_create/{GROUP}",
    "iter": "iter/task@1m",
    "uprobe": f"uprobe/{LIBC}:execve",
    "uretprobe": f"uretprobe/{LIBC}:fork",
    "usdt": "usdt//opt/probed:fleetbpf:called",
    "perf_event": "perf_event/cpu-clock@1",
}
DECIDING = {
    "xdp": "xdp/lo@skb",
    "tc": "tc/lo/ingress",
    "tc_egress": "tc/lo/egress",
    "tcx": "tcx/lo/ingress",
    "netfilter": "netfilter/ipv4/local_in@-100",
    "socket": "socket/lo",
    "sk_lookup": "sk_lookup//proc/1/ns/net",
    "flow_dissector": "flow_dissector//proc/1/ns/net",
    "skb_ingress": f"cgroup_skb/ingress/{GROUP}",
    "skb_egress": "cgroup_skb/egress/.",
    "sockops": f"sockops/{GROUP}",
    **{
        name: f"cgroup/{name}/{GROUP}"
        for name in (
            *("sock_create", "sock_release", "post_bind4", "bind4", "connect4", "sendmsg4"),
            *("recvmsg4", "getsockname4", "getpeername4", "setsockopt", "getsockopt"),
            *("sysctl", "dev"),
        )
    },
}
NO_FPROBE = "it was built without CONFIG_FPROBE, which"
NOT_SLEEPABLE = "__x64_sys_getpgid is not sleepable"
NO_MODULE = 'its security module "bpf" is off'
# What a host's kernel has not, and what it is told to lack.
LACKING = {
    "edge1": {
        "kprobe_multi": "kprobe.multi needs kernel 5.18",
        "kretprobe_multi": "kretprobe.multi needs kernel 5.18",
        "fentry_s": NOT_SLEEPABLE,
        **dict.fromkeys(("lsm", "lsm_s", "lsm_cgroup"), NO_MODULE),
        "tcx": "tcx needs kernel 6.6",
        "netfilter": "netfilter needs kernel 6.4",
    },
    "web1": {
        "kprobe_multi": f"{NO_FPROBE} kprobe.multi needs",
        "kretprobe_multi": f"{NO_FPROBE} kretprobe.multi needs",
        "fentry_s": NOT_SLEEPABLE,
        "tcx": "tcx needs kernel 6.6",
        "netfilter": "netfilter needs kernel 6.4",
    },
    "edge2": {"fentry_s": NOT_SLEEPABLE},
    "edge3": {},
}


def program(source: str, hooks: dict[str, str], allow: list[str]) -> dict[str, Any]:
    """A function on each hook; those that some kernel lacks are optional."""
    lacked = {kind for kinds in LACKING.values() for kind in kinds}
    entries = {
        f"on_{kind}": {"hook": hook, "optional": kind in lacked} for kind, hook in hooks.items()
    }
    return {"source": source, "hooks": entries, "allow": allow}


CODE = program("hooks.bpf.c", HOOKS, ["raw_tp.w", "fmod_ret", "lsm", "lsm_cgroup"])
CODE["hooks"] |= {
    "on_nothing": "fentry/no_such_function",
    "on_stand_in": {"first_of": ["kprobe/no_such_function", "kprobe/__x64_sys_getpgid"]}
    | {"unless": "on_nothing"},
}
KINDS = ["xdp", "tc", "tcx", "netfilter", "sk_lookup", "flow_dissector"]
DECIDES = program("deciding.bpf.c", DECIDING, [*KINDS, "cgroup_skb", "cgroup", "sockops"])
MANIFEST = {
    "name": "hooks",
    "programs": {"hooks": CODE, "deciding": DECIDES},
    "plays": [{"hosts": "all", "programs": ["hooks", "deciding"]}],
}


def compiler_for(machine: str) -> tuple[str | Path, ...]:
    """The words that compile for a host's machine."""
    tools = Toolchain.find(Architecture.of_machine(machine))
    if tools.sysroot is None:
        return (tools.cc,)
    return (tools.cc, f"--target={machine}-linux-gnu", f"--sysroot={tools.sysroot}", "-fuse-ld=lld")


def put(fleet: Fleet, host: str, name: str) -> None:
    """One of the tests' programs in /opt of a host: it needs no libc there."""
    built = fleet.folder / name
    source = PROGRAMS / f"{name}.c"
    compiler = compiler_for(fleet.root(host, "uname -m").strip())
    subprocess.run([*compiler, "-static", "-nostdlib", "-s", "-o", built, source], check=True)
    text = base64.b64encode(built.read_bytes()).decode()
    place = f"/opt/{name}"
    said = fleet.root(
        host,
        f"mkdir -p /opt && echo {text} | base64 -d >{place}.new && chmod 755 {place}.new"
        f" && mv {place}.new {place} && {place} && echo done",
    )
    assert said == "done\n", f"{host} does not run {place}"


def prepare(fleet: Fleet, host: str) -> None:
    """What a host needs for its hooks to fire."""
    for name in ("probed", "talk"):
        put(fleet, host, name)
    # Or nobody asks the flow dissector anything.
    fleet.root(host, "echo 1 >/sys/class/net/lo/queues/rx-0/rps_cpus")


@pytest.fixture(scope="module")
def hooked(fleet: Fleet) -> Iterator[Fleet]:
    """The fleet with a function on every kind of hook."""
    for source in (HERE / "hooks.bpf.c", PROGRAMS / "deciding.bpf.c"):
        shutil.copy(source, fleet.folder)
    (fleet.folder / "hooks.yml").write_text(json.dumps(MANIFEST))  # JSON is YAML
    for host in fleet.hosts:
        prepare(fleet, host)
    said = fleet.fleetbpf("apply", "hooks.yml")
    assert said.returncode == 0, said.stderr
    yield fleet
    fleet.fleetbpf("destroy", "hooks.yml", "--yes")


def records(fleet: Fleet, host: str) -> list[dict[str, Any]]:
    said = fleet.fleetbpf("logs", host, "--json")
    return documents.records(said.stdout)


def fired(fleet: Fleet, host: str, wanted: set[str]) -> set[str]:
    """The kinds of hook that were seen on a host, all of the wanted ones if that is to be had."""

    def kinds() -> set[str]:
        # A login forks and executes.
        fleet.root(host, "cat /proc/version; /opt/probed; /opt/talk")
        texts = {record.get("text", "") for record in records(fleet, host)}
        return {text.removeprefix("seen by ") for text in texts if text.startswith("seen by ")}

    with contextlib.suppress(AssertionError):
        wait_until(lambda: kinds() == wanted, seconds=300, what=f"{host} fires all")
    return kinds()


@pytest.mark.parametrize("host", LACKING)
def test_every_kind_of_hook_fires_on_the_kernel_of(hooked: Fleet, host: str) -> None:
    wanted = {*HOOKS, *DECIDING, "stand_in"} - LACKING[host].keys()
    seen = fired(hooked, host, wanted)
    assert seen == wanted, f"{host}: missing {wanted - seen}, too many: {seen - wanted}"


@pytest.mark.parametrize("host", LACKING)
def test_a_kernel_without_a_kind_of_hook_says_what_it_lacks(hooked: Fleet, host: str) -> None:
    starts = [record for record in records(hooked, host) if record["kind"] == "start"]
    told = [warning for start in starts for warning in start["warnings"]]
    for kind, reason in LACKING[host].items():
        assert any(f"on_{kind} " in line or f"on_{kind}:" in line for line in told), (kind, told)
        assert any(reason in line for line in told), (reason, told)
    assert len([line for line in told if line.startswith("skipped: ")]) == len(LACKING[host])


def test_what_stands_in_says_instead_of_what(hooked: Fleet) -> None:
    starts = [record for record in records(hooked, "edge3") if record["kind"] == "start"]
    attached = [link for start in starts for link in start["attached"]]
    (link,) = (link for link in attached if link["function"] == "on_stand_in")
    assert link["hook"] == "kprobe/__x64_sys_getpgid"
    assert [item["hook"] for item in link["instead_of"]] == [
        "fentry/no_such_function",
        "kprobe/no_such_function",
    ]


def xdp_program(fleet: Fleet, host: str) -> str:
    """The id of the XDP program on a host's lo, which is there at each moment."""
    said = fleet.root(
        host, "for f in /proc/[0-9]*/fdinfo/*; do grep -h -A9 'link_type:.xdp' $f; done"
    )
    return ",".join(sorted(set(re.findall(r"prog_id:\s*(\d+)", said))))


def apply_changed(fleet: Fleet, **change: object) -> subprocess.CompletedProcess[str]:
    """Apply to one host with another `deciding`."""
    programs = {"hooks": CODE, "deciding": {**DECIDES, **change}}
    (fleet.folder / "hooks.yml").write_text(json.dumps({**MANIFEST, "programs": programs}))
    return fleet.fleetbpf("apply", "hooks.yml", "--limit", "edge1")


def test_a_new_release_takes_the_place_of_the_old_one_where_only_one_can_be(
    hooked: Fleet,
) -> None:
    before = xdp_program(hooked, "edge1")
    said = apply_changed(hooked, trace={"buffer": "1MiB"})
    assert said.returncode == 0, said.stderr
    after = xdp_program(hooked, "edge1")
    assert after.isdigit()
    assert after != before


def test_an_old_release_gets_its_place_back_when_the_new_one_fails(hooked: Fleet) -> None:
    before = xdp_program(hooked, "edge1")
    # Attached after the one of XDP, and only then seen to be no control group.
    said = apply_changed(hooked, hooks={**DECIDES["hooks"], "on_sockops": "sockops//proc"})
    assert said.returncode == 1
    assert "this is not a folder of cgroup2" in said.stderr
    assert xdp_program(hooked, "edge1") == before
