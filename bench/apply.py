"""A no-op apply over lab hosts, beside parallel `ssh` that runs `true` (the least it could do)."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import measuring
import yaml
from measuring import Case

ROOT = Path(__file__).parent.parent
FLEETBPF = (sys.executable, "-m", "fleetbpf")
MANIFEST = ROOT / "examples" / "hello.yml"


@contextlib.contextmanager
def lab(hosts: int) -> Iterator[Path]:
    """A folder with that many micro hosts and the example on them."""
    with tempfile.TemporaryDirectory(prefix="fleetbpf-bench-") as name:
        folder = Path(name)
        wanted = [f"--host=edge{n + 1}=micro:6.1" for n in range(hosts)]
        try:
            subprocess.run([*FLEETBPF, "lab", "up", *wanted], cwd=folder, check=True, stdout=2)
            subprocess.run([*FLEETBPF, "apply", MANIFEST], cwd=folder, check=True, stdout=2)
            yield folder
        finally:
            subprocess.run([*FLEETBPF, "lab", "down"], cwd=folder, check=True, stdout=2)


def ssh_commands(folder: Path) -> list[list[str]]:
    """One `ssh … true` per host of the lab's inventory."""
    inventory = yaml.safe_load((folder / "inventories" / "lab.yml").read_text())
    return [list(words) for words in commands(inventory, folder / "inventories")]


def commands(inventory: object, base: Path) -> Iterator[tuple[str, ...]]:
    """Walk the inventory's groups to its hosts' connection variables."""
    found: dict[str, dict[str, object]] = {}

    def walk(group: object, inherited: dict[str, object]) -> None:
        if not isinstance(group, dict):
            return
        variables = {**inherited, **(group.get("vars") or {})}
        for name, own in (group.get("hosts") or {}).items():
            found.setdefault(name, {}).update({**variables, **(own or {})})
        for child in (group.get("children") or {}).values():
            walk(child, variables)

    if isinstance(inventory, dict):
        for group in inventory.values():
            walk(group, {})
    for variables in found.values():
        yield (
            *("ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"),
            *("-o", f"UserKnownHostsFile={base / str(variables['fleetbpf_known_hosts_file'])}"),
            *("-i", str(base / str(variables["fleetbpf_identity_file"]))),
            *("-p", str(variables["fleetbpf_port"]), "-l", str(variables["fleetbpf_user"])),
            *(str(variables["fleetbpf_host"]), "true"),
        )


def in_parallel(each: list[list[str]]) -> None:
    """All commands at once; every one must succeed."""
    running = [subprocess.Popen(words) for words in each]
    statuses = [process.wait() for process in running]
    if any(statuses):
        raise SystemExit("ssh failed")


def main() -> None:
    options = measuring.options(__doc__ or "")
    with lab(options.hosts) as folder:
        peers = ssh_commands(folder)
        if len(peers) != options.hosts:
            raise SystemExit(f"the inventory has {len(peers)} hosts, not {options.hosts}")

        def apply() -> None:
            subprocess.run([*FLEETBPF, "apply", MANIFEST], check=True, stdout=subprocess.DEVNULL)

        os.chdir(folder)
        cases = [
            Case(
                name=f"no-op apply, {options.hosts} hosts",
                ours=lambda: measuring.wall_ms(apply),
                peer=lambda: measuring.wall_ms(lambda: in_parallel(peers)),
                peer_name="ssh HOST true, all at once",
                unit="ms",
            ),
            Case(
                name=f"the same, CPU here, {options.hosts} hosts",
                ours=lambda: measuring.cpu_ms([*FLEETBPF, "apply", str(MANIFEST)]),
                peer=lambda: measuring.cpu_of(lambda: in_parallel(peers)),
                peer_name="ssh HOST true, all at once",
                unit="ms CPU",
            ),
        ]
        rounds = measuring.QUICK_ROUNDS if options.quick else measuring.ROUNDS
        measuring.tell(measuring.measure(cases, rounds=rounds), as_json=options.json)


if __name__ == "__main__":
    main()
