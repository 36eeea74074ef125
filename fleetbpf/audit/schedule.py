"""Scheduled audits: systemd timers of the operator's machine, or a block of the crontab."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from fleetbpf.documents.templates import rendered
from fleetbpf.errors import HostError, Problem
from fleetbpf.execution import Completed
from fleetbpf.execution.command import Command, render
from fleetbpf.files.private_files import write_whole
from fleetbpf.frozen import frozen
from fleetbpf.model import cron

PREFIX = "fleetbpf-audit-"
DAEMONS = frozenset({"cron", "crond", "fcron", "bcron-sched", "dcron"})
BLOCK = re.compile(
    r"^# fleetbpf (?P<name>[\w-]+): begin\n(?P<line>.*)\n# fleetbpf (?P=name): end\n", re.MULTILINE
)


class Runner(Protocol):
    """Something that runs a command on this machine."""

    def run(self, command: Command, *, stdin: bytes = b"") -> Completed:
        """Run `command` and wait for its end."""
        ...


@frozen
class ScheduledAudit:
    """An audit that happens by itself."""

    name: str  # of the timer or the crontab's block; one per manifest file
    when: str  # a crontab's five fields
    words: tuple[str, ...]  # the command line
    folder: Path  # its working directory: reports go under it

    @classmethod
    def of(
        cls, deployment: str, manifest: Path, *, when: str, words: Sequence[str], folder: Path
    ) -> "ScheduledAudit":
        """The audit of one manifest file; the same file always has the same name."""
        name = f"{PREFIX}{deployment}-{mark(manifest)}"
        return cls(name=name, when=when, words=tuple(words), folder=folder)


def mark(manifest: Path) -> str:
    """What tells a manifest file from others of the same deployment."""
    return hashlib.sha256(bytes(manifest.resolve())).hexdigest()[:8]


def named(name: str, manifest: Path) -> bool:
    """Whether an installed audit is the one of that manifest file."""
    return name.endswith(f"-{mark(manifest)}")


class Schedule(Protocol):
    """A place of this machine that starts commands at their times."""

    def install(self, audit: ScheduledAudit) -> None:
        """Put an audit there, in place of the one of the same name."""

    def remove(self, name: str) -> bool:
        """Take an audit away; whether it was there."""

    def list(self) -> tuple[tuple[str, str], ...]:
        """All audits of ours: name, and when or which command."""


@frozen
class SystemdSchedule:
    """Timers of systemd: the system's for root, the user's own for anybody else."""

    runner: Runner
    units: Path
    user: bool

    def install(self, audit: ScheduledAudit) -> None:
        """Write the service and its timer, and start the timer."""
        for suffix, text in unit_texts(audit).items():
            write_whole(self.units / f"{audit.name}.{suffix}", text.encode(), mode=0o644)
        self.systemctl("daemon-reload")
        self.systemctl("enable", "--now", f"{audit.name}.timer")

    def remove(self, name: str) -> bool:
        """Stop the timer and remove both units."""
        if not (self.units / f"{name}.timer").exists():
            return False
        self.systemctl("disable", "--now", f"{name}.timer")
        for suffix in ("timer", "service"):
            (self.units / f"{name}.{suffix}").unlink(missing_ok=True)
        self.systemctl("daemon-reload")
        return True

    def list(self) -> tuple[tuple[str, str], ...]:
        """The timers that are ours, each with its times."""
        return tuple(
            (file.stem, ", ".join(re.findall(r"^OnCalendar=(.*)$", file.read_text(), re.MULTILINE)))
            for file in sorted(self.units.glob(f"{PREFIX}*.timer"))
        )

    def systemctl(self, *words: str) -> None:
        """Run systemctl; raises HostError with what it says when it fails."""
        scope = ("--user",) if self.user else ()
        succeed(self.runner, Command("systemctl", *scope, *words))


@frozen
class CrontabSchedule:
    """Blocks of the user's crontab, each between two comments that name it."""

    runner: Runner

    def install(self, audit: ScheduledAudit) -> None:
        """Write the block, in place of the one of the same name."""
        others = without(self.read(), audit.name)
        ended = "" if others.endswith("\n") or not others else "\n"
        self.write(f"{others}{ended}{block(audit)}")

    def remove(self, name: str) -> bool:
        """Take the block out; the rest of the crontab stays as it is."""
        before = self.read()
        after = without(before, name)
        if after != before:
            self.write(after)
        return after != before

    def list(self) -> tuple[tuple[str, str], ...]:
        """The blocks that are ours, each with its line."""
        return tuple((found["name"], found["line"]) for found in BLOCK.finditer(self.read()))

    def read(self) -> str:
        """The crontab; "" when there is none."""
        completed = self.runner.run(Command("crontab", "-l"))
        # Status 1 is both "there is none" and "not allowed"; the latter refuses the write as well.
        return text_of(completed.stdout) if completed.status == 0 else ""

    def write(self, text: str) -> None:
        """Replace the crontab; raises HostError with what crontab says when it refuses."""
        succeed(self.runner, Command("crontab", "-"), stdin=bytes_of(text))


