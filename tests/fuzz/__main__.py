"""`./dev fuzz [SECONDS]`: each fuzzer of the runtime for so long, then all readers in Python.

`python -m tests.fuzz --cases N --first SEED` is the readers only: N texts from that seed on. Each
seed names the same text in every run. 1 when something was found, or a reader takes none of its
texts. Ctrl-C or SIGTERM ends it with the table of what was read (130), and with the number for
`--skip` that goes on from there.
"""

import argparse
import itertools
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.fuzz import building, table

FOUND = Path("fuzz-found")  # what libFuzzer found: inputs, and those that broke something


def main(options: argparse.Namespace) -> int:
    """Run what the options name; 1 when something broke."""
    chosen = {name: table.TARGETS[name] for name in options.only or table.TARGETS}
    if options.cases:
        work = table.orders(chosen, options.first, options.cases)
    else:
        if not options.only and (broken := run_runtime(options.seconds)):
            return broken
        work = within(options.seconds, table.orders(chosen, options.first, sys.maxsize))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    work = table.without(options.skip, work)
    total = table.run(chosen, work, tell=say, workers=options.workers)
    for line in table.lines(total):
        say(line)
    for found in total.findings.values():
        say(table.told(found))
    for name in total.blind:
        say(f"{name} took none of its texts: whatever they were made of is refused as it is")
    if total.interrupted:
        say(f"interrupted; the same words and --skip {options.skip + total.done} go on from here")
        return 130
    return int(bool(total.findings or total.blind))


def within(seconds: int, work: Iterator[table.Order]) -> Iterator[table.Order]:
    """The work that begins before the time is over."""
    end = time.monotonic() + seconds
    return itertools.takewhile(lambda _: time.monotonic() < end, work)


def run_runtime(seconds: int) -> int:
    """libFuzzer's, for so many seconds each."""
    FOUND.mkdir(exist_ok=True)
    work = FOUND / "build"
    work.mkdir(exist_ok=True)
    for fuzzer in building.build(work.resolve()):
        done = fuzzer.run(FOUND.resolve(), f"-max_total_time={seconds}")
        say(done.stderr if done.returncode else last_line(fuzzer.name, done.stderr))
        if done.returncode:
            return 1
    return 0


def last_line(name: str, said: str) -> str:
    """How far it came."""
    return f"{name}: {said.strip().splitlines()[-1]}"


def say(text: str) -> None:
    """Tell it at once, to whoever watches."""
    sys.stderr.write(f"{text}\n")


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("seconds", metavar="SECONDS", nargs="?", type=int, default=60)
    parser.add_argument("--cases", metavar="N", type=int, help="texts for the readers, in all")
    parser.add_argument("--first", metavar="SEED", type=int, default=0, help="(default: 0)")
    parser.add_argument("--skip", metavar="N", type=int, default=0, help="texts read before")
    parser.add_argument("--only", metavar="READER", action="append", choices=[*table.TARGETS])
    parser.add_argument("--workers", metavar="N", type=int, help="(default: one a processor)")
    return parser


if __name__ == "__main__":
    sys.exit(main(arguments().parse_args()))
