"""A first deploy on hosts of which nearly all are dead: when the live ones are done, what is said.

The peer of the live ones is the moment at which the first dead one can be given up.
"""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import measuring
from measuring import Result

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.crowd import crowd, serving  # noqa: E402 — it is no package of ours

LIVE = 25  # each so many-th host
CONNECTING = 10  # seconds, until a host that does not answer is given up
MANIFEST = f"""
name: bench
programs:
  victims: {{source: {Path(__file__).with_name("ssh.bpf.c")}}}
plays: [{{hosts: all, programs: [victims]}}]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one apply took and said."""

    live: float  # seconds, until the last live host was done
    wall: float  # seconds
    memory: float  # MB, at most
    lines: int


def apply(folder: Path, live: int) -> Run:
    """Apply, and see when each host is told."""
    command = [sys.executable, "-m", "fleetbpf", "apply", "bench.yml", "-i", "inventory.json"]
    began, ends, lines = time.monotonic(), [0.0], 0
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as running:
        for line in running.stdout or ():
            lines += 1
            if line.endswith((": changed\n", ": ok\n")):
                ends.append(time.monotonic() - began)
        _, status, used = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode != 4 or len(ends) != live + 1:
        raise SystemExit(f"exit status {running.returncode}, {len(ends) - 1} hosts done")
    wall = time.monotonic() - began
    return Run(live=max(ends), wall=wall, memory=used.ru_maxrss / 1024, lines=lines)


def row(case: str, ours: float, peer: float, name: str, unit: str) -> Result:
    """One figure beside another."""
    ratio = round(ours / peer, 3)
    ours = round(ours, 2)
    return Result(case=case, ours=ours, peer=peer, peer_name=name, unit=unit, ratio=ratio, rounds=1)


def main() -> None:
    options = measuring.options(__doc__ or "", hosts=500)
    number = options.hosts // 5 if options.quick else options.hosts
    live = number // LIVE
    hosts = crowd(number, deaf=number - live)  # the dead ones come first
    with tempfile.TemporaryDirectory(prefix="fleetbpf-bench-") as name, serving(Path(name), hosts):
        (Path(name) / "bench.yml").write_text(MANIFEST)
        apply(Path(name), live)  # it builds
        run = apply(Path(name), live)
    case = f"{number} hosts, {live} live"
    rows = [
        row(f"{case}: these are done", run.live, CONNECTING, "first dead one given up", "s"),
        row(f"{case}: all", run.wall, CONNECTING, "first dead one given up", "s"),
        row(f"{case}: memory, at most", run.memory, 150, "promise", "MB"),
        row(f"{case}: lines said", run.lines, number, "one a host", "lines"),
    ]
    measuring.tell(rows, as_json=options.json)


if __name__ == "__main__":
    main()
