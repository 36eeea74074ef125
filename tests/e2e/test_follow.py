"""Following several hosts while one of them loses its power: it is told, and comes back whole."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.fleet import Fleet
from tests.waiting import wait_until

pytestmark = pytest.mark.lab

MANIFEST = "examples/hello.yml"
OTHERS = {"web1": "edge1", "edge1": "web1"}  # of the other kind
ROUNDS = 20


def act(fleet: Fleet, host: str, mark: str) -> list[str]:
    """Execute programs of names that nothing else has; their names."""
    names = [f"/tmp/{mark}{number:02}" for number in range(ROUNDS)]
    fleet.root(host, f"for f in {' '.join(names)}; do cp /bin/true $f; $f; rm $f; done; true")
    return names


def told(output: Path, host: str) -> Counter[str]:
    """How often each execution on a host was printed, by the records on standard output."""
    records = [json.loads(line) for line in output.read_text().splitlines() if line.startswith("{")]
    texts = (
        each["text"] for each in records if each.get("kind") == "trace" and each["host"] == host
    )
    return Counter(text.removeprefix("Hello, ") for text in texts)


def see(output: Path, host: str, names: list[str]) -> None:
    """Wait until the last of these executions is printed."""
    wait_until(lambda: bool(told(output, host)[names[-1]]), seconds=300, what=f"{host}: {names}")


@pytest.fixture(autouse=True)
def clean(fleet: Fleet) -> Iterator[None]:
    yield
    assert fleet.fleetbpf("destroy", "--yes", MANIFEST).returncode == 0


@pytest.mark.parametrize("host", ["web1", "edge1"])
def test_a_host_without_power_is_told_and_followed_again_while_others_go_on(
    fleet: Fleet, host: str
) -> None:
    others = [OTHERS[host], "edge2"]
    assert fleet.fleetbpf("apply", MANIFEST).returncode == 0
    words = ("logs", host, *others, "--program", "hello", "--follow", "--json")
    with fleet.following(*words) as (process, output):
        before = act(fleet, host, f"before-{host}-")
        see(output, host, before)

        fleet.power_off(host)
        lost = f"{host}: not followed for now, it is tried again: "
        wait_until(lambda: lost in output.read_text(), seconds=120, what="it is told as lost")
        for other in others:
            see(output, other, act(fleet, other, f"meanwhile-{host}-{other}-"))

        fleet.power_on()
        assert fleet.fleetbpf("apply", MANIFEST).returncode == 0  # micro forgets its programs
        back = f"{host}: followed again after "
        wait_until(lambda: back in output.read_text(), seconds=300, what="it is told as back")
        after = act(fleet, host, f"after-{host}-")
        see(output, host, after)
        process.send_signal(2)
        assert process.wait(timeout=120) == 130

    counts = told(output, host)
    assert [counts[name] for name in (*before, *after)] == [1] * 2 * ROUNDS
    said = output.read_text()
    assert (said.count(lost), said.count(back)) == (1, 1)
