"""From any half-state one apply makes a host right, and one destroy leaves nothing there.

`HALF_STATES=50 pytest tests/e2e/test_half_states.py` plays 50 on each of the four hosts, in hours;
`FIRST_HALF_STATE=7` begins with those of that number.
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from tests.e2e.fleet import Fleet
from tests.e2e.half_states import (
    DEPLOYMENT,
    RUNNING,
    SCRUB,
    SNAPSHOT,
    TEXTFILES,
    HalfState,
    choose,
)

pytestmark = pytest.mark.lab

ROUNDS = int(os.environ.get("HALF_STATES", "1"))
FIRST = int(os.environ.get("FIRST_HALF_STATE", "0"))
SYSTEMD = {"web1"}
MANIFEST = """
name: half
textfile: {textfiles}
programs:
  hello: {{source: hello.bpf.c, trace: {{buffer: {buffer}}}}}
  exec_counts:
    source: exec_counts.bpf.c
    maps:
      counts: {{every: {every}, prometheus: {{half_execs_total: {{labels: {{command: key}}}}}}}}
plays:
  - {{hosts: all, programs: [hello, exec_counts], become: true}}
audit:
  known: [{{name: "sd_*", owner: systemd}}]
"""
FILE = f"{DEPLOYMENT}.yml"


@dataclass(frozen=True, kw_only=True)
class Operator:
    """Who deploys two releases of two programs everywhere, and sees to it that they run."""

    fleet: Fleet
    before: dict[str, list[str]] = field(default_factory=dict)  # what hosts held at first
    wrong: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def on_each(self, script: str) -> dict[str, str]:
        return {host: self.fleet.root(host, script) for host in self.fleet.hosts}

    def say(self, *words: str) -> Mapping[str, object]:
        """Run a command over all hosts; what each host of its document did not do well."""
        said = self.fleet.fleetbpf(*words, "--json")
        document = json.loads(said.stdout)
        bad = {"unreachable", "failed"}
        found: dict[str, object] = {
            host["host"]: (words[0], said.stderr)
            for host in document["hosts"]
            if any(host.get(each) for each in bad)
        }
        for each in document.get("findings", []):
            found[each["host"]] = (words[0], each)
        for host in document["hosts"] if words[0] == "plan" else ():
            drift = [each for each in host["changes"] if each["action"] != "none"]
            if drift:
                found[host["host"]] = (words[0], drift)
        assert found or said.returncode == 0, said.stdout + said.stderr
        return found

    def write(self, *, buffer: str, every: str) -> None:
        text = MANIFEST.format(textfiles=TEXTFILES, buffer=buffer, every=every)
        (self.fleet.folder / FILE).write_text(text)

    def deploy(self) -> None:
        """Two releases, one after the other, so that an old one lies beside the current one."""
        for buffer, every in (("1MiB", "30s"), ("2MiB", "31s")):
            self.write(buffer=buffer, every=every)
            assert self.say("apply", FILE, "--yes") == {}

    def damage(self, states: Mapping[str, HalfState]) -> None:
        for host, state in states.items():
            self.fleet.root(host, state.script)

    def mend(self) -> dict[str, object]:
        """One apply; what is not right then: each program runs once, and nobody sees a drift."""
        found = dict(self.say("apply", FILE, "--yes"))
        for host, running in self.on_each(RUNNING).items():
            each = 1 if host in SYSTEMD else 2  # a supervisor too
            if running.split() != sorted(["hello"] * each + ["exec_counts"] * each):
                found.setdefault(host, ("runs", running))
        for words in (("plan", FILE), ("audit", FILE)):
            found = {**self.say(*words), **found}
        return found

    def remove(self) -> dict[str, object]:
        """One destroy without the manifest; what is left then."""
        found = dict(self.say("destroy", "--all", "all", "--yes"))
        for host, left in self.snapshots().items():
            if left != self.before[host]:
                found.setdefault(host, ("left", set(left) ^ set(self.before[host])))
        return found

    def snapshots(self) -> dict[str, list[str]]:
        return {host: sorted(text.splitlines()) for host, text in self.on_each(SNAPSHOT).items()}

    def note(self, states: Mapping[str, HalfState], found: Mapping[str, object]) -> None:
        for host, what in found.items():
            self.wrong[host].append(f"{states[host]}: {what}")

    def play(self, number: int) -> None:
        """One round: all hosts are damaged in their own ways, mended, damaged again, and left."""
        seeds = {host: number * 10 + place for place, host in enumerate(self.fleet.hosts)}
        self.deploy()
        states = {h: choose(seed, systemd=h in SYSTEMD) for h, seed in seeds.items()}
        self.damage(states)
        self.note(states, self.mend())
        states = {h: choose(s, systemd=h in SYSTEMD, stray=True) for h, s in seeds.items()}
        self.damage(states)
        self.note(states, self.remove())


@pytest.fixture
def operator(fleet: Fleet) -> Iterator[Operator]:
    operator = Operator(fleet=fleet)
    assert fleet.fleetbpf("destroy", "--all", "all", "--yes").returncode == 0
    operator.on_each(f"mkdir -p {TEXTFILES}")
    operator.before.update(operator.snapshots())
    yield operator
    operator.on_each(f"{SCRUB}; rm -rf {TEXTFILES}")


def test_one_apply_mends_and_one_destroy_removes_any_half_state(operator: Operator) -> None:
    for number in range(FIRST, FIRST + ROUNDS):
        told = sum(map(len, operator.wrong.values()))
        operator.play(number)
        if sum(map(len, operator.wrong.values())) > told:
            operator.on_each(SCRUB)
    assert operator.wrong == {}, json.dumps(operator.wrong, indent=1)
