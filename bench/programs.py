"""What each program of programs/ adds to the system call that it tells, its event included.

Needs root: it attaches the programs on this machine. `ours` is the call with the program attached
and its loader reading, `peer` the same call without; the difference is the program's overhead.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import measuring
from loader import Ours, tracefs
from measuring import Case

from fleetbpf.build.toolchain import Toolchain

HERE = Path(__file__).parent
PROGRAMS = HERE.parent / "programs"
# program: the calls of bench/trigger.c; the first is one that it tells.
CALLS = {
    "accepts": ("connection", "getppid"),
    "binds": ("bind",),
    "bpf_calls": ("bpf",),
    "capabilities": ("capability",),
    "connects": ("connection",),
    "deletes": ("delete",),
    "dns_queries": ("query", "packet"),
    "exec_counts": ("exec",),
    "execs": ("exec",),
    "exits": ("exit",),
    "hello": ("exec",),
    "listens": ("listen",),
    "mounts": ("umount",),
    "ooms": ("signal",),
    "opens": ("open", "getppid"),
    "ptraces": ("ptrace",),
    "renames": ("rename",),
    "runqlat": ("sleep",),
    "setuids": ("setresuid",),
    "signals": ("signal",),
}


def build_trigger(folder: Path) -> Path:
    trigger = folder / "trigger"
    subprocess.run(["gcc", "-O2", "-o", trigger, HERE / "trigger.c"], check=True)
    return trigger


def nanoseconds(trigger: Path, call: str) -> float:
    """How long one call takes now."""
    return float(subprocess.run([trigger, call], capture_output=True, check=True).stdout)


def with_program(program: Ours, trigger: Path, call: str) -> float:
    with program.running():
        return nanoseconds(trigger, call)


def cases(folder: Path, toolchain: Toolchain) -> Iterator[Case]:
    """Those of the programs that the kernel of this machine takes."""
    trigger = build_trigger(folder)
    for name, calls in CALLS.items():
        program = Ours(folder, toolchain, PROGRAMS / f"{name}.bpf.c")
        said = subprocess.run([program.loader, "--check"], capture_output=True, check=False)
        if said.returncode:
            print(f"not here: {said.stderr.decode().strip()}", file=sys.stderr)
            continue
        for call in calls:
            yield Case(
                name=f"{name}: {call}",
                ours=partial(with_program, program, trigger, call),
                peer=partial(nanoseconds, trigger, call),
                peer_name="no program",
                unit="ns",
            )


def main() -> None:
    options = measuring.options(__doc__ or "")
    if os.geteuid() != 0:
        sys.exit("bench/programs.py needs root: it attaches BPF programs")
    with tracefs(), tempfile.TemporaryDirectory() as name:
        rounds = measuring.QUICK_ROUNDS if options.quick else measuring.ROUNDS
        results = measuring.measure(cases(Path(name), Toolchain.find()), rounds=rounds)
    measuring.tell(results, as_json=options.json)


if __name__ == "__main__":
    main()
