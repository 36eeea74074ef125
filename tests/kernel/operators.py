"""fleetbpf as a process that has its modules already: it does its work from its first moment on."""

import contextlib
import multiprocessing
import os
import sys
import threading
import time
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path
from typing import Any

from tests import documents

MODULES = ["tests.kernel.warm", "tests.kernel.operators", "rich.console", "rich.live"]
PATIENCE = 300.0
# Who starts a process reads the status of every one that has ended; each can be read once.
STATUSES = threading.Lock()


def fleetbpf(folder: Path, said: Path, words: tuple[str, ...]) -> None:
    """The command `fleetbpf`, in an operator's folder; what it says goes to a file."""
    from fleetbpf import cli

    os.chdir(folder)
    with said.open("w") as file, contextlib.redirect_stdout(file):
        sys.stderr = file
        sys.exit(cli.main(words))


@dataclass(frozen=True, kw_only=True)
class Run:
    """One fleetbpf."""

    process: Any  # multiprocessing.Process
    said: Path
    began: float

    def kill(self) -> None:
        """SIGKILL; fine when it has ended."""
        self.process.kill()

    def wait(self) -> int:
        """Its exit code, -9 where it was killed."""
        assert connection.wait([self.process.sentinel], PATIENCE), self.text()
        with STATUSES:
            self.process.join()
            return int(self.process.exitcode)

    def text(self) -> str:
        return self.said.read_text() if self.said.exists() else ""

    def document(self) -> dict[str, Any]:
        """What it says with --json, after what went to standard error."""
        text = self.text()
        return documents.read(text[text.index("{\n") :])


@dataclass(frozen=True, kw_only=True)
class Operator:
    """A person with a folder, who starts fleetbpf often."""

    folder: Path

    def start(self, *words: str) -> Run:
        """Begin, without waiting."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(MODULES)
        said = self.folder / f"said-{time.monotonic_ns()}"
        process = context.Process(target=fleetbpf, args=(self.folder, said, words))
        with STATUSES:
            process.start()
        return Run(process=process, said=said, began=time.monotonic())

    def run(self, *words: str) -> Run:
        """Begin, and wait for the end."""
        run = self.start(*words)
        run.wait()
        return run
