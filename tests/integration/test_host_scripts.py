"""The scripts that run on hosts, in every shell a host may have, on folders of a test's own."""

import gzip
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fleetbpf.defaults import DEFAULT_MIRROR_LIMIT
from fleetbpf.deploy import check, packing
from fleetbpf.deploy.activation import ACTIVATE, WHOEVER, Activation, Answer, Step
from fleetbpf.execution.command import Command, script
from fleetbpf.execution.local import LocalConnection
from fleetbpf.files import archive
from fleetbpf.files.archive import Compression
from fleetbpf.host import facts, survey
from fleetbpf.host.lock import Claim
from fleetbpf.model.facts import Counts, HostFacts
from fleetbpf.model.layout import HostLayout
from fleetbpf.model.rollout import Health
from fleetbpf.records import collect
from fleetbpf.records.mirror import Room
from tests.answers import read
from tests.integration.conftest import SHELLS, Run
from tests.tools import need
from tests.unit import samples

UNJUDGED = Health()
NETWORK = Path("/sys/class/net")


def asked(run: Run, layout: HostLayout, *wishes: str) -> HostFacts:
    question = facts.Question(layout=layout, wishes=wishes)
    completed = run(facts.FACTS.command(question, become=False), b"")
    assert completed.status == 0
    return read(facts.FACTS, question, completed.stdout)


def did(
    run: Run,
    layout: HostLayout,
    *steps: Step,
    payload: bytes | None = None,
    health: Health = UNJUDGED,
    compression: Compression = Compression.GZIP,
) -> Answer:
    claim = Claim(who="a test", why="apply", patience=0.0)
    host = Activation(deployment="demo", layout=layout, claim=claim, compression=compression)
    stdin = packing.payload({}, compression=compression) if payload is None else payload
    order = host.order(steps, health)
    return read(ACTIVATE, order, run(ACTIVATE.command(order, become=False), stdin).stdout)


def place(layout: HostLayout, release: str) -> Path:
    """A release as it would lie there, its loader a file that is no program."""
    root = Path(layout.root)
    folder = root / "demo" / "hello" / "releases" / release
    folder.mkdir(parents=True)
    (root / "objects").mkdir(exist_ok=True)
    (root / "objects" / "cafe").write_text("loader")
    (folder / "loader").symlink_to("../../../../objects/cafe")
    (folder / "args").write_text("--x\n")
    (folder / "release.json").write_text('{"build_key": "k"}\n')
    current = root / "demo" / "hello" / "current"
    current.unlink(missing_ok=True)
    current.symlink_to(f"releases/{release}")
    return folder


def test_an_untouched_host_says_what_it_is(run: Run, layout: HostLayout) -> None:
    said = asked(run, layout)
    assert (said.kernel, said.uid) == (os.uname().release, os.getuid())
    assert (said.programs, said.missing, said.objects) == ((), (), frozenset())


def test_a_placed_release_is_told_with_the_checksums_of_its_files(
    run: Run, layout: HostLayout
) -> None:
    place(layout, "r1")
    spool = Path(layout.spool("demo", "hello", "r1"))
    spool.mkdir(parents=True)
    (spool / "00000001.log").write_bytes(b"x" * 7)
    (spool / "00000002.log").write_bytes(b"x" * 2)
    (program,) = asked(run, layout, facts.SPOOLS).programs
    (release,) = program.releases
    assert (program.deployment, program.program, program.current) == ("demo", "hello", "r1")
    assert (release.object, release.build_key, release.spool_bytes) == ("cafe", "k", 9)
    assert len(release.loader_sha256) == 64
    assert release.running_object == ""


def test_a_state_left_by_a_process_that_is_gone_does_not_count(
    run: Run, layout: HostLayout
) -> None:
    place(layout, "r1")
    state = Path(layout.state("demo", "hello", "r1"))
    state.mkdir(parents=True)
    (state / "state").write_text(f'{{"pid":{os.getpid()},"attached":[]}}\n')
    (program,) = asked(run, layout).programs
    assert program.releases[0].running_object == ""  # this process is no loader


