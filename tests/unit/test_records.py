"""Records: segments read back as a person or a program wants them."""

import json
from pathlib import Path

from fleetbpf.records.records import Reader, as_json, lines, timestamp

OFFSET = 1_700_000_000_000_000_000


def segment(folder: Path, number: int, *records: object, tail: str = "") -> Path:
    header = {"fleetbpf": 1, "segment": number, "clock_offset_ns": OFFSET, "start_ns": 1}
    place = folder / "web1" / "demo" / "hello" / "r1"
    place.mkdir(parents=True, exist_ok=True)
    file = place / f"{number:08d}.log"
    file.write_text("".join(json.dumps(r) + "\n" for r in (header, *records)) + tail)
    return file


def release(folder: Path, name: str, *records: object, boot: str = "b1") -> None:
    """A release of one segment."""
    header = {"fleetbpf": 1, "boot_id": boot, "clock_offset_ns": OFFSET, "start_ns": 1}
    place = folder / "web1" / "demo" / "hello" / name
    place.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(r) + "\n" for r in (header, *records))
    (place / f"{len(list(place.iterdir())) + 1:08d}.log").write_text(text)


def start(time: int) -> dict[str, object]:
    return {"time": time, "kind": "start", "reason": "first", "pid": 9, "attached": []}


def event(time: int, number: int) -> dict[str, object]:
    return {"time": time, "kind": "event", "ring": "events", "data": {"number": number}}


def handoff(time: int, *, since: int, at: int) -> dict[str, object]:
    fields = {"kind": "handoff", "from": "r1", "since": since, "at": at, "exact": True}
    return {"time": time, **fields}


def marked(logs: Path) -> list[object]:
    """The numbers of events, and the texts of lines, that the release before told as well."""
    found = [record for record in Reader(logs=logs, host="web1").news() if record.overlap]
    return [r.fields.get("text") or r.fields["data"]["number"] for r in found]


def trace(time: int, text: str) -> dict[str, object]:
    return {"time": time, "kind": "trace", "cpu": 1, "pid": 7, "comm": "sh", "text": text}


def texts(logs: Path) -> list[str]:
    reader = Reader(logs=logs, host="web1")
    return [line for record in reader.news() for line in lines(record)]


def test_a_trace_record_is_a_line_with_its_wall_clock_time(tmp_path: Path) -> None:
    segment(tmp_path, 1, trace(5_000_001_000, "exec /bin/true"))
    assert texts(tmp_path) == [
        "2023-11-14T22:13:25.000001 web1 hello sh-7 [001] exec /bin/true",
    ]


def test_a_clock_that_is_set_moves_the_times_after_it(tmp_path: Path) -> None:
    moved = {"time": 20, "kind": "clock", "clock_offset_ns": OFFSET + 3_600_000_000_000}
    segment(tmp_path, 1, trace(10, "before"), moved, trace(30, "after"))
    segment(tmp_path, 2, trace(40, "in the next"))
    found = [line.split(".")[0] for line in texts(tmp_path) if "clock" not in line]
    assert found == ["2023-11-14T22:13:20", "2023-11-14T22:13:20", "2023-11-14T23:13:20"]


def test_what_comes_before_a_handoff_is_marked(tmp_path: Path) -> None:
    release(tmp_path, "r2", start(10), event(11, 1), handoff(20, since=5, at=15), event(21, 2))
    found = {r.kind: r for r in Reader(logs=tmp_path, host="web1").news() if r.overlap}
    assert list(found) == ["event"]
    assert as_json(found["event"])["overlap"] == "r1"
    assert next(iter(lines(found["event"]))).endswith("hello (told by r1 too) events number=1")


def test_of_lines_their_own_time_decides(tmp_path: Path) -> None:
    release(
        tmp_path,
        "r2",
        *(start(10), trace(14, "early"), trace(15, "late")),
        *(handoff(20, since=5, at=15), trace(21, "on")),
    )
    assert marked(tmp_path) == ["early"]


def test_a_handoff_is_for_all_starts_since_the_other_release_spoke(tmp_path: Path) -> None:
    release(tmp_path, "r2", start(10), event(11, 1))
    release(tmp_path, "r2", event(12, 2), start(13), event(14, 3), handoff(20, since=5, at=15))
    assert marked(tmp_path) == [1, 2, 3]


