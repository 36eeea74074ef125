"""Programs for a while only, and from one release to the next: on real hosts, with nothing left."""

import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import documents
from tests.e2e.fleet import Fleet
from tests.tools import need
from tests.waiting import wait_until

pytestmark = pytest.mark.lab

KERNEL = Path(__file__).parents[1] / "kernel"

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
NUMBERED = """\
name: KIND
programs:
  numbered:
    source: SOURCE
    constants: {print: PRINTED, settings: SETTINGS}
plays:
  - hosts: all
    programs: [numbered]
    become: true
"""
# Calls that nobody else makes, one after the other: a newer kernel may put a task aside while
# it runs a program in a system call, and skips that program for others meanwhile.
FIRE = """
rm -f /tmp/numbers.*
mkfifo /tmp/numbers.in
/opt/numbers 1 2000000 </tmp/numbers.in >/tmp/numbers.count 2>/dev/null &
sleep 3600 >/tmp/numbers.in 2>/dev/null &
echo $! >/tmp/numbers.pid
"""
CEASE = """
kill $(cat /tmp/numbers.pid)
until [ -s /tmp/numbers.count ]; do sleep 1; done
cat /tmp/numbers.count
"""


@pytest.fixture
def passing(fleet: Fleet) -> Iterator[Path]:
    file = fleet.folder / "passing.yml"
    file.write_text(MANIFEST.replace("BUFFER", "1MiB"))
    yield file
    fleet.fleetbpf("destroy", "passing.yml", "--yes")


def states(fleet: Fleet) -> list[str]:
    said = documents.hosts(fleet.fleetbpf("status", "passing.yml", "--json").stdout)
    return [row["state"] for host in said.values() for row in host["programs"]]


def test_a_run_tells_what_it_saw_and_leaves_nothing(fleet: Fleet, passing: Path) -> None:
    said = fleet.fleetbpf("run", str(passing), "--for", "3s", "--json")
    records, found = documents.stream(said.stdout)
    assert (said.returncode, found["exit_code"]) == (0, 0), said.stderr
    told = [host["programs"]["hello"] for host in found["hosts"]]
    assert [program["lost"] for program in told] == [0] * len(fleet.hosts)
    assert all(program["records"] > 0 for program in told)
    assert {record["host"] for record in records} == set(fleet.hosts)
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


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need("gcc")
    program = tmp_path_factory.mktemp("generator") / "numbers"
    flags = ("-D_GNU_SOURCE", "-O2", "-pthread", "-static", "-s")
    subprocess.run(["gcc", *flags, "-o", program, KERNEL / "numbers.c"], check=True)
    return program


def told(fleet: Fleet, host: str, kind: str) -> tuple[Counter[int], list[bool]]:
    """How often each number is told on a host, and of each handoff there whether it is exact."""
    said = fleet.fleetbpf("logs", host, "--deployment", kind, "--json")
    found = documents.records(said.stdout)
    assert [record for record in found if record["kind"] == "lost"] == []
    counts = Counter(
        int(record["text"].split()[1]) if record["kind"] == "trace" else record["data"]["number"]
        for record in found
        if record["kind"] in {"trace", "event"} and "overlap" not in record
    )
    return counts, [record["exact"] for record in found if record["kind"] == "handoff"]


def check(fleet: Fleet, host: str, kind: str, *, count: int) -> None:
    """Nothing is missing of so many, and nothing told twice by an exact handoff: none is on 7.3."""
    what = f"{host} tells the last"
    wait_until(lambda: told(fleet, host, kind)[0][count - 1] > 0, what=what, seconds=300)
    counts, handoffs = told(fleet, host, kind)
    assert count > 100
    assert (host, set(range(count)) - counts.keys()) == (host, set())
    assert len(handoffs) == 1
    assert max(counts.values()) == 1 or not handoffs[0]
    assert not handoffs[0] or host != "edge3"


@pytest.mark.parametrize("kind", ["lines", "events"])
def test_an_upgrade_under_load_tells_each_event_once(
    fleet: Fleet, passing: Path, generator: Path, kind: str
) -> None:
    source = str(KERNEL / "programs" / "numbered.bpf.c")
    numbered = NUMBERED.replace("SOURCE", source).replace("KIND", kind)
    numbered = numbered.replace("PRINTED", str(kind == "lines"))
    passing.write_text(numbered.replace("SETTINGS", "1"))
    said = fleet.fleetbpf("apply", str(passing))
    assert said.returncode == 0, said.stderr
    for host in fleet.hosts:
        fleet.put(host, generator)
        fleet.root(host, FIRE)
    passing.write_text(numbered.replace("SETTINGS", "2"))
    said = fleet.fleetbpf("apply", str(passing))
    assert said.returncode == 0, said.stderr
    for host in fleet.hosts:
        check(fleet, host, kind, count=int(fleet.root(host, CEASE)))
