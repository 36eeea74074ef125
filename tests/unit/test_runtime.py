"""The loader's C parts that need no kernel, under the sanitizers."""

import json
import random
import struct
from pathlib import Path

import pytest

from fleetbpf.model.hook import EVENTS
from fleetbpf.model.record import Kind, weight
from tests.unit.sanitized import ask, compile_objects, link_driver

CASES = Path(__file__).parents[1] / "cases" / "runtime"
LINES = json.loads((CASES / "trace_lines.json").read_text())
PREFIX = "              sh-121     [000] d..21    31.813279: bpf_trace_printk: "


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("driver")
    return link_driver(folder, compile_objects(folder))


@pytest.mark.parametrize("case", LINES, ids=lambda case: case["name"])
def test_a_line_of_trace_pipe_is_understood(driver: Path, case: dict[str, object]) -> None:
    line = str(case["line"]).encode() + b"\n"
    assert json.loads(ask(driver, "line", stdin=line)) == case["is"]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (b"", ""),
        (b"plain", "plain"),
        (b'"\\\n\t\r\x00\x1f\x7f', '"\\\n\t\r\x00\x1f\x7f'),
        ("żółw 🐢".encode(), "żółw 🐢"),
        (b"\xff\xfe", "\xff\xfe"),
        (b"\xc5", "\xc5"),
        (b"\xc0\x80", "\xc0\x80"),
        (b"\xe0\x80\x80", "\xe0\x80\x80"),
        (b"\xed\xa0\x80", "\xed\xa0\x80"),
        (b"\xf4\x90\x80\x80", "\xf4\x90\x80\x80"),
        (b"\xf0\x9f\x90", "\xf0\x9f\x90"),
        (bytes(range(256)), "".join(chr(n) for n in range(256))),
    ],
)
def test_any_bytes_become_a_json_string(driver: Path, given: bytes, text: str) -> None:
    quoted = ask(driver, "quote", stdin=given)
    assert json.loads(quoted) == text
    assert all(byte >= 0x20 for byte in quoted.rstrip(b"\n"))


def records(output: bytes) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.decode().splitlines()]


@pytest.mark.parametrize("piece", ["1", "7", "100000"])
def test_messages_are_the_same_however_the_pipe_is_cut(
    driver: Path, tmp_path: Path, piece: str
) -> None:
    pipe = (
        f"{PREFIX}fb@abcdefgh: one\n{PREFIX}fb@abcdefgh: two\nlines\n"
        f"{PREFIX}fb@abcdefgh: three\n\n{PREFIX}fb@abcdefgh: \n"
    )
    said = records(ask(driver, "feed", tmp_path, piece, "fb@abcdefgh: ", stdin=pipe.encode()))
    assert [record["text"] for record in said] == ["one", "two\nlines", "three", ""]


def test_a_line_without_our_label_belongs_to_the_message_before(
    driver: Path, tmp_path: Path
) -> None:
    pipe = f"{PREFIX}fb@abcdefgh: one\n{PREFIX}forged\n"
    said = records(ask(driver, "feed", tmp_path, "9", "fb@abcdefgh: ", stdin=pipe.encode()))
    assert [record["text"] for record in said] == [f"one\n{PREFIX}forged"]


def test_a_loss_is_believed_as_far_as_the_buffers_own_count_goes(
    driver: Path, tmp_path: Path
) -> None:
    stats = tmp_path / "per_cpu" / "cpu0" / "stats"
    stats.parent.mkdir(parents=True)
    stats.write_text("entries: 5\noverrun: 7\ncommit overrun: 0\n")
    loss, false = "CPU:0 [LOST 4 EVENTS]\n", "CPU:0 [LOST 1000 EVENTS]\n"
    unknown = "CPU:0 [LOST EVENTS]\n"
    pipe = f"{PREFIX}one\n{loss}{PREFIX}two\n{false}{PREFIX}three\n{unknown}{PREFIX}four\n{unknown}"
    said = records(ask(driver, "feed", tmp_path, "50", "", stdin=pipe.encode()))
    told = [record.get("text", record.get("count")) for record in said]
    assert told == ["one", 4, f"two\n{false[:-1]}", "three", 3, f"four\n{unknown[:-1]}"]


