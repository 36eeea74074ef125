"""A first deploy on thousands of simulated hosts, some dead, some hanging, by number of forks.

The peer is what forks × latency allow: every host's round trips and time-outs, `forks` at once.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import measuring
from measuring import Result

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.crowd import Kind, Simulated, crowd, serving  # noqa: E402 — it is no package of ours

FORKS = (25, 50, 100, 200)
TIMEOUT, HOST_TIMEOUT = 10, 20  # seconds
ROUND_TRIPS = 8  # of a deploy; bench/ssh.py counts 7 for a no-op
MANIFEST = f"""
name: bench
programs:
  victims: {{source: {Path(__file__).with_name("ssh.bpf.c")}}}
plays: [{{hosts: all, programs: [victims]}}]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one apply took."""

    wall: float  # seconds
    cpu: float  # seconds
    memory: float  # MB, at most


def least(host: Simulated) -> float:
    """The seconds that a host takes though nothing is in its way here."""
    match host.kind:
        case Kind.WELL:
            return ROUND_TRIPS * host.round_trip
        case Kind.REFUSES:
            return 0.0
        case Kind.DEAF | Kind.SILENT:
            return TIMEOUT
        case Kind.STUCK:
            return HOST_TIMEOUT


def limit(hosts: tuple[Simulated, ...], forks: int) -> float:
    """The seconds that no order of work could beat."""
    each = [least(host) for host in hosts]
    return max(sum(each) / forks, *each)


def apply(folder: Path, forks: int, hosts: tuple[Simulated, ...]) -> Run:
    """Apply, and see that every host that can be reached has it and every other one is named."""
    command = [sys.executable, "-m", "fleetbpf", "apply", "bench.yml", "-i", "inventory.json"]
    command += ["--forks", str(forks), "-T", str(TIMEOUT), "--host-timeout", str(HOST_TIMEOUT)]
    command.append("--json")
    began = time.monotonic()
    with (
        (folder / "recap").open("w") as recap,
        subprocess.Popen(command, cwd=folder, stdout=recap, stderr=subprocess.DEVNULL) as running,
    ):
        _, status, used = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - began
    told = json.loads((folder / "recap").read_text())["hosts"]
    dead = {host["host"] for host in told if host["unreachable"]}
    if running.returncode != 4 or dead != {h.name for h in hosts if h.kind is not Kind.WELL}:
        raise SystemExit(f"exit status {running.returncode}, {len(dead)} unreachable hosts")
    return Run(wall=wall, cpu=used.ru_utime + used.ru_stime, memory=used.ru_maxrss / 1024)


def results(runs: dict[int, Run], hosts: tuple[Simulated, ...]) -> Iterator[Result]:
    """Time beside its limit, and what a host more in flight costs."""
    for forks, run in runs.items():
        least_time = limit(hosts, forks)
        yield row(f"{len(hosts)} hosts, {forks} forks", run.wall, least_time, "the limit", "s")
    fewest, most = runs[min(runs)], runs[max(runs)]
    cpu = 1000 * fewest.cpu / len(hosts)
    yield row("CPU here per host", cpu, 12, "promise", "ms CPU")
    if len(runs) > 1:
        each = (most.memory - fewest.memory) / (max(runs) - min(runs))
        yield row("memory per host in flight", each, 0.5, "promise", "MB")
    yield row("memory, at most", most.memory, 200, "promise", "MB")


def row(case: str, ours: float, peer: float, name: str, unit: str) -> Result:
    """One figure beside another."""
    return Result(
        case=case,
        ours=round(ours, 2),
        peer=round(peer, 2),
        peer_name=name,
        unit=unit,
        ratio=round(ours / peer, 3),
        rounds=1,
    )


def main() -> None:
    options = measuring.options(__doc__ or "", hosts=2000)
    hosts = crowd(options.hosts // 10 if options.quick else options.hosts)
    with tempfile.TemporaryDirectory(prefix="fleetbpf-bench-") as name, serving(Path(name), hosts):
        folder = Path(name)
        (folder / "bench.yml").write_text(MANIFEST)
        runs = {forks: apply(folder, forks, hosts) for forks in FORKS if forks <= len(hosts)}
    measuring.tell(list(results(runs, hosts)), as_json=options.json)


if __name__ == "__main__":
    main()