def test_what_a_loader_counted_is_told_whether_it_runs_or_not(run: Run, layout: HostLayout) -> None:
    place(layout, "r1")
    state = Path(layout.state("demo", "hello", "r1"))
    state.mkdir(parents=True)
    counts = '{"written":7,"lost":{"kernel":1},"killed":0,"first":2,"removed":3}'
    (state / "counts").write_text(f"{counts}\n")
    (program,) = asked(run, layout).programs
    assert program.releases[0].counts == Counts(
        written=7, lost={"kernel": 1}, killed=0, first=2, removed=3
    )


def test_the_current_release_tells_its_arguments_and_the_others_do_not(
    run: Run, layout: HostLayout
) -> None:
    place(layout, "r1")
    (place(layout, "r2") / "args").write_text("--set\na b=\\n $(id)'\"\nlast")
    (program,) = asked(run, layout).programs
    told = {release.release: release.args for release in program.releases}
    assert told == {"r1": (), "r2": ("--set", "a b=\\n $(id)'\"", "last")}


def test_what_a_release_was_made_from_is_told_of_the_current_one_only(
    run: Run, layout: HostLayout
) -> None:
    for name in ("r1", "r2"):
        about = samples.release(inputs={"flags": "1"}).about(
            loader_sha256="a", who='"inputs":', when="now"
        )
        (place(layout, name) / "release.json").write_bytes(about)
    (program,) = asked(run, layout).programs
    told = {each.release: (each.build_key, each.inputs) for each in program.releases}
    assert told == {"r1": ("k1", {}), "r2": ("k1", {"flags": "1"})}


def test_a_unit_is_told_when_it_is_asked_for(run: Run, layout: HostLayout) -> None:
    place(layout, "r1")
    unit = Path(layout.units) / "fleetbpf-demo.hello@.service"
    unit.parent.mkdir()
    unit.write_text("[Unit]\n\nAfter=x\n")
    assert asked(run, layout).programs[0].unit is None
    assert asked(run, layout, facts.UNITS).programs[0].unit == ("[Unit]", "", "After=x")


def test_why_the_last_start_failed_is_told(run: Run, layout: HostLayout) -> None:
    place(layout, "r1")
    state = Path(layout.state("demo", "hello", "r1"))
    state.mkdir(parents=True)
    (state / "failure").write_text('{"stage":"attach","message":"cannot attach f"}\n')
    (program,) = asked(run, layout).programs
    assert program.releases[0].failure == "cannot attach f"


def test_what_hooks_need_and_is_not_there_is_told(run: Run, layout: HostLayout) -> None:
    there = ("path:/sys/class/net/lo", "event:syscalls/sys_enter_execve", "function:vfs_read")
    gone = ("path:/sys/class/net/no such", "function:no_such_function", "function:vfs_rea")
    assert asked(run, layout, facts.UNITS, *there, *gone).absent == frozenset(gone)


def test_the_room_on_the_disk_is_told_before_anything_is_there(
    run: Run, layout: HostLayout
) -> None:
    said = asked(run, layout)
    assert said.free is not None
    assert said.free > 0


def test_deleting_leaves_nothing_at_all(run: Run, layout: HostLayout, tmp_path: Path) -> None:
    place(layout, "r1")
    answer = did(run, layout, Step(verb="delete", program="hello", was="r1"))
    assert answer.deleted == {"hello"}
    assert list(tmp_path.iterdir()) == []


def test_metrics_of_a_deleted_program_are_gone(
    run: Run, layout: HostLayout, tmp_path: Path
) -> None:
    place(layout, "r1")
    args = Path(layout.root) / "demo" / "hello" / "releases" / "r1" / "args"
    args.write_text(f"--map\nm=1\n--textfile\n{tmp_path}\n--spool-limit\n1\n")
    ours, other = (tmp_path / f"fleetbpf-demo-{name}.prom" for name in ("hello", "hello2"))
    ours.touch()
    other.touch()
    did(run, layout, Step(verb="delete", program="hello", was="r1"))
    assert list(tmp_path.iterdir()) == [other]