def test_what_a_release_told_when_it_ran_before_is_not_marked(tmp_path: Path) -> None:
    release(tmp_path, "r2", start(1), event(2, 1), event(8, 2))
    release(tmp_path, "r2", event(11, 3), start(12), event(13, 4), handoff(20, since=5, at=15))
    assert marked(tmp_path) == [4]


def test_another_boot_is_no_part_of_a_handoff(tmp_path: Path) -> None:
    release(tmp_path, "r2", start(10), event(11, 1), boot="b0")
    release(tmp_path, "r2", start(10), event(12, 2), handoff(20, since=5, at=15))
    assert marked(tmp_path) == [2]


def test_a_start_that_was_read_before_counts_for_a_handoff(tmp_path: Path) -> None:
    release(tmp_path, "r2", start(10), event(11, 1))
    reader = Reader(logs=tmp_path, host="web1")
    reader.news()
    release(tmp_path, "r2", event(12, 2), handoff(20, since=5, at=15))
    assert [record.overlap for record in reader.news()] == ["r1", ""]


def test_records_of_several_segments_come_in_the_order_of_time(tmp_path: Path) -> None:
    segment(tmp_path, 1, trace(30, "c"), trace(10, "a"))
    segment(tmp_path, 2, trace(20, "b"))
    assert [line[-1] for line in texts(tmp_path)] == ["a", "b", "c"]


def test_a_record_cut_by_a_kill_is_told_as_lost_and_never_shown(tmp_path: Path) -> None:
    segment(tmp_path, 1, trace(10, "a"), tail='{"time":11,"kind":"tra')
    segment(tmp_path, 2, trace(20, "b"))
    shown = texts(tmp_path)
    assert shown[1].endswith("-- LOST 1, cut off by a kill after 22 bytes")
    assert [line[-1] for line in shown] == ["a", "s", "b"]


def test_an_unfinished_line_of_the_last_segment_waits_for_its_end(tmp_path: Path) -> None:
    file = segment(tmp_path, 1, trace(10, "a"), tail='{"time":11,"kind":"trace","text":')
    reader = Reader(logs=tmp_path, host="web1")
    assert len(reader.news()) == 1
    assert reader.news() == []
    with file.open("a") as more:
        more.write('"b","pid":1,"comm":"x","cpu":0}\n')
    (record,) = reader.news()
    assert (record.fields["text"], record.time_ns) == ("b", OFFSET + 11)


def test_a_damaged_line_does_not_hide_the_others(tmp_path: Path) -> None:
    segment(tmp_path, 1, trace(10, "a"), "no object", trace(12, "b"))
    assert [record.kind for record in Reader(logs=tmp_path, host="web1").news()] == [
        "trace",
        "torn",
        "trace",
    ]


def test_a_message_of_several_lines_stays_one_record(tmp_path: Path) -> None:
    segment(tmp_path, 1, trace(10, "one\ntwo"))
    assert [line[-7:] for line in texts(tmp_path)] == ["one\ntwo"]


def test_starts_losses_maps_and_stops_are_told_in_words(tmp_path: Path) -> None:
    link = {"function": "f", "hook": "tp_btf/x"}
    segment(
        tmp_path,
        1,
        {"time": 1, "kind": "start", "reason": "reboot", "pid": 9, "attached": [link]},
        {"time": 1, "kind": "start", "reason": "restart", "pid": 8, "warnings": ["no clock"]},
        {"time": 2, "kind": "lost", "place": "kernel", "count": 3, "since": 1},
        {"time": 2, "kind": "lost", "place": "loader", "why": "not understood", "count": 2},
        {"time": 3, "kind": "map", "map": "calls", "entries": [{"key": "sh", "value": 4}]},
        {"time": 4, "kind": "stop", "reason": "SIGTERM", "written": 5, "lost": 3},
    )
    assert [line.split(" hello ")[1] for line in texts(tmp_path)] == [
        "-- started (reboot), pid 9: f on tp_btf/x",
        "-- started (restart), pid 8: ",
        "-- warning: no clock",
        "-- LOST 3 in the kernel",
        "-- LOST 2 in the loader, not understood",
        "calls[sh] = 4",
        "-- stopped (SIGTERM): 5 written, 3 lost",
    ]