OURS = f"{PREFIX}fb@abcdefgh: "
BARE_PREFIX = PREFIX.replace("bpf_trace_printk: ", "")


@pytest.mark.parametrize("piece", ["1", "50", "100000"])
@pytest.mark.parametrize(
    ("pipe", "read", "texts", "count"),
    [
        pytest.param("entirely new\n", 1, [], 1, id="a shape of which nothing is known"),
        pytest.param("", 2, [], 2, id="messages without any line"),
        pytest.param(f"{OURS}one\n{PREFIX}two\n", 1, [f"one\n{PREFIX}two"], 0, id="no label"),
        pytest.param(
            f"{OURS}one\n{PREFIX}bpf_string: fb@abcdefgh: two\n{OURS}three\n",
            *(3, ["one", "three"], 1),
            id="fields between messages",
        ),
        pytest.param(
            f"{PREFIX}bpf_string: fb@abcdefgh: one\n lines\n" * 3, 3, [], 3, id="fields alone"
        ),
        pytest.param(
            f"{OURS}one\n{BARE_PREFIX}printk [fb@abcdefgh: two\n]\n",
            *(2, ["one"], 1),
            id="another event's name",
        ),
        pytest.param(f"{OURS}one\n => f\n", 1, ["one\n => f"], 0, id="a stack after a message"),
        pytest.param(f"   a\nb{OURS[15:]}one\n", 1, ["one"], 0, id="a name with a newline"),
    ],
)
def test_what_is_not_understood_is_counted(
    driver: Path, tmp_path: Path, *, pipe: str, read: int, texts: list[str], count: int, piece: str
) -> None:
    stats = tmp_path / "per_cpu" / "cpu0" / "stats"
    stats.parent.mkdir(parents=True)
    stats.write_text(f"entries: 0\noverrun: 0\nread events: {read}\n")
    said = records(ask(driver, "feed", tmp_path, piece, "fb@abcdefgh: ", stdin=pipe.encode()))
    lost = [record for record in said if record["kind"] == "lost"]
    assert [record["text"] for record in said if record["kind"] == "trace"] == texts
    assert sum(int(str(record["count"])) for record in lost) == count
    assert {(record["place"], record["why"]) for record in lost} <= {("loader", "not understood")}


@pytest.mark.parametrize("batch", ["1", "10", "5000"])
def test_segments_stay_within_the_limit_and_count_what_went(
    driver: Path, tmp_path: Path, batch: str
) -> None:
    spool = tmp_path / "a" / "spool"
    ask(driver, "spool", spool, "40000", "5000", batch)
    segments = sorted(spool.iterdir())
    assert sum(path.stat().st_size for path in segments) <= 40000
    said = [json.loads(line) for path in segments for line in path.read_text().splitlines()]
    kept = [record for record in said if record.get("kind") == "trace"]
    lost = sum(int(record["count"]) for record in said if record.get("kind") == "lost")
    assert [int(record["text"]) for record in kept] == list(range(5001 - len(kept), 5001))
    assert len(kept) + lost == 5000


@pytest.mark.parametrize("batch", ["1", "10", "5000"])
def test_counts_go_on_over_segments_and_starts(driver: Path, tmp_path: Path, batch: str) -> None:
    spool = tmp_path / "spool"
    ask(driver, "spool", spool, "40000", "5000", batch)
    with max(spool.iterdir()).open("a") as newest:
        newest.write('{"time":1,"kind":"lost","place":"kernel","count":40,"since":1}\n{"torn')
    counts = json.loads(ask(driver, "spool", spool, "40000", "3", "3"))
    assert counts["written"] == 5003
    assert counts["lost"] == {"kernel": 40, "limit": 0, "loader": 1, "spool": 0}
    assert counts["killed"] == 1
    segments = sorted(spool.iterdir())
    assert counts["first"] == int(segments[0].stem)
    kept = sum(path.read_text().count('"kind":"trace"') for path in segments)
    assert counts["removed"] + kept == 5003


