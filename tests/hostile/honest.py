"""What an honest host says to each script: true answers, for hosts that are simulated."""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence

DEPLOYMENT, PROGRAM = "demo", "hello"
NOW, BEFORE = "r1", "r0"  # its releases
OBJECT = "a" * 64
PLACE = f"{DEPLOYMENT}\t{PROGRAM}"
STATE = {
    "pid": 7,
    "since_ns": 1_700_000_000_000_000_000,
    "attached": [{"function": "say_hello", "hook": "tracepoint/syscalls/sys_enter_execve"}],
    "warnings": ["no trace clock"],
    "capabilities": ["CAP_BPF"],
}
COUNTS = {
    "written": 2,
    "lost": {"kernel": 1, "limit": 0, "loader": 0, "spool": 0},
    "killed": 0,
    "first": 1,
    "removed": 0,
}
ORIGIN = {"id": "demo", "repository": "", "path": "", "file": "/work/m.yml", "who": "ann@desk"}
ABOUT = {"build_key": "k", "inputs": {"flags": "1"}, "limits": {}, "types": []}
FACTS = f"""\
uid\t0
kernel\t6.1.0-32-cloud-amd64
arch\tx86_64
boot_id\tdeadbeef
tracefs\t/sys/kernel/tracing
zstd\tyes
lock\t
changed\t4711 12345 deadbeef
manifest\t{DEPLOYMENT}\t{json.dumps(ORIGIN)}
disk\t1000000\t500000\t4096
unfit\tno-bpffs\t/sys/fs/bpf
object\t{OBJECT}
program\t{PLACE}\t{NOW}\tcafe
release\t{PLACE}\t{BEFORE}\t{OBJECT}\t{OBJECT}
release\t{PLACE}\t{NOW}\t{OBJECT}\t{OBJECT}
args\t{PLACE}\t{NOW}\t--attach\tf=kprobe/x\t--or\ty\t--set\tuid=1\t--spool-limit\t1024
about\t{PLACE}\t{NOW}\t{json.dumps(ABOUT)}
counts\t{PLACE}\t{NOW}\t{json.dumps(COUNTS)}
running\t{PLACE}\t{NOW}\t{OBJECT}\t{json.dumps(STATE)}
orphan\tprocess\t{PLACE}\told\t4711
orphan\tunit\tother\t{PROGRAM}\t\t/etc/systemd/system/fleetbpf-other.{PROGRAM}@.service
"""
SURVEY = """\
hostname\tweb
uid\t0
kernel\t6.1.0
arch\tx86_64
uptime\t1000
cpus_online\t0-3,6
memory_total\t480256
disk\t4096 1000 250
disk_options\trw,relatime
cgroup2\t/sys/fs/cgroup
lsms\tcapability,bpf
perf_event_paranoid\t-1
btf\tyes
interface\teth0
config\tBPF=y
kallsyms\tyes
function\tbpf_probe_register
"""
HISTORY = f"""\
1700000000\tann@desk\t{PLACE}\tready\t\t{BEFORE}\tk0\t
1700000100\tann@desk\t{PLACE}\tready\t{BEFORE}\t{NOW}\tk\t
"""
UNLOCK = "lock\t4711\tstale\tann@desk\t2026-11-24T12:00:00Z\t2026-11-24T12:03:20Z\tapply\nremoved\n"
INSPECT = (
    '{"id":3,"type":"kprobe","name":"sd_devices","tag":"7cc47bbf07148bfe","uid":0,"pids":[1],'
    '"exe":"/sbin/init","genuine":true}\n'
)
MAP = {"time": 5, "kind": "map", "map": "calls", "entries": [{"key": "sh", "value": 4}]}
MAPS = f"""\
placed\t{PLACE}
program\t{DEPLOYMENT}\t{NOW}
{{"clock_offset_ns":1700000000000000000}}
{json.dumps(MAP)}
ended\t0
"""
HEADER = {
    "fleetbpf": 1,
    "segment": 1,
    "deployment": DEPLOYMENT,
    "program": PROGRAM,
    "release": NOW,
    "boot_id": "b",
    "clock_offset_ns": 1_700_000_000_000_000_000,
    "start_ns": 1,
    "units": {"events": {"took": "duration"}},
}
RECORDS: Sequence[Mapping[str, object]] = (
    {"time": 1, "kind": "start", "reason": "first", "pid": 7, "attached": STATE["attached"]},
    {"time": 2, "kind": "trace", "cpu": 1, "pid": 9, "comm": "sh", "text": "hello"},
    {"time": 3, "kind": "event", "ring": "events", "data": {"took": 1500, "name": "a b"}},
    {"time": 4, "kind": "iter", "function": "list", "text": "one"},
    {"time": 5, "kind": "map", "map": "calls", "entries": [{"key": "sh", "value": 4}]},
    {
        "time": 6,
        "kind": "map",
        "map": "sizes",
        "histogram": "log2",
        "entries": [{"key": None, "buckets": [[1, 1, 3], [4, 7, 9]]}],
    },
    {"time": 7, "kind": "lost", "place": "kernel", "count": 3, "since": 2},
    {"time": 8, "kind": "handoff", "from": BEFORE, "since": 1, "at": 2, "exact": True},
    {"time": 9, "kind": "clock", "clock_offset_ns": 1_700_000_000_000_000_001},
    {"time": 10, "kind": "stop", "reason": "SIGTERM", "written": 5, "lost": 3},
)
SEGMENT = b"".join(json.dumps(line).encode() + b"\n" for line in (HEADER, *RECORDS))
PATH = f"{DEPLOYMENT}/{PROGRAM}/{NOW}/00000001.log"


