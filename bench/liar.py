"""A lying host among honest ones: what each command takes with it, beside the same without it.

The peer is the same command on the same honest hosts alone. "honest done" is the moment at which
the last honest host has been left; a liar that says nothing delays only the end of a command.
`--peers` takes names of lies.
"""

import itertools
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import measuring
from measuring import Result

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.hostile.floods import FLOODS  # noqa: E402 — it is no package of ours
from tests.hostile.liars import LIES  # noqa: E402
from tests.hostile.small_fleet import LIAR, serving  # noqa: E402

# Seconds, as an operator may set them: simulated, fifty hosts take most of ten for an audit.
TIMEOUT, HOST_TIMEOUT = 60, 20
ROUNDS, QUICK_ROUNDS = 5, 1
FEW_LIES = ("endless-stdout", "silent", "another program")  # of the quick run
MANIFEST = f"""
name: demo
id: demo
programs: {{hello: {{source: {ROOT / "programs" / "hello.bpf.c"}}}}}
plays: [{{hosts: all, programs: [hello]}}]
"""
COMMANDS = {
    "plan": "plan m.yml",
    "apply": "apply m.yml",
    "apply, no-op": "apply m.yml",
    "status": "status m.yml",
    "logs": "logs all",
    "maps": "maps all hello",
    "facts": "facts all",
    "check": "check m.yml",
    "audit": "audit m.yml",
    "history": "history all",
    "rollback": "rollback m.yml",
    "unlock": "unlock all",
    "destroy": "destroy m.yml --yes",
}
NO_OP = "apply, no-op"
FAILED, UNREACHABLE = 1, 4  # exit codes
LOST = re.compile(r"web\d+ +unreachable\b")  # a row of an audit
AGES = re.compile(r"\b\d+ (s|min|h|d)\b")  # since when something runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a command took, and what it said."""

    wall: float  # seconds
    honest: float  # seconds until the last honest host was left
    code: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A command with the liar, and right after it without."""

    beside: Run
    alone: Run


Pairs = Mapping[tuple[str, str], list[Pair]]  # by command and lie


class Fleet:
    """The hosts, and the folder of who asks them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "m.yml").write_text(MANIFEST)

    def run(self, name: str, *, lie: str = "") -> Run:
        """Run a command over all hosts, or over the honest ones when there is no lie."""
        (self.folder / "lie").write_text(lie)
        self.place(name)
        inventory = "hosts.yml" if lie else "honest.yml"
        words = [*COMMANDS[name].split(), "-i", inventory, "--forks", "50"]
        words += ["-T", str(TIMEOUT), "--host-timeout", str(HOST_TIMEOUT)]
        return self.timed([sys.executable, "-m", "fleetbpf", *words])

    def place(self, name: str) -> None:
        """Have the honest say that the manifest's release runs already, where it is to be so."""
        now = self.folder / "now"
        now.unlink(missing_ok=True)
        if name == NO_OP:
            command = [sys.executable, "-m", "fleetbpf", "plan", "m.yml", "-i", "honest.yml"]
            command += ["--limit", "web1", "--json"]
            said = subprocess.run(command, cwd=self.folder, capture_output=True, check=False)
            (change,) = json.loads(said.stdout)["hosts"][0]["changes"]
            now.write_text(change["release"])

    def timed(self, command: Sequence[str]) -> Run:
        """Run it, and watch until when honest hosts are connected."""
        done = self.folder / "done"
        done.write_bytes(b"")
        environment = {**os.environ, "FLEETBPF_MIRROR_LIMIT": "16MiB"}
        began = time.time()
        running = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        wall = time.time() - began
        return Run(
            wall=wall,
            honest=done.stat().st_mtime - began,
            code=running.returncode,
            lines=tuple((running.stdout + running.stderr).splitlines()),
        )


def honest_lines(run: Run) -> list[str]:
    """What is said about honest hosts, in the order of their names, however wide a table is."""
    mine = [line for line in run.lines if re.match(r"web\d+\b", line)]
    return sorted(AGES.sub("…", " ".join(line.split())) for line in mine)