def test_each_start_opens_the_next_segment(driver: Path, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    ask(driver, "spool", spool, "1000000", "3", "3")
    (spool / "00000001.log").open("a").close()
    assert json.loads(ask(driver, "spool", spool, "1000000", "3", "3"))["previous"] == 1
    with (spool / "00000002.log").open("a") as segment:
        segment.write('{"time":1,"kind":"stop","reason":"SIGTERM","written":3,"lost":0}\n')
    assert json.loads(ask(driver, "spool", spool, "1000000", "3", "3"))["stopped"] is True
    assert sorted(path.name for path in spool.iterdir()) == [
        f"0000000{number}.log" for number in (1, 2, 3)
    ]


@pytest.mark.parametrize("kind", [*(kind for kind in Kind if kind is not Kind.TORN), "tomorrow"])
def test_each_kind_of_record_weighs_the_same_in_both_languages(driver: Path, kind: str) -> None:
    line = json.dumps({"time": 1, "kind": kind, "count": 3}, separators=(",", ":")) + "\n"
    assert int(ask(driver, "weigh", stdin=line.encode())) == weight(kind, {"count": 3})


def test_a_loss_record_weighs_what_it_counts(driver: Path) -> None:
    lines = [
        '{"fleetbpf":1,"segment":1}',
        '{"time":1,"kind":"start","reason":"first"}',
        '{"time":2,"kind":"trace","text":"a,\\"kind\\":\\"lost\\",\\"count\\":50"}',
        '{"time":3,"kind":"lost","place":"kernel","count":40,"since":1}',
        '{"time":4,"kind":"map","map":"m","entries":[]}',
        '{"time":5,"kind":"stop","written":1,"lost":0}',
        '{"time":6,"kind":"trace","text":"torn',
    ]
    assert ask(driver, "weigh", stdin="\n".join(lines).encode()) == b"42\n"


@pytest.mark.parametrize(
    ("text", "place", "name", "offset"),
    [
        ("tracepoint/syscalls/sys_enter_execve", "syscalls", "sys_enter_execve", 0),
        ("tp/sched/sched_switch", "sched", "sched_switch", 0),
        ("raw_tp/sys_enter", "", "sys_enter", 0),
        ("tp_btf/sched_switch", "", "sched_switch", 0),
        ("kprobe/do_unlinkat+0x10", "", "do_unlinkat", 16),
        ("kretprobe/do_unlinkat", "", "do_unlinkat", 0),
        ("fexit/do_unlinkat", "", "do_unlinkat", 0),
        ("uprobe//usr/bin/a b:main", "/usr/bin/a b", "main", 0),
        ("uprobe/usr/bin/x:main+8", "/usr/bin/x", "main", 8),
        ("uprobe/libc.so.6:malloc", "libc.so.6", "malloc", 0),
        ("uprobe//x:y:main", "/x:y", "main", 0),
        ("uretprobe//x:0x1234", "/x", "", 0x1234),
        ("raw_tp.w/nbd_send_request", "", "nbd_send_request", 0),
        ("ksyscall/openat", "", "openat", 0),
        ("kretsyscall/openat", "", "openat", 0),
        ("kprobe.multi/vfs_*", "", "vfs_*", 0),
        ("kretprobe.multi/vfs_?ead", "", "vfs_?ead", 0),
    ],
)
def test_a_hook_is_taken_apart(driver: Path, text: str, place: str, name: str, offset: int) -> None:
    parsed = json.loads(ask(driver, "hook", text))
    assert (parsed["place"], parsed["name"], parsed["offset"]) == (place, name, offset)


@pytest.mark.parametrize(
    "text",
    [
        *("", "tracepoint", "tracepoint/", "tracepoint/a", "tracepoint/a/", "tracepoint/a/b/c"),
        *("raw_tp/", "raw_tp/a/b", "kprobe/f+", "kprobe/f+x", "kprobe/+1", "uprobe/x", "uprobe/:f"),
        *("usdt//x", "usdt//x:a", "usdt/:a:b", "usdt//x::b", "usdt//x:a:", "usdt/::"),
        *("perf_event/cycles", "perf_event/cycles@", "perf_event/cycles@0", "perf_event/@9"),
        *("perf_event/cycles@100001", "perf_event/cycles@x", "ksyscall/", "kprobe.multi/"),
        *("xdp/eth0@hw", "xdp/a/b", "xdp/" + "i" * 16, "tc/eth0", "tc/eth0/up", "tcx/ingress"),
        *("netfilter/ipv4", "netfilter/ipv4/local_in@x", "iter/task@1", "iter/task@0s"),
        *("cgroup/connect4", "cgroup/connect4/", "cgroup/nothing/x", "uprobe//x:@1"),
        *("uprobe//x:", "xdp/", "tracepoint/a/" + "b" * 300, "x" * 600),
    ],
)
def test_a_hook_in_no_known_shape_is_refused_with_a_cure(driver: Path, text: str) -> None:
    problem = json.loads(ask(driver, "hook", text))
    assert problem["message"].startswith("hook ")
    assert problem["hint"]


@pytest.mark.parametrize(
    ("text", "path", "provider", "name"),
    [
        ("usdt//opt/a:b:python:gc__start", "/opt/a:b", "python", "gc__start"),
        ("usdt/usr/bin/x:p:n", "/usr/bin/x", "p", "n"),
        ("usdt/libc.so.6:libc:setjmp", "libc.so.6", "libc", "setjmp"),
    ],
)
def test_the_last_two_colons_divide_a_usdt_probe(
    driver: Path, text: str, path: str, provider: str, name: str
) -> None:
    parsed = json.loads(ask(driver, "hook", text))
    assert (parsed["place"], parsed["provider"], parsed["name"]) == (path, provider, name)


def test_a_perf_event_has_a_frequency(driver: Path) -> None:
    parsed = json.loads(ask(driver, "hook", "perf_event/cpu-clock@49"))
    assert (parsed["name"], parsed["frequency"]) == ("cpu-clock", 49)


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("uprobe//bin/x:main@12", "pid", 12),
        ("uprobe//bin/x:main", "pid", -1),
        ("uretprobe//bin/x:main@12", "pid", 12),
        ("usdt//bin/x:p:n@12", "pid", 12),
        ("uprobe//bin/x:f@GLIBC_2.2.5", "name", "f@GLIBC_2.2.5"),
        ("uprobe//bin/x:0x10@12", "offset", 16),
        ("iter/task@0.5s", "every", 500_000_000),
        ("iter/task", "every", 10_000_000_000),
        ("iter/bpf_map_elem:counts@2s", "provider", "counts"),
        ("xdp/eth0@skb", "mode", 2),
        ("xdp/eth0@native", "mode", 4),
        ("xdp/eth0", "mode", 0),
        ("tc/eth0/egress", "provider", "egress"),
        ("classifier/eth0/ingress", "kind", "tc"),
        ("netfilter/ipv4/local_in@-100", "priority", -100),
        ("netfilter/ipv6/forward", "name", "forward"),
        ("cgroup/connect4//sys/fs/cgroup/a b", "place", "/sys/fs/cgroup/a b"),
        ("cgroup/sock/a", "kind", "cgroup/sock_create"),
        ("lsm_cgroup/socket_bind//sys/fs/cgroup", "name", "socket_bind"),
        ("sk_lookup//proc/1/ns/net", "place", "/proc/1/ns/net"),
        ("fentry.s/do_unlinkat", "kind", "fentry.s"),
    ],
)
def test_a_hook_of_its_kind_has_what_belongs_to_it(
    driver: Path, text: str, field: str, value: object
) -> None:
    assert json.loads(ask(driver, "hook", text))[field] == value


