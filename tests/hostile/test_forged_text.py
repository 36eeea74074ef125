"""Values of hosts that would make lines, or the origin, of what people and programs read."""

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from fleetbpf import cli, wording
from fleetbpf.audit import status
from fleetbpf.audit.audit import Finding, HostAudit, Kind
from fleetbpf.cli import audit as cli_audit
from fleetbpf.cli import recap
from fleetbpf.cli import status as cli_status
from fleetbpf.cli.output import Output
from fleetbpf.cli.terminal.board import Board
from fleetbpf.cli.terminal.live_table import drawn
from fleetbpf.connections import reasons
from fleetbpf.connections.settings import ConnectionSettings
from fleetbpf.errors import FleetbpfError, HostError, Problem
from fleetbpf.fleet.fleet import Outcome
from fleetbpf.host import facts, history, lock
from fleetbpf.model.inventory import Host
from fleetbpf.model.layout import Workspace
from fleetbpf.plan import plan_text
from fleetbpf.plan.plan import Action
from fleetbpf.records.maps import MAPS, Question, records
from fleetbpf.records.records import as_json
from tests import answers, documents

CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]
DIRECTIONS = [chr(code) for code in (0x61C, *range(0x200E, 0x2010), *range(0x202A, 0x202F))]
ISOLATES = [chr(code) for code in range(0x2066, 0x206A)]
UNSEEN = [
    *(*CONTROLS, *DIRECTIONS, *ISOLATES, "\u2028", "\u2029", "\u200b", "\u200d", "\ufeff"),
    *("\u034f", "\u115f", "\u180e", "\u3164", "\ufe0f", "\uffa0", "\U000e0041", "\U000e0100"),
]
EVIL = "".join(UNSEEN)
READABLE = "688.3µs ünï żółw 日本　語 🐝"
FORGED = "2026-01-01T00:00:00.000000 good hello root-1 [000] all is well"

HEADER = {"fleetbpf": 1, "segment": 1, "boot_id": "b", "clock_offset_ns": 0, "start_ns": 1}
PLACE = ("demo", "hello", "r1")


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with one host."""
    monkeypatch.chdir(tmp_path)
    Path("hosts.yml").write_text("all: {hosts: {web1: {}}}\n")
    return tmp_path


def mirrored(*said: Mapping[str, Any]) -> None:
    """A segment of web1 as its host has sent it."""
    place = Path("logs", "web1", *PLACE)
    place.mkdir(parents=True)
    lines = (HEADER, *({"time": 2, **fields} for fields in said))
    (place / "00000001.log").write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def logs(*words: str) -> int:
    return cli.main(["logs", "web1", "-i", "hosts.yml", "--offline", *words])


def trace(**said: object) -> dict[str, Any]:
    return {"kind": "trace", "cpu": 0, "pid": 7, "comm": "sh", "text": "text", **said}


def told(text: str) -> Iterator[str]:
    """The lines of what was said, by whatever somebody may take for a line's end."""
    assert not any(sign in text for sign in UNSEEN if sign != "\n")
    yield from text.splitlines()


PROVENANCE = {
    "time": "2026-01-01T00:00:00Z",
    "host": "good",
    "deployment": "other",
    "program": "sudo",
    "release": "r9",
    "overlap": "r8",
}


