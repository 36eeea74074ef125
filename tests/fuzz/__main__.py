"""`./dev fuzz [SECONDS]`: each fuzzer in turn for so long; fails on the first that breaks."""

import sys
from pathlib import Path

from tests.fuzz import building

FOUND = Path("fuzz-found")  # what they found: inputs, and those that broke something


def main(seconds: int) -> int:
    """Build and run all; 1 when something broke."""
    FOUND.mkdir(exist_ok=True)
    work = FOUND / "build"
    work.mkdir(exist_ok=True)
    for fuzzer in building.build(work.resolve()):
        done = fuzzer.run(FOUND.resolve(), f"-max_total_time={seconds}")
        sys.stderr.write(done.stderr if done.returncode else last_line(fuzzer.name, done.stderr))
        if done.returncode:
            return 1
    return 0


def last_line(name: str, said: str) -> str:
    """How far it came."""
    return f"{name}: {said.strip().splitlines()[-1]}\n"


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 60))