def test_manifest_and_loader_know_the_same_events(driver: Path) -> None:
    assert tuple(ask(driver, "events").decode().split()) == EVENTS


AVAILABLE = "vfs_read\nvfs_write\nsame\nvfs_alias\nvfs_later [module]\n"
SYMBOLS = """\
ffffffff81000010 T vfs_write
ffffffff81000020 T vfs_notrace
ffffffff81000030 D vfs_read
ffffffff81000000 T vfs_read
ffffffff81000000 t vfs_alias
ffffffff81000040 t same
ffffffff81000050 t same
ffffffffc0000000 t vfs_later\t[module]
not a line
"""


@pytest.mark.parametrize(
    ("glob", "found"),
    [
        ("vfs_write", "ffffffff81000010"),
        ("vfs_*", "ffffffff81000000 ffffffff81000010 ffffffffc0000000"),
        ("vfs_?ead", "ffffffff81000000"),
        ("same", "ffffffff81000040 ffffffff81000050"),
        ("vfs_notrace", "No such file or directory"),
        ("none*", "No such file or directory"),
    ],
)
def test_a_glob_finds_the_functions_that_can_be_probed(
    driver: Path, tmp_path: Path, glob: str, found: str
) -> None:
    available, symbols = tmp_path / "available", tmp_path / "symbols"
    available.write_text(AVAILABLE)
    symbols.write_text(SYMBOLS)
    assert ask(driver, "functions", glob, available, symbols).decode().strip() == found