def text_of(crontab: bytes) -> str:
    """A crontab as text; it may be in any encoding, so what is not UTF-8 is kept as bytes."""
    return crontab.decode("utf-8", "surrogateescape")


def bytes_of(crontab: str) -> bytes:
    """The bytes that `text_of` made a text of."""
    return crontab.encode("utf-8", "surrogateescape")


def cron_runs(proc: Path = Path("/proc")) -> bool:
    """Whether a process is called as the cron daemons of Linux are."""
    return any(name_in(file) in DAEMONS for file in proc.glob("[0-9]*/comm"))


def name_in(comm: Path) -> str:
    """The name in a /proc/PID/comm; empty when the process has ended meanwhile."""
    try:
        return comm.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def succeed(runner: Runner, command: Command, *, stdin: bytes = b"") -> None:
    """Run a command that must succeed; raises HostError with what it says."""
    completed = runner.run(command, stdin=stdin)
    if completed.status == 0:
        return
    said = completed.stderr.decode("utf-8", "replace").strip()
    what = f"`{render(command)}` failed with status {completed.status}"
    hint = "install systemd or cron on this machine" if completed.status == 127 else ""
    raise HostError(Problem(where="schedule", what=what, detail=said, hint=hint))


def unit_texts(audit: ScheduledAudit) -> dict[str, str]:
    """The two unit files of an audit by their suffixes."""
    words = " ".join(systemd_word(word) for word in audit.words)
    times = cron.to_systemd(cron.parse(audit.when))
    return {
        "service": rendered(
            "audit.service.j2",
            name=audit.name,
            folder=systemd_path(audit.folder),
            command=words,
        ),
        "timer": rendered("audit.timer.j2", name=audit.name, times=times),
    }


def systemd_word(word: str) -> str:
    """A word of ExecStart=, quoted as systemd.service(5) says under "Command lines"."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return '"' + escaped.replace("%", "%%").replace("$", "$$") + '"'


def systemd_path(path: Path) -> str:
    """A path as a whole setting: only specifiers mean something there."""
    return str(path).replace("%", "%%")


def block(audit: ScheduledAudit) -> str:
    """The crontab's block of an audit."""
    # crontab(5): a % means a newline unless it is escaped.
    run = f"cd {render(Command(audit.folder))} && {render(Command(*audit.words))}"
    line = f"{audit.when} {run} >/dev/null 2>&1".replace("%", "\\%")
    return f"# fleetbpf {audit.name}: begin\n{line}\n# fleetbpf {audit.name}: end\n"


def without(crontab: str, name: str) -> str:
    """A crontab less the block of that name."""
    return BLOCK.sub(lambda found: "" if found["name"] == name else found[0], crontab)