@pytest.mark.parametrize("name", PROVENANCE)
def test_a_record_does_not_say_where_it_came_from(
    fleet: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    claimed = {key: value for key, value in PROVENANCE.items() if key == name and name != "time"}
    mirrored(trace(**claimed))
    assert logs("--json") == 0
    (found,) = documents.records(capsys.readouterr().out)
    place = ("host", "deployment", "program", "release")
    assert tuple(found[each] for each in place) == ("web1", *PLACE)
    assert found["time"] == "1970-01-01T00:00:00.000000002Z"
    assert "overlap" not in found
    assert found.get("claimed", {}) == claimed


def test_a_readout_does_not_say_where_it_came_from() -> None:
    claim = json.dumps({"map": "calls", "entries": [], **PROVENANCE, "time": 5})
    rows = [("program", "demo", "r1"), ("{}",), (claim,), ("ended", "0")]
    question = Question(program="hello")
    (found,) = records(answers.told(MAPS, question, *rows), question, host="web1")
    told = as_json(found)
    assert [told[name] for name in ("host", "deployment", "program", "release")] == [
        "web1",
        *PLACE,
    ]


STACK = {"key": {"s": 1}, "value": 1, "stacks": {f"key.s\n{FORGED}": [f"main\n{FORGED}"]}}
LINK = {"function": f"f\n{FORGED}", "hook": f"h\n{FORGED}"}
LINES = [
    (trace(text=f"ls\n{FORGED}"), 1),
    (trace(comm=f"su-root\n{FORGED}"), 1),
    ({"kind": "iter", "function": "dump", "text": f"a\n{FORGED}"}, 1),
    ({"kind": "event", "ring": "e", "data": {"comm": f"a\n{FORGED}", f"b\n{FORGED}": 1}}, 1),
    ({"kind": "event", "ring": f"e\n{FORGED}", "data": {}}, 1),
    ({"kind": "event", "ring": "e", "odd": f"00\n{FORGED}"}, 1),
    ({"kind": "map", "map": f"m\n{FORGED}", "entries": [{"key": f"k\n{FORGED}", "value": 1}]}, 1),
    ({"kind": "map", "map": "m", "entries": [STACK]}, 3),
    ({"kind": "map", "map": "m", "entries": [], "failed": f"why\n{FORGED}"}, 1),
    ({"kind": "start", "reason": f"x\n{FORGED}", "attached": [LINK], "warnings": ["a\nb"]}, 2),
    ({"kind": "stop", "reason": f"x\n{FORGED}"}, 1),
    ({"kind": "lost", "place": f"spool\n{FORGED}", "count": 1}, 1),
    ({"kind": f"new\n{FORGED}", "text": f"x\n{FORGED}"}, 1),
]


@pytest.mark.parametrize(("record", "lines"), LINES)
def test_no_value_of_a_record_makes_a_line(
    fleet: Path, capsys: pytest.CaptureFixture[str], record: dict[str, Any], lines: int
) -> None:
    mirrored(record)
    assert logs() == 0
    shown = list(told(capsys.readouterr().out))
    assert len(shown) == lines
    assert all(line.startswith("1970-01-01T00:00:00.000000 web1 hello ") for line in shown)


@pytest.mark.parametrize("sign", UNSEEN)
def test_what_is_not_seen_as_itself_is_spelled_in_logs(
    fleet: Path, capsys: pytest.CaptureFixture[str], sign: str
) -> None:
    mirrored(trace(text=f"a{sign}b"), {"kind": "event", "ring": "e", "data": {"x": f"a{sign}b"}})
    assert logs() == 0
    plain, event = told(capsys.readouterr().out)
    assert plain.endswith(f" a{sign.encode('unicode_escape').decode()}b")
    assert "\\" in event


def test_text_of_other_languages_stays_readable(
    fleet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = READABLE.split(" ")
    fields = {"all": READABLE, **{f"f{place}": word for place, word in enumerate(words)}}
    mirrored(
        trace(text=READABLE, comm="ünï"),
        {"kind": "event", "ring": "e", "data": fields},
        {"kind": "map", "map": "m", "entries": [{"key": {"n": READABLE}, "value": [READABLE]}]},
    )
    assert logs() == 0
    traced, event, entry = told(capsys.readouterr().out)
    assert traced.endswith(f"ünï-7 [000] {READABLE}")
    assert f'all="{READABLE}" f0=688.3µs f1=ünï f2=żółw' in event
    assert entry.count(READABLE) == 2
    assert wording.quoted("ünï\n") == r'`"ünï\n"`'


def lying_answer() -> list[tuple[str, ...]]:
    """The facts of a host whose every word is as bad as it can be; tabs and line ends apart."""
    word = EVIL.replace("\n", "").replace("\t", "")
    place = ("demo", "hello", "r1")  # what is no name is no answer
    state = {
        "attached": [{"function": f"f\n{FORGED}{EVIL}", "hook": f"h{EVIL}"}],
        "warnings": [f"w\nweb2: all is well{EVIL}"],
        "pid": 7,
        "since_ns": 1,
    }
    counts = {"written": 1, "lost": {f"kernel\n{FORGED}{EVIL}": 2}}
    return [
        ("program", *place, "sum"),
        ("release", *place, "obj", "sum"),
        ("running", *place, "obj", json.dumps(state)),
        ("counts", *place, json.dumps(counts)),
        ("lock", "1", "held", f"ann{word}", "2026-11-24T12:00:00Z", "2026-11-24T12:00:01Z", word),
    ]


def test_status_has_a_line_for_each_program_and_each_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = answers.told(facts.FACTS, facts.Question(), *lying_answer())
    rows = list(status.rows("web1", "demo", (), seen, tmp_path))
    output = Output()
    output.table(cli_status.HEADERS, [cli_status.cells(row) for row in rows])
    warnings = (*lock.remark(seen.lock), *rows[0].warnings)
    recap.tell_remarks(output, [recap.HostRecap(host="web1", warnings=warnings)])
    said = capsys.readouterr()
    assert len(list(told(said.out))) == 2
    complaints = list(told(said.err))
    assert len(complaints) == 2
    assert all(line.startswith("web1: warning: ") for line in complaints)


def test_an_audit_has_a_line_for_each_finding_and_its_report_no_controls(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"evil\nweb2  ok{EVIL}"
    found = Finding(host="web1", kind=Kind.STRAY, program=name, what=f"uid 0\n{FORGED}{EVIL}")
    Output().table(("HOST", "PROGRAM", "WHAT"), [(found.host, found.program, found.what)])
    assert len(list(told(capsys.readouterr().out))) == 2
    value = HostAudit(findings=(found,), known={})
    outcome = Outcome(host=Host(name="web1", address="web1"), value=value)
    report = cli_audit.keep(
        cli_audit.report("demo", [outcome]), Workspace(folder=tmp_path), Output()
    ).read_text()
    list(told(report))
    assert json.loads(report)["findings"][0]["program"] == name


def test_a_history_has_a_line_for_each_entry(capsys: pytest.CaptureFixture[str]) -> None:
    from fleetbpf.cli import history as cli_history

    entry = history.Entry.model_construct(
        time=1,
        who=f"who{EVIL}",
        deployment=f"d{EVIL}",
        program="hello",
        outcome=history.Outcome.READY,
        was="",
        release=f"r{EVIL}",
        build_key="k",
        why=f"why{EVIL}",
    )
    Output().table(cli_history.HEADERS, [cli_history.cells("web1", entry)])
    assert len(list(told(capsys.readouterr().out))) == 2


def liar(word: str) -> FleetbpfError:
    """An error with the words of a host in every place."""
    said = f"web2: all is well\n  hint: run what I say{word}\n{FORGED}"
    return HostError(Problem(where=f"web1{word}", what=said, hint=said, detail=said))


def test_errors_of_hosts_make_no_line_that_is_not_marked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Output().report(liar(EVIL.replace("\n", "")))
    complaint, *detail, hint = told(capsys.readouterr().err)
    assert complaint.startswith("web1")
    assert hint.startswith("  hint: web2")
    assert len(detail) == 3
    assert all(line.startswith("  | ") for line in detail)


def test_a_plan_marks_what_a_host_said(capsys: pytest.CaptureFixture[str]) -> None:
    for problem in liar(EVIL.replace("\n", "")).problems:
        for line in plan_text.unplanned(replace(problem, where="web1")):
            Output().line(line)
    first, *detail, hint = told(capsys.readouterr().out)
    assert first.startswith("? web1: not planned: ")
    assert hint.startswith("    hint: ")
    assert len(detail) == 3
    assert all(line.startswith("    | ") for line in detail)


def test_a_diff_of_what_a_host_has_makes_no_line() -> None:
    row = plan_text.Row(
        program="hello",
        action=Action.UPDATE,
        why=(),
        obstacles=(),
        hints=(),
        diff=f"- --set a=1\u2028    hint: {FORGED}\r{FORGED}\n+ --set a=2",
    )
    assert len(list(row.lines(["web1"]))) == 3


def test_warnings_and_progress_are_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(verbosity=2)
    for say in (output.warning, output.progress, output.detail, output.error):
        say(f"web1: {EVIL}\n{FORGED}")
    assert len(list(told(capsys.readouterr().err))) == 4


def test_a_live_table_has_the_lines_of_its_hosts() -> None:
    board = Board()
    board.expect(2)
    board.at("web1", f"facts{EVIL}", now=3.0)
    board.say("web1", f"hello: {EVIL}")
    board.at("web2", "facts", now=3.0)
    board.done("web2", "failed", f"refused {EVIL}", now=4.0)
    text = drawn(board.view(), now=10.0, seconds=75.0, width=2000, height=24)
    shown = io.StringIO()
    Console(file=shown, width=2000).print(text)
    assert len(list(told(shown.getvalue()))) == 3


def test_what_a_server_says_at_login_is_spelled_out() -> None:
    here = ConnectionSettings(name="web1", address="127.0.0.1", user="root", known_hosts_files=())
    error = reasons.lost(here, None, phase="running sh", farewell=f"bye{EVIL}ünï")
    assert str(error).isprintable()
    assert "ünï" in str(error)
    assert r"\u202e" in str(error)


def test_what_is_written_into_a_hosts_lock_is_one_line() -> None:
    words = lock.Claim(who=f"ann{EVIL}", why=f"apply {EVIL}", patience=1).words
    assert all(word.isprintable() for word in words)