def test_a_kernel_that_hides_its_addresses_or_its_functions_is_told(
    driver: Path, tmp_path: Path
) -> None:
    available, symbols = tmp_path / "available", tmp_path / "symbols"
    available.write_text("f\n")
    symbols.write_text("0000000000000000 T f\n")
    hidden = ask(driver, "functions", "f", available, symbols)
    assert hidden.decode().strip() == "Operation not permitted"
    absent = ask(driver, "functions", "f", tmp_path / "none", symbols)
    assert absent.decode().strip() == "No such device"


def test_the_decisive_lines_of_a_log_come_before_its_statistics(driver: Path) -> None:
    log = (
        "0: R1=ctx(off=0,imm=0) R10=fp0\n; return *(int *)x;\n0: (79) r1 = *(u64 *)(r1 +0)\n"
        "1: (61) r0 = *(u32 *)(r1 +0)\nR1 invalid mem access 'scalar'\n"
        "processed 2 insns (limit 1000000)\nmax_states_per_insn 0\n"
    )
    verdict, lines = json.loads(ask(driver, "verifier", stdin=log.encode()))
    assert verdict == "R1 invalid mem access 'scalar'"
    assert lines == log[: log.index("processed")]


def test_the_complaint_comes_before_the_kernels_explanation_of_it(driver: Path) -> None:
    log = (
        "1: (61) r0 = *(u32 *)(r1 +0)\nR1 invalid mem access 'scalar'\n\n"
        "Verification failed: Register Type Safety\n\nSuggestion:\n  Do.\n\nprocessed 2 insns\n"
    )
    verdict, _ = json.loads(ask(driver, "verifier", stdin=log.encode()))
    assert verdict == "R1 invalid mem access 'scalar'"


@pytest.mark.parametrize("log", ["", "\n", "processed 1 insns", "only this"])
def test_a_log_without_statistics_does_no_harm(driver: Path, log: str) -> None:
    verdict, _ = json.loads(ask(driver, "verifier", stdin=log.encode()))
    assert verdict in {"", "only this", "processed 1 insns"}


def test_an_arguments_file_carries_any_word(driver: Path, tmp_path: Path) -> None:
    hook = 'uprobe//it\'s "a" $(path)\\n\n;:f'
    escaped = hook.replace("\\", "\\\\").replace("\n", "\\n")
    (tmp_path / "args").write_text(f"--attach\ng={escaped}\n--attach=h=x\n")
    parsed = json.loads(ask(driver, "options", "--args", tmp_path / "args"))
    assert [(item["function"], item["hooks"]) for item in parsed] == [("g", [hook]), ("h", ["x"])]