def test_a_release_that_is_not_the_planned_one_is_left_alone(run: Run, layout: HostLayout) -> None:
    place(layout, "r2")
    answer = did(run, layout, Step(verb="delete", program="hello", was="r1"))
    assert (answer.moved, answer.deleted) == ({"hello": "r2"}, frozenset())
    assert (Path(layout.root) / "demo" / "hello" / "current").exists()


def test_pruning_removes_that_release_only(run: Run, layout: HostLayout) -> None:
    place(layout, "r1")
    place(layout, "r2")
    did(run, layout, Step(verb="prune", program="hello", was="r2", release="r1"))
    (program,) = asked(run, layout).programs
    assert [release.release for release in program.releases] == ["r2"]


def damaged(payload: bytes) -> bytes:
    """With one of its last bits the other way round."""
    return payload[:-5] + bytes([payload[-5] ^ 1]) + payload[-4:]


@pytest.mark.parametrize(
    "damage",
    [lambda _: b"", lambda _: b"no archive", lambda whole: whole[:-30], damaged],
    ids=["nothing", "no archive", "cut short", "damaged"],
)
@pytest.mark.parametrize("compression", Compression)
def test_a_payload_that_is_not_whole_changes_nothing(
    run: Run, layout: HostLayout, compression: Compression, damage: Callable[[bytes], bytes]
) -> None:
    need(compression)
    place(layout, "r1")
    before = sorted(Path(layout.root).rglob("*"))
    payload = damage(packing.payload({"a": b"x"}, compression=compression))
    step = Step(verb="delete", program="hello", was="r1")
    answer = did(run, layout, step, payload=payload, compression=compression)
    (failure,) = answer.failures
    assert failure.stage == "payload"
    assert failure.message.startswith("cannot unpack what was sent: ")
    assert failure.hint
    assert sorted(Path(layout.root).rglob("*")) == before


LOADERS = {
    "good": '#!/bin/sh\n[ "$2" = good/args ]\n',
    "bad": '#!/bin/sh\nmkdir bad/run\necho \'{"message":"no"}\' >bad/run/failure\n'
    "printf 'R1 invalid\\nprocessed 1 insns' >bad/run/verifier.log\nexit 1\n",
    "mute": "#!/bin/sh\necho 'no such thing' >&2\nexit 1\n",
}


def test_loaders_are_judged_and_nothing_of_them_stays(
    run: Run, layout: HostLayout, tmp_path: Path
) -> None:
    files = {f"objects/{name}": text.encode() for name, text in LOADERS.items()}
    files |= {f"{name}/args": b"--check\n" for name in LOADERS}
    question = check.Question(layout=layout, objects={name: name for name in LOADERS})
    done = run(check.CHECK.command(question, become=False), archive.archive(files))
    found = read(check.CHECK, question, done.stdout)
    assert found.passed == ("good",)
    assert [(each.program, each.message) for each in found.failures] == [
        ("bad", "no"),
        ("mute", "no such thing"),
    ]
    assert found.failures[0].verifier_log == "R1 invalid\nprocessed 1 insns"
    assert list(tmp_path.iterdir()) == []


def test_loaders_that_did_not_arrive_are_not_judged(
    run: Run, layout: HostLayout, tmp_path: Path
) -> None:
    done = run(script("check.sh", layout.root, "good", "good"), b"no archive")
    assert done.stdout == b"fleetbpf\tcheck\n"
    assert done.status == 1
    assert list(tmp_path.iterdir()) == []


def mirror(run: Run, layout: HostLayout, folder: Path) -> int:
    room = Room.measure(folder, host="here", limit=DEFAULT_MIRROR_LIMIT)
    have = dict(collect.held(folder, deployment=""))
    receiver = collect.Receiver(mirror=folder, room=room, told=have)
    command = collect.COLLECT.command(collect.Question(layout=layout), become=False)
    completed = run(command, collect.offsets(have))
    receiver.feed(completed.stdout)
    assert (completed.status, receiver.greeted) == (0, True)
    return receiver.received


