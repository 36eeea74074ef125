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
import ssh_link
import ssh_peers
from loopback import Fleet
from measuring import Result
from ssh_job import Job
from ssh_peers import FORKS, Peers, run

FLEETBPF = (sys.executable, "-m", "fleetbpf")
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
        ansible(peers, "archive"),
    ]
    return [*found, ansible(peers, "stock")] if fleet.size <= STOCK_HOSTS else found


def tool(name: str, deploy: Work, again: Work, true: Work) -> Tool:
    return Tool(name=name, jobs={"first deploy": deploy, "no-op": again, "true": true})


def chosen(found: list[Tool], names: str | None) -> list[Tool]:
    """Only fleetbpf and the peers whose names begin so; all where none is named."""
    starts = ("fleetbpf", *names.split(",")) if names else ("",)
    return [each for each in found if each.name.startswith(starts)]


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


def link(fleet: Fleet, job: Job, peers: Peers) -> Iterator[Result]:
    """A no-op over links with a delay: how long it takes, and its round trips."""
    behind = ssh_link.inventory(fleet)
    first = loopback.relayed(fleet.addresses[0])
    apply = [*FLEETBPF, "apply", job.manifest, "-i", behind, "--forks", str(FORKS)]
    one = [*apply, "--limit", "h0001"]
    fleet.boot()
    run([*FLEETBPF, "apply", job.manifest, "-i", fleet.inventory], cwd=fleet.folder)
    with ssh_link.relays(fleet, ssh_link.DELAY):
        ours = measuring.wall_ms(lambda: run(apply, cwd=fleet.folder))
    trips = ssh_link.round_trips(fleet, lambda: run(one, cwd=fleet.folder))
    fleet.boot()
    peers.ssh(job.deploy, stdin=job.packed)
    everywhere = [loopback.relayed(each) for each in fleet.addresses]
    with ssh_link.relays(fleet, ssh_link.DELAY):
        theirs = measuring.wall_ms(lambda: peers.ssh(job.check, addresses=everywhere))
    one_ssh = ssh_link.round_trips(fleet, lambda: peers.ssh(job.check, addresses=[first]))
    yield result(f"no-op, {fleet.size} hosts, 50 ms away", [ours], [theirs], "ssh", "ms")
    yield result("no-op, one host", [trips], [one_ssh], "ssh", "round trips")


def memory(fleet: Fleet, job: Job) -> Iterator[Result]:
    """What a host more in flight costs while loaders are sent, beside what is promised."""
    apply: list[str | Path] = [*FLEETBPF, "apply", job.manifest, "-i", fleet.inventory, "--forks"]
    few, many = min(5, fleet.size), fleet.size
    used: dict[int, float] = {}
    for forks in (few, many):
        fleet.boot()
        used[forks] = ssh_link.peak_memory([*apply, str(forks)], fleet.folder)
    each = (used[many] - used[few]) / max(many - few, 1)
    yield result(f"memory per host in flight, {few} to {many}", [each], [0.5], "promise", "MB")


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
    with tempfile.TemporaryDirectory(prefix="fleetbpf-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with loopback.fleet(folder, options.hosts) as fleet:
            job = ssh_job.prepare(folder, fleet.inventory)
            peers = ssh_peers.prepare(folder, fleet, job)
            count = 1 if options.quick else measuring.QUICK_ROUNDS
            found = chosen(tools(fleet, job, peers), options.peers)
            costs = rounds(fleet, found, count)
            more = [*link(fleet, job, peers), *memory(fleet, job)]
    measuring.tell([*results(costs, options.hosts), *more], as_json=options.json)


if __name__ == "__main__":
    main()
