"""A fleet over SSH: first deploy, no-op and `true` by fleetbpf, OpenSSH, pyinfra and Ansible.

Root is needed: every host is a namespace of this machine with an sshd of its own.
"""

import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import loopback
import measuring
import ssh_job
import ssh_peers
from loopback import Fleet
from measuring import Result
from ssh_job import Job
from ssh_peers import FORKS, Peers, run

FLEETBPF = (sys.executable, "-m", "fleetbpf")
DELAY = 0.025  # seconds each way
STOCK_HOSTS = 20  # stock Ansible takes minutes for more, and no less for each

Work = Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """How one tool does each job."""

    name: str
    jobs: Mapping[str, Work]  # in this order: a no-op needs a deploy before it


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one job cost, over all hosts."""

    wall: float  # ms
    cpu: float  # ms, of this side


def tools(fleet: Fleet, job: Job, peers: Peers) -> list[Tool]:
    """All tools, fleetbpf first."""
    apply = [*FLEETBPF, "apply", job.manifest, "-i", fleet.inventory, "--forks", str(FORKS)]
    true = [sys.executable, Path(__file__).with_name("ssh_true.py"), fleet.inventory, str(FORKS)]
    folder = fleet.folder
    found = [
        tool(
            "fleetbpf",
            lambda: run(apply, cwd=folder),
            lambda: run(apply, cwd=folder),
            lambda: run(true, cwd=folder),
        ),
        openssh("ssh", job, peers),
        openssh("ssh, cheapest algorithms", job, peers, options=ssh_peers.CHEAPEST),
        tool(
            "pyinfra",
            lambda: peers.pyinfra("deploy.py"),
            lambda: peers.pyinfra("deploy.py"),
            lambda: peers.pyinfra("exec", "--", "true"),
        ),
        ansible(peers, "tuned"),
    ]
    return [*found, ansible(peers, "stock")] if fleet.size <= STOCK_HOSTS else found


def tool(name: str, deploy: Work, again: Work, true: Work) -> Tool:
    return Tool(name=name, jobs={"first deploy": deploy, "no-op": again, "true": true})


def openssh(name: str, job: Job, peers: Peers, *, options: Sequence[str] = ()) -> Tool:
    """One connection and one exec per host."""
    return tool(
        name,
        lambda: peers.ssh(job.deploy, stdin=job.packed, options=options),
        lambda: peers.ssh(job.check, options=options),
        lambda: peers.ssh("true", options=options),
    )


def ansible(peers: Peers, flavour: str) -> Tool:
    """Ansible with its defaults, or as its guides for speed have it."""

    def play() -> None:
        peers.ansible(flavour, "ansible-playbook", f"{flavour}.yml")

    def true() -> None:
        peers.ansible(flavour, "ansible", "all", "-m", "raw", "-a", "true")

    return tool(f"ansible {flavour}", play, play, true)


def cost(work: Work) -> Cost:
    """Do it once."""
    spent: list[float] = []
    wall = measuring.wall_ms(lambda: spent.append(measuring.cpu_of(work)))
    return Cost(wall=wall, cpu=spent[0])


def rounds(fleet: Fleet, found: list[Tool], count: int) -> dict[tuple[str, str], list[Cost]]:
    """What every tool's jobs cost, each tool on new hosts, the tools in turn."""
    costs: dict[tuple[str, str], list[Cost]] = {}
    for number in range(count):
        for each in found:
            fleet.boot()
            for name, work in each.jobs.items():
                costs.setdefault((each.name, name), []).append(cost(work))
                last = costs[each.name, name][-1]
                said = f"{last.wall / 1000:.2f} s, {last.cpu / fleet.size:.1f} ms CPU per host"
                print(f"# round {number + 1}: {each.name}: {name}: {said}", file=sys.stderr)
    return costs


def results(costs: Mapping[tuple[str, str], list[Cost]], size: int) -> Iterator[Result]:
    """What fleetbpf costs beside each peer, job by job."""
    names = dict.fromkeys(name for name, _ in costs)
    for job in dict.fromkeys(job for _, job in costs):
        for peer in names:
            if peer != "fleetbpf":
                ours, theirs = costs["fleetbpf", job], costs[peer, job]
                wall = ([c.wall for c in ours], [c.wall for c in theirs])
                yield result(f"{job}, {size} hosts", *wall, peer, "ms")
                cpu = ([c.cpu / size for c in ours], [c.cpu / size for c in theirs])
                yield result(f"{job}, CPU here per host", *cpu, peer, "ms CPU")


def result(case: str, ours: list[float], peer: list[float], name: str, unit: str) -> Result:
    """One row from the figures of all rounds."""
    a, b = statistics.median(ours), statistics.median(peer)
    return Result(
        case=case,
        ours=round(a, 3),
        peer=round(b, 3),
        peer_name=name,
        unit=unit,
        ratio=round(a / b, 3) if b else 0.0,
        rounds=len(ours),
    )


def main() -> None:
    options = measuring.options(__doc__ or "", hosts=20)
    if os.geteuid() != 0:
        raise SystemExit("bench/ssh.py: root is needed to make hosts of namespaces")
    with tempfile.TemporaryDirectory(prefix="fleetbpf-bench-") as name:
        folder = Path(name)
        with loopback.fleet(folder, options.hosts) as fleet:
            job = ssh_job.prepare(folder, fleet.inventory)
            peers = ssh_peers.prepare(folder, fleet, job)
            count = 1 if options.quick else measuring.QUICK_ROUNDS
            costs = rounds(fleet, tools(fleet, job, peers), count)
    measuring.tell(list(results(costs, options.hosts)), as_json=options.json)


if __name__ == "__main__":
    main()