def test_options_after_an_attach_belong_to_it(driver: Path) -> None:
    words = ("--attach", "f=a", "--or", "b", "--or", "c", "--optional", "--attach", "g")
    first, second = json.loads(ask(driver, "options", *words, "--unless", "f"))
    assert first == {"function": "f", "optional": True, "unless": "", "hooks": ["a", "b", "c"]}
    assert second == {"function": "g", "optional": False, "unless": "f", "hooks": []}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--nothing"], "unknown option: --nothing"),
        (["--attach"], "--attach wants a value"),
        (["--attach", "=x"], "--attach =x: want FUNCTION=HOOK"),
        (["--attach", "f="], "--attach f=: want FUNCTION=HOOK"),
        (["--or", "x"], "--or belongs to an --attach: write that first"),
        (["--attach", "f", "--or", "x"], "--or x: want --attach f=HOOK before it"),
        (["--optional"], "--optional belongs to an --attach: write that first"),
        (["--unless", "f"], "--unless belongs to an --attach: write that first"),
        (["--check=1"], "--check takes no value"),
        (["--trace-buffer", "-1"], "--trace-buffer -1: want a whole number, not 0"),
        (["--spool-limit", "0"], "--spool-limit 0: want a whole number, not 0"),
        (["--release", "a/b"], "--release a/b: want at most 64 characters, no '/'"),
        (["--args", "/no/such/file"], "--args /no/such/file: No such file or directory"),
    ],
)
def test_a_wrong_word_is_named(driver: Path, words: list[str], message: str) -> None:
    assert json.loads(ask(driver, "options", *words))["message"] == message