def spool(layout: HostLayout, content: bytes, number: int = 1) -> Path:
    folder = Path(layout.spool("demo", "hello", "r1"))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{number:08d}.log"
    file.write_bytes(content)
    return file


HEADER = b'{"fleetbpf":1,"start_ns":1,"clock_offset_ns":2}\n'


def test_a_second_collection_fetches_only_what_is_new(
    run: Run, layout: HostLayout, tmp_path: Path
) -> None:
    logs = tmp_path / "logs"
    first = spool(layout, HEADER + b"one\n")
    assert mirror(run, layout, logs) == len(HEADER) + 4
    with first.open("ab") as segment:
        segment.write(b"two\n")
    spool(layout, HEADER + b"three\n", number=2)
    assert mirror(run, layout, logs) == 4 + len(HEADER) + 6
    assert mirror(run, layout, logs) == 0
    copies = sorted(logs.rglob("*.log"))
    assert [copy.read_bytes() for copy in copies] == [
        HEADER + b"one\ntwo\n",
        HEADER + b"three\n",
    ]


def test_a_spool_made_anew_under_the_same_name_is_fetched_whole(
    run: Run, layout: HostLayout, tmp_path: Path
) -> None:
    logs = tmp_path / "logs"
    spool(layout, HEADER + b"old old old\n")
    mirror(run, layout, logs)
    spool(layout, HEADER.replace(b"1,", b"9,", 1) + b"new\n")
    mirror(run, layout, logs)
    contents = {copy.read_bytes()[len(HEADER) :] for copy in logs.rglob("*.log")}
    assert contents == {b"old old old\n", b"new\n"}


class SeenEnoughError(Exception):
    """The follower has what it waits for."""


@pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)
def test_who_follows_gets_a_spool_made_anew_from_its_begin(
    layout: HostLayout, tmp_path: Path, shell: tuple[str, ...]
) -> None:
    need(shell[0])
    old, new = b"old old old\n", b"new, and longer than the old one\n"
    first = spool(layout, HEADER + old)
    room = Room.measure(tmp_path / "logs", host="here", limit=DEFAULT_MIRROR_LIMIT)
    receiver = collect.Receiver(mirror=tmp_path / "logs", room=room)
    passes = 0

    def hear(piece: bytes) -> None:
        nonlocal passes
        receiver.feed(piece)
        for _ in range(piece.count(b"idle\n")):
            passes += 1
            if passes == 1:
                shutil.rmtree(first.parent)
            if passes == 3:
                spool(layout, HEADER + new)
        if receiver.received == len(HEADER + old + HEADER + new):
            raise SeenEnoughError

    question = collect.Question(layout=layout, interval=0.05)
    words = collect.COLLECT.command(question, become=False).words
    with LocalConnection() as here, pytest.raises(SeenEnoughError):
        here.run(Command(*shell, *words[1:]), stdout=hear, timeout=60)
    contents = {copy.read_bytes()[len(HEADER) :] for copy in (tmp_path / "logs").rglob("*.log")}
    assert contents == {old, new}


def test_the_inspector_is_run_and_leaves_nothing(run: Run, layout: HostLayout) -> None:
    from fleetbpf.execution.command import script

    program = Path("/bin/true").read_bytes()
    before = sorted(Path(layout.root).parent.iterdir())
    completed = run(script("inspect.sh", layout.root), gzip.compress(program))
    assert (completed.status, completed.stdout) == (0, b"fleetbpf\tinspect\n")
    assert sorted(Path(layout.root).parent.iterdir()) == before


def test_the_scripts_are_clean_for_shellcheck() -> None:
    need("shellcheck")
    scripts = sorted(Path("fleetbpf/host").glob("*.sh"))
    found = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True, check=False)
    assert scripts
    assert found.stdout == ""


def surveyed(run: Run, layout: HostLayout) -> survey.Facts:
    completed = run(survey.SURVEY.command(layout, become=False), b"")
    assert (completed.status, completed.stderr) == (0, b"")
    return read(survey.SURVEY, layout, completed.stdout)


