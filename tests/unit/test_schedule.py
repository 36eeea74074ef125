"""Schedules: the texts that systemd and cron get, and a crontab that is otherwise left alone."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fleetbpf.audit.schedule import (
    CrontabSchedule,
    ScheduledAudit,
    SystemdSchedule,
    cron_runs,
    named,
    unit_texts,
)
from fleetbpf.cli.schedule import absolute
from fleetbpf.errors import HostError
from fleetbpf.execution import Completed
from fleetbpf.execution.command import Command

THEIRS = "MAILTO=me\n5 4 * * * /usr/bin/backup\n"


@dataclass
class Crontab:
    """A machine whose crontab is this text; None is a user without one."""

    text: str | None = None
    encoding: str = "utf-8"
    refuses: bool = False
    ran: list[tuple[str, ...]] = field(default_factory=list)

    def run(self, command: Command, *, stdin: bytes = b"") -> Completed:
        self.ran.append(command.words)
        if command.words == ("crontab", "-l"):
            if self.text is None:
                return Completed(status=1)
            return Completed(status=0, stdout=self.text.encode(self.encoding))
        if self.refuses:
            return Completed(status=1, stderr=b"you are not allowed")
        self.text = stdin.decode(self.encoding)
        return Completed(status=0)


def audit(tmp_path: Path, when: str = "17 * * * *") -> ScheduledAudit:
    return ScheduledAudit.of(
        "demo",
        tmp_path / "a b%.yml",
        when=when,
        words=("/opt/f b/fleetbpf", "audit", "it's $HOME 100%"),
        folder=tmp_path / "work here",
    )


def test_a_crontab_block_comes_beside_what_is_there_and_goes_without_a_trace(
    tmp_path: Path,
) -> None:
    machine = Crontab(text=THEIRS)
    schedule = CrontabSchedule(runner=machine)
    schedule.install(audit(tmp_path))
    assert machine.text is not None
    assert machine.text.startswith(THEIRS)
    assert schedule.remove(audit(tmp_path).name)
    assert machine.text == THEIRS


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1250", "shift_jis"])
def test_every_byte_of_a_crontab_in_any_encoding_stays(tmp_path: Path, encoding: str) -> None:
    theirs = {"cp1250": "# żółć\n", "shift_jis": "# 監査\n"}.get(encoding, "# Büro\n")
    machine = Crontab(text=f"{theirs}{THEIRS}", encoding=encoding)
    schedule = CrontabSchedule(runner=machine)
    schedule.install(audit(tmp_path))
    assert machine.text is not None
    assert machine.text.startswith(f"{theirs}{THEIRS}# fleetbpf ")
    assert len(schedule.list()) == 1
    assert schedule.remove(audit(tmp_path).name)
    assert machine.text == f"{theirs}{THEIRS}"


def test_a_block_begins_on_a_line_of_its_own(tmp_path: Path) -> None:
    machine = Crontab(text="5 4 * * * true")
    CrontabSchedule(runner=machine).install(audit(tmp_path))
    assert machine.text is not None
    assert machine.text.startswith("5 4 * * * true\n# fleetbpf ")


@pytest.mark.parametrize(("comm", "runs"), [("cron", True), ("crond", True), ("acron", False)])
def test_a_cron_daemon_is_known_by_its_name(tmp_path: Path, comm: str, runs: bool) -> None:
    (tmp_path / "12").mkdir()
    (tmp_path / "12" / "comm").write_text(f"{comm}\n")
    assert cron_runs(tmp_path) is runs


def test_installing_twice_leaves_one_block_with_the_newer_time(tmp_path: Path) -> None:
    schedule = CrontabSchedule(runner=Crontab())
    schedule.install(audit(tmp_path))
    schedule.install(audit(tmp_path, when="0 3 * * *"))
    ((name, line),) = schedule.list()
    assert name == audit(tmp_path).name
    assert line.startswith("0 3 * * * cd ")


def test_percent_signs_are_escaped_for_cron_and_words_for_its_shell(tmp_path: Path) -> None:
    machine = Crontab()
    CrontabSchedule(runner=machine).install(audit(tmp_path))
    assert machine.text is not None
    assert "'it'\"'\"'s $HOME 100\\%'" in machine.text


def test_a_refusing_crontab_is_an_error_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="you are not allowed"):
        CrontabSchedule(runner=Crontab(refuses=True)).install(audit(tmp_path))


def test_removing_what_is_not_there_writes_nothing() -> None:
    machine = Crontab(text=THEIRS)
    assert not CrontabSchedule(runner=machine).remove("fleetbpf-audit-x-00000000")
    assert ("crontab", "-") not in machine.ran


def test_units_quote_words_as_systemd_reads_them(tmp_path: Path) -> None:
    text = unit_texts(audit(tmp_path))["service"]
    assert 'ExecStart="/opt/f b/fleetbpf" "audit" "it\'s $$HOME 100%%"\n' in text


def test_a_timer_has_a_line_for_each_calendar_expression(tmp_path: Path) -> None:
    text = unit_texts(audit(tmp_path, when="0 4 1 * 5"))["timer"]
    assert text.count("OnCalendar=") == 2


def test_systemd_units_come_and_go(tmp_path: Path) -> None:
    machine = Crontab()
    schedule = SystemdSchedule(runner=machine, units=tmp_path / "units", user=True)
    schedule.install(audit(tmp_path))
    ((name, when),) = schedule.list()
    assert (name, when) == (audit(tmp_path).name, "*-*-* *:17:00")
    assert ("systemctl", "--user", "enable", "--now", f"{name}.timer") in machine.ran
    assert schedule.remove(name)
    assert list((tmp_path / "units").iterdir()) == []


def test_the_name_belongs_to_the_manifest_file(tmp_path: Path) -> None:
    name = audit(tmp_path).name
    assert named(name, tmp_path / "a b%.yml")
    assert not named(name, tmp_path / "other.yml")


def test_a_scheduled_audit_finds_its_inventories_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert absolute("inventories/hosts.yml") == str(tmp_path / "inventories" / "hosts.yml")
    assert absolute("web1,web2:2222") == "web1,web2:2222"
