"""Maps on every kernel: examples/metrics.yml as records, as metrics, and read out on demand."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import documents, prometheus
from tests.e2e.fleet import Fleet
from tests.waiting import wait_until

pytestmark = pytest.mark.lab

EXAMPLE = Path(__file__).parents[2] / "examples" / "metrics.yml"
FOLDER = "/var/lib/node_exporter/textfile_collector"
FILE = f"{FOLDER}/fleetbpf-metrics-exec_counts.prom"
HOSTS = ("web1", "edge1", "edge2", "edge3")
# The folder is another user's, as the packages of node_exporter make it.
PREPARE = f"mkdir -p {FOLDER} && chown 1234 {FOLDER}"
# A copy by another name, so that no other command looks like it.
CALL = "mkdir -p /tmp/of && cp /bin/sh /tmp/of/counted && /tmp/of/counted -c :"


@pytest.fixture(scope="module")
def counting(fleet: Fleet) -> Iterator[Fleet]:
    """The fleet with the example on every host, at a faster pace."""
    text = EXAMPLE.read_text().replace("every: 15s", "every: 1s")
    (fleet.folder / "metrics.yml").write_text(text)
    for host in HOSTS:
        fleet.root(host, PREPARE)
    said = fleet.fleetbpf("apply", "metrics.yml")
    assert said.returncode == 0, said.stderr
    yield fleet
    fleet.fleetbpf("destroy", "metrics.yml", "--yes")


def metric(fleet: Fleet, host: str, command: str) -> float:
    text = fleet.root(host, f"cat {FILE} 2>/dev/null")
    found = prometheus.samples(text)
    return sum(sample.value for sample in found if sample.labels == {"command": command})


@pytest.mark.parametrize("host", HOSTS)
def test_a_map_is_a_metric_and_can_be_asked_for_on(counting: Fleet, host: str) -> None:
    counting.root(host, CALL)
    # busybox goes by its name too.
    wait_until(lambda: metric(counting, host, "counted") >= 1, seconds=120, what="it is counted")
    said = counting.fleetbpf("maps", host, "exec_counts", "counts", "--json")
    assert said.returncode == 0, said.stderr
    (record,) = documents.records(said.stdout)
    counts = {entry["key"]: entry["value"] for entry in record["entries"]}
    assert counts["counted"] >= 1


def test_what_is_not_there_is_told(counting: Fleet) -> None:
    said = counting.fleetbpf("maps", "web1", "exec_count")
    assert said.returncode == 1
    assert "did you mean `exec_counts`?" in said.stderr
    said = counting.fleetbpf("maps", "web1", "exec_counts", "count")
    assert said.returncode == 1
    assert "its maps: counts" in said.stderr


def test_a_wrong_label_is_told_before_any_host_is_contacted(counting: Fleet) -> None:
    text = EXAMPLE.read_text().replace("command: key", "command: key.comm")
    (counting.folder / "wrong.yml").write_text(text)
    said = counting.fleetbpf("apply", "wrong.yml")
    assert said.returncode == 2
    assert "wrong.yml:8:7: `fleetbpf_execs_total`:" in said.stderr


def test_no_metric_outlives_its_program(counting: Fleet) -> None:
    # On one host the loader cannot take its file away: it is killed, and stays dead.
    counting.root("edge1", "killall -STOP loader; killall -KILL loader")
    said = counting.fleetbpf("destroy", "metrics.yml", "--yes")
    assert said.returncode == 0, said.stderr
    for host in HOSTS:
        assert counting.root(host, f"ls {FOLDER}") == ""
