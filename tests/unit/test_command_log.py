"""The log of commands: whole lines, no secrets, bounded, and never in the way."""

import json
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fleetbpf.connections.watched import Exchange
from fleetbpf.execution import Completed
from fleetbpf.execution.command import Command, script
from fleetbpf.fleet import command_log
from fleetbpf.fleet.command_log import CommandLog

DONE = Completed(status=0, stdout=b"x" * 7)


def exchange(command: Command, completed: Completed | None = DONE, **more: Any) -> Exchange:
    fields = {"host": "web1", "began": 0.0, "seconds": 0.25, "sent": 3, "received": 7, **more}
    return Exchange(command=command, completed=completed, **fields)


def written(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "commands.log"


def test_a_run_says_what_was_typed_and_each_command_what_became_of_it(path: Path) -> None:
    log = CommandLog(path=path, started=["fleetbpf", "apply", "m.yml"])
    log.write(exchange(script("facts.sh", "/var/lib/fleetbpf", "m", become=True)))
    run, command = written(path)
    assert run["started"] == ["fleetbpf", "apply", "m.yml"]
    assert command == {
        "time": "1970-01-01T00:00:00.000+00:00",
        "run": os.getpid(),
        "host": "web1",
        "command": "facts.sh",
        "arguments": ["/var/lib/fleetbpf", "m"],
        "become": True,
        "status": 0,
        "seconds": 0.25,
        "sent": 3,
        "received": 7,
        "sha256": command["sha256"],
    }
    assert len(command["sha256"]) == 12


def test_a_script_is_whole_only_when_that_is_asked_for(path: Path) -> None:
    log = CommandLog(path=path, whole=True)
    log.write(exchange(script("facts.sh")))
    assert "#" in written(path)[1]["script"]


def test_a_command_that_did_not_end_says_why(path: Path) -> None:
    CommandLog(path=path).write(exchange(Command("true"), None, error="the link was lost"))
    command = written(path)[1]
    assert (command["status"], command["error"]) == (None, "the link was lost")


def test_only_its_owner_may_read_the_log(path: Path) -> None:
    CommandLog(path=path).write(exchange(Command("true")))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_secrets_are_masked_everywhere_and_not_cut_before(path: Path) -> None:
    secret = "hunter2-hunter2"
    long = "x" * (command_log.LONGEST_STDERR - 5) + secret
    log = CommandLog(
        path=path, started=["fleetbpf", secret], mask=lambda text: text.replace(secret, "***")
    )
    failed = Completed(status=1, stderr=long.encode())
    log.write(exchange(Command("login", f"--token={secret}"), failed))
    log.write(exchange(Command("login"), None, error=f"refused {secret}"))
    assert "hunter" not in path.read_text()
    assert written(path)[1]["arguments"] == ["--token=***"]


def test_long_arguments_and_long_complaints_are_cut(path: Path) -> None:
    log = CommandLog(path=path)
    log.write(exchange(Command("x", "a" * 5000, "b"), Completed(status=1, stderr=b"c" * 5000)))
    command = written(path)[1]
    assert command["arguments"] == ["a" * 4096, "… 905 characters more"]
    assert len(command["stderr"]) == 1024


def test_lines_of_many_threads_are_whole(path: Path) -> None:
    log = CommandLog(path=path)
    with ThreadPoolExecutor(16) as pool:
        for number in range(400):
            pool.submit(log.write, exchange(Command("x", "y" * number)))
    assert len(written(path)) == 401


def test_lines_of_many_processes_are_whole(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.unit.test_command_log import *\n"
        "log = CommandLog(path=Path(sys.argv[1]))\n"
        "for number in range(200): log.write(exchange(Command('x', 'y' * number)))"
    )
    words = [sys.executable, "-c", code, str(path)]
    root = Path(__file__).parents[2]
    running = [subprocess.Popen(words, cwd=root) for _ in range(4)]
    assert [process.wait(120) for process in running] == [0, 0, 0, 0]
    assert len(written(path)) == 4 * 201


def test_a_full_log_makes_room_and_the_one_before_is_kept(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_log, "LARGEST", 2000)
    log = CommandLog(path=path)
    for number in range(60):
        log.write(exchange(Command("x", str(number))))
    kept = written(path.with_name("commands.log.1")) + written(path)
    assert kept[-1]["arguments"] == ["59"]
    assert sum(file.stat().st_size for file in path.parent.iterdir()) < 5000


def test_a_full_disk_is_told_once_and_stops_nothing() -> None:
    told: list[str] = []
    log = CommandLog(path=Path("/dev/full"), warn=told.append)
    for _ in range(3):
        log.write(exchange(Command("true")))
    assert told == ["/dev/full: No space left on device: commands are not logged any more"]


def test_without_a_path_nothing_is_written() -> None:
    CommandLog(path=None).write(exchange(Command("true")))