def test_an_event_is_one_line_of_names_and_values(tmp_path: Path) -> None:
    fields = {"pid": 7, "comm": "a b", "args": ["x", 1], "flag": True, "name": "sh", "odd": 'a"='}
    event = {"time": 1, "kind": "event", "ring": "execs"}
    segment(
        tmp_path,
        1,
        {**event, "data": fields},
        {**event, "data": {"pid": 1}, "rest": "00ff"},
        {**event, "odd": "0102"},
    )
    assert [line.split(" hello ")[1] for line in texts(tmp_path)] == [
        r'execs pid=7 comm="a b" args=["x",1] flag=true name=sh odd="a\"="',
        "execs pid=1 -- and 00ff",
        "execs -- no such struct: 0102",
    ]


def test_an_event_without_printable_text_stays_in_its_line(tmp_path: Path) -> None:
    fields = {"comm": "a\n\x1b[2J", "empty": ""}
    segment(tmp_path, 1, {"time": 1, "kind": "event", "ring": "e", "data": fields})
    assert texts(tmp_path)[0].endswith(r'e comm="a\n\u001b[2J" empty=""')


def test_events_in_a_segment_that_the_host_removed_count(tmp_path: Path) -> None:
    segment(tmp_path, 1, {"time": 1, "kind": "event", "ring": "e", "data": {}})
    segment(tmp_path, 3, removed(1, 1), removed(2, 7))
    assert texts(tmp_path)[-1].endswith("-- LOST 7 in the spool")


def removed(segment: int, count: int) -> dict[str, object]:
    return {
        "time": 9,
        "kind": "lost",
        "place": "spool",
        "count": count,
        "since": 1,
        "segment": segment,
    }


def test_a_segment_that_the_host_removed_counts_as_lost_only_as_far_as_we_lack_it(
    tmp_path: Path,
) -> None:
    segment(tmp_path, 1, trace(1, "a"), trace(2, "b"))
    segment(tmp_path, 3, removed(1, 2), removed(2, 7))
    assert [line.split(" hello ")[1] for line in texts(tmp_path)[2:]] == ["-- LOST 7 in the spool"]


def test_a_removed_segment_of_which_we_hold_a_part_counts_the_rest(tmp_path: Path) -> None:
    segment(tmp_path, 1, trace(1, "a"), tail='{"time":2,"kind":"trace","te')
    segment(tmp_path, 3, removed(1, 5))
    assert texts(tmp_path)[-1].endswith("-- LOST 4 in the spool")


def test_a_record_as_json_is_flat_and_exact(tmp_path: Path) -> None:
    segment(tmp_path, 1, trace(123, "x"))
    (record,) = Reader(logs=tmp_path, host="web1").news()
    told = as_json(record)
    assert told["time"] == "2023-11-14T22:13:20.000000123Z"
    assert (told["host"], told["release"], told["text"]) == ("web1", "r1", "x")


def test_times_keep_every_nanosecond() -> None:
    assert timestamp(1_999_999_999, digits=9) == "1970-01-01T00:00:01.999999999"


def test_numbers_of_a_unit_are_written_with_it_for_people_only(tmp_path: Path) -> None:
    data = {"took": 1_500_000, "inner": {"sizes": [512, 4096]}, "size": 4096}
    file = segment(tmp_path, 1, {"time": 1, "kind": "event", "ring": "events", "data": data})
    units = {"events": {"took": "duration", "inner.sizes": "bytes"}}
    first, rest = file.read_text().split("\n", 1)
    file.write_text(json.dumps({**json.loads(first), "units": units}) + "\n" + rest)
    (record,) = Reader(logs=tmp_path, host="web1").news()
    assert as_json(record)["data"] == data
    (line,) = lines(record)
    assert line.endswith('events took=1.5ms inner={"sizes":["512B","4.0KiB"]} size=4096')


def test_one_of_several_structs_is_told_by_its_name(tmp_path: Path) -> None:
    event = {"time": 1, "kind": "event", "ring": "events", "struct": "exit", "data": {"code": 1}}
    segment(tmp_path, 1, event)
    assert texts(tmp_path)[0].endswith(" hello exit code=1")
