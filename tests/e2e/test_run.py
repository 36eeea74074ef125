"""Programs for a while only, and from one release to the next: on real hosts, with nothing left."""

import json
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.fleet import Fleet
from tests.waiting import wait_until

pytestmark = pytest.mark.lab

MANIFEST = """\
name: passing
programs:
  hello:
    source: hello.bpf.c
    trace: {buffer: BUFFER}
plays:
  - hosts: all
    programs: [hello]
    become: true
"""
NUMBERED = """
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
SEC("tracepoint/syscalls/sys_enter_kill")
int numbered(struct trace_event_raw_sys_enter *call)
{
	bpf_printk("number %d", (int)call->args[0] - 5000000);
	return 0;
}
"""
# Numbered calls, until told to stop. Nobody else makes such: a kernel does not run a program of a
# tracepoint while it runs one for another task on the same processor (recursion_misses), which
# since 6.13 happens in system calls.
FIRE = """
rm -f /tmp/numbered.stop /tmp/numbered.count
(i=0
while [ ! -e /tmp/numbered.stop ]; do (kill -0 $((5000000 + i))); i=$((i + 1)); done
echo $i >/tmp/numbered.count) >/dev/null 2>&1 </dev/null &
"""


@pytest.fixture
def passing(fleet: Fleet) -> Iterator[Path]:
    file = fleet.folder / "passing.yml"
    file.write_text(MANIFEST.replace("BUFFER", "1MiB"))
    yield file
    fleet.fleetbpf("destroy", "passing.yml")


def states(fleet: Fleet) -> list[str]:
    said = json.loads(fleet.fleetbpf("status", "passing.yml", "--json").stdout)["hosts"]
    return [row["state"] for host in said.values() for row in host["programs"]]


def test_a_run_tells_what_it_saw_and_leaves_nothing(fleet: Fleet, passing: Path) -> None:
    said = fleet.fleetbpf("run", str(passing), "--for", "3s", "--json")
    found = json.loads(said.stdout)
    assert (said.returncode, found["exit_code"]) == (0, 0), said.stderr
    told = [host["programs"]["hello"] for host in found["hosts"].values()]
    assert [program["lost"] for program in told] == [0] * len(fleet.hosts)
    assert all(program["records"] > 0 for program in told)
    assert states(fleet) == ["absent"] * len(fleet.hosts)


def test_a_run_is_in_nobodys_way_and_is_ended_by_an_interrupt(fleet: Fleet, passing: Path) -> None:
    with fleet.following("run", str(passing), "--for", "10m") as (process, said):
        wait_until(lambda: " Hello, " in said.read_text(), what="records come", seconds=300)
        second = fleet.fleetbpf("run", str(passing), "--for", "1s")
        assert second.returncode == 1
        assert "the deployment passing is there already: hello" in second.stderr
        assert states(fleet) == ["running"] * len(fleet.hosts)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=300) == 130
    assert "HOST" in said.read_text()
    assert states(fleet) == ["absent"] * len(fleet.hosts)


def numbers(fleet: Fleet, host: str) -> tuple[Counter[int], list[dict[str, Any]]]:
    """How often each number is told on a host, and the handoffs there."""
    said = fleet.fleetbpf("logs", host, "--deployment", "passing", "--json")
    found = json.loads(said.stdout)["records"]
    texts = [r["text"] for r in found if r["kind"] == "trace" and "overlap" not in r]
    told = (text.removeprefix("number ") for text in texts)
    return Counter(int(n) for n in told if n.isdecimal()), [
        record for record in found if record["kind"] == "handoff"
    ]


def test_an_upgrade_under_load_tells_each_event_once(fleet: Fleet, passing: Path) -> None:
    (fleet.folder / "numbered.bpf.c").write_text(NUMBERED)
    numbered = MANIFEST.replace("hello.bpf.c", "numbered.bpf.c")
    passing.write_text(numbered.replace("BUFFER", "1MiB"))
    said = fleet.fleetbpf("apply", str(passing))
    assert said.returncode == 0, said.stderr
    for host in fleet.hosts:
        fleet.root(host, FIRE)
    passing.write_text(numbered.replace("BUFFER", "2MiB"))
    said = fleet.fleetbpf("apply", str(passing))
    assert said.returncode == 0, said.stderr
    for host in fleet.hosts:
        count = int(
            fleet.root(
                host,
                "touch /tmp/numbered.stop; until [ -s /tmp/numbered.count ]; do sleep 1; done;"
                " cat /tmp/numbered.count",
            )
        )
        told, handoffs = numbers(fleet, host)
        assert (host, set(range(count)) - told.keys()) == (host, set())
        assert len(handoffs) == 1
        if handoffs[0]["exact"]:
            assert max(told.values()) == 1
