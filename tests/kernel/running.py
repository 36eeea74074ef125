"""A loader under test: its process, its folders, and the records it wrote."""

import json
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.waiting import wait_until

Record = dict[str, Any]


def ping(times: int = 1) -> None:
    """Make the call that the program `ping` watches in this process."""
    for _ in range(times):
        os.getppid()


@dataclass(kw_only=True)
class Loader:
    """One loader with a spool and a run folder of its own."""

    path: Path
    arguments: tuple[str, ...]
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def spool(self) -> Path:
        return self.folder / "spool"

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def release(self) -> str:
        return f"r{os.getpid()}"

    @property
    def instance(self) -> str:
        return f"fleetbpf.of-a-test.{self.folder.name}.{self.release}"

    def command(self, *, spool: Path | None = None) -> list[str]:
        return [
            str(self.path),
            *("--deployment", "of-a-test", "--program", self.folder.name),
            *("--release", self.release),
            *("--spool", str(spool or self.spool), "--run", str(self.run)),
            *self.arguments,
        ]

    def start(
        self, *, ready: bool = True, spool: Path | None = None, before: tuple[str, ...] = ()
    ) -> None:
        """Start it; `before` is a command that executes it, as nice(1) does."""
        self.folder.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [*before, *self.command(spool=spool)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        if ready:
            self.wait_ready()

    def wait_ready(self) -> None:
        assert self.process is not None
        process = self.process
        wait_until(
            lambda: self.ready() or process.poll() is not None,
            what="the loader is ready",
        )
        if process.poll() is not None and process.stderr is not None:
            raise AssertionError(process.stderr.read().decode())

    def ready(self) -> bool:
        """Whether this process says so, not the one before it, whose word it takes away."""
        try:
            return bool(self.state()["pid"] == self.pid)
        except FileNotFoundError:
            return False

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def state(self) -> Record:
        return dict(json.loads((self.run / "state").read_text()))

    def is_another_than(self, *pids: int) -> bool:
        """Whether a child is ready that is none of these; between two there is no state."""
        try:
            return self.state()["pid"] not in pids
        except FileNotFoundError:
            return False

    def counts(self) -> Record:
        """What it says of all that it wrote and lost."""
        return dict(json.loads((self.run / "counts").read_text()))

    def stop(self) -> int:
        """SIGTERM, as systemd does it; the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self._wait()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self._wait()

    def end(self) -> None:
        """Whatever the test left: nothing of it stays."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self._wait()

    def _wait(self) -> int:
        assert self.process is not None
        self.process.wait(timeout=120)
        if self.process.stderr is not None:
            self.process.stderr.close()
        return self.process.returncode

    def segments(self, spool: Path | None = None) -> list[Path]:
        return sorted((spool or self.spool).glob("*.log"))

    def records(self, kind: str = "", spool: Path | None = None) -> list[Record]:
        """All whole records in all segments, headers left out."""
        found = []
        for segment in self.segments(spool):
            lines = segment.read_text().split("\n")[1:-1]
            found += [json.loads(line) for line in lines]
        return [record for record in found if not kind or record["kind"] == kind]

    def texts(self) -> list[str]:
        return [record["text"] for record in self.records("trace")]

    def wait_for_texts(self, count: int) -> list[str]:
        wait_until(lambda: len(self.texts()) >= count, what=f"{count} lines in the spool")
        return self.texts()