def is_waited_for(lie: str) -> bool:
    """Whether only a time-out ends this lie."""
    return lie in FLOODS and FLOODS[lie].waits


def fault(lie: str, run: Run, alone: Run) -> str:
    """What is wrong with what a command says beside a liar, or ""."""
    if alone.code in {FAILED, UNREACHABLE} or any(LOST.match(line) for line in alone.lines):
        return "honest hosts fail alone: this machine is too busy, or too small for so many"
    if honest_lines(run) != honest_lines(alone):
        return "the honest hosts are told otherwise"
    if run.code not in {FAILED, UNREACHABLE, alone.code}:
        return f"exit code {run.code}"
    # Other lies are none to every command, and who says the truth and stays may be believed.
    if lie in FLOODS and lie != "never-closes" and not any(LIAR in line for line in run.lines):
        return "the liar is not named"
    return ""


def pairs(fleet: Fleet, lies: Sequence[str], rounds: int) -> dict[tuple[str, str], list[Pair]]:
    """Every command beside every lie and alone, in turn; the first of all warms up."""
    fleet.run("check")
    found: dict[tuple[str, str], list[Pair]] = {}
    for number, name, lie in itertools.product(range(rounds), COMMANDS, lies):
        pair = Pair(beside=fleet.run(name, lie=lie), alone=fleet.run(name))
        found.setdefault((name, lie), []).append(pair)
        times = f"honest done {pair.beside.honest:.2f} s, {pair.alone.honest:.2f} s alone"
        print(f"# round {number + 1}: {name}: {lie}: {times}", file=sys.stderr)
    return found


def faults(found: Pairs) -> list[str]:
    """All that was told wrongly."""
    return [
        f"{name}, {lie}: {what}"
        for (name, lie), each in found.items()
        for pair in each
        if (what := fault(lie, pair.beside, pair.alone))
    ]


def results(found: Pairs) -> Iterator[Result]:
    """The time of each command beside those lies that end by a limit; then of each lie."""
    for name in COMMANDS:
        mine = [each for (n, lie), each in found.items() if n == name and not is_waited_for(lie)]
        yield row(name, mine, "alone", honest=True)
        yield row(name, mine, "alone")
    for lie in dict.fromkeys(lie for _, lie in found):
        mine = [each for (_, told), each in found.items() if told == lie]
        late = HOST_TIMEOUT if is_waited_for(lie) else 0
        yield row(lie, mine, "alone", honest=True)
        yield row(lie, mine, f"alone + {late} s of time-out" if late else "alone", late=late)


def row(
    case: str, found: Sequence[list[Pair]], peer: str, *, honest: bool = False, late: int = 0
) -> Result:
    """The median seconds of several cells, until the honest hosts are done or in all."""
    when = "honest done" if honest else "in all"

    def median(of: Callable[[Pair], Run]) -> float:
        runs = [of(pair) for each in found for pair in each]
        return statistics.median(run.honest if honest else run.wall for run in runs)

    ours, theirs = median(lambda pair: pair.beside), median(lambda pair: pair.alone) + late
    return Result(
        case=f"{case}: {when}",
        ours=round(ours, 3),
        peer=round(theirs, 3),
        peer_name=peer,
        unit="s",
        ratio=round(ours / theirs, 3),
        rounds=sum(map(len, found)),
    )


def main() -> None:
    options = measuring.options(__doc__ or "", hosts=50)
    lies = FEW_LIES if options.quick else (*FLOODS, *LIES)
    lies = options.peers.split(",") if options.peers else lies
    rounds = QUICK_ROUNDS if options.quick else ROUNDS
    with tempfile.TemporaryDirectory(prefix="fleetbpf-bench-") as name:
        folder = Path(name)
        with serving(folder, honest=options.hosts):
            found = pairs(Fleet(folder), lies, rounds)
    measuring.tell(list(results(found)), as_json=options.json)
    if wrong := faults(found):
        raise SystemExit("\n".join(wrong))


if __name__ == "__main__":
    main()