def tell_clock() -> bytes:
    """What time it is here."""
    return f"clock\t{int(time.time())}\n".encode()


def collected(stdin: bytes) -> bytes:
    """The stream of `collect.sh` for one who has something already, or nothing."""
    have = re.search(rf"{PATH}=(\d+):".encode(), stdin)
    offset = int(have[1]) if have else 0
    rest = SEGMENT[offset:]
    told = f"segment\t{PATH}\t{offset}\t{len(rest)}\n".encode() + rest if rest else b""
    return tell_clock() + told


def activated(order: Sequence[str]) -> str:
    """The answer of `activate.sh` to the words of an order."""
    lines = ["arrived\t4712 12346 deadbeef"]
    # tool, three folders, deployment, who, why, wait, rules, seen, manifest
    steps = order[11:]
    for verb, program, _, release, _ in zip(*(steps[i::5] for i in range(5)), strict=True):
        match verb:
            case "start" | "restore":
                lines.append(f"started\t{program}\t{release}\t{json.dumps(STATE)}")
            case "retire" | "prune":
                lines.append(f"{verb}d\t{program}\t{release}")
            case "delete":
                lines += [f"stopped\t{program}", f"deleted\t{program}"]
            case "halt" | "sweep":
                lines.append(f"{'halted' if verb == 'halt' else 'swept'}\t{PLACE}")
            case _:
                lines.append(f"stopped\t{program}")
    return "".join(f"{line}\n" for line in lines)


def checked(words: Sequence[str]) -> str:
    """The answer of `check.sh` to its arguments."""
    return "".join(f"passed\t{program}\n" for program in words[1::2])


SCRIPTS = (
    "facts",
    "activate",
    "collect",
    "survey",
    "history",
    "inspect",
    "unlock",
    "maps",
    "check",
)
GREETING = re.compile(rf"fleetbpf(?:\\t|\t| )({'|'.join(SCRIPTS)})")


def script_of(command: str) -> str:
    """Which script a command is, by its greeting."""
    found = GREETING.search(command)
    return found[1] if found else ""


Answer = Callable[[Sequence[str], bytes], bytes | str]  # of its arguments and its stdin
ANSWERS: Mapping[str, Answer] = {
    "facts": lambda _words, _stdin: FACTS,
    "survey": lambda _words, _stdin: SURVEY,
    "history": lambda _words, _stdin: HISTORY,
    "unlock": lambda _words, _stdin: UNLOCK,
    "inspect": lambda _words, _stdin: INSPECT,
    "maps": lambda _words, _stdin: MAPS,
    "check": lambda words, _stdin: checked(words),
    "collect": lambda _words, stdin: collected(stdin),
    "activate": lambda words, _stdin: activated(words),
}


def says(script: str, words: Sequence[str], stdin: bytes) -> bytes:
    """What an honest host says to a script."""
    said = ANSWERS[script](words, stdin)
    whole = said if isinstance(said, bytes) else said.encode()
    return f"fleetbpf\t{script}\n".encode() + whole + (b"end\n" if script == "facts" else b"")