def placed(at: int, value: str) -> str:
    """40 bytes of 0xff with the hex `value` at one place."""
    return "ff" * at + value + "ff" * (40 - at - len(value) // 2)


@pytest.mark.parametrize(
    ("way", "value", "bytes_"),
    [
        (".small", "255", placed(0, "ff")),
        (".small", "0x10", placed(0, "10")),
        (".negative", "-32768", placed(2, "0080")),
        (".yes", "true", placed(4, "01")),
        (".yes", "0", placed(4, "00")),
        (".colour", "RED", placed(8, "01000000")),
        (".colour", "GREEN", placed(8, "feffffff")),
        (".colour", "7", placed(8, "07000000")),
        (".text", "abc", placed(12, "61626300")),
        (".text", "", placed(12, "00000000")),
        (".low", "2", placed(16, "fa")),
        (".high", "-16", placed(16, "87")),
        (".inner", "18446744073709551615", placed(24, "ff" * 8)),
        (".list[1][0]", "258", placed(36, "0201")),
        (".list[0][1]", "0", placed(34, "0000")),
    ],
)
def test_a_value_is_put_where_the_way_leads(
    driver: Path, way: str, value: str, bytes_: str
) -> None:
    assert ask(driver, "constant", way, value).decode() == f"{bytes_}\n"


@pytest.mark.parametrize(
    ("way", "value", "message"),
    [
        (".small", "256", "want 0 to 255 (__u8)"),
        (".small", "-1", "want 0 to 255 (__u8)"),
        (".small", "", "want 0 to 255 (__u8)"),
        (".small", "1x", "want 0 to 255 (__u8)"),
        (".negative", "32768", "want -32768 to 32767 (s16)"),
        (".inner", "18446744073709551616", "want 0 to 18446744073709551615 (u64)"),
        (".yes", "perhaps", "want true or false (bool)"),
        (".colour", "BLUE", "want a name of the enum or a number (enum colour)"),
        (".text", "abcd", "want at most 3 bytes (char[4])"),
        (".low", "8", "want 0 to 7 (u32)"),
        (".high", "16", "want -16 to 15 (s32)"),
        (".ratio", "1.5", "want another constant: this type cannot be set (float)"),
        (".list", "1", "want one of its elements: NAME[INDEX]=VALUE (u16[2][2])"),
        ("", "1", "want one of its fields: NAME.FIELD=VALUE (struct all)"),
        (".list[2]", "1", "[2]: it has 2 elements"),
        (".list[1][99999999999999999999]", "1", "[18446744073709551615]: it has 2 elements"),
        (".small[0]", "1", "[0]: it is not an array"),
        (".smal", "1", "struct all has no field smal"),
        (".small.x", "1", "__u8 has no field x"),
        (".list[1", "1", "want a ] after the index"),
        (".list[x]", "1", "want .FIELD or [INDEX], not [x]"),
        ("..", "1", "want .FIELD or [INDEX], not .."),
    ],
)
def test_a_value_that_does_not_fit_is_refused(
    driver: Path, way: str, value: str, message: str
) -> None:
    assert ask(driver, "constant", way, value).decode() == f"{message}\n"


RING = 64  # bytes
BUSY, DISCARDED = 1 << 31, 1 << 30


def ring_of(start: int, *records: tuple[bytes, int]) -> tuple[bytes, int]:
    """A ring with records of these bytes and flags from a position on, and where they end."""
    data, at = bytearray(b"\xee" * RING), start
    for content, flags in records:
        piece = struct.pack("<II", len(content) | flags, 0) + content
        for offset, byte in enumerate(piece):
            data[(at + offset) % RING] = byte
        at += -(-len(piece) // 8) * 8
    return bytes(data), at


@pytest.mark.parametrize(
    ("start", "records", "taken"),
    [
        (0, [], ""),
        (0, [(b"ab", 0), (b"", 0), (b"c" * 8, 0)], "6162. . 6363636363636363. "),
        (48, [(b"0123456789abcdef", 0)], "30313233343536373839616263646566. "),
        (56, [(b"xy", 0)], "7879. "),
        (0, [(b"a", 0), (b"b", DISCARDED), (b"c", 0)], "61. 63. "),
        (640, [(b"a", 0)], "61. "),
        (0, [(b"a" * 56, 0)], "61" * 56 + ". "),
    ],
)
def test_records_are_taken_out_of_a_ring_in_their_order(
    driver: Path, start: int, records: list[tuple[bytes, int]], taken: str
) -> None:
    data, end = ring_of(start, *records)
    said = ask(driver, "ring", str(start), str(end), "1000", stdin=data)
    assert said.decode() == f"{taken}{end}\n"


def test_a_record_that_is_being_written_ends_the_round(driver: Path) -> None:
    data, end = ring_of(0, (b"a", 0), (b"b", BUSY), (b"c", 0))
    assert ask(driver, "ring", "0", str(end), "1000", stdin=data) == b"61. 16\n"


def test_a_round_ends_after_so_many_bytes(driver: Path) -> None:
    data, end = ring_of(0, (b"a", 0), (b"b", 0), (b"c", 0))
    assert ask(driver, "ring", "0", str(end), "17", stdin=data) == b"61. 62. 32\n"


def test_any_bytes_in_a_ring_are_survived(driver: Path) -> None:
    chance = random.Random(7)
    for _ in range(20):
        start = chance.randrange(0, 256, 8)
        end = start + chance.randrange(0, RING + 1, 8)
        ask(driver, "ring", str(start), str(end), "1000", stdin=chance.randbytes(RING))


@pytest.mark.parametrize(
    ("text", "here", "over"),  # here: boot, its clock, the wall's
    [
        ("2000 b1 900\n", ("b1", "600", "1"), "900"),  # whatever the wall's clock says
        ("2000 b1 900\n", ("b2", "10", "1500"), "510"),
        ("2000 b1 900\n", ("b2", "10", "2001"), "10"),
        ("2000 b1 900\n", ("b2", "10", "0"), "710"),  # no clock yet: not longer than at first
        ("2000 b1\n", ("b1", "600", "1"), "none"),
        ("", ("b1", "600", "1"), "none"),
        ("x" * 100 + " b1 900\n", ("b1", "600", "1"), "none"),
    ],
)
def test_a_deadline_holds_over_boots_and_clocks(
    driver: Path, text: str, here: tuple[str, str, str], over: str
) -> None:
    assert ask(driver, "deadline", text, *here, "700").decode().strip() == over