def sysctl(name: str) -> int | None:
    """A setting of the kernel, if it has it and lets this user read it."""
    file = Path("/proc/sys", name)
    return int(file.read_text()) if os.access(file, os.R_OK) else None


def test_a_survey_tells_what_the_kernel_tells(run: Run, layout: HostLayout) -> None:
    found = surveyed(run, layout)
    assert (found["kernel"], found["hostname"]) == (os.uname().release, os.uname().nodename)
    assert found["cpus_online"] == os.sysconf("SC_NPROCESSORS_ONLN")
    assert found["memory_total"] == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert found["bpf_jit_limit"] == sysctl("net/core/bpf_jit_limit")
    assert found["perf_event_paranoid"] == sysctl("kernel/perf_event_paranoid")
    assert found["btf"] is Path("/sys/kernel/btf/vmlinux").exists()
    assert found["disk_total"] == shutil.disk_usage(Path(layout.root).parent).total
    assert found["interfaces"] == tuple(sorted(each.name for each in NETWORK.iterdir()))
    assert "raw_tracepoint" in found["hooks"]
    assert not Path(layout.root).exists()


def test_a_survey_of_a_host_with_a_lock_tells_whose_it_is(run: Run, layout: HostLayout) -> None:
    held = Path(layout.root) / "lock"
    held.mkdir(parents=True)
    (held / "owner").write_text("1 1 x\nann@desk\n2026-11-24T12:00:00Z\napply hello.yml\n")
    found = surveyed(run, layout)
    assert (found["lock"].who, found["lock"].stale) == ("ann@desk", True)


MANIFEST = '{"file": "/home/ann/hello.yml"}'


def told(layout: HostLayout, *, seen: str = WHOEVER, manifest: str = "") -> Activation:
    claim = Claim(who="a test", why="apply", patience=0.0)
    return Activation(deployment="demo", layout=layout, claim=claim, seen=seen, manifest=manifest)


def done(run: Run, host: Activation, *steps: Step) -> Answer:
    order = host.order(steps, UNJUDGED)
    return read(
        ACTIVATE, order, run(ACTIVATE.command(order, become=False), packing.payload({})).stdout
    )


def test_whose_a_deployment_is_is_remembered_until_it_goes(run: Run, layout: HostLayout) -> None:
    place(layout, "r1")
    assert asked(run, layout).origins == {}
    done(run, told(layout, manifest=MANIFEST))
    assert asked(run, layout).origins["demo"].file == "/home/ann/hello.yml"
    done(run, told(layout))
    assert asked(run, layout).origins["demo"].file == "/home/ann/hello.yml"
    done(run, told(layout, manifest=MANIFEST.replace("ann", "bob")))
    assert asked(run, layout).origins["demo"].file == "/home/bob/hello.yml"
    answer = done(run, told(layout), Step(verb="delete", program="hello", was="r1"))
    assert answer.deleted == {"hello"}
    assert not Path(layout.root).exists()


def test_a_deployment_that_never_came_to_be_is_nobody_s(run: Run, layout: HostLayout) -> None:
    done(run, told(layout, manifest=MANIFEST))
    assert not Path(layout.root).exists()


def test_each_change_of_a_host_has_another_mark(run: Run, layout: HostLayout) -> None:
    place(layout, "r1")
    marks = [asked(run, layout).changed]
    for _ in range(3):
        answer = done(run, told(layout))
        marks.append(asked(run, layout).changed)
        assert answer.changed == marks[-1]
    assert marks[0] == ""
    assert len(set(marks)) == 4


def test_who_comes_after_somebody_else_does_nothing_and_says_so(
    run: Run, layout: HostLayout
) -> None:
    place(layout, "r1")
    first = asked(run, layout).changed
    done(run, told(layout))
    second = asked(run, layout).changed
    late = done(run, told(layout, seen=first), Step(verb="delete", program="hello", was="r1"))
    assert late.late
    assert not late.deleted
    assert asked(run, layout).changed == second, "one who did nothing makes nobody late"
    again = done(run, told(layout, seen=second), Step(verb="delete", program="hello", was="r1"))
    assert not again.late
    assert again.deleted == {"hello"}
